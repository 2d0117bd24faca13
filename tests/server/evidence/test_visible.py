"""The list and the single answer agree: `visible_to` holds exactly what `may(…, "see", …)` allows."""

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from openbwv.server.clock import utc
from openbwv.server.disclosure.actions.submit import Answers, submit_request
from openbwv.server.disclosure.models import Match, Request
from openbwv.server.evidence.models import Recording
from openbwv.server.evidence.queries import visible_to
from openbwv.server.people.models import Person, Role, RoleHeld
from openbwv.server.people.rights import may, may_each
from openbwv.server.people.rules import TABLE
from tests.server import cast

DEEDS = ("see", "flag", "hold", "restrict", "claim")  # a restriction narrows `watch` further: the predicate answers
BOROUGHS = (None, "lewisham", "camden", "brent")


@pytest.fixture
def many(units, avery, noor, clock):
    """Recordings of two officers, of a third who moved, and of nobody, in several units, some of them asked for."""
    mover = cast.person("frankie")
    number = 0
    for officer in (avery, noor, mover, None):
        for unit in BOROUGHS:
            for restricted in (False, True):
                number += 1
                where = units[unit] if unit else None
                cast.recording(officer=officer, number=number, unit=where, restricted=restricted)
    asked_for(1, noor, clock)
    asked_for(20, mover, clock)
    asked_for(9, mover, clock, state="decided", outcome="refused", answered_utc=utc(clock))
    return list(Recording.objects.all())


def asked_for(number, person, clock, **answered):
    """Let a request assigned to `person` match recording `number`; one that is answered opens nothing any more."""
    now = utc(clock)
    answers = Answers(
        "subject", now - timedelta(hours=300), now - timedelta(hours=299), name="Ellis", postal="1 High Street"
    )
    request, _ = submit_request(answers=answers, clock=clock)
    Match.objects.create(
        request=request, recording=Recording.objects.get(reference=f"BWV-2026-{number:06d}"), found_utc=now, why="test"
    )
    Request.objects.filter(pk=request.pk).update(assigned_to=person, **answered)


def test_a_request_opens_what_it_matches_to_whom_it_is_assigned_until_it_is_answered(many):
    person = Person.objects.get(username="frankie")
    RoleHeld.objects.create(person=person, role=Role.DISCLOSURE)
    assert [each.reference for each in visible_to(person)] == ["BWV-2026-000020"]


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True)
@given(
    name=st.sampled_from(["avery", "noor", "frankie"]),
    roles=st.frozensets(st.sampled_from(Role.values)),
    unit=st.sampled_from(BOROUGHS),
    active=st.booleans(),
)
def test_predicate_and_queryset_agree(many, units, name, roles, unit, active):
    person = Person.objects.get(username=name)
    person.unit, person.is_active = (units[unit] if unit else None), active
    person.save()
    person.roles_held.all().delete()
    RoleHeld.objects.bulk_create(RoleHeld(person=person, role=role) for role in roles)
    person = Person.objects.get(pk=person.pk)
    for deed in DEEDS:
        listed = set(visible_to(person, deed).values_list("pk", flat=True))
        allowed = {recording.pk for recording in many if may(person, deed, recording).allowed}
        assert listed == allowed, (deed, roles)


@pytest.mark.parametrize("who", ["avery", "gale", "frankie"])
def test_what_a_page_asks_at_once_is_what_it_would_be_told_one_by_one(many, who):
    person = cast.person(who)
    for recording in many[:6]:
        assert may_each(person, TABLE, recording) == {deed: may(person, deed, recording) for deed in TABLE}
    closed = Person(username="closed", is_active=False)
    assert may_each(closed, ("see",), many[0]) == {"see": may(closed, "see", many[0])}


def test_the_deeds_compared_are_in_the_table():
    assert set(DEEDS) <= set(TABLE)


def test_somebody_signed_out_sees_nothing(many):
    from django.contrib.auth.models import AnonymousUser

    assert not visible_to(AnonymousUser()).exists()
