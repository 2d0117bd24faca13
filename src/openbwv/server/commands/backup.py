"""`./bwv backup`: copy the force to another place, without its keys."""

import json
from pathlib import Path

from openbwv.command import Parser
from openbwv.server.boot import add_state, boot
from openbwv.server.commands.acting import acting_person

EXAMPLES = """  ./bwv backup --state /srv/bwv --to /mnt/backup/bwv --keys /media/usb-stick
  ./bwv backup --state /srv/bwv --to /mnt/backup/bwv --json
"""


def main(argv: list[str]) -> int:
    """Make or refresh a backup."""
    parser = Parser(
        prog="./bwv backup",
        description="Copy a force's database, log and sealed footage. No key is in the copy; --keys puts the sealed "
        "keyring on another medium. The same place again copies only what is new.",
        examples=EXAMPLES,
    )
    parser.add_argument("--to", required=True, metavar="DIR", help="where to; empty, or this force's last backup")
    parser.add_argument("--keys", metavar="DIR", help="another medium for the sealed keyring")
    parser.add_argument("--as", dest="as_person", metavar="PERSON", help="user name of who does it")
    parser.add_argument("--reason", default="", metavar="TEXT", help="why; it is logged")
    parser.add_argument("--json", action="store_true", help="print JSON")
    add_state(parser)
    arguments = parser.parse_args(argv)
    boot(arguments.state)
    from openbwv.server.clock import clock
    from openbwv.server.vault.backup import make_backup

    made = make_backup(
        to=Path(arguments.to),
        keys=Path(arguments.keys) if arguments.keys else None,
        actor=acting_person(arguments.as_person) if arguments.as_person else None,
        reason=arguments.reason,
        clock=clock(),
    )
    if arguments.json:
        print(json.dumps(vars(made)))
    else:
        print(f"The force is copied to {made.place}.")
        print(f"Its sealed keyring is in {made.keys_place}." if made.keys_place else "Its keyring was not copied.")
    return 0
