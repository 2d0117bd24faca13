"""`camera run`: a camera that stays on: standby with its pre-event ring, recordings, dock; until it is told to quit."""

import argparse
import json
import queue
import signal
import sys
import threading
import time
from pathlib import Path
from types import FrameType
from typing import Any

from openbwv.camera import layout
from openbwv.camera.app import Camera, Command
from openbwv.camera.control import HELP, ControlSocket, Keys
from openbwv.camera.deeds import Deeds
from openbwv.camera.errors import CannotNow
from openbwv.camera.identity import load_identity
from openbwv.camera.indicators import Terminal
from openbwv.camera.machine import State
from openbwv.camera.positions import read_track
from openbwv.camera.profile import PICTURES, policy_from
from openbwv.camera.record import make_camera
from openbwv.camera.sources import SOUND_HELP, open_source
from openbwv.camera.startup import Started, recover_again, started_in
from openbwv.command import Parser
from openbwv.recording import CATEGORIES, PowerReason
from openbwv.recording.errors import BwvError

IDLE_S = 0.05
DOCK_WAIT_S = 24 * 3600.0
EXAMPLES = """\
  ./bwv camera run --store C --source /dev/video0 --dock https://127.0.0.1:8444
  ./bwv camera run --store C --source street.mp4 --prebuffer 10 --json
  echo start | socat - UNIX-CONNECT:C/control.sock
"""


def main(argv: list[str]) -> int:
    """Run a camera until `quit`, SIGINT or SIGTERM; raises BwvError."""
    args = _arguments(argv)
    with started_in(args.store, test_identity=args.test_identity) as started:
        return Run(args, started).go()


def _arguments(argv: list[str]) -> argparse.Namespace:
    parser = Parser(
        prog="./bwv camera run", description="Be a camera: standby, record, dock. " + HELP + ".", examples=EXAMPLES
    )
    parser.add_argument("--store", type=Path, required=True, help="the camera's store; recovered first, then used")
    parser.add_argument("--source", default="testsrc2", help="testsrc2, a media file, or a device such as /dev/video0")
    parser.add_argument("--sound", metavar="PCM", help=SOUND_HELP)
    parser.add_argument("--dock", default="", metavar="URL", help="the dock that 'dock' means")
    parser.add_argument("--profile", choices=sorted(PICTURES), help="size and rate (default: the force's, or 720p25)")
    parser.add_argument("--prebuffer", type=int, metavar="N", help="seconds kept before a press (default 30)")
    parser.add_argument("--track", type=Path, metavar="FILE", help="positions to replay, GPX or CSV; sealed")
    parser.add_argument("--no-loop", action="store_true", help="a file ends at its end, as a camera that breaks would")
    parser.add_argument("--test-identity", action="store_true", help="a throw-away identity that no force accepts")
    parser.add_argument("--json", action="store_true", help="one line of JSON when ready")
    return parser.parse_args(argv)


class Run:
    """One run of a camera: its commands, its dock, its end."""

    def __init__(self, args: argparse.Namespace, started: Started) -> None:
        self._args, self._started = args, started
        self._over = False
        self._why_off = PowerReason.SHUTDOWN
        self._dock_url = args.dock
        self._leave_dock = threading.Event()
        self._docking: threading.Thread | None = None
        self._docked: dict[str, Any] = {}
        self._commands: queue.Queue[Command] = queue.Queue()
        policy = policy_from(started.identity.profile, picture=args.profile, pre_s=args.prebuffer)
        self._indicator = Terminal(sys.stderr)
        self._camera, self._writer = make_camera(
            started,
            policy,
            self._indicator,
            source=lambda: open_source(args.source, policy.picture, loop=not args.no_loop, sound=args.sound),
            track=read_track(args.track) if args.track else None,
        )
        self._camera.parts.offload = self._begin_docking
        self._deeds = Deeds(
            self._camera,
            dock=self._dock,
            undock=self._undock,
            recover=self._recover,
            facts=self._facts,
            mono_ns=time.monotonic_ns,
        )

    def go(self) -> int:
        """Run until told to stop; a recording that is open is closed properly."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)
        socket_path = self._started.store.path / layout.SOCKET
        control, keys = ControlSocket(socket_path, self._commands), Keys(self._commands, list(CATEGORIES))
        try:
            self._camera.power_on()
            for sentence in self._started.sentences:
                self._indicator.say(sentence)
            if self._args.json:
                sys.stdout.write(json.dumps({"control": str(socket_path), **self._deeds.status()}) + "\n")
                sys.stdout.flush()
            while not self._over:
                if said := keys.poll():
                    self._indicator.say(said)
                self._obey()
                self._deeds.tick()
                if not self._camera.step():
                    time.sleep(IDLE_S)
            self._shut_down(self._camera)
            self._camera.note_off(self._why_off)
        finally:
            keys.close()
            control.close()
            self._leave_dock.set()
            self._writer.stop()
        return 0

    def _shut_down(self, camera: Camera) -> None:
        while camera.deck is not None and camera.deck.busy:
            camera.step()
        if camera.event("shutdown"):
            camera.finish()

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self._over = True

    def _obey(self) -> None:
        deck = self._camera.deck
        while not (deck is not None and deck.busy):
            try:
                command = self._commands.get_nowait()
            except queue.Empty:
                return
            try:
                if command.name == "quit":
                    self._over, self._why_off = True, PowerReason.BY_HAND
                    command.answer.put(self._deeds.status())
                    return
                command.answer.put(self._deeds.do(command.name, command.argument))
            except BwvError as problem:
                self._indicator.say(f"{problem.what} {problem.remedy}")
                command.answer.put(problem)

    def _facts(self) -> dict[str, Any]:
        identity = self._started.identity
        return {"camera": identity.name, "kid": identity.kid.hex(), "dock": self._docked}

    def _dock(self, url: str) -> None:
        self._dock_url = url or self._dock_url
        if not self._dock_url:
            raise CannotNow(what="No dock is known.", remedy="Say `dock URL`, or start with --dock URL.")
        if self._camera.state == State.ERROR:
            self._recover()  # a dock takes closed recordings only
        self._camera.must("dock")
        self._camera.finish()

    def _recover(self) -> None:
        if self._camera.state != State.ERROR:
            raise CannotNow(what="Nothing has failed.", remedy="`recover` is for a camera in ERROR.")
        recover_again(self._started)
        for sentence in self._started.sentences:
            self._indicator.say(sentence)
        self._camera.must("recovered")

    def _undock(self) -> None:
        if self._camera.state != State.DOCKED:
            raise CannotNow(what="The camera is not docked.", remedy="Say `dock URL` first.")
        self._leave_dock.set()
        if self._docking is not None:
            self._docking.join()
            self._docking = None
        started = self._started
        started.identity = load_identity(started.store.identity_folder, utc_ms=started.clock.utc_ms())
        for sentence in started.identity.warnings:
            self._indicator.say(sentence)
        unassigned = started.identity.assignment is None and not self._camera.parts.policy.record_unassigned
        self._camera.must("undock_unassigned" if unassigned else "undock")

    def _begin_docking(self) -> None:
        self._leave_dock.clear()
        self._docked = {"url": self._dock_url, "done": False}
        self._docking = threading.Thread(target=self._empty_into_dock, name="camera-dock", daemon=True)
        self._docking.start()

    def _empty_into_dock(self) -> None:
        from openbwv.camera.docking import Docking  # the network side is only needed here
        from openbwv.camera.offload import offload_once

        say = self._indicator.say
        try:
            docking = Docking.of(self._started, dock_url=self._dock_url, told=say, stop=self._leave_dock)
            summary = offload_once(docking, wait_receipts_s=DOCK_WAIT_S)
            self._docked |= {"done": True, "summary": summary}
        except BwvError as problem:
            self._docked |= {"done": True, "error": problem.as_dict()}
            say(f"{problem.what} {problem.remedy}")
