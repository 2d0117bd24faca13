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
    """Measures one body. Nothing is refused before a whole window was waited for, but a part of it makes one give way:
    else whoever begins again before each window is over keeps a place for ever.

    `waits_since_s`: since when a wait is under way, None for none.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._waited_s, self._bytes = 0.0, 0
        self._marks = deque([(0.0, 0)])
        self._next_s = limits.window_s / MARKS
        self.waits_since_s: float | None = None

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
        return (self._bytes - before) / (self._waited_s - since_s) < self._limits.least_bytes_s

    def slowness(self, now_s: float = 0.0) -> float | None:
        """Return the bytes a second, at `now_s`, where they are few enough to give way, else None. From any thread."""
        since_s, before = self._marks[0]
        begun_s = self.waits_since_s
        waited_s = self._waited_s - since_s + (max(0.0, now_s - begun_s) if begun_s is not None else 0.0)
        if waited_s < self._limits.window_s / MARKS:
            return None
        rate = (self._bytes - before) / waited_s
        return rate if rate < self._limits.easy_bytes_s else None
