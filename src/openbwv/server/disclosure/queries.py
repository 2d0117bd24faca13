"""Reads of `disclosure`: what a disclosure officer and a second checker may see because of a request."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q, QuerySet

from openbwv.server.disclosure.models import OPEN_STATES, Release, ReleaseState, Request
from openbwv.server.evidence.models import Recording, State
from openbwv.server.people.models import Person


def recordings_matched_for(person: Any) -> QuerySet[Recording]:
    """Return the recordings that an open request assigned to `person` matches."""
    return Recording.objects.filter(
        Q(matches__request__state__in=OPEN_STATES) | Q(matches__releases__state__in=_NOT_OUT),
        matches__request__assigned_to=person,
    ).distinct()


_NOT_OUT = (ReleaseState.PLANNED, ReleaseState.FAILED, ReleaseState.MADE, ReleaseState.CHECKED)


def recordings_to_check_for(person: Any) -> QuerySet[Recording]:
    """Return the recordings shown in releases that wait for `person`'s second check."""
    return Recording.objects.filter(
        matches__releases__checker=person, matches__releases__state=ReleaseState.MADE
    ).distinct()


def requests_for(person: Person) -> QuerySet[Request]:
    """Return the requests that `person` may open: all for a disclosure officer, otherwise those they check."""
    if person.has_role("disclosure"):
        return Request.objects.all()
    return Request.objects.filter(matches__releases__checker=person).distinct()


def queue(person: Person) -> QuerySet[Request]:
    """Return the open requests by due date; what is unbounded and must be narrowed comes first."""
    return requests_for(person).filter(state__in=OPEN_STATES).select_related("unit", "assigned_to")


def closed_for(person: Person) -> QuerySet[Request]:
    """Return the requests that are answered or withdrawn, the last received first."""
    return requests_for(person).exclude(state__in=OPEN_STATES).order_by("-received_utc", "-id")


def checks_waiting_for(person: Person) -> QuerySet[Release]:
    """Return the releases that wait for this person's check."""
    return Release.objects.filter(checker=person, state=ReleaseState.MADE).select_related("match__request")


def due_by(moment: datetime) -> QuerySet[Request]:
    """Return the open requests whose due day is on or before the day of `moment`."""
    return Request.objects.filter(state__in=OPEN_STATES, due_on__lte=moment.date())


def deleted_in_reach(request: Request) -> QuerySet[Recording]:
    """Return what the request's time and place would have matched, had it not been deleted before."""
    standing = request.standing
    gone = Recording.objects.filter(
        state=State.ERASED, started_utc__lte=standing.to_utc, ended_utc__gte=standing.from_utc
    )
    if standing.unit_id is not None:
        gone = gone.filter(Q(unit=None) | Q(unit=standing.unit_id))
    return gone.order_by("started_utc")


@dataclass(frozen=True)
class Checking:
    """What a checker may watch of an original (R3): from `from_ms` to `to_ms` of its media time, None for its end."""

    request: Request
    from_ms: int
    to_ms: int | None


def checking_of(person: Any, recording: Recording) -> Checking | None:
    """Return the span of `recording` that the release waiting for `person`'s check is about, or None without one.

    It is the stretch the request asks for, widened to the stretch that leaves; all of it when the camera's clock was
    not set, for then nobody can say which part was asked for.
    """
    waiting = Release.objects.filter(checker=person, state=ReleaseState.MADE, match__recording=recording)
    release = waiting.select_related("match__request").first()
    if release is None:
        return None
    request = release.match.request
    if not recording.clock_sync:
        return Checking(request, 0, None)
    first_ms = (request.window_from_utc - recording.started_utc) // timedelta(milliseconds=1)
    last_ms = (request.window_to_utc - recording.started_utc) // timedelta(milliseconds=1)
    plan = release.plan
    return Checking(request, max(0, min(first_ms, plan["from_ms"])), max(last_ms, plan["to_ms"]))
