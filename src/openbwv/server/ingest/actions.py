"""Writes that people make about what the door kept aside."""

from django.db import transaction

from openbwv.custody import EventType
from openbwv.server.clock import utc
from openbwv.server.ingest.models import Aside
from openbwv.server.people.models import Person
from openbwv.server.people.rights import require
from openbwv.server.trail.actions import log_event
from openbwv.shared.clock import Clock


def settle_aside(*, aside: Aside, actor: Person, why: str, clock: Clock) -> Aside:
    """Note that `aside` was looked at, and how it was settled; its bytes stay. Raises NotPermitted."""
    require(actor, "confirm-camera")
    with transaction.atomic():
        locked = Aside.objects.select_for_update().get(pk=aside.pk)
        if locked.resolved_utc is None:
            locked.resolved_utc, locked.resolved_by, locked.resolved_why = utc(clock), actor, why
            locked.save(update_fields=["resolved_utc", "resolved_by", "resolved_why"])
            log_event(
                EventType.ASIDE,
                actor=actor,
                why=why,
                rule="settled",
                details={"aside": locked.pk, "code": locked.code},
                clock=clock,
            )
    return locked
