"""`./bwv policy`: how long footage stays, decided by two people."""

import argparse
import json
from typing import Any

from openbwv.command import Parser
from openbwv.server.boot import add_state, boot
from openbwv.server.commands.acting import acting_person, add_acting, refusals_logged

EXAMPLES = """  ./bwv policy list
  ./bwv policy propose --days 31 --least-days 7 --as indra --reason "The force's rule of 2026"
  ./bwv policy show 1 --as lou --reason "Asked to approve it"        what it would delete earlier; marks it as opened
  ./bwv policy approve 1 --as lou --reason "Read and agreed" """
MOST_LISTED = 200


def main(argv: list[str]) -> int:
    """Do what was asked; exits 0, or with the code of the error."""
    parser = _parser()
    arguments = parser.parse_args(argv)
    boot(arguments.state)
    return {"list": _list, "propose": _propose, "show": _show, "approve": _decide, "withdraw": _decide}[
        arguments.deed or "list"
    ](arguments)


def _list(arguments: argparse.Namespace) -> int:
    from openbwv.server.retention.models import PolicyVersion

    rows = [_row(version) for version in PolicyVersion.objects.select_related("proposed_by", "approved_by")]
    if getattr(arguments, "json", False):
        print(json.dumps({"versions": rows}))
        return 0
    for row in rows:
        print(
            f"version {row['number']}: {row['days']} days after recording, at least {row['least_days']} after it was "
            f"stored; words of events {row['log_years']} years; {row['state']}"
        )
    if not rows:
        print("There is no policy version. Nothing is deleted until two people have approved one.")
    return 0


def _propose(arguments: argparse.Namespace) -> int:
    from openbwv.server.clock import clock
    from openbwv.server.retention.actions import propose_policy
    from openbwv.server.retention.second import session_of_command

    person = acting_person(arguments.as_person)
    with refusals_logged(person, deed="policy propose"):
        version = propose_policy(
            days=arguments.days,
            least_days=arguments.least_days,
            log_years=arguments.log_years,
            reason=arguments.reason,
            actor=person,
            session=session_of_command(person),
            clock=clock(),
        )
    return _say(
        arguments, version, f"Proposed. A second person reads `./bwv policy show {version.number}` and approves."
    )


def _show(arguments: argparse.Namespace) -> int:
    from openbwv.server.clock import clock, utc
    from openbwv.server.forgetting import cutoff_of, waiting
    from openbwv.server.people.rights import require
    from openbwv.server.retention.actions.policy import earlier_under
    from openbwv.server.retention.dates import rule_policy
    from openbwv.server.retention.second import note_opened, session_of_command

    person, version = acting_person(arguments.as_person), _version(arguments.number)
    with refusals_logged(person, deed="policy show"):
        require(person, "see-retention")
    earlier = [
        {"reference": recording.reference, "due_utc": explained.utc.isoformat()}
        for recording, explained in earlier_under(rule_policy(version))
    ]
    words = waiting(cutoff_of(version, utc(clock())))
    note_opened(what=f"policy:{version.number}", person=person, session=session_of_command(person), clock=clock())
    if arguments.json:
        print(json.dumps(_row(version) | {"earlier": earlier, "events_without_words": words.events}))
        return 0
    print(f"Version {version.number} would delete {len(earlier)} recordings earlier than now.")
    print(f"After {version.log_years} years: {words.events} events would lose their words at the next run.")
    for line in earlier[:MOST_LISTED]:
        print(f"{line['reference']}  due {line['due_utc']}")
    if len(earlier) > MOST_LISTED:
        print(f"… and {len(earlier) - MOST_LISTED} more; --json lists all")
    return 0


def _decide(arguments: argparse.Namespace) -> int:
    from openbwv.server.clock import clock
    from openbwv.server.retention.actions import approve_policy, withdraw_policy
    from openbwv.server.retention.second import session_of_command

    person, version = acting_person(arguments.as_person), _version(arguments.number)
    with refusals_logged(person, deed=f"policy {arguments.deed}"):
        if arguments.deed == "withdraw":
            done = withdraw_policy(version=version, reason=arguments.reason, actor=person, clock=clock())
            return _say(arguments, done, "Withdrawn.")
        done = approve_policy(
            version=version,
            reason=arguments.reason,
            actor=person,
            session=session_of_command(person),
            clock=clock(),
        )
    return _say(arguments, done, "Approved. It is in force now.")


def _version(number: int) -> Any:
    from openbwv.server.retention.errors import PolicyUnknown
    from openbwv.server.retention.models import PolicyVersion

    version = PolicyVersion.objects.select_related("proposed_by", "approved_by").filter(number=number).first()
    if version is None:
        raise PolicyUnknown(what=f"There is no policy version {number}.", remedy="./bwv policy list shows them.")
    return version


def _row(version: Any) -> dict[str, Any]:
    state = (
        "withdrawn" if version.withdrawn_utc else "approved" if version.approved_utc else "waits for a second person"
    )
    return {
        "number": version.number,
        "days": version.days,
        "least_days": version.least_days,
        "log_years": version.log_years,
        "state": state,
        "proposed_by": version.proposed_by.username,
        "approved_by": version.approved_by.username if version.approved_by else None,
        "shortens": version.shortens,
    }


def _say(arguments: argparse.Namespace, version: Any, words: str) -> int:
    print(json.dumps(_row(version)) if arguments.json else words)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="./bwv policy",
        description="List, propose and approve versions of the retention policy. Two people decide each.",
        examples=EXAMPLES,
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    add_state(parser)
    deeds = parser.add_subparsers(dest="deed", metavar="DEED", parser_class=Parser)
    listing = deeds.add_parser("list", help="every version", examples="  ./bwv policy list --json")
    _common(listing)
    propose = deeds.add_parser(
        "propose", help="propose a version", examples='  ./bwv policy propose --days 31 --as indra --reason "…"'
    )
    propose.add_argument("--days", type=int, default=31, metavar="N", help="days of 24 hours after recording, 1 to 31")
    propose.add_argument("--least-days", type=int, default=7, metavar="N", help="least days after it was stored")
    propose.add_argument(
        "--log-years", type=int, default=6, metavar="N", help="years that the words of events stay, 1 to 100"
    )
    for name, words in (
        ("show", "what a version would delete earlier; marks it as opened"),
        ("approve", "bring a version into force, as the second person"),
        ("withdraw", "drop a proposal"),
    ):
        one = deeds.add_parser(name, help=words, examples=f'  ./bwv policy {name} 1 --as lou --reason "…"')
        one.add_argument("number", type=int, metavar="N", help="number of the version")
        add_acting(one)
        _common(one)
    add_acting(propose)
    _common(propose)
    return parser


def _common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="print JSON")
    parser.add_argument("--state", metavar="DIR", default=argparse.SUPPRESS, help="the force's state folder")
