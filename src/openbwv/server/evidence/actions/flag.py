"""Keep a recording as evidence."""

from datetime import date

from django.db import transaction

from openbwv.custody import EventType
from openbwv.recording import CATEGORIES
from openbwv.server.cases.models import Matter
from openbwv.server.clock import utc
from openbwv.server.evidence.actions.category import apply_category
from openbwv.server.evidence.errors import CategoryUnknown, FlagNeedsEnd, MatterClosed, lock
from openbwv.server.evidence.models import Flag, Recording
from openbwv.server.people.models import Person
from openbwv.server.people.rights import require
from openbwv.server.retention.actions import keep_again
from openbwv.server.trail.actions import log_event
from openbwv.shared.clock import Clock


def place_flag(
    *,
    recording: Recording,
    category: str,
    matter: Matter | None,
    review_date: date | None = None,
    note: str = "",
    media_ms: int | None = None,
    actor: Person,
    clock: Clock,
) -> Flag:
    """Flag `recording` as evidence for `matter`, or until it is looked at again on `review_date` (R2).

    A flag cancels a deletion that was proposed or authorised (R1). Raises FlagNeedsEnd, MatterClosed, CategoryUnknown,
    RecordingGone, NotPermitted.
    """
    decision = require(actor, "flag", recording)
    if category not in CATEGORIES:
        raise CategoryUnknown(what=f"There is no category '{category}'.", remedy="Choose one from the list.")
    if matter is None and review_date is None:
        raise FlagNeedsEnd(
            what="A flag needs a matter or a review date; otherwise it would be kept for ever.",
            remedy="Choose the matter it is evidence for, or the day to look at it again.",
        )
    if review_date is not None and review_date <= utc(clock).date():
        raise FlagNeedsEnd(what="The review date has passed.", remedy="Choose a day after today.")
    with transaction.atomic():
        recording = lock(recording)
        matter = Matter.objects.select_for_update().get(pk=matter.pk) if matter else None
        if matter and not matter.is_open:
            raise MatterClosed(
                what=f"{matter.reference} is closed.", remedy="Choose an open matter, or open a new one."
            )
        flag = Flag.objects.create(
            recording=recording,
            category=category,
            matter=matter,
            review_date=review_date,
            note=note,
            media_ms=media_ms,
            placed_by=actor,
            placed_utc=utc(clock),
        )
        apply_category(recording, category, at_utc=flag.placed_utc, actor=actor)
        log_event(
            EventType.CLASSIFY,
            recording=recording,
            actor=actor,
            why=note,
            rule=decision.rule,
            details={
                "deed": "flag",
                "category": category,
                "matter": matter.reference if matter else None,
                "review_date": review_date.isoformat() if review_date else None,
                "media_ms": media_ms,
            },
            clock=clock,
        )
        keep_again(recording=recording, reason="flagged as evidence", actor=actor, clock=clock)
    return flag
