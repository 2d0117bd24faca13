"""What auditors watched: the officer's supervisor is shown it, with who, when and why (R3)."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db.models import Count, Max, QuerySet

from openbwv.custody import EventType
from openbwv.server.evidence.models import Recording
from openbwv.server.people.models import Role
from openbwv.server.trail.models import Event, Outcome

SHOWN_DAYS = 7
RULES = ("watch-any", "watch-team")  # how far an auditor's right reaches, also to what is restricted to their team


def auditors_views(now: datetime, *, days: int) -> QuerySet[Event]:
    """Return the events of the last `days` by which an auditor, by that role's right, began to watch.

    Somebody who is an investigator too counts: the rule is the same for both roles, and what is told once too often
    does less harm than what is not told.
    """
    return Event.objects.filter(
        type=EventType.VIEW,
        at_utc__gt=now - timedelta(days=days),
        rule__in=RULES,
        outcome=Outcome.DONE,
        actor__roles_held__role=Role.AUDITOR,
    )


def watched_by_auditor(recordings: QuerySet[Recording], now: datetime, *, days: int) -> QuerySet[Recording]:
    """Return those of `recordings` that an auditor began to watch in the last `days`."""
    return recordings.filter(pk__in=auditors_views(now, days=days).values("recording"))


def newest_views(recordings: Iterable[Recording], now: datetime, *, days: int) -> dict[object, tuple[Event, int]]:
    """Return (newest viewing by an auditor, how many there were) by the primary key of each of a page's recordings."""
    views = auditors_views(now, days=days).filter(recording__in=[each.pk for each in recordings])
    counted = list(views.order_by().values_list("recording").annotate(newest=Max("pk"), times=Count("pk")))
    events = Event.objects.select_related("actor").in_bulk([newest for _, newest, _ in counted])
    return {recording: (events[newest], times) for recording, newest, times in counted}
