"""The index of camera journals: when a camera stood by, was off, asleep or docked, as rows that a page can ask for.

Each new entry either lengthens the camera's last row or begins the next. A row is evidence and no more: what lies
between two rows is read from both by openbwv.server.ingest.timeline. Times are the camera's own, taken from the entries
that carry its clock; other entries are placed by monotonic time within one start of the camera. Where the clock was set
only later in that start, what came before is placed then. A clock that was not set, that is ahead of the server's, or
that went back since the start before places nothing. Nothing here judges an entry: the door has done that.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from openbwv.recording import CameraMode, ClockSource, ClockState, Entry, EventBody, EventKind, JournalBody
from openbwv.recording.events import CLOCK_KEY
from openbwv.server.clock import utc
from openbwv.server.fleet.models import Camera
from openbwv.server.ingest.models import MODES, REASONS, CameraSpan
from openbwv.server.ingest.placing import place, place_ms
from openbwv.shared.clock import Clock

SILENCE = timedelta(seconds=90)  # three heartbeats: a camera that stands by and says less has a hole in its journal
LASTING = frozenset({CameraMode.OFF, CameraMode.SLEEP, CameraMode.DOCKED, CameraMode.ERROR})
OUT_OF_ORDER = timedelta(minutes=2)  # what a clock of one start may be behind that of the start before
STEP_MS = 60_000  # a clock that is put right by more than this was wrong since the start
KNOWN_MODES = frozenset(mode for mode, _ in MODES)
KNOWN_REASONS = frozenset(reason for reason, _ in REASONS)


def index_entries(camera: Camera, entries: Iterable[Entry], clock: Clock) -> None:
    """Take new entries of a camera's journal, in order, into the index; in the transaction that stores them."""
    indexer = _Indexer(camera, now=utc(clock))
    for entry in entries:
        indexer.take(entry)
    indexer.save()


class _Indexer:
    """The last row of a camera, lengthened or followed entry by entry."""

    def __init__(self, camera: Camera, *, now: datetime) -> None:
        self.camera, self.now = camera, now
        self.row = CameraSpan.objects.filter(camera=camera).order_by("-pk").first()
        self.earliest = self._end_before_this_start()

    def save(self) -> None:
        """Write the row that is being lengthened."""
        if self.row is not None:
            self.row.save()

    def take(self, entry: Entry) -> None:
        """Take one entry."""
        body = entry.body
        if isinstance(body, JournalBody):
            self._begin(entry, CameraMode.BOOT, starts=body.bt, linked=self._follows(body))
        elif isinstance(body, EventBody) and body.kind == EventKind.BOOT:
            self._take_boot(entry, body)
        elif isinstance(body, EventBody) and self.row is not None:
            self._take_event(entry, body)

    def _take_event(self, entry: Entry, body: EventBody) -> None:
        if body.kind == EventKind.CLOCK_SYNC:
            self._lengthen(entry, None)
            self._put_right(body)
        else:
            mode, reason = _mode_of(body, CameraMode(self.row.mode))
            at_utc = self._placed(body)
            gone_on = self._goes_on(entry, mode, reason)
            if at_utc is not None and self.row.to_utc is None:
                self._place_start(at_utc, entry.mono_ns)
            if gone_on:
                self._lengthen(entry, at_utc)
            else:
                at_utc = at_utc or self._by_monotonic(entry)
                self._begin(entry, mode, starts=self.row.starts, reason=reason, at_utc=at_utc)

    def _take_boot(self, entry: Entry, body: EventBody) -> None:
        starts, row = body.public[1], self.row
        if row is not None and row.to_utc is not None:
            self.earliest = row.to_utc - OUT_OF_ORDER
        at_utc = self._placed(body)
        if row is not None and row.last_seq == 0 and entry.seq == 1 and bytes(row.journal_id) == entry.rec_id:
            self.row.last_seq, self.row.to_ns = entry.seq, entry.mono_ns  # the start in which this journal began
            self.row.from_utc = self.row.to_utc = at_utc
            return
        linked = row is not None and starts == row.starts + 1
        self._begin(entry, CameraMode.BOOT, starts=starts, linked=linked, at_utc=at_utc)

    def _follows(self, body: JournalBody) -> bool:
        """Say whether a new journal begins where all that was before it is here."""
        if self.row is None:
            return True
        known = (bytes(self.camera.journal_id), bytes(self.camera.journal_tail))
        return (body.previous, body.previous_tail) == known and body.bt == self.row.starts + 1

    def _goes_on(self, entry: Entry, mode: CameraMode, reason: int | None) -> bool:
        """Say whether an entry belongs to the row that is open: the same mode, and no silence while it stands by."""
        if mode != self.row.mode or (reason is not None and reason != self.row.reason):
            return False
        quiet = timedelta(microseconds=(entry.mono_ns - self.row.to_ns) // 1000)
        return mode in LASTING or quiet <= SILENCE

    def _lengthen(self, entry: Entry, at_utc: datetime | None) -> None:
        at_utc = at_utc or self._by_monotonic(entry)
        if at_utc is not None and self.row.to_utc is not None:
            self.row.to_utc = max(at_utc, self.row.to_utc)
        self.row.last_seq, self.row.to_ns = entry.seq, entry.mono_ns

    def _begin(
        self,
        entry: Entry,
        mode: CameraMode,
        *,
        starts: int,
        linked: bool = True,
        reason: int | None = None,
        at_utc: datetime | None = None,
    ) -> None:
        self.save()
        self.row = CameraSpan(
            camera=self.camera,
            journal_id=entry.rec_id,
            starts=starts,
            linked=linked,
            mode=int(mode),
            reason=reason,
            first_seq=entry.seq,
            last_seq=entry.seq,
            from_ns=entry.mono_ns,
            to_ns=entry.mono_ns,
            from_utc=at_utc,
            to_utc=at_utc,
        )

    # -- time ----------------------------------------------------------------------------------------------------

    def _placed(self, body: EventBody) -> datetime | None:
        row = body.public.get(CLOCK_KEY)
        return self._believed(place(ClockState.from_row(row, "an event"), now=self.now)) if row else None

    def _believed(self, at_utc: datetime | None) -> datetime | None:
        return at_utc if at_utc is not None and (self.earliest is None or at_utc >= self.earliest) else None

    def _end_before_this_start(self) -> datetime | None:
        """Return before what time nothing of the start that is running can have been."""
        rows = CameraSpan.objects.filter(camera=self.camera).exclude(to_utc=None)
        if self.row is not None:
            rows = rows.exclude(starts=self.row.starts, journal_id=bytes(self.row.journal_id))
        last = rows.order_by("-pk").first()
        return last.to_utc - OUT_OF_ORDER if last is not None else None

    def _by_monotonic(self, entry: Entry) -> datetime | None:
        """Place an entry without a clock of its own by the row it follows, in the same start of the camera."""
        if self.row.to_utc is None:
            return None
        return min(self.row.to_utc + timedelta(microseconds=(entry.mono_ns - self.row.to_ns) // 1000), self.now)

    def _put_right(self, body: EventBody) -> None:
        """A dock set the clock: place what this start has without a time, and move what a wrong clock had placed."""
        at_ns, old_ms, new_ms = body.public[1], body.public[2], body.public[3]
        new = self._believed(place_ms(new_ms, now=self.now))
        if body.public[4] == ClockSource.NONE or new is None:
            return
        if self.row.to_utc is None:
            self._place_start(new, at_ns)
        elif place_ms(old_ms, now=self.now) is not None and abs(new_ms - old_ms) > STEP_MS:
            step = timedelta(milliseconds=new_ms - old_ms)
            for row in self._rows_of_start():
                row.from_utc, row.to_utc = min(row.from_utc + step, self.now), min(row.to_utc + step, self.now)
                row.save()

    def _place_start(self, at_utc: datetime, at_ns: int) -> None:
        """Give every row of this start that has no time the one that monotonic time gives it."""
        for row in self._rows_of_start(from_utc=None):
            row.from_utc = min(at_utc - timedelta(microseconds=(at_ns - row.from_ns) // 1000), self.now)
            row.to_utc = min(at_utc - timedelta(microseconds=(at_ns - row.to_ns) // 1000), self.now)
            row.save()

    def _rows_of_start(self, **which: None) -> list[CameraSpan]:
        self.save()
        same = CameraSpan.objects.filter(
            camera=self.camera, journal_id=bytes(self.row.journal_id), starts=self.row.starts, **which
        )
        rows = list(same.exclude(pk=self.row.pk))
        return [*rows, self.row] if not which or self.row.from_utc is None else rows


def _mode_of(body: EventBody, now: CameraMode) -> tuple[CameraMode, int | None]:
    """Return the mode that an event says the camera is in, and why; what says nothing of it leaves both as they are."""
    if body.kind == EventKind.SLEEP:
        return CameraMode.SLEEP, None
    if body.kind == EventKind.WAKE:
        return CameraMode.STANDBY, None
    if body.kind in (EventKind.POWER, EventKind.HEARTBEAT) and body.public[1] in KNOWN_MODES:
        reason = body.public.get(2) if body.kind == EventKind.POWER else None
        return CameraMode(body.public[1]), reason if reason in KNOWN_REASONS else None
    return now, None
