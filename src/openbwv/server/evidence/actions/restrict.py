"""Close a recording to all but its team, and open it again."""

from django.db import transaction

from openbwv.custody import EventType
from openbwv.server.clock import utc
from openbwv.server.evidence.errors import AlreadyRestricted, lock
from openbwv.server.evidence.models import Recording, Restriction
from openbwv.server.people.models import Person
from openbwv.server.people.rights import need_reason, require
from openbwv.server.people.rules import Decision
from openbwv.server.trail.actions import log_event
from openbwv.shared.clock import Clock


def restrict(*, recording: Recording, reason: str, actor: Person, clock: Clock) -> Restriction:
    """Restrict `recording`. Raises ReasonMissing, AlreadyRestricted, RecordingGone, NotPermitted."""
    decision = _allowed(actor, recording, reason)
    with transaction.atomic():
        recording = lock(recording)
        if recording.restricted:
            raise AlreadyRestricted(what=f"{recording.reference} is restricted already.", remedy="Nothing to do.")
        restriction = Restriction.objects.create(
            recording=recording, reason=reason, placed_by=actor, placed_utc=utc(clock)
        )
        recording.restricted = True
        recording.save(update_fields=["restricted"])
        _log("restrict", recording, reason=reason, actor=actor, rule=decision.rule, clock=clock)
    return restriction


def unrestrict(*, recording: Recording, reason: str, actor: Person, clock: Clock) -> Recording:
    """Lift the restriction in force. Raises ReasonMissing, AlreadyRestricted, RecordingGone, NotPermitted."""
    decision = _allowed(actor, recording, reason)
    with transaction.atomic():
        recording = lock(recording)
        if not recording.restricted:
            raise AlreadyRestricted(what=f"{recording.reference} is not restricted.", remedy="Nothing to do.")
        recording.restrictions.filter(lifted_utc=None).update(
            lifted_by=actor, lifted_utc=utc(clock), lifted_reason=reason
        )
        recording.restricted = False
        recording.save(update_fields=["restricted"])
        _log("unrestrict", recording, reason=reason, actor=actor, rule=decision.rule, clock=clock)
    return recording


def _allowed(actor: Person, recording: Recording, reason: str) -> Decision:
    decision = require(actor, "restrict", recording)
    need_reason(reason, what="A restriction needs a reason.")
    return decision


def _log(deed: str, recording: Recording, *, reason: str, actor: Person, rule: str, clock: Clock) -> None:
    log_event(
        EventType.CLASSIFY,
        recording=recording,
        actor=actor,
        why=reason,
        rule=rule,
        details={"deed": deed},
        clock=clock,
    )
