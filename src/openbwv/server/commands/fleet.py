"""`./bwv fleet`: list cameras and docks, invite a dock, revoke or report lost, write a camera off."""

import argparse
import json
from typing import Any

from openbwv.command import Parser
from openbwv.server.boot import add_state, boot
from openbwv.server.commands import write_off
from openbwv.server.commands.acting import acting_person, add_acting, refusals_logged

EXAMPLES = """  ./bwv fleet list --state STATE
  ./bwv fleet invite-dock --name "Lewisham 1" --unit lewisham --as harper --reason "new dock"
  ./bwv fleet revoke 0417 --as harper --reason "key copied"
  ./bwv fleet lost 0417 --as harper --reason "left on the river bus"
  ./bwv fleet write-off propose 0417 --because lost --as harper --reason "looked for since May"
"""


def main(argv: list[str]) -> int:
    """Do one deed of the fleet, or list it."""
    arguments = _parser().parse_args(argv)
    boot(arguments.state)
    answer = _VERBS[arguments.verb](arguments)
    print(json.dumps(answer, indent=1) if arguments.json else _in_words(arguments.verb, answer))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = Parser(prog="./bwv fleet", description=__doc__, examples=EXAMPLES)
    verbs = parser.add_subparsers(dest="verb", required=True)
    lines = EXAMPLES.splitlines(keepends=True)
    listing = verbs.add_parser("list", help="list cameras and docks", examples=lines[0])
    about = "make the code with which one dock enrols itself within an hour"
    invite = verbs.add_parser("invite-dock", help=about, examples=lines[1])
    invite.add_argument("--name", required=True, help="the dock's name")
    invite.add_argument("--unit", help="code of the unit where it will stand")
    revoke = verbs.add_parser("revoke", help="refuse a camera or dock from its next request on", examples=lines[2])
    about = "report a camera lost; if it comes back, what is on it is taken"
    lost = verbs.add_parser("lost", help=about, examples=lines[3])
    giving_up = write_off.add_to(verbs)
    for verb in (revoke, lost):
        verb.add_argument("name", help="name of the camera or dock, or its key in hex")
    for verb in (invite, revoke, lost, giving_up):
        add_acting(verb)
    for verb in (listing, invite, revoke, lost, giving_up):
        add_state(verb)
        verb.add_argument("--json", action="store_true", help="print JSON")
    return parser


def _list(_arguments: argparse.Namespace) -> dict[str, Any]:
    from openbwv.server.clock import clock
    from openbwv.server.fleet.models import Camera, Dock
    from openbwv.server.fleet.queries import current_assignments

    held = current_assignments(clock())
    cameras = [
        {
            "name": camera.name,
            "kid": camera.kid,
            "state": camera.state,
            "written_off": camera.written_off_utc.isoformat() if camera.written_off_utc else None,
            "unit": camera.unit.code if camera.unit else None,
            "person": held[camera.pk].person.username if camera.pk in held and held[camera.pk].person else None,
        }
        for camera in Camera.objects.select_related("unit")
    ]
    docks = [{"name": dock.name, "kid": dock.kid, "state": dock.state} for dock in Dock.objects.all()]
    return {"cameras": cameras, "docks": docks}


def _invite(arguments: argparse.Namespace) -> dict[str, Any]:
    from openbwv.server.clock import clock
    from openbwv.server.fleet.actions import invite_dock
    from openbwv.server.fleet.errors import NoSuchDevice
    from openbwv.server.people.models import Unit

    unit = Unit.objects.filter(code=arguments.unit).first() if arguments.unit else None
    if arguments.unit and unit is None:
        raise NoSuchDevice(what=f"There is no unit {arguments.unit}.", remedy="./bwv person list shows the units.")
    person = acting_person(arguments.as_person)
    with refusals_logged(person, deed="fleet invite-dock"):
        code = invite_dock(name=arguments.name, unit=unit, actor=person, why=arguments.reason, clock=clock())
    return {"name": arguments.name, "code": code, "valid_minutes": 60}


def _revoke(arguments: argparse.Namespace) -> dict[str, Any]:
    from openbwv.recording.errors import BwvError
    from openbwv.server.clock import clock
    from openbwv.server.fleet.actions import revoke
    from openbwv.server.fleet.revocation import publish_revocations

    person, device = acting_person(arguments.as_person), _device(arguments.name)
    lost = arguments.verb == "lost"
    with refusals_logged(person, deed=f"fleet {arguments.verb}"):
        revoke(device=device, lost=lost, actor=person, why=arguments.reason, clock=clock())
    try:
        published = publish_revocations(clock())
    except BwvError:
        published = False  # the worker publishes it when the key service is back; the door refuses it already
    return {"name": device.name, "kid": device.kid, "state": device.state, "list_published": published}


def _device(name: str) -> Any:
    from django.db.models import Q

    from openbwv.server.fleet.errors import NoSuchDevice
    from openbwv.server.fleet.models import Camera, Dock

    wanted = Q(name=name) | Q(kid=name)
    found = [*Camera.objects.filter(wanted).order_by("-enrolled_utc"), *Dock.objects.filter(wanted)]
    if not found:
        raise NoSuchDevice(what=f"There is no camera or dock {name}.", remedy="./bwv fleet list shows what there is.")
    return found[0]


def _in_words(verb: str, answer: dict[str, Any]) -> str:
    if verb == "invite-dock":
        return f"{answer['code']}\nValid for one dock named {answer['name']}, once, for an hour. It is not shown again."
    if verb == "list":
        state = {c["kid"]: "written off" if c["written_off"] else c["state"] for c in answer["cameras"]}
        rows = [f"camera  {c['name']:<12} {state[c['kid']]:<11} {c['person'] or 'nobody'}" for c in answer["cameras"]]
        return "\n".join(rows + [f"dock    {d['name']:<12} {d['state']}" for d in answer["docks"]]) or "No device yet."
    if verb == "write-off":
        return write_off.in_words(answer)
    return f"{answer['name']} is {answer['state']}."


_VERBS = {"list": _list, "invite-dock": _invite, "revoke": _revoke, "lost": _revoke, "write-off": write_off.run}
