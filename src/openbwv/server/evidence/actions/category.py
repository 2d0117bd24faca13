"""Say what a recording shows. A restricted category closes it to its team; a later label never reopens it."""

from datetime import datetime

from django.db import transaction

from openbwv.custody import EventType
from openbwv.recording import CATEGORIES
from openbwv.server.clock import utc
from openbwv.server.evidence.errors import CategoryUnknown, lock
from openbwv.server.evidence.models import Recording, Restriction
from openbwv.server.people.models import Person
from openbwv.server.people.rights import require
from openbwv.server.trail.actions import log_event
from openbwv.shared.clock import Clock


def set_category(*, recording: Recording, category: str, actor: Person, clock: Clock) -> Recording:
    """Set the category. The deletion date does not change: no label shortens it (R1)."""
    decision = require(actor, "flag", recording)
    if category not in CATEGORIES:
        raise CategoryUnknown(
            what=f"There is no category '{category}'.", remedy=f"Use one of {', '.join(sorted(CATEGORIES))}."
        )
    with transaction.atomic():
        recording = lock(recording)
        before = recording.category
        apply_category(recording, category, at_utc=utc(clock), actor=actor)
        log_event(
            EventType.CLASSIFY,
            recording=recording,
            actor=actor,
            rule=decision.rule,
            details={"deed": "category", "from": before, "to": category},
            clock=clock,
        )
    return recording


def apply_category(recording: Recording, category: str, *, at_utc: datetime, actor: Person | None) -> None:
    """Write the category and, for a restricted one, the restriction. The caller holds the lock and logs."""
    recording.category = category
    if CATEGORIES[category].restricted and not recording.restricted:
        recording.restricted = True
        Restriction.objects.create(
            recording=recording,
            reason=f"Category: {CATEGORIES[category].title}",
            placed_by=actor,
            placed_utc=at_utc,
        )
    recording.save(update_fields=["category", "restricted"])
