"""The clock of this server process.

Capture, ingest, due dates, log times and requests use it; sign-in, tokens, leases and timeouts use the system's (R11).
"""

import functools
from datetime import UTC, datetime, timedelta
from pathlib import Path

from django.conf import settings

from openbwv.shared.clock import Clock, open_clock

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_chosen: list[Clock] = []


@functools.cache
def _configured(state: Path, socket: Path | None) -> Clock:
    trust = state / "trust.pem"
    authority = trust.read_bytes() if trust.exists() else None
    return open_clock(authority, str(socket) if socket else None)


def clock() -> Clock:
    """Return this process's clock. Raises ClockRefused when a movable clock is set on a force that is not PRETEND."""
    return _chosen[-1] if _chosen else _configured(Path(settings.STATE), settings.CLOCK_SOCKET)


def utc(source: Clock) -> datetime:
    """Return what `source` shows as an aware datetime, whole to the millisecond."""
    return from_ms(source.utc_ms())


def from_ms(utc_ms: int) -> datetime:
    """Return the aware datetime of a number of milliseconds since 1970 (exact: no floating point)."""
    return _EPOCH + timedelta(milliseconds=utc_ms)


def to_ms(moment: datetime) -> int:
    """Return milliseconds since 1970 of an aware datetime."""
    return (moment - _EPOCH) // timedelta(milliseconds=1)


def use_clock(source: Clock | None) -> None:
    """Make `clock()` return `source` in this process, or the configured clock again when None. For tests."""
    _chosen[:] = [source] if source else []
