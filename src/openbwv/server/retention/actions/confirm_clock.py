"""A person says that the clock is right although it leapt ahead (R1)."""

from django.db import transaction

from openbwv.custody import EventType
from openbwv.server.clock import to_ms, utc
from openbwv.server.people.models import Person
from openbwv.server.people.rights import need_reason, require
from openbwv.server.retention.models import Alarm, AlarmKind, SweepClock
from openbwv.server.trail.actions import log_event
from openbwv.shared.clock import Clock


def confirm_clock(*, reason: str, actor: Person, clock: Clock) -> None:
    """Let deletion go on from the time the clock shows now. Raises NotPermitted, ReasonMissing."""
    decision = require(actor, "approve-policy-first")
    remedy = "Say how you know that it is right, and why it leapt."
    need_reason(reason, what="Confirming the clock needs a reason.", remedy=remedy)
    now = utc(clock)
    with transaction.atomic():
        row, _ = SweepClock.objects.select_for_update().get_or_create(id=1)
        before, row.last_utc = row.last_utc, now
        row.save()
        Alarm.objects.filter(kind=AlarmKind.CLOCK_LEAPT, cleared_utc=None).update(
            cleared_utc=now, cleared_by=actor, cleared_reason=reason.strip()
        )
        log_event(
            EventType.CONFIG,
            actor=actor,
            why=reason.strip(),
            rule=decision.rule,
            details={"deed": "clock-confirmed", "from_ms": to_ms(before) if before else None, "to_ms": to_ms(now)},
            clock=clock,
        )
