"""`./bwv restore`: bring a backup back as a new state folder."""

import argparse
import hashlib
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

from openbwv.command import Parser
from openbwv.server.boot import boot
from openbwv.server.vault.folders import write_door
from openbwv.server.vault.force import Force, read_force
from openbwv.server.vault.keyd import keyring
from openbwv.server.vault.keyd.passphrase import read_passphrase
from openbwv.server.vault.restoring import files
from openbwv.server.vault.restoring.errors import OtherDatabase, WrongKeyring
from openbwv.shared import agency
from openbwv.shared.durable import move_durably, write_durably
from openbwv.shared.log_folder import ENDED, ENDED_VKEY, checkpoint_file

EXAMPLES = """  ./bwv restore --from /mnt/backup/bwv --keyring /media/usb-stick/keyring --state /srv/bwv-new
  ./bwv restore --from b --keyring k --state s --log /mnt/mirror/log --checkpoint newest.txt --json
"""


def main(argv: list[str]) -> int:
    """Restore, and say what came back and what did not."""
    arguments = _parser().parse_args(argv)
    if os.environ.get("DATABASE_URL") or os.environ.get("DATABASE_URL_FILE"):
        raise OtherDatabase(
            what="DATABASE_URL is set, but the backup brings its own SQLite database.", remedy="Unset it, then restore."
        )
    state = Path(arguments.state).expanduser().absolute()
    backup = Path(arguments.source).expanduser().absolute()
    passphrase = read_passphrase()
    work = files.lay_out(backup, Path(arguments.keyring).expanduser(), state)
    ring = keyring.load(work / "keyring", passphrase)
    force = read_force(work)
    _check_same_force(ring, force)
    boot(str(work), must_be_current=False)
    from openbwv.server.schema import bring_up

    bring_up()  # the backup may be of an earlier version
    report = _settle(state, work, ring, arguments)
    files.give_name(work, state)
    print(json.dumps(report) if arguments.json else _in_words(state, report, force.generation))
    return 0


def _in_words(state: Path, report: dict[str, Any], generation_before: int) -> str:
    lines = [f"Restored to {state}: {report['keys']} recordings with their keys."]
    lines += [
        f"  {reference}: its key was destroyed by a later rotation; its footage stays sealed."
        for reference in report["keys_that_no_longer_open"]
    ]
    lines += [
        f"  {reference}: erased after this backup was made; it was not brought back." for reference in report["erased"]
    ]
    if count := len(report["unknown_leaves"]):
        lines.append(f"  {count} log entries are newer than the backup's database; --json lists them.")
    if report["generation"] != generation_before:
        lines.append(
            f"  The log goes on as generation {report['generation']}; its first entry names the old one's end."
        )
    lines.append("Everybody sets up their second factor again. Start ./bwv keyd and ./bwv worker, run ./bwv check.")
    return "\n".join(lines)


def _parser() -> Parser:
    parser = Parser(
        prog="./bwv restore",
        description="Bring a backup back as a new state folder. What was erased since stays erased.",
        examples=EXAMPLES,
    )
    parser.add_argument("--from", dest="source", required=True, metavar="DIR", help="what `./bwv backup --to` wrote")
    parser.add_argument("--keyring", required=True, metavar="FILE", help="what `./bwv backup --keys` wrote")
    parser.add_argument("--state", required=True, metavar="DIR", help="the new state folder; empty or not there yet")
    parser.add_argument("--log", action="append", default=[], metavar="DIR", help="a newer copy of the log; repeatable")
    parser.add_argument(
        "--checkpoint", action="append", default=[], metavar="FILE", help="a newer signed checkpoint; repeatable"
    )
    parser.add_argument("--door-host", action="append", metavar="HOST", help="a name or address of the door")
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser


def _check_same_force(ring: keyring.Keyring, force: Force) -> None:
    if hashlib.sha256(agency.to_der(ring.agency_cert)).hexdigest() != force.fingerprint:
        raise WrongKeyring(
            what="This keyring is not the one of the backup's force.",
            remedy="Name the keyring that `./bwv backup --keys` wrote for it.",
        )


def _settle(place_of: Path, work: Path, ring: keyring.Keyring, arguments: argparse.Namespace) -> dict[str, Any]:
    """Choose the log, settle the database, and leave keyring, facts and outside checkpoint as the new state needs."""
    from openbwv.server.clock import clock
    from openbwv.server.trail.models import LogHead
    from openbwv.server.vault.restoring.actions import settle
    from openbwv.server.vault.restoring.logs import choose_log

    force, place, head = read_force(work), checkpoint_file(place_of), LogHead.objects.get(id=1)
    notes = [Path(name).read_text(encoding="utf-8") for name in arguments.checkpoint] + place.retired()
    if (note := place.read()) is not None:
        notes.append(note)
    choice = choose_log(
        work,
        head=(head.size, bytes(head.root)),
        vkey=force.vkey,
        others=[Path(name).expanduser() for name in arguments.log],
        notes=notes,
    )
    generation = force.generation + 1 if choice.behind else force.generation
    report = settle(work, backup=Path(arguments.source), ring=ring, choice=choice, generation=generation, clock=clock())
    if choice.behind:
        ring.renew_log(origin=f"{force.origin.split('/generation-')[0]}/generation-{generation}")
        ended = work / f"{ENDED}{force.generation}"
        move_durably(work / "log", ended)
        write_durably(ended.with_name(ended.name + ENDED_VKEY), force.vkey.encode() + b"\n", mode=0o644)
        replace(force, origin=ring.origin, vkey=ring.vkey, generation=generation).write(work)
        place.retire(force.generation)
    elif note != choice.note:
        place.swap(note, choice.note)
    write_door(work, ring, arguments.door_host)
    return report.as_dict()
