"""How fast a body comes in: bytes over the last window of waiting, so that dripping is told from a busy machine.

Only time spent waiting for the sender counts. What the door itself takes for hashing, writing and syncing slows nobody
down who is fast.
"""

from collections import deque
from dataclasses import dataclass

MARKS = 8  # of one window: how finely it slides


@dataclass(frozen=True)
class Limits:
    """What a body must bring: `least_bytes_s` over any `window_s` of waiting.

    One slower than `easy_bytes_s` gives way to another device's when every place is taken.
    """

    least_bytes_s: int = 8 << 10
    easy_bytes_s: int = 256 << 10
    window_s: float = 30.0


class Pace:
    """Measures one body. `rate` is None until a whole window was waited for."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._waited_s, self._bytes = 0.0, 0
        self._marks = deque([(0.0, 0)])
        self._next_s = limits.window_s / MARKS
        self.rate: float | None = None

    def is_too_slow(self, count: int, waited_s: float) -> bool:
        """Count `count` bytes that were waited for; say whether the last window brought too few."""
        self._bytes += count
        self._waited_s += waited_s
        if self._waited_s < self._next_s:
            return False
        self._next_s = self._waited_s + self._limits.window_s / MARKS
        self._marks.append((self._waited_s, self._bytes))
        begin_s = self._waited_s - self._limits.window_s
        while self._marks[1][0] <= begin_s:
            self._marks.popleft()
        since_s, before = self._marks[0]
        if since_s > begin_s:
            return False
        self.rate = (self._bytes - before) / (self._waited_s - since_s)
        return self.rate < self._limits.least_bytes_s

    def slowness(self) -> float | None:
        """Return the rate in bytes a second where it is slow enough to give way, else None."""
        rate = self.rate
        return rate if rate is not None and rate < self._limits.easy_bytes_s else None
