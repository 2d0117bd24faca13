"""`./bwv export`: an offline bundle of one recording."""

import argparse
import json
from pathlib import Path

from openbwv.command import Parser
from openbwv.server.boot import add_state, boot
from openbwv.server.commands.acting import acting_person, add_acting, recording_named, refusals_logged

EXAMPLES = """  ./bwv export BWV-2026-000412 --to bundle --as gale --reason "Disclosure, case 12/26" --state /srv/bwv
  ./bwv export 0198f3c2-7b1e-7c55-9d3a-2f6b8c1d0e4f --to sealed --sealed --as gale --reason "To the archive" --json
"""


def main(argv: list[str]) -> int:
    """Write the bundle; exits 0, or with the code of the error."""
    arguments = _parser().parse_args(argv)
    boot(arguments.state)
    from openbwv.server.clock import clock
    from openbwv.server.sharing.actions import export_recording

    person, recording = acting_person(arguments.as_person), recording_named(arguments.recording)
    with refusals_logged(person, deed="export", recording=recording):
        folder = export_recording(
            recording=recording,
            to=Path(arguments.to),
            actor=person,
            reason=arguments.reason,
            sealed=arguments.sealed,
            clock=clock(),
        )
    if arguments.json:
        print(json.dumps({"folder": str(folder), "reference": recording.reference, "sealed": arguments.sealed}))
    else:
        print(f"{recording.reference} is in {folder}\nCheck it: ./bwv verify {folder} --trust TRUST.pem")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="./bwv export",
        description="Write everything needed to check one recording without this server into a new folder.",
        examples=EXAMPLES,
    )
    parser.add_argument("recording", metavar="ID", help="its reference (BWV-2026-000412) or identifier")
    parser.add_argument("--to", required=True, metavar="DIR", help="folder to make; must not exist")
    add_acting(parser)
    parser.add_argument("--sealed", action="store_true", help="leave the footage encrypted")
    parser.add_argument("--json", action="store_true", help="print JSON")
    add_state(parser)
    return parser
