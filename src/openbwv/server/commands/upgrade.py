"""`./bwv upgrade`: bring a force's database up to this version of the code."""

import json

from openbwv.command import Parser
from openbwv.server.boot import add_state, boot

EXAMPLES = """  ./bwv backup --state /srv/bwv --to /mnt/backup/bwv     with the version that ran last
  ./bwv upgrade --state /srv/bwv                         with the new one, before its processes start
  ./bwv upgrade --state /srv/bwv --json
"""


def main(argv: list[str]) -> int:
    """Upgrade, and say what was changed."""
    parser = Parser(
        prog="./bwv upgrade",
        description="Bring a force's database up to this version. Stop its processes first; there is no way back but "
        "a backup. Running it again does nothing.",
        examples=EXAMPLES,
    )
    add_state(parser)
    parser.add_argument("--json", action="store_true", help="print JSON")
    arguments = parser.parse_args(argv)
    state = boot(arguments.state, must_be_current=False)
    from openbwv.server.schema import bring_up
    from openbwv.server.trail.sequencer import SequencerLock

    lock = SequencerLock(state)  # a worker that runs would meet tables that change under it
    try:
        changed = bring_up()
    finally:
        lock.release()
    if arguments.json:
        print(json.dumps({"changed": changed}))
    elif changed:
        print(
            "\n".join([f"The database is up to date; {len(changed)} changes were made:", *map("  {}".format, changed)])
        )
    else:
        print("The database is up to date; nothing had to be changed.")
    return 0
