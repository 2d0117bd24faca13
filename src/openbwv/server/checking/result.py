"""What a check found: a value that the command, a job and a page render alike."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Disagreement:
    """Two things that should agree and do not: a stable code, where, what, and what to do about it."""

    code: str
    where: str
    what: str
    remedy: str


@dataclass(frozen=True)
class Heartbeat:
    """When a job last ended well, and up to which time nothing of it is due; by the force's clock."""

    job: str
    finished_utc_ms: int | None
    clock_utc_ms: int | None
    outcome: str
    message: str


@dataclass
class Report:
    """The whole result. `looked_at` counts what was compared, so that an empty force does not pass for a good one."""

    clock_utc_ms: int
    heartbeats: list[Heartbeat] = field(default_factory=list)
    disagreements: list[Disagreement] = field(default_factory=list)
    looked_at: Counter[str] = field(default_factory=Counter)
    left_out: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Say whether nothing disagrees."""
        return not self.disagreements

    def as_dict(self) -> dict[str, Any]:
        """Return the shape of `--json`."""
        return {
            "ok": self.ok,
            "clock_utc_ms": self.clock_utc_ms,
            "heartbeats": [asdict(each) for each in self.heartbeats],
            "disagreements": [asdict(each) for each in self.disagreements],
            "looked_at": dict(self.looked_at),
            "left_out": self.left_out,
        }


@dataclass
class Context:
    """What a walk is given: where to count, the time, and whether stored footage is hashed."""

    clock_utc_ms: int
    media: bool
    looked_at: Counter[str]


Walk = Callable[[Context], Iterator[Disagreement]]
