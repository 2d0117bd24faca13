"""What keeps a recording now: holds in force, and flags with an open matter or a review date (R2)."""

from datetime import date, datetime

from django.utils import timezone

from openbwv.server.evidence.models import Flag, Recording
from openbwv.server.evidence.queries import keeping_flags
from openbwv.server.retention.models import Hold


def reasons_to_keep(recording: Recording, now: datetime) -> list[str]:
    """Return why `recording` is kept, in words for its page; empty when nothing keeps it."""
    holds = list(Hold.objects.filter(recording=recording, released_utc=None))
    asked = sum(hold.request_id is not None for hold in holds)
    reasons = [f"it is on hold: {hold.reason}" for hold in holds if hold.request_id is None]
    if asked:
        reasons.insert(0, f"it is held for {'a request' if asked == 1 else f'{asked} requests'} for footage")
    for flag in keeping_flags().filter(recording=recording).select_related("matter"):
        reasons.append(_of_flag(flag, timezone.localdate(now)))
    return reasons


def _of_flag(flag: Flag, today: date) -> str:
    if flag.matter and flag.matter.is_open:
        return f"it is evidence in {flag.matter.reference}, which is open"
    if flag.review_date:
        day = f"{flag.review_date.day} {flag.review_date:%B %Y}"
        if flag.review_date < today:
            return f"it is flagged as evidence, and should have been looked at again on {day}"
        return f"it is flagged as evidence, to be looked at again on {day}"
    return "the officer flagged it as evidence on the camera"
