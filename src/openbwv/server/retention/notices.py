"""Warnings 7 and 3 days before a deletion, to the owner and their supervisor; marked recordings come first."""

from datetime import datetime

from django.db import transaction
from django.db.models import Case, Q, QuerySet, Value, When

from openbwv.recording.registry import Trigger
from openbwv.server.clock import utc
from openbwv.server.evidence.models import Recording, State
from openbwv.server.evidence.queries import keeping_flags
from openbwv.server.retention import rules
from openbwv.server.retention.models import DeletionNotice
from openbwv.shared.clock import Clock

BY_HAND = (Trigger.BUTTON,)


def about_to_go(now: datetime) -> QuerySet[Recording]:
    """Return what is deleted within seven days and nothing keeps, marked and signal-started recordings first."""
    soon = now + max(rules.WARN_DAYS) * rules.DAY
    rows = Recording.objects.filter(held_count=0, state=State.STORED, retain_until_utc__lte=soon)
    marked = Q(marker_count__gt=0) | ~Q(trigger__in=[int(each) for each in BY_HAND])
    return (
        rows.exclude(pk__in=keeping_flags().values("recording"))
        .annotate(first=Case(When(marked, then=Value(0)), default=Value(1)))
        .order_by("first", "retain_until_utc", "pk")
    )


def give_notices(clock: Clock) -> int:
    """Write the notices that are due and not written yet; return how many."""
    now = utc(clock)
    wanted = [
        DeletionNotice(recording=recording, days_ahead=days, due_utc=recording.retain_until_utc, made_utc=now)
        for recording in about_to_go(now)
        for days in rules.warnings_due(recording.retain_until_utc, now)
    ]
    with transaction.atomic():
        before = DeletionNotice.objects.count()
        DeletionNotice.objects.bulk_create(wanted, ignore_conflicts=True, batch_size=500)
        return DeletionNotice.objects.count() - before
