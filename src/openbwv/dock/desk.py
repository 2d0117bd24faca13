"""What the uplink knows while the server is reached, and which step each recording waits for.

A recording goes through these states, each read from the spool and from what the server said, never stored:

  arriving         entries, key or fragments still come from the camera: what is here is sent, the rest is waited for
  announced        the server has every entry and the key that are here
  parts missing    the server lacks fragments that are here: each part is given out once, and again if it failed
  complete         the camera was given its custody receipt and the server has every part: the receipt is asked for
  receipt waited   the server has not logged it yet: asked again later
  delivered        the receipt was checked and stored, the copy is gone from the spool

Nothing is ever marked as done: what arrives in the middle is seen at the next choice. What the server holds is asked
once a contact, and everything known is forgotten when the contact breaks. A recording that the server refuses waits
HELD_UP_S and holds up no other. Safe to share between threads.
"""

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import Enum

from openbwv.dock.held import HeldRecording
from openbwv.dock.order import Waiting, choose
from openbwv.recording.errors import BwvError
from openbwv.shared.door import DoorBusy, DoorError, HeldPart
from openbwv.shared.upload import CODE_INCOMPLETE, Fragment, missing_runs

HELD_UP_S = 60.0
LONGEST_ASIDE_S = 15.0  # how long one recording waits at most for a busy server or a receipt that is not ready
SHORTEST_ASIDE_S = 0.2
LOOK_AGAIN_S = 1.0
CODE_ENTRIES_FIRST = "entries-first"
NS = 1_000_000_000


class Step(Enum):
    """What is to be done next for a recording."""

    ASK = "ask what the server holds"
    PART = "send a part"
    ORPHAN = "send what recovery set aside"
    COMPLETE = "ask for the receipt"


class Standing(Enum):
    """How far a recording is on its way, in the words of the page."""

    ARRIVING = "arriving from the camera"
    WAITING = "waits its turn"
    SENT = "being sent"
    ASKED = "waits for its evidence receipt"
    HELD_UP = "held up"


@dataclass(frozen=True)
class Task:
    """One step, given out to one sender in contact number `contact`."""

    contact: int
    held: HeldRecording
    step: Step
    run: tuple[Fragment, ...] = ()


@dataclass
class Known:
    """What is known of one recording in this contact."""

    announced: tuple[int, bool] | None = None
    theirs: list[HeldPart] | None = None
    runs: list[list[Fragment]] = field(default_factory=list)
    runs_of: tuple[int, int] | None = None
    under_way: dict[int, HeldPart] = field(default_factory=dict)
    question: bool = False
    orphan_sent: bool = False
    asked: int = 0
    later_ns: int = 0
    mended: bool = False
    why: str = ""


class Desk:
    """Gives out steps, the most urgent first, and takes in what came of them.

    `trouble` is why the contact is over, `moved` whether a part or a receipt went through in it.
    """

    def __init__(
        self, recordings: Callable[[], Iterable[HeldRecording]], *, mono_ns: Callable[[], int], at_once: int
    ) -> None:
        self.trouble: BwvError | None = None
        self.moved = False
        self._recordings, self._mono_ns, self._at_once = recordings, mono_ns, at_once
        self._changed = threading.Condition()
        self._known: dict[bytes, Known] = {}
        self._todo: dict[bytes, int] = {}
        self._turn = 0
        self._contact = 0
        self._open = False
        self._stopped = False

    # -- the contact ---------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """A new contact with the server: everything is to be asked anew, and nobody is held up."""
        with self._changed:
            self.trouble, self.moved = None, False
            self._contact += 1
            for rec_id, known in self._known.items():
                self._known[rec_id] = Known(under_way=known.under_way, question=known.question)

    def open(self) -> None:
        """Let steps be taken; whoever waits looks again."""
        self._set(opened=True)

    def close(self) -> None:
        """The contact is over: nothing more is given out."""
        self._set(opened=False)

    def stop(self) -> None:
        """Send everybody who takes steps home."""
        self._stopped = True
        self._set(opened=False)

    def _set(self, *, opened: bool) -> None:
        with self._changed:
            self._open = opened
            self._changed.notify_all()

    def wants(self, todo: Iterable[bytes]) -> None:
        """Take in the server's list of what it wants first."""
        with self._changed:
            self._todo = {rec_id: place for place, rec_id in enumerate(todo)}

    # -- announcing ----------------------------------------------------------------------------------------------

    def unannounced(self) -> list[HeldRecording]:
        """Return the recordings of which the server lacks entries or the key, the most urgent first."""
        with self._changed:
            now_ns = self._mono_ns()
            found = []
            for held in self._recordings():
                known = self._of(held)
                if known.later_ns <= now_ns and known.announced != _newest(held):
                    found.append(held)
            return found

    def announced(self, held: HeldRecording, what: tuple[int, bool]) -> None:
        """The server has so many entries, and the key or not."""
        with self._changed:
            known = self._of(held)
            known.announced = what
            known.runs_of = None
            self._changed.notify_all()

    # -- giving out ----------------------------------------------------------------------------------------------

    def take(self) -> Task | None:
        """Wait for the next step and return it; None once stopped."""
        with self._changed:
            while not self._stopped:
                task = self._next() if self._open else None
                if task is not None:
                    return task
                self._changed.wait(LOOK_AGAIN_S)
            return None

    def _next(self) -> Task | None:
        now_ns = self._mono_ns()
        steps: dict[bytes, tuple[HeldRecording, Step]] = {}
        waiting: list[Waiting] = []
        for held in self._recordings():
            known = self._of(held)
            step = self._step(held, known) if known.later_ns <= now_ns else None
            if step is not None:
                steps[held.rec_id] = held, step
                light, rank = step in (Step.ASK, Step.COMPLETE), held.rank
                under_way = len(known.under_way)
                waiting.append(Waiting(held.rec_id, rank.level, rank.started_ms, rank.counter, light, under_way))
        chosen = choose(waiting, todo=self._todo, turn=self._turn, at_once=self._at_once)
        return self._give(*steps[chosen.rec_id]) if chosen is not None else None

    def _step(self, held: HeldRecording, known: Known) -> Step | None:
        if known.announced != _newest(held) or known.question:
            return None
        if known.theirs is None:
            return Step.ASK
        if self._runs(held, known):
            return Step.PART
        if held.has_orphan and not known.orphan_sent:
            return Step.ORPHAN
        return Step.COMPLETE if not known.under_way and held.has_custody else None

    def _runs(self, held: HeldRecording, known: Known) -> list[list[Fragment]]:
        """Return the parts that are here, not there and not under way; worked out anew when something changed."""
        if known.runs_of != held.stamp():
            known.runs_of, here = held.sendable()
            known.runs = list(missing_runs(here, [*(known.theirs or ()), *known.under_way.values()]))
        return known.runs

    def _give(self, held: HeldRecording, step: Step) -> Task:
        known = self._known[held.rec_id]
        if step is not Step.PART:
            known.question = True
            return Task(self._contact, held, step)
        run = known.runs.pop(0)
        known.under_way[run[0].seq] = HeldPart(run[0].seq, run[-1].seq, sum(each.length for each in run))
        self._turn += 1
        return Task(self._contact, held, step, tuple(run))

    # -- what came of it -----------------------------------------------------------------------------------------

    def ended(self, task: Task, *, parts: list[HeldPart] | None = None, problem: BwvError | None = None) -> None:
        """Take in how a step ended: well (with what the server holds, after ASK), or with the error of this one."""
        with self._changed:
            known, part = self._return(task)
            if problem is not None:
                self._hold_up(known, problem)
                self._changed.notify_all()
                return
            self.moved |= task.step in (Step.PART, Step.COMPLETE)
            if task.step is Step.COMPLETE:  # delivered, or it grew meanwhile and begins anew
                del self._known[task.held.rec_id]
            elif task.contact == self._contact:
                known.orphan_sent |= task.step is Step.ORPHAN
                if task.step is Step.ASK:
                    known.theirs = parts
                if part is not None and known.theirs is not None:
                    known.theirs = [*known.theirs, part]
                    known.mended, known.asked, known.why = False, 0, ""
            self._changed.notify_all()

    def _return(self, task: Task) -> tuple[Known, HeldPart | None]:
        known = self._of(task.held)
        known.runs_of = None
        if task.run:
            return known, known.under_way.pop(task.run[0].seq)
        known.question = False
        return known, None

    def hold_up(self, held: HeldRecording, problem: BwvError) -> None:
        """Take in why a recording could not be announced."""
        with self._changed:
            self._hold_up(self._of(held), problem)

    def broke(self, task: Task, problem: BwvError) -> None:
        """The connection broke under a step, or the server is full: this contact is over."""
        with self._changed:
            self._return(task)
            if task.contact == self._contact:
                self.trouble, self._open = problem, False

    def _hold_up(self, known: Known, problem: BwvError) -> None:
        code = problem.door_code if isinstance(problem, DoorError) else ""
        wait_s = HELD_UP_S
        if isinstance(problem, DoorBusy):
            known.asked += 1
            asks_s = max(problem.retry_after_s, SHORTEST_ASIDE_S)
            wait_s = min(asks_s * (1 + known.asked / 4), LONGEST_ASIDE_S)
        elif code in (CODE_INCOMPLETE, CODE_ENTRIES_FIRST) and not known.mended:
            wait_s, known.mended = 0, True  # it has less than it said, or somebody else sends too: ask, once
            known.announced, known.theirs, known.orphan_sent = None, None, False
        else:
            known.why = problem.what
            known.announced, known.theirs, known.orphan_sent, known.mended = None, None, False, False
        known.later_ns = self._mono_ns() + int(wait_s * NS)

    # -- for the page --------------------------------------------------------------------------------------------

    def held_up(self) -> dict[bytes, str]:
        """Return why recordings are held up that the server refused."""
        with self._changed:
            return {rec_id: known.why for rec_id, known in self._known.items() if known.why}

    def standing(self, held: HeldRecording) -> Standing:
        """Return how far a recording is on its way."""
        with self._changed:
            known = self._of(held)
            if known.why:
                return Standing.HELD_UP
            if known.under_way:
                return Standing.SENT
            if not held.has_custody:
                return Standing.ARRIVING
            everything_sent = self._open and known.theirs is not None and not self._runs(held, known)
            return Standing.ASKED if everything_sent else Standing.WAITING

    def _of(self, held: HeldRecording) -> Known:
        return self._known.setdefault(held.rec_id, Known())


def _newest(held: HeldRecording) -> tuple[int, bool]:
    return held.next_seq, held.has_key
