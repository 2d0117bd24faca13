"""`./bwv retention`: what deletion would do now, and with --execute one run of it."""

import argparse
import json
from pathlib import Path
from typing import Any

from openbwv.command import Parser
from openbwv.recording.errors import EXIT_USAGE, BwvError
from openbwv.server.boot import add_state, boot
from openbwv.server.commands.acting import acting_person, recording_named, refusals_logged

EXAMPLES = """  ./bwv retention --state /srv/bwv                 what deletion would do now; changes nothing
  ./bwv retention --execute --json                 one run of the deletion job
  ./bwv retention --confirm-clock --as indra --reason "The server was off from Monday to Thursday"
  ./bwv retention --certificate BWV-2026-000412 --to phase2.cbor --as indra --reason "For the complaint 7/26" """


class NoCertificate(BwvError):
    """The recording was not deleted, or its certificate of that phase is not signed yet."""

    code = "no-certificate"
    http_status = 404
    exit_code = EXIT_USAGE


def main(argv: list[str]) -> int:
    """Do what was asked; exits 0, or with the code of the error."""
    arguments = _parser().parse_args(argv)
    boot(arguments.state)
    if arguments.certificate:
        return _certificate(arguments)
    if arguments.confirm_clock:
        return _confirm(arguments)
    return _execute(arguments) if arguments.execute else _dry_run(arguments)


def _dry_run(arguments: argparse.Namespace) -> int:
    from openbwv.server.clock import clock, utc
    from openbwv.server.forgetting import cutoff_at, waiting
    from openbwv.server.retention.queries import alarms_open, dry_run

    now = utc(clock())
    cutoff = cutoff_at(now)
    words = waiting(cutoff) if cutoff else None
    lines = [
        {
            "reference": line.recording.reference,
            "deed": line.deed,
            "due_utc": line.due_utc.isoformat(),
            "rule": line.rule,
            "because": line.because,
        }
        for line in dry_run(now)
    ]
    alarms = [alarm.words for alarm in alarms_open()]
    if arguments.json:
        print(json.dumps({"now": now.isoformat(), "alarms": alarms, "lines": lines, "words": _told(words)}))
        return 0
    for alarm in alarms:
        print(f"ALARM  {alarm}")
    for line in lines:
        print(f"{line['deed']:8} {line['reference']}  due {line['due_utc']}  {line['because'] or line['rule']}")
    print(_sentence(words))
    print(f"{len(lines)} recordings. Nothing was changed; --execute does it.")
    return 0


def _sentence(words: Any) -> str:
    """Return how many would lose their words, in words."""
    if words is None:
        return "No policy is in force, so no event loses its words."
    cutoff = words.cutoff
    return (
        f"After {cutoff.years} years, up to {cutoff.utc.isoformat()}: {words.events} events lose their words, "
        f"{words.recordings} recordings and {words.requests} requests whom they are about; {words.others} further rows "
        "about people go."
    )


def _told(words: Any) -> dict[str, Any] | None:
    """Return how many would lose their words, as JSON; None without a policy."""
    if words is None:
        return None
    cutoff = words.cutoff
    return {
        "version": cutoff.version,
        "years": cutoff.years,
        "cutoff_utc": cutoff.utc.isoformat(),
        "events": words.events,
        "recordings": words.recordings,
        "requests": words.requests,
        "others": words.others,
    }


def _execute(arguments: argparse.Namespace) -> int:
    from openbwv.server.clock import clock
    from openbwv.server.forgetting import forget
    from openbwv.server.retention.sweep import sweep

    done = sweep(clock())
    done |= {f"{name}_without_words": count for name, count in forget(clock()).items()}
    print(json.dumps(done) if arguments.json else ", ".join(f"{name} {count}" for name, count in done.items()))
    return 0


def _confirm(arguments: argparse.Namespace) -> int:
    from openbwv.server.clock import clock
    from openbwv.server.retention.actions.confirm_clock import confirm_clock

    person = _person(arguments)
    with refusals_logged(person, deed="retention --confirm-clock"):
        confirm_clock(reason=arguments.reason, actor=person, clock=clock())
    print(json.dumps({"confirmed": True}) if arguments.json else "Confirmed. Deletion goes on from now.")
    return 0


def _certificate(arguments: argparse.Namespace) -> int:
    from openbwv.server.people.rights import require
    from openbwv.server.retention.queries import deletion_of

    person, recording = _person(arguments), recording_named(arguments.certificate)
    with refusals_logged(person, deed="retention --certificate", recording=recording):
        require(person, "see", recording)
    certificate = getattr(deletion_of(recording), "certificate", None)
    data = certificate and (certificate.phase2 if arguments.phase == 2 else certificate.phase1)
    if not data:
        raise NoCertificate(
            what=f"{recording.reference} has no certificate of phase {arguments.phase}, or has it no longer.",
            remedy="Phase 1 follows the deletion, phase 2 the next rotation of the retention key; both go with the "
            "words of the trail after the years of the policy.",
        )
    target = Path(arguments.to or f"{recording.reference}-phase{arguments.phase}.cbor")
    target.write_bytes(bytes(data))
    print(json.dumps({"file": str(target), "phase": arguments.phase}) if arguments.json else f"Written: {target}")
    return 0


def _person(arguments: argparse.Namespace) -> Any:
    if not arguments.as_person or not arguments.reason:
        _parser().error("--as PERSON and --reason TEXT are needed for this")
    return acting_person(arguments.as_person)


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="./bwv retention",
        description="Show what deletion would do now. Nothing is changed without --execute.",
        examples=EXAMPLES,
    )
    deed = parser.add_mutually_exclusive_group()
    deed.add_argument("--execute", action="store_true", help="run the job of deletion and that of old words once")
    deed.add_argument("--confirm-clock", action="store_true", help="say that the clock is right although it leapt")
    deed.add_argument("--certificate", metavar="ID", help="write the destruction certificate of a recording to a file")
    parser.add_argument("--phase", type=int, choices=(1, 2), default=1, help="1: erased; 2: irrecoverable")
    parser.add_argument("--to", metavar="FILE", help="where to write the certificate")
    parser.add_argument("--as", dest="as_person", metavar="PERSON", help="user name of who does it")
    parser.add_argument("--reason", default="", metavar="TEXT", help="why; it is logged")
    parser.add_argument("--json", action="store_true", help="print JSON")
    add_state(parser)
    return parser
