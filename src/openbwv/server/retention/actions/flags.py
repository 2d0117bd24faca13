"""A flag is taken off by two: a supervisor or investigator proposes, the records manager decides with a reason (R1)."""

from django.db import transaction

from openbwv.custody import EventType
from openbwv.server.clock import utc
from openbwv.server.evidence.errors import lock
from openbwv.server.evidence.models import Flag
from openbwv.server.people.models import Person
from openbwv.server.people.rights import need_reason, require
from openbwv.server.retention.actions.clock import restart_clock
from openbwv.server.retention.errors import RemovalOver, RemovalPending
from openbwv.server.retention.models import FlagRemoval
from openbwv.server.retention.second import require_second
from openbwv.server.trail.actions import log_event
from openbwv.shared.clock import Clock


def propose_flag_removal(*, flag: Flag, reason: str, actor: Person, clock: Clock, session: str = "") -> FlagRemoval:
    """Ask the records manager to take `flag` off. Raises RemovalPending, RemovalOver, NotPermitted, ReasonMissing."""
    decision = require(actor, "remove-flag-propose", flag.recording)
    need_reason(reason)
    with transaction.atomic():
        recording = lock(flag.recording)
        flag = Flag.objects.get(pk=flag.pk)
        if flag.removed_utc is not None:
            raise RemovalOver(what="This flag is off already.", remedy="Nothing to do.")
        if flag.removals.filter(confirmed_utc=None).exists():
            raise RemovalPending(what="Somebody has asked for this already.", remedy="The records manager decides.")
        removal = FlagRemoval.objects.create(
            flag=flag, proposed_by=actor, proposed_utc=utc(clock), proposed_session=session, reason=reason.strip()
        )
        details = {"deed": "flag-removal-proposed", "flag": flag.pk}
        log_event(
            EventType.CLASSIFY,
            recording=recording,
            actor=actor,
            why=reason.strip(),
            rule=decision.rule,
            details=details,
            clock=clock,
        )
    return removal


def confirm_flag_removal(*, removal: FlagRemoval, reason: str, actor: Person, session: str, clock: Clock) -> Flag:
    """Take the flag off; the recording gets the later of its old date and seven days from now.

    Raises SecondPersonNeeded, RemovalOver, NotPermitted, ReasonMissing.
    """
    return _decide(removal, reason=reason, actor=actor, session=session, clock=clock, declined=False)


def decline_flag_removal(*, removal: FlagRemoval, reason: str, actor: Person, session: str, clock: Clock) -> Flag:
    """Leave the flag on."""
    return _decide(removal, reason=reason, actor=actor, session=session, clock=clock, declined=True)


def _decide(removal: FlagRemoval, *, reason: str, actor: Person, session: str, clock: Clock, declined: bool) -> Flag:
    decision = require(actor, "remove-flag-confirm", removal.flag.recording)
    need_reason(reason)
    now = utc(clock)
    with transaction.atomic():
        recording = lock(removal.flag.recording)
        removal = FlagRemoval.objects.select_related("flag", "proposed_by").get(pk=removal.pk)
        if removal.confirmed_utc is not None or removal.flag.removed_utc is not None:
            raise RemovalOver(what="This has been decided already.", remedy="Nothing to do.")
        require_second(
            what=f"flag-removal:{removal.pk}",
            first=removal.proposed_by,
            first_session=removal.proposed_session,
            person=actor,
            session=session,
        )
        removal.confirmed_by, removal.confirmed_utc = actor, now
        removal.declined, removal.decision_reason = declined, reason.strip()
        removal.save()
        flag = removal.flag
        if not declined:
            flag.removed_by, flag.removed_utc, flag.removed_reason = actor, now, reason.strip()
            flag.save()
        log_event(
            EventType.CLASSIFY,
            recording=recording,
            actor=actor,
            why=reason.strip(),
            rule=decision.rule,
            details={
                "deed": "flag-removal-declined" if declined else "flag-removed",
                "flag": flag.pk,
                "first": removal.proposed_by.username,
            },
            clock=clock,
        )
        if not declined:
            restart_clock(recording=recording, ended_utc=now, now=now)
    return flag
