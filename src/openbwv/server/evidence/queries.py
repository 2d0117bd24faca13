"""Which recordings somebody may see, as one database filter; and what lists are found by.

`visible_to` turns the scopes of `people.rules.TABLE` into a filter. A property test checks it against `rights.may`.
"""

from typing import Any

from django.db.models import Q, QuerySet

from openbwv.server.evidence.models import Flag, Recording, State
from openbwv.server.people.models import Person
from openbwv.server.people.rules import TABLE, Scope

NOTHING = Q(pk__in=())


def visible_to(person: Any, deed: str = "see") -> QuerySet[Recording]:
    """Return the recordings that `person` may see (or do another unrestricted `deed` of the table to)."""
    recordings = Recording.objects.all()
    if not getattr(person, "is_authenticated", False) or not person.is_active:
        return recordings.none()
    scopes = scopes_of(person, deed)
    if Scope.ANY in scopes:
        return recordings
    reach = NOTHING
    for scope in scopes:
        reach |= _filter_of(scope, person)
    return recordings.filter(reach)


def scopes_of(person: Person, deed: str = "see") -> set[Scope]:
    """Return how far the roles of `person` reach with a deed of the table."""
    return {grant.scope for role, grant in TABLE[deed].items() if role in person.role_codes}


def _filter_of(scope: Scope, person: Person) -> Q:
    if scope is Scope.OWN:
        return Q(officer=person)
    if scope is Scope.UNIT:
        return Q(unit=person.unit_id) if person.unit_id else NOTHING
    if scope is Scope.REQUEST:
        return Q(pk__in=matched_for(person).values("pk"))
    return NOTHING


def matched_for(person: Person) -> QuerySet[Recording]:
    """Return the recordings that an open request assigned to `person` matches."""
    from openbwv.server.disclosure.queries import recordings_matched_for

    return recordings_matched_for(person)


def to_check_for(person: Person) -> QuerySet[Recording]:
    """Return the recordings shown in releases that wait for `person`'s second check (R3)."""
    from openbwv.server.disclosure.queries import recordings_to_check_for

    return recordings_to_check_for(person)


def in_team_of(person: Person) -> QuerySet[Recording]:
    """Return the recordings whose team `person` is in: a member of a matter that flags it (R3)."""
    return Recording.objects.filter(
        pk__in=Flag.objects.filter(removed_utc=None, matter__members=person).values("recording")
    )


def flags_in_force(recording: Recording) -> QuerySet[Flag]:
    """Return the flags that have not been taken off."""
    return recording.flags.filter(removed_utc=None).select_related("matter", "placed_by")


def keeping_flags() -> QuerySet[Flag]:
    """Return the flags that keep their recording (R2): for an open matter, until a review, or set on the camera.

    A review date that has passed goes on keeping: it asks a person to look again, and only a person ends evidence.
    """
    return Flag.objects.filter(removed_utc=None).filter(
        Q(matter__isnull=False, matter__closed_utc=None) | Q(review_date__isnull=False) | Q(from_camera=True)
    )


def not_here(recordings: QuerySet[Recording]) -> QuerySet[Recording]:
    """Return those that are announced, not here whole, and still waited for."""
    return recordings.filter(state__in=(State.ANNOUNCED, State.ARRIVING), camera__written_off_utc=None)


def given_up(recordings: QuerySet[Recording]) -> QuerySet[Recording]:
    """Return those that are not here whole and no longer waited for: their camera was written off."""
    return recordings.filter(state__in=(State.ANNOUNCED, State.ARRIVING), camera__written_off_utc__isnull=False)


def thumbnail_shown(recording: Recording) -> bool:
    """Say whether lists may show its still: never for a restricted or deleted one (R3)."""
    return bool(recording.thumbnail_id) and not recording.restricted and recording.state == State.STORED
