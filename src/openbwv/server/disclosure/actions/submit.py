"""A request comes in: it is dated, its footage is held at once, and the asker gets reference and secret."""

import secrets as random
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F

from openbwv.custody import EventType
from openbwv.server.clock import to_ms, utc
from openbwv.server.disclosure.actions.due import count_anew
from openbwv.server.disclosure.actions.matching import FIRST_FREEZE, SLACK, match_standing
from openbwv.server.disclosure.errors import WrongAnswers
from openbwv.server.disclosure.models import Channel, Kind, Request, RequestCounter, RequestState, StandingHold
from openbwv.server.disclosure.secrets import hash_secret, new_secret
from openbwv.server.people.models import Person, Unit
from openbwv.server.people.rights import require
from openbwv.server.trail.actions import log_event
from openbwv.shared.clock import Clock

BOUND = timedelta(hours=6)
LONGEST = timedelta(days=31)
PSEUDONYM_BYTES = 16


@dataclass(frozen=True)
class Answers:
    """What somebody says when they ask for footage."""

    kind: str
    from_utc: datetime
    to_utc: datetime
    name: str
    unit: Unit | None = None
    place: str = ""
    officer_named: str = ""
    description: str = ""
    email: str = ""
    postal: str = ""
    for_whom: str = ""


def submit_request(
    *,
    answers: Answers,
    clock: Clock,
    channel: str = Channel.WEB,
    received_utc: datetime | None = None,
    actor: Person | None = None,
) -> tuple[Request, str]:
    """Take a request and hold what it covers; return it and the secret, which is shown once and kept nowhere.

    `actor` enters it for somebody who wrote, called or came; the legal clock then runs from `received_utc`.
    Raises WrongAnswers, NotPermitted.
    """
    rule = require(actor, "requests").rule if actor else "request-public"
    now = utc(clock)
    received = received_utc or now
    _check(answers, channel, received, now)
    secret = new_secret()
    with transaction.atomic():
        request = Request(
            reference=_next_reference(received.year),
            pseudonym=random.token_bytes(PSEUDONYM_BYTES),
            secret_sha256=hash_secret(secret),
            kind=answers.kind,
            channel=channel,
            state=RequestState.RECEIVED,
            received_utc=received,
            window_from_utc=answers.from_utc,
            window_to_utc=answers.to_utc,
            unit=answers.unit,
            officer_named=answers.officer_named.strip(),
            place=answers.place.strip(),
            description=answers.description.strip(),
            name=answers.name.strip(),
            email=answers.email.strip(),
            postal=answers.postal.strip(),
            for_whom=answers.for_whom.strip(),
            entered_by=actor,
            assigned_to=actor,
            unbounded=answers.to_utc - answers.from_utc > BOUND or answers.unit is None,
        )
        count_anew(request, now)
        request.save()
        _log(request, actor=actor, rule=rule, clock=clock)
        match_standing(_stand(request, now), clock)
    return request, secret


def _stand(request: Request, now: datetime) -> StandingHold:
    """Make the standing hold; one wider than 6 hours and a borough holds for 72 hours, until a person narrows it."""
    return StandingHold.objects.create(
        request=request,
        from_utc=request.window_from_utc - SLACK,
        to_utc=request.window_to_utc + SLACK,
        unit=request.unit,
        officer=find_officer(request.officer_named),
        ends_utc=now + FIRST_FREEZE if request.unbounded else None,
    )


def find_officer(named: str) -> Person | None:
    """Return the one officer of that name or shoulder number, or None when there is none or more than one."""
    named = named.strip()
    if not named:
        return None
    by_collar = list(Person.objects.filter(collar__iexact=named)[:2])
    found = by_collar or list(Person.objects.filter(display_name__icontains=named)[:2])
    return found[0] if len(found) == 1 else None


def _check(answers: Answers, channel: str, received: datetime, now: datetime) -> None:
    problems = {
        "Say whether you are in the footage.": answers.kind not in Kind.values,
        "Say how the request came.": channel not in Channel.values,
        "The end of the time is before its start.": answers.to_utc <= answers.from_utc,
        "The time asked for lies in the future.": answers.from_utc > now,
        "The time asked for is longer than 31 days; ask for shorter ones.": answers.to_utc - answers.from_utc > LONGEST,
        "A request cannot have been received in the future.": received > now,
        "Give a name.": not answers.name.strip(),
        "Give an e-mail or a postal address.": not (answers.email.strip() or answers.postal.strip()),
    }
    for words, wrong in problems.items():
        if wrong:
            raise WrongAnswers(what=words, remedy="Go back and correct it.")


def _next_reference(year: int) -> str:
    RequestCounter.objects.get_or_create(year=year)
    RequestCounter.objects.filter(year=year).update(last=F("last") + 1)
    return f"ASK-{year}-{RequestCounter.objects.get(year=year).last:06d}"


def _log(request: Request, *, actor: Person | None, rule: str, clock: Clock) -> None:
    log_event(
        EventType.REQUEST,
        subject=bytes(request.pseudonym),
        actor=actor,
        actor_label="" if actor else "asker",
        rule=rule,
        details={
            "deed": "received",
            "request": request.reference,
            "kind": str(request.kind),
            "channel": str(request.channel),
            "from_ms": to_ms(request.window_from_utc),
            "to_ms": to_ms(request.window_to_utc),
            "unit": request.unit.code if request.unit else None,
            "due": request.due_on.isoformat(),
        },
        clock=clock,
    )
