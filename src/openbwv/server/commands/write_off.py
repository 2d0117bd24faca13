"""`./bwv fleet write-off`: what is given up with a camera, and the steps of two people who write it off."""

import argparse
from typing import Any

from openbwv.server.commands.acting import acting_person, refusals_logged

EXAMPLES = """  ./bwv fleet write-off propose 0417 --because stolen --as harper --reason "taken from a van, 4402/26"
  ./bwv fleet write-off show 0417 --as indra --reason "asked to decide"       what is given up; marks it as opened
  ./bwv fleet write-off confirm 0417 --as indra --reason "agreed"
  ./bwv fleet write-off take-back 0417 --as harper --reason "found in a locker"
"""
CAUSES = ("lost", "stolen", "destroyed", "broken")
STEPS = ("show", "propose", "confirm", "refuse", "withdraw", "take-back")


def add_to(verbs: Any) -> Any:
    """Add the verb to the parser of `./bwv fleet` and return its own."""
    about = "give a camera up that will not dock again; a second person confirms"
    parser = verbs.add_parser("write-off", help=about, examples=EXAMPLES)
    parser.add_argument("step", choices=STEPS, help="what to do")
    parser.add_argument("name", help="name of the camera, or its key in hex")
    parser.add_argument("--because", choices=CAUSES, help="what became of it; to propose")
    return parser


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """Do one step; raises the errors of `fleet.write_offs`, NoSuchDevice, NotPermitted."""
    from openbwv.server.clock import clock
    from openbwv.server.fleet import write_offs
    from openbwv.server.fleet.given_up import given_up_with
    from openbwv.server.fleet.queries import open_write_off
    from openbwv.server.retention.second import note_opened, session_of_command

    person, camera, now = acting_person(arguments.as_person), _camera(arguments.name), clock()
    session = session_of_command(person)
    said: dict[str, Any] = {"reason": arguments.reason, "actor": person, "clock": now}
    with refusals_logged(person, deed=f"fleet write-off {arguments.step}"):
        _may_look(person)
        if arguments.step == "propose":
            found = write_offs.propose_write_off(camera=camera, cause=arguments.because or "", session=session, **said)
        else:
            write_offs.lapse_where_heard(now)
            found = open_write_off(camera)
        if arguments.step not in ("show", "propose"):
            return _answer(camera, _step(arguments.step, _there(found, camera), session, said))
    given_up = None if camera.written_off_utc else given_up_with(camera, now).as_details()
    if found is not None and given_up is not None:
        note_opened(what=write_offs.what_is_opened(found), person=person, session=session, clock=now)
    return _answer(camera, found, given_up)


def in_words(answer: dict[str, Any]) -> str:
    """Return the answer as a person reads it."""
    lines = [f"camera {answer['name']}: {answer['state_in_words']}"]
    given_up = answer["given_up"]
    if given_up is None:
        return lines[0]
    spans = [f"{first}" if first == last else f"{first} to {last}" for first, last in given_up["missing"]]
    lines.append(
        f"counted and never here: {', '.join(spans) or 'none that is known'}; since it docked nobody can count"
    )
    lines.append(f"not here whole: {', '.join(given_up['unfinished']) or 'none'}")
    lines.append(f"keys destroyed with the next run of the key job: {', '.join(given_up['epochs_to_go']) or 'none'}")
    return "\n".join([*lines, "Once its key has gone, what the camera still holds can be opened by nobody."])


def _step(step: str, found: Any, session: str, said: dict[str, Any]) -> Any:
    from openbwv.server.fleet import write_offs

    if step == "confirm":
        return write_offs.confirm_write_off(write_off=found, session=session, **said)
    if step == "refuse":
        return write_offs.refuse_write_off(write_off=found, session=session, **said)
    if step == "withdraw":
        return write_offs.withdraw_write_off(write_off=found, **said)
    return write_offs.take_back_write_off(write_off=found, **said)


def _answer(camera: Any, found: Any, given_up: dict[str, Any] | None = None) -> dict[str, Any]:
    return {
        "name": camera.name,
        "kid": camera.kid,
        "write_off": found.state if found else None,
        "state_in_words": found.get_state_display() if found else "Nobody has proposed to write it off",
        "given_up": given_up,
    }


def _may_look(person: Any) -> None:
    from openbwv.server.people.rights import require

    require(person, "see-cameras")


def _there(found: Any, camera: Any) -> Any:
    from openbwv.server.fleet.errors import WriteOffOver

    if found is None:
        raise WriteOffOver(
            what=f"No write-off of camera {camera.name} waits or is in force.",
            remedy="Propose one: ./bwv fleet write-off propose NAME --because CAUSE.",
        )
    return found


def _camera(name: str) -> Any:
    from django.db.models import Q

    from openbwv.server.fleet.errors import NoSuchDevice
    from openbwv.server.fleet.models import Camera

    found = Camera.objects.filter(Q(name=name) | Q(kid=name)).order_by("-enrolled_utc").first()
    if found is None:
        raise NoSuchDevice(what=f"There is no camera {name}.", remedy="./bwv fleet list shows what there is.")
    return found
