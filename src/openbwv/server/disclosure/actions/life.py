"""What happens to a request between receipt and answer: taken, narrowed, paused, extended, added to, withdrawn."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from openbwv.custody import EventType
from openbwv.server.clock import to_ms, utc
from openbwv.server.disclosure.actions.due import count_anew
from openbwv.server.disclosure.actions.matching import SLACK, match_standing, recordings_of
from openbwv.server.disclosure.actions.submit import BOUND
from openbwv.server.disclosure.errors import RequestOver, WrongAnswers
from openbwv.server.disclosure.mail import write_message
from openbwv.server.disclosure.models import Match, MatchState, Note, Pause, Request, RequestState, StandingHold
from openbwv.server.people.models import Person, Unit
from openbwv.server.people.rights import need_reason, require
from openbwv.server.retention.actions import release_holds_of_request
from openbwv.server.trail.actions import log_event
from openbwv.shared.clock import Clock

IDENTITY_LIMIT = timedelta(days=31)


def assign_request(*, request: Request, actor: Person, clock: Clock) -> Request:
    """Take a request: from now on its officer may watch what it matches."""

    def take(fresh: Request) -> dict[str, Any]:
        fresh.assigned_to = actor
        return {}

    return _change(request, "assigned", take, actor=actor, clock=clock)


def narrow_request(
    *, request: Request, from_utc: datetime, to_utc: datetime, unit: Unit, reason: str, actor: Person, clock: Clock
) -> Request:
    """Bound a request that was too wide; what it no longer covers is let go, with the usual seven days.

    Raises WrongAnswers when it is still wider than 6 hours.
    """
    need_reason(reason)
    if not timedelta(0) < to_utc - from_utc <= BOUND:
        raise WrongAnswers(what="The time must be between a moment and 6 hours long.", remedy="Choose a shorter one.")

    def narrow(fresh: Request) -> dict[str, Any]:
        fresh.window_from_utc, fresh.window_to_utc, fresh.unit, fresh.unbounded = from_utc, to_utc, unit, False
        standing = StandingHold.objects.select_for_update().get(request=fresh)
        standing.from_utc, standing.to_utc, standing.unit = from_utc - SLACK, to_utc + SLACK, unit
        standing.ends_utc = standing.ended_utc = None
        standing.save()
        fresh.save()
        kept = recordings_of(standing)
        Match.objects.filter(request=fresh, state=MatchState.FOUND).exclude(recording__in=kept).update(
            state=MatchState.NOT_SHOWN, reason="outside the narrowed request", decided_by=actor, decided_utc=utc(clock)
        )
        release_holds_of_request(
            request=fresh, but=kept, reason=f"{fresh.reference} was narrowed", actor=actor, clock=clock
        )
        match_standing(standing, clock)
        return {"from_ms": to_ms(from_utc), "to_ms": to_ms(to_utc), "unit": unit.code}

    return _change(request, "narrowed", narrow, actor=actor, why=reason, clock=clock)


def ask_identity(*, request: Request, what: str, actor: Person, clock: Clock) -> Request:
    """Ask the asker to show who they are; the clock stands still until they do."""
    need_reason(what)

    def pause(fresh: Request) -> dict[str, Any]:
        if fresh.pauses.filter(to_utc=None).exists():
            raise RequestOver(what="Proof has been asked for already.", remedy="Wait until it comes.")
        Pause.objects.create(request=fresh, from_utc=utc(clock), what=what.strip())
        fresh.state = RequestState.IDENTITY
        words = f"To go on with your request we need: {what.strip()}. Until we have it our time limit stands still."
        write_message(fresh, "We need to know who you are", words, clock=clock)
        return {"what": what.strip()}

    return _change(request, "identity-asked", pause, actor=actor, clock=clock)


def identity_shown(*, request: Request, actor: Person, clock: Clock) -> Request:
    """Note that proof of identity came; the clock goes on and the days it stood are added."""

    def resume(fresh: Request) -> dict[str, Any]:
        if not fresh.pauses.filter(to_utc=None).update(to_utc=utc(clock)):
            raise RequestOver(what="No proof was asked for.", remedy="Nothing to do.")
        fresh.state = RequestState.RECEIVED
        return {}

    return _change(request, "identity-shown", resume, actor=actor, clock=clock)


def extend_request(*, request: Request, days: int, reason: str, actor: Person, clock: Clock) -> Request:
    """Extend the deadline with a letter that says why. At most 62 days in all."""
    need_reason(reason)

    def extend(fresh: Request) -> dict[str, Any]:
        if days < 1 or fresh.extended_days + days > 62:
            raise WrongAnswers(what="An extension is 1 to 62 days in all.", remedy="Choose fewer days.")
        fresh.extended_days += days
        fresh.extended_because = reason.strip()
        words = f"We need {days} more days to answer, because: {reason.strip()}"
        write_message(fresh, "We need more time", words, clock=clock)
        return {"days": days}

    return _change(request, "extended", extend, actor=actor, why=reason, clock=clock)


def add_information(*, request: Request, text: str, clock: Clock) -> Note:
    """Keep what the asker adds. Raises RequestOver, WrongAnswers."""
    if not text.strip():
        raise WrongAnswers(what="Write what you want to add.", remedy="Go back and write it.")
    with transaction.atomic():
        fresh = _open(request)
        note = Note.objects.create(request=fresh, at_utc=utc(clock), from_asker=True, text=text.strip()[:4000])
        _log(fresh, "added-to", actor=None, why="", details={}, clock=clock)
    return note


def withdraw_request(*, request: Request, clock: Clock, why: str = "the asker withdrew it") -> Request:
    """End a request as its asker; what it held is let go with the usual seven days."""
    with transaction.atomic():
        fresh = _open(request)
        fresh.state, fresh.closed_utc = RequestState.WITHDRAWN, utc(clock)
        fresh.pauses.filter(to_utc=None).update(to_utc=utc(clock))
        fresh.save()
        _log(fresh, "withdrawn", actor=None, why=why, details={}, clock=clock)
        end_standing(fresh.standing, why=f"{fresh.reference}: {why}", actor=None, clock=clock)
    return fresh


def end_standing(standing: StandingHold, *, why: str, actor: Person | None, clock: Clock) -> None:
    """End a standing hold and every hold it placed. In the caller's transaction."""
    StandingHold.objects.filter(pk=standing.pk, ended_utc=None).update(ended_utc=utc(clock))
    release_holds_of_request(request=standing.request, reason=why, actor=actor, clock=clock)


def _change(
    request: Request,
    deed: str,
    change: Callable[[Request], dict[str, Any]],
    *,
    actor: Person,
    why: str = "",
    clock: Clock,
) -> Request:
    """Do one deed of a disclosure officer on an open request, date it anew, and log it, in one transaction."""
    rule = require(actor, "requests").rule
    with transaction.atomic():
        fresh = _open(request)
        details = change(fresh)
        count_anew(fresh, utc(clock))
        fresh.save()
        _log(fresh, deed, actor=actor, why=why, details=details, rule=rule, clock=clock)
    return fresh


def _open(request: Request) -> Request:
    fresh = Request.objects.select_for_update(of=("self",)).get(pk=request.pk)
    if not fresh.is_open:
        raise RequestOver(what=f"{fresh.reference} is closed.", remedy="Make a new request if something is missing.")
    return fresh


def _log(
    request: Request,
    deed: str,
    *,
    actor: Person | None,
    why: str,
    details: dict[str, Any],
    clock: Clock,
    rule: str = "request-public",
) -> None:
    log_event(
        EventType.REQUEST,
        subject=bytes(request.pseudonym),
        actor=actor,
        actor_label="" if actor else "asker",
        why=why,
        rule=rule,
        details={"deed": deed, "request": request.reference, "due": request.due_on.isoformat(), **details},
        clock=clock,
    )
