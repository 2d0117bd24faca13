"""What a step is, what the steps share, and the list of them."""

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path

from openbwv.demo.force import Force
from openbwv.demo.processes import StepFailed
from openbwv.demo.street import DRAWN


@dataclass
class Story:
    """What the steps hand on to each other."""

    folder: Path
    source: str
    force: Force
    told: Callable[[str], None]
    has_sound: bool = True  # whether what is filmed has; a film or a device may have none
    shown: list[tuple[str, str]] = field(default_factory=list)
    recordings: dict[str, Path] = field(default_factory=dict)  # A, B, C -> folder on the camera
    copies: dict[str, Path] = field(default_factory=dict)  # the same, put aside before the wipe, to compare with
    references: dict[str, str] = field(default_factory=dict)  # A, B, C -> BWV-2026-000001
    captured_ms: dict[str, int] = field(default_factory=dict)  # A, B, C -> pretend time of the end
    request: dict[str, str] = field(default_factory=dict)
    bundle: Path | None = None
    forged: Force | None = None  # somebody else's of the same name,
    forgery: "Future[Path] | None" = None  # begun while the month passes, judged at the end

    @property
    def is_drawn(self) -> bool:
        """Return whether the street is filmed that the demo drew: of that everything must be shown."""
        return self.source == str(self.folder / DRAWN)

    def plays(self, streams: dict[str, object]) -> bool:
        """Return whether a film has a picture, and sound if what was filmed had."""
        return "video" in streams and ("audio" in streams or not self.has_sound)

    def shows(self, claim: str, judge: str) -> None:
        """Note a claim that `judge` has just found true."""
        self.shown.append((claim, judge))

    def must(self, holds: object, claim: str, judge: str, seen: object = "") -> None:
        """Note a claim if it holds; otherwise the step fails with what was seen."""
        if not holds:
            raise StepFailed(f"Not so: {claim} (judged by {judge}).", str(seen)[:1500])
        self.shows(claim, judge)

    def end(self) -> None:
        """Stop every process of both forces."""
        if self.forged is not None:
            self.forged.runner.close()  # so that the forger, in a thread of its own, comes to its end
        if self.forgery is not None:
            self.forgery.exception()  # it stops its own processes when it is through
        self.force.end()


@dataclass(frozen=True)
class Step:
    """One step: its number, title and what it does."""

    number: int
    title: str
    play: Callable[[Story], None]


STEPS: list[Step] = []


def step(title: str) -> Callable[[Callable[[Story], None]], Callable[[Story], None]]:
    """Add the decorated function as the next step."""

    def add(play: Callable[[Story], None]) -> Callable[[Story], None]:
        STEPS.append(Step(len(STEPS) + 1, title, play))
        return play

    return add
