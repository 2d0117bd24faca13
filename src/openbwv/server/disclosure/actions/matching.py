"""A request holds footage at once, and whatever is docked later (R12)."""

from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet

from openbwv.custody import EventType
from openbwv.server.cases.models import Matter
from openbwv.server.clock import to_ms, utc
from openbwv.server.disclosure.actions.due import count_anew
from openbwv.server.disclosure.models import Match, MatchState, Request, RequestState, StandingHold
from openbwv.server.evidence.models import Recording, State
from openbwv.server.people.models import Person, UnitKind
from openbwv.server.retention.actions import place_hold
from openbwv.server.retention.errors import HoldTooLate
from openbwv.server.retention.keeping import keeping_flags
from openbwv.server.retention.models import Hold, HoldKind
from openbwv.server.trail.actions import log_event
from openbwv.shared.clock import Clock

SLACK = timedelta(hours=1)
FIRST_FREEZE = timedelta(hours=72)


def match_recording(recording: Recording, clock: Clock) -> int:
    """Hold a recording for every standing hold that it matches; return how many. In the ingest's transaction."""
    return sum(_hold_for(standing, recording, clock) for standing in _in_force(recording))


def match_standing(standing: StandingHold, clock: Clock) -> int:
    """Hold every recording that a standing hold matches now; return how many are newly held."""
    return sum(_hold_for(standing, recording, clock) for recording in recordings_of(standing))


def recordings_of(standing: StandingHold) -> QuerySet[Recording]:
    """Return the recordings that a standing hold covers.

    Place: the unit of its assignment; unknown, or a unit that works everywhere, counts as a match. Time: by its clock;
    one that was not set counts as a match. The officer whom the asker named is held for wherever they were.
    """
    spans = Q(started_utc__lte=standing.to_utc) & (Q(ended_utc=None) | Q(ended_utc__gte=standing.from_utc))
    where = Q()
    if standing.unit_id is not None:
        where = Q(unit=None) | Q(unit=standing.unit_id) | Q(unit__kind=UnitKind.SPECIALIST)
        if standing.officer_id is not None:
            where |= Q(officer=standing.officer_id)
    gone = (State.DELETING, State.ERASED)
    return Recording.objects.filter((spans | Q(clock_sync=False)) & where).exclude(state__in=gone)


def _in_force(recording: Recording) -> list[StandingHold]:
    standing = StandingHold.objects.filter(ended_utc=None).select_related("request")
    if recording.clock_sync:
        standing = standing.filter(to_utc__gte=recording.started_utc)
        if recording.ended_utc is not None:
            standing = standing.filter(from_utc__lte=recording.ended_utc)
    unit = recording.unit
    if unit is not None and unit.kind != UnitKind.SPECIALIST:
        named = Q(officer=recording.officer_id) if recording.officer_id else Q(pk__in=())
        standing = standing.filter(Q(unit=None) | Q(unit=unit) | named)
    return list(standing)


def _hold_for(standing: StandingHold, recording: Recording, clock: Clock) -> int:
    request = standing.request
    if Hold.objects.filter(recording=recording, request=request, released_utc=None).exists():
        return 0
    try:
        with transaction.atomic():
            place_hold(
                recording=recording,
                kind=HoldKind.STANDING,
                reason=f"Request {request.reference}",
                actor=None,
                request=request,
                clock=clock,
            )
            flagged = keeping_flags().filter(recording=recording).exists()
            Match.objects.get_or_create(
                request=request,
                recording=recording,
                defaults={"found_utc": utc(clock), "why": _why(standing, recording), "embargo_proposed": flagged},
            )
    except HoldTooLate:
        return 0  # deleted a moment ago: the answer is "made and deleted", with its certificate
    except IntegrityError:
        return 0  # another process has just placed the same hold
    return 1


def _why(standing: StandingHold, recording: Recording) -> str:
    reasons = []
    if not recording.clock_sync:
        reasons.append("its clock was not set, so its time is not known")
    else:
        reasons.append("it was made in the time asked for, or within an hour of it")
    if recording.unit is None:
        reasons.append("its place is not known")
    elif standing.unit_id is not None:
        reasons.append(
            f"its camera belongs to {recording.unit}"
            if standing.unit_id == recording.unit_id
            else "its unit works everywhere"
        )
    if standing.officer_id and standing.officer_id == recording.officer_id:
        reasons.append("its officer was named")
    return "; ".join(reasons)


def matter_closed(*, matter: Matter, actor: Person, clock: Clock) -> int:
    """Lift the embargoes that waited for `matter` and reopen their requests with a new date; return how many.

    Called in the transaction that closes the matter.
    """
    now = utc(clock)
    waiting = Match.objects.select_related("request", "recording").filter(
        state=MatchState.EMBARGOED, recording__flags__matter=matter
    )
    count = 0
    for match in waiting.distinct():
        if keeping_flags().filter(recording=match.recording, matter__isnull=False).exists():
            continue  # another open matter still needs it
        _lift(match, matter, actor, now, clock)
        count += 1
    return count


def _lift(match: Match, matter: Matter, actor: Person, now: datetime, clock: Clock) -> None:
    match.state, match.lifted_utc, match.decided_utc, match.decided_by = MatchState.FOUND, now, None, None
    match.embargo_proposed = False
    match.save()
    request = match.request
    log_event(
        EventType.REQUEST,
        recording=match.recording,
        actor=actor,
        why=f"{matter.reference} was closed",
        rule="embargo-lifts-with-its-matter",
        details={"deed": "embargo-lifted", "request": request.reference, "match": match.pk},
        clock=clock,
    )
    if request.state == RequestState.DECIDED:
        reopen(request, why=f"{matter.reference} was closed", actor=actor, clock=clock)


def reopen(request: Request, *, why: str, actor: Person | None, clock: Clock) -> None:
    """Open an answered request again, with a clock that starts now."""
    now = utc(clock)
    request.state, request.outcome, request.reopened_utc, request.closed_utc = RequestState.RECEIVED, "", now, None
    count_anew(request, now)
    request.save()
    StandingHold.objects.filter(request=request).update(ended_utc=None, ends_utc=None)
    log_event(
        EventType.REQUEST,
        subject=bytes(request.pseudonym),
        actor=actor,
        actor_label="" if actor else "disclosure",
        why=why,
        rule="reopened",
        details={"deed": "reopened", "request": request.reference, "at_ms": to_ms(now)},
        clock=clock,
    )
