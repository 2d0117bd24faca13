"""What keeps a recording now: holds in force, and flags with an open matter or a review date (R2)."""

from datetime import date, datetime

from django.utils import timezone

from openbwv.server.evidence.models import Flag, Recording
from openbwv.server.evidence.queries import keeping_flags
from openbwv.server.retention.models import Hold


def reasons_to_keep(recording: Recording, now: datetime) -> list[str]:
    """Return why `recording` is kept, in words for its page; empty when nothing keeps it."""
    reasons = [_of_hold(hold) for hold in Hold.objects.filter(recording=recording, released_utc=None)]
    for flag in keeping_flags().filter(recording=recording).select_related("matter"):
        reasons.append(_of_flag(flag, timezone.localdate(now)))
    return reasons


def _of_hold(hold: Hold) -> str:
    if hold.request_id:
        return "it is held for a request for footage"
    return f"it is on hold: {hold.reason}"


def _of_flag(flag: Flag, today: date) -> str:
    if flag.matter and flag.matter.is_open:
        return f"it is evidence in {flag.matter.reference}, which is open"
    if flag.review_date:
        day = f"{flag.review_date.day} {flag.review_date:%B %Y}"
        if flag.review_date < today:
            return f"it is flagged as evidence, and should have been looked at again on {day}"
        return f"it is flagged as evidence, to be looked at again on {day}"
    return "the officer flagged it as evidence on the camera"
