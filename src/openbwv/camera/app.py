"""The camera as a whole: machine, deck, signals and commands, moved on one tick at a time by one thread."""

import hashlib
import queue
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from openbwv import recording as r
from openbwv.camera.deck import Deck
from openbwv.camera.errors import CannotNow, StorageLow, StorageTooSlow
from openbwv.camera.guard import Level, StorageGuard, free_bytes
from openbwv.camera.indicators import Indicator
from openbwv.camera.journal import Journal
from openbwv.camera.machine import OPEN_STATES, Act, Machine, State
from openbwv.camera.profile import Policy
from openbwv.camera.source import Source, Tick
from openbwv.camera.timing import CameraClock
from openbwv.camera.writer import Writer
from openbwv.recording.errors import BwvError
from openbwv.shared.durable import DiskFull

GUARD_EVERY_S = 10
HEARTBEAT_S = 30
MODES = {state: r.CameraMode[state.name] for state in State}
NOT_NOTED = OPEN_STATES | {State.STOPPING, State.BOOT}  # the recording itself tells of these, and BOOT is written
ENCODING = OPEN_STATES | {State.STANDBY, State.STOPPING}
OFF_REASONS = {"battery_critical": r.PowerReason.BATTERY, "shutdown": r.PowerReason.SHUTDOWN}
POWER_REASONS = {
    "power_off": r.PowerReason.BY_HAND,
    "dock": r.PowerReason.DOCK,
    "fault": r.PowerReason.FAULT,
    "fail": r.PowerReason.FAULT,
}
REASONS = {
    "stop": r.CloseReason.BUTTON,
    "dock": r.CloseReason.DOCK,
    "battery_critical": r.CloseReason.BATTERY,
    "shutdown": r.CloseReason.SHUTDOWN,
    "storage_full": r.CloseReason.STORAGE,
    "source_ended": r.CloseReason.SOURCE_ENDED,
}
TELL = "Tell people that they are being recorded; then press T (told)."


@dataclass
class Parts:
    """What a camera is made of. `make_deck` and `open_source` are called whenever the encoder starts."""

    policy: Policy
    clock: CameraClock
    writer: Writer
    journal: Journal
    indicator: Indicator
    guard: StorageGuard
    store_path: Path
    make_deck: Callable[[], Deck]
    open_source: Callable[[], Source]
    pace: Callable[[int], None]  # wait until a monotonic time
    free: Callable[[Path], int] = free_bytes
    offload: Callable[[], None] = lambda: None
    may_start: Callable[[], bool] = lambda: True  # False: unassigned, and policy forbids that


@dataclass
class Command:
    """A wish from the terminal, the socket or a plan; its answer, or the error, comes through `answer`."""

    name: str
    argument: str = ""
    answer: "queue.Queue[dict[str, Any] | BwvError]" = field(default_factory=lambda: queue.Queue(1))


class Camera:
    """A running camera. `step` moves it on by one picture; deeds raise CannotNow, StorageLow."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self.machine = Machine()
        self.deck: Deck | None = None
        self.last_folder: Path | None = None
        self.failure: BwvError | None = None
        self.source_over = False
        self._close_reason: r.CloseReason | None = None
        self._why_off: r.PowerReason | None = None
        self.told_ms: int | None = None
        self._source: Source | None = None
        self._ticks: Iterator[Tick] = iter(())
        self._ticked = 0
        self._microphone = False
        self._beeped_s = 0.0
        self._storage = Level.ENOUGH
        self._slow_said = False
        self._label: dict[str, Any] = {}
        self._mute_reason = r.MuteReason.PRIVACY
        self._trigger = r.Trigger.BUTTON
        self._acts: dict[Act, Callable[[], None]] = {
            Act.START_ENCODER: self._start_encoder,
            Act.STOP_ENCODER: self._stop_encoder,
            Act.OPEN_RECORDING: self._open,
            Act.OPEN_WITH_PRE_EVENT: self._open,
            Act.CLOSE_RECORDING: self._close,
            Act.ABANDON_RECORDING: self._abandon,
            Act.SPLIT_RECORDING: lambda: self._live().split(),
            Act.OPEN_MICROPHONE: lambda: self._set_microphone(True),
            Act.CLOSE_MICROPHONE: lambda: self._set_microphone(False),
            Act.BEEP_TWICE: lambda: self._sound("beep-twice"),
            Act.LONG_TONE: lambda: self._sound("long-tone"),
            Act.ALARM: lambda: self._sound("alarm"),
            Act.LOG_MUTE: lambda: self._live().mute(self._mute_reason),
            Act.LOG_UNMUTE: lambda: self._live().unmute(),
            Act.LOG_MARKER: lambda: self._live().marker(),
            Act.LOG_SIGNAL: lambda: self._live().event(r.EventKind.SIGNAL, {1: 1}),
            Act.LOG_TOLD: self._told,
            Act.LOG_LABEL: lambda: self._live().label(**self._label),
            Act.OFFLOAD: self.parts.offload,
        }

    @property
    def state(self) -> State:
        """Where the camera is."""
        return self.machine.state

    def power_on(self) -> None:
        """Go to standby; the self-test (store, identity, recovery) was done by `startup`."""
        self.event("power_on")
        self.event("ok")

    def event(self, name: str) -> bool:
        """Take an event; returns whether it meant something. Raises StorageLow when a start is refused."""
        if name in ("start", "signal") and not self.parts.may_start():
            raise CannotNow(
                what="Nobody has taken this camera, and its force does not let it record unassigned.",
                remedy="Take it at a dock (`./bwv camera assign`).",
            )
        refusal = self.parts.guard.refuses_start(self.parts.free(self.parts.store_path))
        self._close_reason = REASONS.get(name)
        self._why_off = OFF_REASONS.get(name, self._why_off)
        before = self.state
        acts = self.machine.take(name, refuse_start=refusal)
        if acts is None:
            if self.machine.refusal:
                raise StorageLow(
                    what=f"No recording was started: {self.machine.refusal}.",
                    remedy="Dock the camera so that it is emptied; nothing is ever overwritten to make room.",
                )
            return False
        self._note_mode(before, name)
        for act in acts:
            if deed := self._acts.get(act):
                deed()
        self._show()
        return True

    def _note_mode(self, before: State, name: str) -> None:
        """Write a change of mode into the journal. Where that fails it is said, and nothing else waits for it."""
        if self.state == before or self.state in NOT_NOTED:
            return
        reason = POWER_REASONS.get(name) or (self._why_off if self.state == State.OFF else None)
        try:
            if self.state == State.SLEEP:
                self.parts.journal.event(r.EventKind.SLEEP)
            elif before == State.SLEEP:
                self.parts.journal.event(r.EventKind.WAKE)
            else:
                self.parts.journal.mode(MODES[self.state], reason)
        except BwvError as problem:
            self.parts.indicator.say(f"The journal was not written. {problem.what}")

    def note_off(self, reason: r.PowerReason) -> None:
        """Write into the journal, as the last thing, that this camera goes off; nothing when it is off already."""
        if self.state == State.OFF:
            return
        try:
            self.parts.journal.mode(r.CameraMode.OFF, reason)
        except BwvError as problem:
            self.parts.indicator.say(f"The journal was not written. {problem.what}")

    def must(self, name: str) -> None:
        """Take an event that a person asked for; raises CannotNow when it means nothing here."""
        if not self.event(name):
            raise CannotNow(
                what=f"'{name}' means nothing while the camera is in state '{self.state}'.",
                remedy=f"Now it takes: {', '.join(self.machine.can())}.",
            )

    def mute(self, reason: r.MuteReason) -> None:
        """Mute with a reason; raises CannotNow."""
        if not self.parts.policy.mute_allowed:
            raise CannotNow(what="This camera's profile does not allow muting.", remedy="Stop the recording instead.")
        self._mute_reason = reason
        self.must("mute")

    def label(self, *, category: int | None = None, evidential: bool | None = None) -> None:
        """Give the running recording a category or the evidential flag; raises CannotNow."""
        self._label = {"category": category, "evidential": evidential}
        self.must("label")

    def step(self) -> bool:
        """Take one picture from the source; False when there is none because the encoder is off."""
        if self._source is None or self.deck is None:
            return False
        deck = self.deck
        if not self._source.live:
            self.parts.pace(deck.due_ns(self._ticked))
        tick = next(self._ticks, None)
        if tick is None:
            self.source_over = True
            if not self.event("source_ended"):
                self.event("fault")
            self.finish()
            return True
        self._ticked = tick.index + 1
        try:
            deck.tick(tick, microphone=self._microphone)
            if tick.change and deck.recording:
                deck.event(r.EventKind.PROFILE, {1: hashlib.sha256(tick.change.encode()).digest()})
            self._watch(deck)
        except StorageTooSlow as problem:
            self._fail(problem)
        return True

    def _watch(self, deck: Deck) -> None:
        if self.parts.writer.failure is not None:
            self._fail(self.parts.writer.failure)
            return
        self._settle()
        if deck.on_reserve and self.state in OPEN_STATES:
            self.failure = _full()
            self.event("storage_full")
        elif self.state in OPEN_STATES and not deck.busy:
            self._watch_recording(deck)
        fps = self.parts.policy.picture.fps
        if self._ticked % (fps * GUARD_EVERY_S) == 0:
            self._watch_storage(deck)
        if self.state == State.STANDBY and self._ticked % (fps * HEARTBEAT_S) == 0:
            free = self.parts.free(self.parts.store_path)
            self.parts.journal.event(r.EventKind.HEARTBEAT, public={1: int(MODES[self.state]), 3: free})
        self._show()

    def _watch_recording(self, deck: Deck) -> None:
        if deck.recorded_s >= self.parts.policy.split_s:
            self.event("limit")
        if deck.recorded_s - self._beeped_s >= self.parts.policy.beep_s or deck.recorded_s < self._beeped_s:
            self._beeped_s = deck.recorded_s
            self._sound("beep-twice")
        if self.parts.writer.slow and not self._slow_said:
            self._slow_said = True
            deck.event(r.EventKind.STORAGE, {1: 4})
            self.parts.indicator.say("The storage is slow; dock the camera soon.")

    def _watch_storage(self, deck: Deck) -> None:
        free = self.parts.free(self.parts.store_path)
        level = self.parts.guard.level(free)
        if level > self._storage and self.state in OPEN_STATES:
            deck.event(r.EventKind.STORAGE, {1: int(level), 2: free})
            self.parts.indicator.say(f"Storage: {free >> 20} MiB left.")
            if level == Level.CRITICAL:
                self._sound("alarm")
            if level == Level.FULL:
                self.failure = _full()
                self.event("storage_full")
        self._storage = level

    def _settle(self) -> None:
        if self.state == State.STOPPING and self.parts.writer.idle:
            if self.parts.writer.failure is not None:
                self._fail(self.parts.writer.failure)
            else:
                self.event("closed")

    def finish(self) -> None:
        """Wait until a stop that was begun is on the medium."""
        if self.state == State.STOPPING:
            self.parts.writer.drain()
            self._settle()

    def _fail(self, problem: BwvError) -> None:
        self.failure = problem
        self.parts.writer.give_up(problem)
        self.parts.indicator.say(f"{problem.what} {problem.remedy}")
        if not self.event("fault"):
            self._abandon()
        self.parts.writer.forgive()

    def _live(self) -> Deck:
        if self.deck is None:
            raise CannotNow(what="The encoder is off.", remedy="Undock or wake the camera first.")
        return self.deck

    def _start_encoder(self) -> None:
        self._source, self.source_over = self.parts.open_source(), False
        self.deck = self.parts.make_deck()
        self.deck.set_zero(self.parts.clock.mono_ns())
        self._ticks, self._ticked = self._source.ticks(), 0

    def _stop_encoder(self) -> None:
        if self._source is not None:
            self._source.close()
        self._source, self.deck, self._ticks = None, None, iter(())

    def _open(self) -> None:
        self._beeped_s, self._slow_said, self.told_ms, self._storage = 0.0, False, None, Level.ENOUGH
        self.failure = None
        self.last_folder = self._live().start(self._trigger)
        self.parts.indicator.say(TELL)

    def _close(self) -> None:
        self._live().stop(self._close_reason or r.CloseReason.FAULT)

    def _abandon(self) -> None:
        if self.deck is not None:
            self.deck.abandon()

    def _set_microphone(self, is_open: bool) -> None:
        self._microphone = is_open

    def _told(self) -> None:
        deck = self._live()
        deck.told()
        self.told_ms = round(deck.recorded_s * 1000)
        self.parts.indicator.say(f"People told after {deck.recorded_s:.1f} s.")

    def _sound(self, name: str) -> None:
        self.parts.indicator.sound(name)

    def _show(self) -> None:
        deck = self.deck
        seconds = int(deck.recorded_s) if deck is not None else 0
        lit = self._ticked % self.parts.policy.picture.fps * 2 < self.parts.policy.picture.fps
        self.parts.indicator.show(
            self.state, lit=lit, line=f"{seconds // 60:02d}:{seconds % 60:02d}" if seconds else ""
        )


def _full() -> DiskFull:
    return DiskFull(
        what="The storage is full; the recording was closed.",
        remedy="Dock the camera so that it is emptied. Nothing was overwritten.",
    )
