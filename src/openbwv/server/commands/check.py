"""`./bwv check`: walk database, files, log and keys, and report every disagreement. Changes nothing."""

import json
import sys
from datetime import UTC, datetime
from typing import Any

from openbwv.command import Parser
from openbwv.server.boot import add_state, boot

EXIT_DISAGREES = 1
EXAMPLES = """  ./bwv check --state /var/lib/bwv
  ./bwv check --json                          the same for programs, with every job's heartbeat
  ./bwv check --no-media                      without reading every byte of stored footage
  ./bwv check --only log --only jobs"""

ROOMS = ["log", "deeds", "receipts", "certificates", "removals", "keys", "jobs", "vault"]


def main(argv: list[str]) -> int:
    """Run `./bwv check`; exit 0 when everything agrees, 1 when something does not."""
    parser = Parser(
        prog="./bwv check",
        description="Compare database, files, custody log and keys; report every disagreement. Nothing is changed.",
        examples=EXAMPLES,
    )
    add_state(parser)
    parser.add_argument("--only", action="append", default=[], choices=ROOMS, help="look here only; repeatable")
    parser.add_argument("--no-media", action="store_true", help="do not hash stored footage")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    arguments = parser.parse_args(argv)
    boot(arguments.state)
    from openbwv.server.checking import run_check
    from openbwv.server.clock import clock

    report = run_check(clock=clock(), media=not arguments.no_media, only=arguments.only)
    if arguments.json:
        print(json.dumps(report.as_dict()))
    else:
        _print(report)
    return 0 if report.ok else EXIT_DISAGREES


def _print(report: Any) -> None:
    for each in report.disagreements:
        sys.stdout.write(f"{each.code}: {each.where}: {each.what.rstrip('.')}.\n    {each.remedy}\n")
    looked = ", ".join(f"{count} {name}" for name, count in report.looked_at.items()) or "nothing"
    sys.stdout.write(f"Looked at {looked}.\n")
    if report.left_out:
        sys.stdout.write(f"Left out: {', '.join(report.left_out)}.\n")
    for beat in report.heartbeats:
        sys.stdout.write(f"Job {beat.job}: up to date at {_moment(beat.clock_utc_ms)}; {beat.outcome}.\n")
    count = len(report.disagreements)
    words = "Everything agrees." if not count else f"{count} {'disagreement' if count == 1 else 'disagreements'}."
    sys.stdout.write(words + "\n")


def _moment(utc_ms: int | None) -> str:
    if utc_ms is None:
        return "no time yet"
    return f"{datetime.fromtimestamp(utc_ms // 1000, tz=UTC):%Y-%m-%d %H:%M:%S} UTC"
