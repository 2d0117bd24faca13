"""Find recordings: by time, officer, unit, camera, category, flag and state; sort them; say what deletes soon."""

from datetime import datetime, time, timedelta

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from openbwv.server.evidence.audited import watched_by_auditor
from openbwv.server.evidence.models import Flag, Recording, State
from openbwv.server.evidence.queries import given_up, keeping_flags, not_here

SORTS = {
    "when": "started_utc",
    "officer": "officer__display_name",
    "unit": "unit__name",
    "length": "duration_ms",
    "category": "category",
    "deletes": "retain_until_utc",
}


def with_flags(recordings: QuerySet[Recording]) -> QuerySet[Recording]:
    """Add `flagged` (a flag in force) and `kept` (a flag that keeps it, or a hold) to each recording."""
    flags = Flag.objects.filter(recording=OuterRef("pk"), removed_utc=None)
    keeping = keeping_flags().filter(recording=OuterRef("pk"))
    return recordings.annotate(
        flagged=Exists(flags),
        matter_named=Exists(flags.filter(matter__isnull=False)),
        keeping_flag=Exists(keeping),
    ).annotate(kept=Q(keeping_flag=True) | Q(held_count__gt=0))


def deletes_within(recordings: QuerySet[Recording], now: datetime, *, days: int) -> QuerySet[Recording]:
    """Return those whose deletion is due within `days` and that nothing keeps."""
    due = recordings.filter(state=State.STORED, retain_until_utc__lte=now + timedelta(days=days))
    return with_flags(due).filter(kept=False)


def find(recordings: QuerySet[Recording], wanted: dict, now: datetime) -> QuerySet[Recording]:
    """Return the recordings that fit `wanted`, the cleaned data of FindForm."""
    found = with_flags(recordings)
    if wanted.get("deletes"):
        found = deletes_within(recordings, now, days=wanted["deletes"])
    if wanted.get("audited"):
        found = watched_by_auditor(found, now, days=wanted["audited"])
    if wanted.get("from_day"):
        found = found.filter(started_utc__gte=_start_of(wanted["from_day"]))
    if wanted.get("to_day"):
        found = found.filter(started_utc__lt=_start_of(wanted["to_day"] + timedelta(days=1)))
    for name in ("unit", "category"):
        if wanted.get(name):
            found = found.filter(**{name: wanted[name]})
    if wanted.get("camera"):
        found = found.filter(camera__name__iexact=wanted["camera"])
    found = _by_officer(found, wanted.get("officer", ""))
    found = _by_state(found, wanted.get("state", ""))
    found = _by_flag(found, wanted.get("flag", ""))
    if wanted.get("text"):
        found = found.filter(reference__icontains=wanted["text"].strip())
    return found


def _by_officer(found: QuerySet[Recording], officer: str) -> QuerySet[Recording]:
    if not officer:
        return found
    if officer == "nobody":
        return found.filter(officer=None)
    return found.filter(
        Q(officer__username__iexact=officer) | Q(officer__display_name__icontains=officer) | Q(officer__collar=officer)
    )


def _by_state(found: QuerySet[Recording], state: str) -> QuerySet[Recording]:
    if state == "not-here":
        return not_here(found)
    if state == "given-up":
        return given_up(found)
    return found.filter(state=state) if state else found


def _by_flag(found: QuerySet[Recording], flag: str) -> QuerySet[Recording]:
    return {
        "flagged": found.filter(flagged=True),
        "unflagged": found.filter(flagged=False),
        "no-matter": found.filter(flagged=True, matter_named=False),
        "held": found.filter(held_count__gt=0),
        "restricted": found.filter(restricted=True),
        "marked": found.filter(Q(marker_count__gt=0) | Q(evidential_from_camera=True)),
    }.get(flag, found)


def sort(found: QuerySet[Recording], key: str, *, up: bool) -> QuerySet[Recording]:
    """Order by one of SORTS; the newest first when `key` is none of them."""
    column = SORTS.get(key, "started_utc")
    return found.order_by(column if up else f"-{column}", "-started_utc", "id")


def _start_of(day) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))
