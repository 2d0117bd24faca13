"""`./bwv person`: add people and units, set roles and passwords, list them."""

import getpass
import json
import sys
from argparse import Namespace
from typing import Any

from openbwv.command import Parser
from openbwv.recording.errors import EXIT_NOT_PERMITTED, EXIT_USAGE, BwvError
from openbwv.server.boot import add_state, boot

EXAMPLES = """  ./bwv person list --state STATE
  ./bwv person add avery --name "PC Avery" --role officer --unit lewisham --as lou --reason "new starter"
  ./bwv person set avery --role officer --role supervisor --as lou --reason promoted
  ./bwv person password avery --as lou --reason "forgot it"
  ./bwv person unit "River police" --kind specialist --as lou --reason "new unit"
"""


class WhoAsks(BwvError):
    """A deed names nobody who may do it."""

    code = "who-asks"
    http_status = 403
    exit_code = EXIT_NOT_PERMITTED


class NoSuchName(BwvError):
    """A command names a person or unit that is not there."""

    code = "no-such-name"
    http_status = 404
    exit_code = EXIT_USAGE


def parser() -> Parser:
    """Return the command's parser."""
    top = Parser(prog="./bwv person", description=__doc__, examples=EXAMPLES)
    verbs = top.add_subparsers(dest="verb", required=True)
    listing = verbs.add_parser("list", help="list people", examples=_examples("list"))
    add = verbs.add_parser("add", help="add somebody", examples=_examples("add"))
    add.add_argument("username")
    add.add_argument("--name", required=True, help="name shown on pages")
    add.add_argument("--collar", default="", help="shoulder number")
    add.add_argument("--email", default="", help="e-mail address")
    change = verbs.add_parser("set", help="set roles, unit, or close the account", examples=_examples("set"))
    change.add_argument("username")
    change.add_argument("--close", action="store_true", help="the person may not sign in any more")
    change.add_argument("--open", action="store_true", help="the person may sign in again")
    for verb in (add, change):
        verb.add_argument("--role", action="append", help="a role; repeat for several")
        verb.add_argument("--unit", help="code of the unit")
    password = verbs.add_parser("password", help="give somebody a new password", examples=_examples("password"))
    password.add_argument("username")
    unit = verbs.add_parser("unit", help="add a unit", examples=_examples("unit"))
    unit.add_argument("name")
    unit.add_argument("--kind", default="specialist", help="borough or specialist")
    for verb in (add, password):
        verb.add_argument("--password-stdin", action="store_true", help="read the password from standard input")
    for verb in (listing, add, change, password, unit):
        add_state(verb)
        verb.add_argument("--json", action="store_true", help="print JSON")
    for verb in (add, change, password, unit):
        verb.add_argument("--as", dest="actor", metavar="PERSON", required=True, help="who does it; needs the right")
        verb.add_argument("--reason", required=True, help="why; it is logged")
    return top


def _examples(verb: str) -> str:
    return "".join(line for line in EXAMPLES.splitlines(keepends=True) if f"person {verb} " in line)


def main(argv: list[str]) -> int:
    """Run the command; return its exit code."""
    arguments = parser().parse_args(argv)
    boot(arguments.state)
    answer = {"list": _list, "add": _add, "set": _set, "password": _password, "unit": _unit}[arguments.verb](arguments)
    if arguments.json:
        print(json.dumps(answer))
    else:
        for line in answer if isinstance(answer, list) else [answer]:
            print("  ".join(f"{key}: {_plain(value)}" for key, value in line.items()))
    return 0


def _plain(value: Any) -> str:
    return ", ".join(value) if isinstance(value, list) else str(value if value is not None else "-")


def _row(person: Any) -> dict[str, Any]:
    return {
        "username": person.username,
        "name": person.display_name,
        "unit": person.unit.code if person.unit else None,
        "roles": sorted(person.roles_held.values_list("role", flat=True)),
        "active": person.is_active,
    }


def _list(_arguments: Namespace) -> list[dict[str, Any]]:
    from openbwv.server.people.models import Person

    return [_row(person) for person in Person.objects.select_related("unit")]


def _actor(arguments: Namespace) -> dict[str, Any]:
    """Return the keyword arguments every deed takes; raises WhoAsks, NotPermitted, ReasonMissing."""
    from openbwv.server.clock import clock
    from openbwv.server.people.models import Person
    from openbwv.server.people.pages import log_refusal
    from openbwv.server.people.rights import require

    actor = Person.objects.filter(username=arguments.actor).first()
    if actor is None or not arguments.reason.strip():
        raise WhoAsks(what="Nobody of that name asks, or no reason is given.", remedy="Give --as PERSON --reason TEXT.")
    try:
        require(actor, "manage-people")
    except BwvError as error:
        log_refusal(actor, error, deed=f"person {arguments.verb}")
        raise
    return {"actor": actor, "why": arguments.reason, "clock": clock()}


def _unit_named(code: str | None) -> Any:
    from openbwv.server.people.models import Unit

    if code is None:
        return None
    unit = Unit.objects.filter(code=code).first()
    if unit is None:
        raise NoSuchName(what=f"There is no unit '{code}'.", remedy="Use the code of a unit, such as lewisham.")
    return unit


def _person_named(username: str) -> Any:
    from openbwv.server.people.models import Person

    person = Person.objects.filter(username=username).first()
    if person is None:
        raise NoSuchName(what=f"There is no account '{username}'.", remedy="See ./bwv person list.")
    return person


def _read_password(arguments: Namespace) -> str:
    if arguments.password_stdin:
        return sys.stdin.readline().rstrip("\n")
    try:
        return getpass.getpass("Password: ")
    except EOFError as problem:
        raise WhoAsks(
            what="There is no terminal to type a password in.",
            remedy="Give it with --password-stdin; nothing was done.",
        ) from problem


def _add(arguments: Namespace) -> dict[str, Any]:
    from openbwv.server.people import actions

    who = _actor(arguments)
    person = actions.add_person(
        username=arguments.username,
        display_name=arguments.name,
        password=_read_password(arguments),
        roles=arguments.role or (),
        unit=_unit_named(arguments.unit),
        collar=arguments.collar,
        email=arguments.email,
        **who,
    )
    return _row(person)


def _set(arguments: Namespace) -> dict[str, Any]:
    from openbwv.server.people import actions

    who = _actor(arguments)
    changes: dict[str, Any] = {"roles": arguments.role}
    if arguments.unit is not None:
        changes["unit"] = _unit_named(arguments.unit)
    if arguments.close or arguments.open:
        changes["active"] = arguments.open
    return _row(actions.change_person(person=_person_named(arguments.username), **changes, **who))


def _password(arguments: Namespace) -> dict[str, Any]:
    from openbwv.server.people import actions

    who = _actor(arguments)
    person = _person_named(arguments.username)
    actions.set_password(person=person, password=_read_password(arguments), **who)
    return _row(person)


def _unit(arguments: Namespace) -> dict[str, Any]:
    from openbwv.server.people import actions

    unit = actions.add_unit(name=arguments.name, kind=arguments.kind, **_actor(arguments))
    return {"unit": unit.code, "name": unit.name, "kind": unit.kind}
