"""`./bwv init`: a new force: agency CA, keyring, door certificate, trust file, database, its first administrator."""

import argparse
import hashlib
import json
import os
import re
import secrets
import shutil
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from openbwv.command import Parser
from openbwv.recording.errors import EXIT_CANNOT_CREATE, EXIT_USAGE, BwvError
from openbwv.server.boot import boot
from openbwv.server.vault.folders import lay_anchors, lay_folders, write_door
from openbwv.server.vault.force import TRUST_FILE, Force
from openbwv.server.vault.keyd import keyring
from openbwv.server.vault.keyd.passphrase import choose_passphrase, new_recovery_code, recovery_sheet
from openbwv.shared import agency
from openbwv.shared.clock import SystemClock
from openbwv.shared.durable import make_folder, write_durably
from openbwv.shared.log_folder import checkpoint_file

EXAMPLES = """  ./bwv init --state /srv/bwv --name "Metropolitan Police Service" --admin lou
  BWV_KEYRING_PASSPHRASE_FILE=pass.txt ./bwv init --state s --name "Pretend Force" --admin lou --pretend --json
"""
MARKER = "init-unfinished"
QUESTIONS = {
    "state": "Folder for the new force (empty, or not there yet)",
    "name": "Name of the force, as it shall stand in its certificates",
    "admin": "User name of its first administrator",
}


class StateNotEmpty(BwvError):
    """The folder for a new force holds something."""

    code = "state-not-empty"
    http_status = 409
    exit_code = EXIT_CANNOT_CREATE


class BadName(BwvError):
    """A force needs a name that can stand in a certificate."""

    code = "bad-force-name"
    exit_code = EXIT_USAGE


@dataclass(frozen=True)
class Made:
    """What `init` tells whoever ran it."""

    force: Force
    state: Path
    sheet: Path
    administrator: str
    password: str | None

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON shape."""
        admin = {"username": self.administrator} | ({"password": self.password} if self.password else {})
        return {
            "state": str(self.state),
            "name": self.force.name,
            "fingerprint": self.force.fingerprint,
            "trust": str(self.state / TRUST_FILE),
            "origin": self.force.origin,
            "vkey": self.force.vkey,
            "pretend": self.force.pretend,
            "admin": admin,
            "recovery_sheet": str(self.sheet),
        }


def main(argv: list[str]) -> int:
    """Make a force and say where everything is."""
    parser = _parser()
    arguments = _ask_for_missing(parser, parser.parse_args(argv))
    made = make_force(arguments)
    print(json.dumps(made.as_dict(), indent=1) if arguments.json else _in_words(made))
    return 0


def make_force(arguments: argparse.Namespace) -> Made:
    """Make the force; raises StateNotEmpty, BadName, PassphraseWrong. What a broken-off try left is removed first."""
    state = Path(arguments.state).expanduser().absolute()
    _check_name(arguments.name)
    _make_room(state)
    passphrase, recovery_code = choose_passphrase(), new_recovery_code()
    _lay_folders(state)
    ring = keyring.create(
        state / "keyring",
        name=arguments.name,
        origin=arguments.origin or _origin(arguments.name),
        passphrase=passphrase,
        recovery_code=recovery_code,
        pretend=arguments.pretend,
        utc_ms=SystemClock().utc_ms(),
    )
    force = _write_facts(state, ring, arguments)
    lay_anchors(state, force.fingerprint)
    write_door(state, ring, arguments.door_host)
    sheet = Path(arguments.recovery_sheet or state.parent / f"{state.name}-recovery-sheet.html").absolute()
    text = recovery_sheet(
        force=force.name,
        fingerprint=_grouped(force.fingerprint),
        recovery_code=recovery_code,
        made=datetime.now(UTC).strftime("%d %B %Y"),
    )
    write_durably(sheet, text.encode(), replace=True)
    boot(str(state), must_be_current=False)
    password = _fill_database(arguments)
    (state / MARKER).unlink()
    return Made(force, state, sheet, arguments.admin, password)


def _parser() -> Parser:
    parser = Parser(
        prog="./bwv init",
        description="Make a new force in an empty folder. What is not given is asked for on a terminal.\n"
        "The keyring's passphrase is typed, or read from the file that BWV_KEYRING_PASSPHRASE_FILE names.",
        examples=EXAMPLES,
    )
    parser.add_argument("--state", metavar="DIR", help="folder of the new force; empty or not there yet (or BWV_STATE)")
    parser.add_argument("--name", help="the force's name, as it stands in its certificates")
    parser.add_argument("--admin", metavar="USERNAME", help="user name of the first administrator")
    parser.add_argument("--admin-name", metavar="NAME", help="the administrator's name on pages (default: user name)")
    parser.add_argument("--admin-password-file", metavar="FILE", help="their password (default: made and shown once)")
    parser.add_argument("--origin", help="name of the custody log, such as bwv.example.police.uk/log")
    parser.add_argument(
        "--door-host", action="append", metavar="HOST", help="a name or address of the door; repeatable"
    )
    parser.add_argument("--door-url", default="", help="address that docks are told, such as https://bwv.example:8443")
    parser.add_argument("--recovery-sheet", metavar="FILE", help="where to write it (default: beside the state folder)")
    parser.add_argument("--pretend", action="store_true", help="a pretend force: its clock may be moved; never undone")
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser


def _ask_for_missing(parser: Parser, arguments: argparse.Namespace) -> argparse.Namespace:
    """Ask a person for what no option gave; without a terminal nobody could answer, so that is bad usage."""
    arguments.state = arguments.state or os.environ.get("BWV_STATE")
    missing = [name for name in QUESTIONS if not getattr(arguments, name)]
    if missing and not sys.stdin.isatty():
        parser.error("also needed: " + ", ".join(f"--{name}" for name in missing))
    for name in missing:
        setattr(arguments, name, _answer(QUESTIONS[name]))
    return arguments


def _answer(question: str) -> str:
    while not (answer := input(f"{question}: ").strip()):
        pass
    return answer


def _check_name(name: str) -> None:
    if not 1 <= len(name.strip()) <= 64 or not name.isprintable():
        raise BadName(what=f"'{name[:70]}' cannot name a force.", remedy="Use 1 to 64 printable characters.")


def _make_room(state: Path) -> None:
    if (state / MARKER).exists():  # nothing was given to anybody before the marker went
        shutil.rmtree(state)
    if state.exists() and any(state.iterdir()):
        raise StateNotEmpty(
            what=f"{state} is not empty.", remedy="Name another --state; a force that is there is never overwritten."
        )
    place = checkpoint_file(state).path
    if place.exists():  # of an earlier force that was here: kept, as it shows how far that force's log had come
        place.rename(place.with_name(f"{place.name}.before-{secrets.token_hex(4)}"))


def _lay_folders(state: Path) -> None:
    make_folder(state)
    state.chmod(0o700)
    write_durably(state / MARKER, b"remove this folder and run init again\n")
    lay_folders(state)


def _origin(name: str) -> str:
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "force"
    return f"{slug}.bwv/log-{secrets.token_hex(4)}"


def _write_facts(state: Path, ring: keyring.Keyring, arguments: argparse.Namespace) -> Force:
    trust = agency.to_pem([ring.agency_cert])
    write_durably(state / TRUST_FILE, trust, mode=0o644)
    force = Force(
        name=arguments.name,
        origin=ring.origin,
        vkey=ring.vkey,
        door=f"door of {ring.origin}",
        door_url=arguments.door_url,
        fingerprint=hashlib.sha256(agency.to_der(ring.agency_cert)).hexdigest(),
        pretend=arguments.pretend,
        generation=1,
        created_ms=SystemClock().utc_ms(),
        trust_pem=trust,
    )
    force.write(state)
    return force


def _fill_database(arguments: argparse.Namespace) -> str | None:
    """Make the tables, the units and the first administrator; return the password if it was made here."""
    from openbwv.server.clock import clock
    from openbwv.server.people.actions import add_person, ensure_units
    from openbwv.server.people.models import Role
    from openbwv.server.schema import bring_up

    bring_up()
    ensure_units()
    given = arguments.admin_password_file
    password = Path(given).read_text(encoding="utf-8").rstrip("\r\n") if given else secrets.token_urlsafe(15)
    add_person(
        username=arguments.admin,
        display_name=arguments.admin_name or arguments.admin.capitalize(),
        password=password,
        roles=[Role.ADMINISTRATOR],
        actor=None,
        actor_label="./bwv init",
        clock=clock(),
    )
    return None if given else password


def _grouped(fingerprint: str) -> str:
    return " ".join(fingerprint[start : start + 8] for start in range(0, len(fingerprint), 8))


def _in_words(made: Made) -> str:
    lines = [
        f"{made.force.name} is ready in {made.state}" + (" (PRETEND FORCE)." if made.force.pretend else "."),
        f"Fingerprint of its agency CA: {_grouped(made.force.fingerprint)}",
        f"Trust file for `./bwv verify --trust`: {made.state / TRUST_FILE}",
        f"Administrator: {made.administrator}" + (f", password {made.password} (shown once)" if made.password else ""),
        f"Recovery sheet: {made.sheet}: print it, then delete the file.",
        f"Next: ./bwv keyd --state {made.state}, ./bwv worker --state {made.state}, ./bwv server --state {made.state},",
        f"      ./bwv server door --state {made.state}",
    ]
    return "\n".join(lines)
