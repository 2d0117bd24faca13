"""How long to wait before the server is tried again.

Rule: each wait is twice the one before up to a limit, and of each only a random half to whole is waited, so that the
docks of a force do not all come back in the same second. Nothing waits longer than the limit.
"""

import os
from collections.abc import Callable


def some_share() -> float:
    """Return a random number from 0 up to 1."""
    return int.from_bytes(os.urandom(4)) / 2**32


class Backoff:
    """Waits in seconds, from `shortest_s` to `longest_s`; `share` gives the random number."""

    def __init__(self, *, shortest_s: float, longest_s: float, share: Callable[[], float] = some_share) -> None:
        self._shortest_s, self._longest_s, self._share = shortest_s, longest_s, share
        self._next_s = shortest_s

    def wait_s(self) -> float:
        """Return how long to wait now; the next wait is longer."""
        whole = self._next_s
        self._next_s = min(whole * 2, self._longest_s)
        return whole * (1 + self._share()) / 2

    def reset(self) -> None:
        """It worked: begin again with the shortest wait."""
        self._next_s = self._shortest_s
