"""What a camera's clock showed, as a time that the server may rely on, or None.

A clock that was not set says nothing. One that is ahead of the server's is wrong by itself: what came has happened.
"""

from datetime import datetime, timedelta

from openbwv.recording import ClockState
from openbwv.server.clock import from_ms, to_ms

AHEAD = timedelta(minutes=5)  # what two honest clocks may differ


def place(clock: ClockState, *, now: datetime) -> datetime | None:
    """Return the time of a set clock, never after `now`; None for one that is not set or shows another day to come."""
    return place_ms(clock.utc_ms, now=now) if clock.synchronised else None


def place_ms(utc_ms: int, *, now: datetime) -> datetime | None:
    """Return milliseconds since 1970 as a time, never after `now`; None when they lie further ahead than clocks do."""
    if not 0 <= utc_ms <= to_ms(now + AHEAD):
        return None
    return min(from_ms(utc_ms), now)
