"""What cameras counted and what is not here: the alarm, its event, and the words that pages show of it.

A number is missing from the moment a camera's word of it is taken until its first entry arrives. For GRACE after that
word it is on its way: a dock sends the entries of all recordings before any footage, which takes seconds.
A camera that two people have written off is no alarm any more; what it kept stays listed on its page.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

from django.db import transaction
from django.db.models import Q, QuerySet

from openbwv.custody import EventType
from openbwv.recording.entries import entry_at
from openbwv.server.clock import utc
from openbwv.server.evidence.models import Recording
from openbwv.server.fleet.models import Assignment, Camera
from openbwv.server.ingest.aside import keep_aside
from openbwv.server.ingest.errors import Equivocation
from openbwv.server.ingest.models import AsideKind, Counted, JournalPart, MissingNumber
from openbwv.server.people.models import Unit
from openbwv.server.people.templatetags.plain import day_and_time
from openbwv.server.trail.actions import log_event
from openbwv.server.vault.errors import ObjectMissing
from openbwv.server.vault.store import vault_store
from openbwv.shared.clock import Clock

GRACE = timedelta(minutes=15)
A_UNIT_HAD = timedelta(days=31)  # whoever took it within the days that footage is kept may know where it is


@dataclass(frozen=True)
class Shortfall:
    """What is missing of one camera: numbers overdue, numbers on their way, and what is not as the camera signed it."""

    counted: Counted
    overdue: tuple[MissingNumber, ...]
    on_its_way: tuple[MissingNumber, ...]

    @property
    def camera(self) -> Camera:
        """Whose it is."""
        return self.counted.camera

    @property
    def is_alarm(self) -> bool:
        """Say whether somebody should look at it."""
        return bool((self.overdue or self.counted.unlisted) and not self.camera.written_off_utc)

    @property
    def words(self) -> str:
        """Return the alarm in a sentence."""
        count = len(self.overdue) + self.counted.unlisted
        has = "has" if count == 1 else "have"
        which = numbers_in_words(row.rc for row in self.overdue) if not self.counted.unlisted else f"{count} of them"
        said = f"Camera {self.camera} began {self.counted.next_rc - 1} recordings; {which} {has} not arrived"
        if self.overdue and all(row.on_camera for row in self.overdue) and not self.counted.unlisted:
            said += ", but the camera still holds " + ("it" if count == 1 else "them")
        return f"{said}; docked {self.docked}"

    @property
    def docked(self) -> str:
        """Return where and when the camera said so."""
        where = f"at {self.counted.dock} " if self.counted.dock else "at the server "
        return f"{where}on {day_and_time(self.counted.made_utc or self.counted.taken_utc)}"


def numbers_in_words(numbers: Iterable[int]) -> str:
    """Return `number 12` or `numbers 3 to 5 and 9`, nothing for none."""
    runs = [
        [rc for _, rc in run]
        for _, run in groupby(enumerate(sorted(numbers)), key=lambda placed: placed[1] - placed[0])
    ]
    if not runs:
        return ""
    said = [str(run[0]) if len(run) == 1 else f"{run[0]} to {run[-1]}" for run in runs]
    listed = said[0] if len(said) == 1 else f"{', '.join(said[:-1])} and {said[-1]}"
    return f"number {listed}" if len(runs) == 1 and len(runs[0]) == 1 else f"numbers {listed}"


def shortfall_of(camera: Camera, clock: Clock) -> Shortfall | None:
    """Return what is missing of one camera, None for a camera that never said what it counted."""
    counted = Counted.objects.select_related("camera", "dock").filter(camera=camera).first()
    return _shortfall(counted, list(camera.missing_numbers.all()), utc(clock)) if counted else None


def shortfalls(cameras: QuerySet[Camera], clock: Clock) -> list[Shortfall]:
    """Return what is an alarm of `cameras`, by name."""
    now, in_use = utc(clock), cameras.filter(written_off_utc=None)
    rows: dict[int, list[MissingNumber]] = {}
    for row in MissingNumber.objects.filter(camera__in=in_use, since_utc__lte=now - GRACE):
        rows.setdefault(row.camera_id, []).append(row)
    short = Counted.objects.filter(camera__in=in_use).filter(Q(camera__in=list(rows)) | Q(unlisted__gt=0))
    found = short.select_related("camera", "dock").order_by("camera__name")
    return [_shortfall(counted, rows.get(counted.camera_id, []), now) for counted in found]


def different(cameras: QuerySet[Camera]) -> QuerySet[Counted]:
    """Return the counters of `cameras` that do not fit what is here."""
    return Counted.objects.exclude(differs="").filter(camera__in=cameras.filter(written_off_utc=None))


def cameras_of_unit(unit: Unit, clock: Clock) -> QuerySet[Camera]:
    """Return the cameras that live in a unit or were taken by it or one of its people within a month."""
    lately = Assignment.objects.filter(until_utc__gte=utc(clock) - A_UNIT_HAD)
    taken = lately.filter(Q(unit=unit) | Q(unit=None, person__unit=unit))
    return Camera.objects.filter(Q(unit=unit) | Q(pk__in=taken.values("camera")))


def compare_counters(which: QuerySet[Counted], clock: Clock) -> int:
    """Compare of `which` what is here by now, log and keep aside what differs, and return how many of those."""
    count = 0
    for counted in which.filter(compared=False).select_related("camera"):
        found = _compared(counted)
        if found is not None:
            Counted.objects.filter(pk=counted.pk, signed=counted.signed).update(compared=True, differs=found)
    differing = which.exclude(differs="").filter(differs_told_utc=None, camera__written_off_utc=None)
    for counted in differing.select_related("camera", "dock"):
        _keep(counted, clock)
        with transaction.atomic():
            _log(counted.camera, "differs", counted.differs, clock)
            Counted.objects.filter(pk=counted.pk).update(differs_told_utc=utc(clock))
        count += 1
    return count


def look_at_counters(clock: Clock) -> int:
    """Compare what cameras signed with what has arrived, log what is an alarm by now, and return how many of those."""
    now, count = utc(clock), compare_counters(Counted.objects.all(), clock)
    untold = MissingNumber.objects.filter(told_utc=None, since_utc__lte=now - GRACE, camera__written_off_utc=None)
    for camera in Camera.objects.filter(pk__in=untold.values("camera")):
        with transaction.atomic():
            rows = list(untold.filter(camera=camera).select_for_update())
            if rows:
                _log(camera, "missing", numbers_in_words(row.rc for row in rows), clock)
                MissingNumber.objects.filter(pk__in=[row.pk for row in rows]).update(told_utc=now)
                count += 1
    return count


def _keep(counted: Counted, clock: Clock) -> None:
    """Keep a statement that differs aside until a person settles it: the camera's next one takes its place here."""
    why = Equivocation(
        what=f"Camera {counted.camera.name} signed other counters than fit what is here. {counted.differs}",
        remedy="Tell the fleet manager: the camera's key was copied, or its store was replaced.",
    )
    sender, signed = counted.dock or counted.camera, bytes(counted.signed)
    kid = counted.camera.kid
    keep_aside(signed, kind=AsideKind.COUNTS, why=why, device_kid=kid, sender_kid=sender.kid, clock=clock)


def _log(camera: Camera, deed: str, what: str, clock: Clock) -> None:
    log_event(
        EventType.MISSING,
        actor_label="job ingest.counters",
        rule="missing-number" if deed == "missing" else "counters-differ",
        details={"deed": deed, "camera": camera.name, "numbers": what},
        clock=clock,
    )


def _shortfall(counted: Counted, rows: list[MissingNumber], now: datetime) -> Shortfall:
    overdue = tuple(row for row in rows if row.since_utc <= now - GRACE)
    return Shortfall(counted, overdue, tuple(row for row in rows if row.since_utc > now - GRACE))


def _compared(counted: Counted) -> str | None:
    """Return what is here and is not what the camera signed, "" when all is, None when it is not all here."""
    if counted.journal_next_seq:
        tail = _tail_at(counted.camera, bytes(counted.journal_id), counted.journal_next_seq - 1)
        if tail is None:
            return None
        if tail != bytes(counted.journal_tail):
            return f"Entry {counted.journal_next_seq - 1} of its journal is another one than it signed for."
    if counted.newest is not None:
        newest = Recording.objects.filter(pk=counted.newest, closed=True).first()
        if newest is None:
            return None
        if bytes(newest.tail) != bytes(counted.newest_tail):
            return f"Its recording {newest.reference} ends otherwise than it signed."
    return ""


def _tail_at(camera: Camera, journal_id: bytes, seq: int) -> bytes | None:
    """Return the hash of one entry of a camera's journal, None when it is not here."""
    parts = JournalPart.objects.filter(camera=camera, journal_id=journal_id, first_seq__lte=seq, last_seq__gte=seq)
    part = parts.select_related("object").first()
    try:
        raw = vault_store().read(part.object.key, length=part.object.length) if part else b""
    except ObjectMissing:
        return None  # the check of the vault names it; it must not keep the other cameras from being looked at
    position = 0
    while position < len(raw):
        entry, position = entry_at(raw, position)
        if entry.seq == seq:
            return entry.sig_structure_sha256
    return None
