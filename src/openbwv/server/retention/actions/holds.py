"""Place and release holds. A hold always wins over a deletion that has removed nothing yet (custody rule 5)."""

from datetime import date

from django.db import transaction
from django.db.models import F, QuerySet

from openbwv.custody import EventType
from openbwv.server.clock import utc
from openbwv.server.evidence.models import Recording, State
from openbwv.server.people.models import Person
from openbwv.server.people.rights import need_reason, require
from openbwv.server.people.rules import Decision
from openbwv.server.retention.actions.clock import keep_again, restart_clock
from openbwv.server.retention.errors import HoldOver, HoldProblem, HoldTooLate
from openbwv.server.retention.models import Hold, HoldKind
from openbwv.server.retention.second import require_second
from openbwv.server.trail.actions import log_event
from openbwv.shared.clock import Clock

BY_REQUEST = (HoldKind.REQUEST, HoldKind.STANDING)


def place_hold(
    *,
    recording: Recording,
    kind: str,
    reason: str,
    actor: Person | None,
    clock: Clock,
    review_date: date | None = None,
    request: object = None,
) -> Hold:
    """Keep `recording` until the hold is released; cancels a deletion that was proposed or authorised.

    `actor` None is for holds that a request places by itself. Raises HoldTooLate once its key is being destroyed,
    NotPermitted, ReasonMissing, HoldProblem.
    """
    need_reason(reason, what="A hold needs a reason.", remedy="Say in a few words why it must be kept.")
    if kind not in HoldKind.values:
        raise HoldProblem(what=f"'{kind}' is not a kind of hold.", remedy=f"Use one of {', '.join(HoldKind.values)}.")
    if actor is None and kind not in BY_REQUEST:
        raise HoldProblem(what="This kind of hold is placed by a person.", remedy="Sign in and place it.")
    rule = require(actor, "hold", recording).rule if actor else "hold-request"
    with transaction.atomic():
        recording = _lock(recording)
        hold = Hold.objects.create(
            recording=recording,
            kind=kind,
            reason=reason.strip(),
            placed_by=actor,
            placed_utc=utc(clock),
            review_date=review_date,
            request=request,
        )
        Recording.objects.filter(pk=recording.pk).update(held_count=F("held_count") + 1)
        log_event(
            EventType.HOLD,
            recording=recording,
            actor=actor,
            actor_label="" if actor else "request for footage",
            why=reason.strip(),
            rule=rule,
            details={"hold": hold.pk, "kind": str(kind), "request": getattr(request, "reference", None)},
            clock=clock,
        )
        keep_again(recording=recording, reason="put on hold", actor=actor, clock=clock)
    return hold


def release_hold(*, hold: Hold, reason: str, actor: Person, clock: Clock, session: str = "") -> Hold:
    """Release one's own hold, or ask that another's be released: a second person then confirms it (R3).

    Returns the hold; `released_utc` is empty while it waits for the second person. Raises NotPermitted, ReasonMissing,
    HoldOver.
    """
    decision = require(actor, "release-hold", hold)
    need_reason(reason, what="Releasing a hold needs a reason.")
    with transaction.atomic():
        hold = _lock_hold(hold)
        own = hold.placed_by_id == actor.pk and hold.kind not in BY_REQUEST
        if own:
            _release(hold, reason=reason, actor=actor, decision=decision, clock=clock)
        elif hold.release_asked_by_id is None:
            hold.release_asked_by, hold.release_asked_utc = actor, utc(clock)
            hold.release_session, hold.released_reason = session, reason.strip()
            hold.save()
            _log(hold, "release-asked", reason=reason, actor=actor, rule=decision.rule, clock=clock)
        else:
            raise HoldOver(
                what=f"{hold.release_asked_by} has already asked to release this hold.",
                remedy="A second person confirms it on the page of decisions that wait.",
            )
    return hold


def confirm_hold_release(*, hold: Hold, actor: Person, session: str, clock: Clock) -> Hold:
    """Release somebody else's hold as the second of two. Raises SecondPersonNeeded, NotPermitted, HoldOver."""
    decision = require(actor, "second-check")
    with transaction.atomic():
        hold = _lock_hold(hold)
        if hold.release_asked_by_id is None:
            raise HoldOver(what="Nobody has asked to release this hold.", remedy="A records manager asks first.")
        require_second(
            what=f"hold-release:{hold.pk}",
            first=hold.release_asked_by,
            first_session=hold.release_session,
            person=actor,
            session=session,
        )
        _release(hold, reason=hold.released_reason, actor=actor, decision=decision, clock=clock)
    return hold


def keep_hold(*, hold: Hold, reason: str, actor: Person, clock: Clock) -> Hold:
    """Leave a hold on whose release was asked for: the asker takes it back, or a second person says no.

    Raises NotPermitted, ReasonMissing, HoldOver.
    """
    need_reason(reason, what="Leaving the hold on needs a reason.")
    own = hold.release_asked_by_id == actor.pk
    rule = require(actor, "release-hold", hold).rule if own else require(actor, "second-check").rule
    with transaction.atomic():
        hold = _lock_hold(hold)
        if hold.release_asked_by_id is None:
            raise HoldOver(what="Nobody has asked to release this hold.", remedy="Nothing to do.")
        _log(
            hold,
            "release-taken-back" if own else "release-declined",
            reason=reason,
            actor=actor,
            rule=rule,
            clock=clock,
        )
        hold.release_asked_by, hold.release_asked_utc = None, None
        hold.release_session, hold.released_reason = "", ""
        hold.save()
    return hold


def release_holds_of_request(
    *,
    request: object,
    reason: str,
    actor: Person | None,
    clock: Clock,
    but: QuerySet[Recording] | None = None,
) -> int:
    """Release every hold that a request placed, `but` those on some recordings: part of closing or narrowing it.

    Returns how many.
    """
    count = 0
    closing = Decision(True, "release-hold-closing", "The request has been closed or narrowed.")
    with transaction.atomic():
        holds = Hold.objects.filter(request=request, released_utc=None)
        for hold in (holds.exclude(recording__in=but) if but is not None else holds).order_by("recording_id", "pk"):
            _release(_lock_hold(hold), reason=reason, actor=actor, decision=closing, clock=clock)
            count += 1
    return count


def _lock(recording: Recording) -> Recording:
    """Return the row under its lock; raises HoldTooLate past the point of no return."""
    fresh = Recording.objects.select_for_update(of=("self",)).get(pk=recording.pk)
    if fresh.state in (State.DELETING, State.ERASED):
        done = fresh.state == State.ERASED
        raise HoldTooLate(
            what=f"{fresh.reference} {'has been deleted' if done else 'is being deleted'}; a hold comes too late.",
            remedy=f"Its certificate says when and under which rule: {fresh.get_absolute_url()}",
        )
    return fresh


def _lock_hold(hold: Hold) -> Hold:
    Recording.objects.select_for_update(of=("self",)).get(pk=hold.recording_id)
    fresh = Hold.objects.select_related("recording").get(pk=hold.pk)
    if fresh.released_utc is not None:
        raise HoldOver(what="This hold has been released.", remedy="Nothing to do.")
    return fresh


def _release(hold: Hold, *, reason: str, actor: Person | None, decision: Decision, clock: Clock) -> None:
    now = utc(clock)
    hold.released_by, hold.released_utc, hold.released_reason = actor, now, reason.strip()
    hold.save()
    Recording.objects.filter(pk=hold.recording_id).update(held_count=F("held_count") - 1)
    hold.recording.refresh_from_db()
    _log(hold, "released", reason=reason, actor=actor, rule=decision.rule, clock=clock)
    restart_clock(recording=hold.recording, ended_utc=now, now=now)


def _log(hold: Hold, deed: str, *, reason: str, actor: Person | None, rule: str, clock: Clock) -> None:
    first = hold.release_asked_by.username if hold.release_asked_by_id else None
    log_event(
        EventType.UNHOLD if deed == "released" else EventType.CLASSIFY,
        recording=hold.recording,
        actor=actor,
        actor_label="" if actor else "request for footage",
        why=reason.strip(),
        rule=rule,
        details={"deed": deed, "hold": hold.pk, "kind": hold.kind, "first": first},
        clock=clock,
    )
