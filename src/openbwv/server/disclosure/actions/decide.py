"""Decide each recording that a request matches, then answer the request."""

from datetime import date, datetime, time

from django.db import transaction
from django.utils import timezone

from openbwv.custody import EventType
from openbwv.server.clock import utc
from openbwv.server.disclosure.deadlines import months_after
from openbwv.server.disclosure.errors import NotDecidable, RequestOver, WrongAnswers
from openbwv.server.disclosure.given import CHECKED, GIVING, copies_that_leave_out
from openbwv.server.disclosure.mail import write_message
from openbwv.server.disclosure.models import (
    Match,
    MatchState,
    NoFootage,
    Outcome,
    Request,
    RequestState,
    StandingHold,
)
from openbwv.server.disclosure.weigh import weigh
from openbwv.server.people.actions import NotPermitted
from openbwv.server.people.models import Person
from openbwv.server.people.rights import need_reason, require
from openbwv.server.trail.actions import log_event
from openbwv.shared.clock import Clock

HOLD_MONTHS_AFTER_ANSWER = 3
NEEDS_GROUND = (MatchState.PART, MatchState.REFUSED, MatchState.EMBARGOED)
DECISIONS = (MatchState.NOT_SHOWN, MatchState.RELEASED, MatchState.PART, MatchState.REFUSED, MatchState.EMBARGOED)


def decide_match(
    *,
    match: Match,
    state: str,
    reason: str,
    actor: Person,
    clock: Clock,
    ground: str = "",
    review_date: date | None = None,
) -> Match:
    """Decide one recording of a request. Whatever is withheld needs its ground; an embargo also a day to look again.

    Raises NotPermitted (only the officer it is assigned to), WrongAnswers, ReasonMissing, RequestOver.
    """
    if state not in DECISIONS:
        raise WrongAnswers(what="Choose what becomes of this recording.", remedy="Use one of the choices.")
    need_reason(reason, what="A decision needs a reason.")
    if state in NEEDS_GROUND and not ground.strip():
        raise WrongAnswers(what="What is withheld needs its legal ground.", remedy="Name the section of the law.")
    today = timezone.localdate(utc(clock))
    if state == MatchState.EMBARGOED and (review_date is None or review_date <= today):
        raise WrongAnswers(what="An embargo needs a review date after today.", remedy="Choose the day to look again.")
    with transaction.atomic():
        request = _open_and_mine(match.request, actor)
        match = Match.objects.select_related("recording").get(pk=match.pk)
        match.state, match.reason, match.ground = state, reason.strip(), ground.strip()
        match.review_date = review_date if state == MatchState.EMBARGOED else None
        match.decided_by, match.decided_utc = actor, utc(clock)
        match.save()
        log_event(
            EventType.DECISION,
            recording=match.recording,
            actor=actor,
            why=reason.strip(),
            rule=ground.strip() or "request-decision",
            details={"request": request.reference, "match": match.pk, "decision": str(state)},
            clock=clock,
        )
    return match


def answer_request(
    *,
    request: Request,
    outcome: str,
    answer: str,
    actor: Person,
    clock: Clock,
    no_footage_kind: str = "",
) -> Request:
    """Answer a request. Every match must be decided, and every copy that is promised checked by a second person.

    Raises NotDecidable, WrongAnswers, ReasonMissing, NotPermitted, RequestOver.
    """
    if outcome not in Outcome.values:
        raise WrongAnswers(what="Choose how the request is decided.", remedy="Use one of the choices.")
    need_reason(answer, what="The asker needs an answer in words.", remedy="Write what they should know.")
    if (outcome == Outcome.NO_FOOTAGE) != (no_footage_kind in NoFootage.values):
        raise WrongAnswers(what="Say which kind of no footage it is.", remedy="Choose one; only for no footage.")
    now = utc(clock)
    with transaction.atomic():
        fresh = _open_and_mine(request, actor)
        _check_matches(fresh, outcome)
        if no_footage_kind:
            _check_facts(fresh, NoFootage(no_footage_kind))
        fresh.state, fresh.outcome, fresh.answer = RequestState.DECIDED, outcome, answer.strip()
        fresh.no_footage_kind, fresh.answered_utc = no_footage_kind, now
        fresh.save()
        last_day = months_after(timezone.localdate(now), HOLD_MONTHS_AFTER_ANSWER)
        ends = timezone.make_aware(datetime.combine(last_day, time.max))
        StandingHold.objects.filter(request=fresh, ended_utc=None).update(ends_utc=ends)
        log_event(
            EventType.DECISION,
            subject=bytes(fresh.pseudonym),
            actor=actor,
            why=answer.strip(),
            rule="request-answer",
            details={"request": fresh.reference, "outcome": outcome, "no_footage": no_footage_kind or None},
            clock=clock,
        )
        words = "We have answered your request. Open its page with your reference and secret to read the answer."
        write_message(fresh, "We have answered your request", words, clock=clock)
    return fresh


def _check_matches(request: Request, outcome: str) -> None:
    waiting = request.matches.filter(state=MatchState.FOUND).count()
    if waiting:
        raise NotDecidable(what=f"Recordings that are not decided yet: {waiting}.", remedy="Decide each of them first.")
    giving = request.matches.filter(state__in=GIVING)
    without = [match for match in giving if not _has_checked_copy(match)]
    if without:
        raise NotDecidable(
            what=f"{len(without)} recordings have no copy that a second person has checked.",
            remedy="Make the copy and have it checked, or decide otherwise.",
        )
    for match, missing in copies_that_leave_out(request):
        raise NotDecidable(
            what=f"{match.recording.reference} is to be released in full, but its copy leaves out {_listed(missing)}.",
            remedy="Decide that it is released in part, with the ground, or make a copy that leaves nothing out.",
        )
    withheld = request.matches.filter(state__in=NEEDS_GROUND).exists()
    fits = {
        Outcome.FULL: giving.exists() and not withheld,
        Outcome.PART: giving.exists() and withheld,
        Outcome.REFUSED: not giving.exists() and withheld,
        Outcome.NO_FOOTAGE: not giving.exists() and not withheld,
        Outcome.APPOINTMENT: True,
    }
    if not fits[Outcome(outcome)]:
        raise NotDecidable(
            what=f"The decisions about the recordings do not add up to '{Outcome(outcome).label}'.",
            remedy="Choose the outcome that fits them, or change a decision.",
        )


def _listed(words: tuple[str, ...]) -> str:
    *before, last = words
    return f"{', '.join(before)} and {last}" if before else last


def _check_facts(request: Request, kind: NoFootage) -> None:
    """Raise NotDecidable where the facts contradict a kind of "no footage", or leave it open."""
    against = weigh(request).refusals.get(kind)
    if against is not None:
        raise NotDecidable(what=against.what, remedy=against.remedy)


def _has_checked_copy(match: Match) -> bool:
    return match.releases.filter(state__in=CHECKED).exists()


def _open_and_mine(request: Request, actor: Person) -> Request:
    require(actor, "requests")
    fresh = Request.objects.select_for_update(of=("self",)).get(pk=request.pk)
    if fresh.assigned_to_id != actor.pk:
        raise NotPermitted(
            what="This request is not assigned to you.", remedy="Take it first.", rule="request-assigned"
        )
    if not fresh.is_open:
        raise RequestOver(what=f"{fresh.reference} is closed.", remedy="Nothing to do.")
    return fresh
