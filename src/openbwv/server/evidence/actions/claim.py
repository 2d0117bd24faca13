"""Say who had an unassigned camera (R5)."""

from django.db import transaction

from openbwv.custody import EventType
from openbwv.server.evidence.errors import EvidenceError, lock
from openbwv.server.evidence.models import Recording
from openbwv.server.people.models import Person
from openbwv.server.people.rights import need_reason, require
from openbwv.server.trail.actions import log_event
from openbwv.shared.clock import Clock


class AlreadyAssigned(EvidenceError):
    """The recording already has an officer."""

    code = "already-assigned"
    http_status = 409


def claim_recording(*, recording: Recording, officer: Person, reason: str, actor: Person, clock: Clock) -> Recording:
    """Name the officer of a recording of an unassigned camera. What the camera signed is not touched."""
    decision = require(actor, "claim", recording)
    need_reason(reason, what="Naming the officer needs a reason.", remedy="Say how you know who had the camera.")
    with transaction.atomic():
        recording = lock(recording)
        if recording.officer_id is not None:
            raise AlreadyAssigned(what=f"{recording.reference} already has an officer.", remedy="Nothing to do.")
        recording.officer = officer
        recording.unit = recording.unit or officer.unit
        recording.save(update_fields=["officer", "unit"])
        log_event(
            EventType.ASSIGN,
            recording=recording,
            actor=actor,
            why=reason,
            rule=decision.rule,
            details={"deed": "claim", "officer": officer.username},
            clock=clock,
        )
    return recording
