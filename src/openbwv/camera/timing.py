"""The camera's time: monotonic for order, UTC with what is known about its error.

Rule: the file's timeline is monotonic time at capture. UTC = the clock + the offset measured at the last dock; a
correction never steps the timeline. Without a sync the state is NONE, and nobody relies on it.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from openbwv import recording as r
from openbwv.shared.clock import Clock, PretendClock
from openbwv.shared.durable import write_durably

DRIFT_PPM = 50  # a plain crystal; adds to the uncertainty as time passes since the last sync


@dataclass(frozen=True)
class Sync:
    """The last measurement at a dock: own + `offset_ms` = dock's, known to ± `uncertainty_ms`, made at `synced_ms`."""

    offset_ms: int
    uncertainty_ms: int
    synced_ms: int

    @classmethod
    def measured(cls, *, dock_ms: int, rtt_ms: int, own_ms: int) -> Self:
        """Return what a dock's time says that was under way for `rtt_ms` there and back and came at `own_ms`.

        Source: Cristian (1989): the dock read its clock somewhere in the round trip, so half of it is the error.
        """
        now_ms = dock_ms + rtt_ms // 2
        return cls(now_ms - own_ms, rtt_ms // 2 + 1, now_ms)

    def keep(self, folder: Path) -> None:
        """Write it into an identity folder, where the next start reads it; raises DiskFull, WriteFailed."""
        write_durably(folder / "clock.json", json.dumps(asdict(self)).encode(), replace=True)


class CameraClock:
    """A Clock with the camera's offset, and the clock state that OPEN carries."""

    def __init__(self, clock: Clock, sync: Sync | None) -> None:
        self._clock = clock
        self._sync = sync

    def own_utc_ms(self) -> int:
        """Return what the camera's own clock says, in milliseconds."""
        return self._clock.utc_ms()

    def adopt(self, sync: Sync) -> None:
        """Go by a new measurement from now on."""
        self._sync = sync

    def utc_ms(self) -> int:
        """Return corrected UTC in milliseconds."""
        return self.own_utc_ms() + (self._sync.offset_ms if self._sync else 0)

    def mono_ns(self) -> int:
        """Return monotonic nanoseconds."""
        return self._clock.mono_ns()

    def state(self, own_ms: int | None = None) -> r.ClockState:
        """Return what OPEN says about this clock now, or when the camera's own clock said `own_ms`."""
        own_ms = self.own_utc_ms() if own_ms is None else own_ms
        now_ms = own_ms + (self._sync.offset_ms if self._sync else 0)
        if self._sync is not None:
            age_ms = max(0, now_ms - self._sync.synced_ms)
            uncertainty_ms = self._sync.uncertainty_ms + age_ms * DRIFT_PPM // 1_000_000 + 1
            return r.ClockState(now_ms, uncertainty_ms, r.ClockSource.DOCK, self._sync.synced_ms)
        if isinstance(self._clock, PretendClock):  # a pretend force has one clock for camera, dock and server
            return r.ClockState(now_ms, 1000, r.ClockSource.DOCK, now_ms)
        return r.ClockState(now_ms, 0, r.ClockSource.NONE, 0)


class UnpacedClock:
    """For recordings that are not paced: its time is moved by the pipeline, frame by frame."""

    def __init__(self, *, utc_ms: int, mono_ns: int) -> None:
        self._utc_ms, self._start_ns, self._now_ns = utc_ms, mono_ns, mono_ns

    def utc_ms(self) -> int:
        """Return the time at the newest frame."""
        return self._utc_ms + (self._now_ns - self._start_ns) // 1_000_000

    def mono_ns(self) -> int:
        """Return the monotonic time of the newest frame."""
        return self._now_ns

    def move_to(self, mono_ns: int) -> None:
        """Go on to `mono_ns`; an earlier value changes nothing."""
        self._now_ns = max(self._now_ns, mono_ns)
