import sys

from openbwv.command import main

sys.exit(main())
