"""`./bwv camera offload` and `./bwv camera assign`: emptying the camera into a dock, taking home who carries it.

A connection that breaks is taken up again where the other side says it stopped. What one visit does, and on whose word
something is wiped, is in `openbwv.camera.docking`.
"""

import argparse
import json
import logging
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from openbwv import recording as r
from openbwv.camera.docking import RECEIPT_POLL_S, Docking
from openbwv.camera.startup import started_in
from openbwv.command import Parser
from openbwv.recording.errors import EXIT_TRY_LATER
from openbwv.shared.door import DoorBusy, DoorUnreachable

TRIES = 6
FIRST_WAIT_S, LONGEST_WAIT_S = 0.5, 10.0
EXAMPLES = """\
  ./bwv camera offload --store camera --dock https://127.0.0.1:8444
  ./bwv camera offload --store camera --dock https://127.0.0.1:8444 --wait-receipts 60 --json"""
ASSIGN_EXAMPLES = "  ./bwv camera assign --store camera --dock https://127.0.0.1:8444 --wait 60"


def offload_once(docking: Docking, *, wait_receipts_s: float = 0.0, tries: int = TRIES) -> dict[str, Any]:
    """Empty a locked store into a dock and return a summary; raises DoorError when the dock cannot be used at all.

    A connection that breaks is tried again, up to `tries` times without any progress.
    """
    _persist(docking, docking.once, tries=tries)
    if wait_receipts_s > 0 and not docking.stop.is_set():
        _persist(docking, lambda: docking.wait_for_receipts(seconds=wait_receipts_s), tries=tries)
    return docking.summary()


def _persist(docking: Docking, deed: Callable[[], None], *, tries: int) -> None:
    failures, wait_s = 0, FIRST_WAIT_S
    while True:
        sent = docking.bytes_sent
        try:
            deed()
            return
        except (DoorUnreachable, DoorBusy) as problem:
            if docking.bytes_sent > sent:
                failures, wait_s = 0, FIRST_WAIT_S
            failures += 1
            if failures >= tries or docking.stop.is_set():
                raise
            docking.told(f"{problem.what} Trying again.")
        docking.stop.wait(wait_s)
        wait_s = min(wait_s * 2, LONGEST_WAIT_S)


def main(argv: list[str]) -> int:
    """`./bwv camera offload`: exit 0 when everything is copied, 75 when something has to wait."""
    parser = Parser(prog="./bwv camera offload", description="Empty this camera into a dock.", examples=EXAMPLES)
    arguments = _read(parser, argv, wait="--wait-receipts", wait_help="stay until all is wiped")
    with _docked(arguments) as docking:
        result = offload_once(docking, wait_receipts_s=arguments.wait_s)
    if arguments.json:
        sys.stdout.write(json.dumps(result) + "\n")
    else:
        sys.stdout.write(f"{len(result['copied'])} copied, {len(result['wiped'])} wiped, {len(result['left'])} left.\n")
    return EXIT_TRY_LATER if result["held_up"] else 0


def assign_main(argv: list[str]) -> int:
    """`./bwv camera assign`: wait at a dock until somebody takes this camera on its page."""
    parser = Parser(prog="./bwv camera assign", description="Fetch this camera's assignment.", examples=ASSIGN_EXAMPLES)
    arguments = _read(parser, argv, wait="--wait", wait_help="how long to wait for one")
    with _docked(arguments) as docking:
        given = _wait_for_assignment(docking, seconds=arguments.wait_s)
    until = given.until_ms if given is not None else None
    if arguments.json:
        sys.stdout.write(json.dumps({"assigned": given is not None, "until_ms": until}) + "\n")
    else:
        sys.stdout.write("Assigned.\n" if given else "No assignment waits here; this camera stays as it was.\n")
    return 0 if given is not None else EXIT_TRY_LATER


def _wait_for_assignment(docking: Docking, *, seconds: float) -> r.Assignment | None:
    end_ns = docking.clock.mono_ns() + int(seconds * 1e9)
    with docking.client() as client:
        docking.greet(client)
        while docking.home.assigned is None and not docking.take_assignment(client):
            if docking.clock.mono_ns() >= end_ns:
                break
            docking.stop.wait(RECEIPT_POLL_S)
    return docking.home.assigned


def _read(parser: Parser, argv: list[str], *, wait: str, wait_help: str) -> argparse.Namespace:
    parser.add_argument("--store", type=Path, required=True, help="the camera's folder")
    parser.add_argument("--dock", required=True, help="the dock's camera port, https://HOST:PORT")
    parser.add_argument(wait, dest="wait_s", type=float, default=0.0, metavar="SECONDS", help=wait_help)
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    return parser.parse_args(argv)


@contextmanager
def _docked(arguments: argparse.Namespace) -> Iterator[Docking]:
    """Start as `camera run` does: what a power cut left open is closed first, so that it can be handed over too."""

    def told(text: str) -> None:
        if not arguments.json:
            sys.stderr.write(text + "\n")

    logging.getLogger("httpx").setLevel(logging.WARNING)
    with started_in(arguments.store) as started:
        for sentence in started.sentences:
            told(sentence)
        started.journal.mode(r.CameraMode.DOCKED, r.PowerReason.DOCK)
        yield Docking.of(started, dock_url=arguments.dock, told=told, stop=threading.Event())
