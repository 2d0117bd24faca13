"""The list and the single answer agree: `visible_to` holds exactly what `may(…, "see", …)` allows."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from openbwv.server.evidence.models import Recording
from openbwv.server.evidence.queries import visible_to
from openbwv.server.people.models import Person, Role, RoleHeld
from openbwv.server.people.rights import may
from openbwv.server.people.rules import TABLE
from tests.server import cast

DEEDS = ("see", "flag", "hold", "restrict", "claim")  # a restriction narrows `watch` further: the predicate answers
BOROUGHS = (None, "lewisham", "camden", "brent")


@pytest.fixture
def many(units, avery, noor):
    """Recordings of two officers, of a third who moved, and of nobody, in several units and states."""
    mover = cast.person("frankie")
    number = 0
    for officer in (avery, noor, mover, None):
        for unit in BOROUGHS:
            for restricted in (False, True):
                number += 1
                where = units[unit] if unit else None
                cast.recording(officer=officer, number=number, unit=where, restricted=restricted)
    return list(Recording.objects.all())


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True)
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


def test_the_deeds_compared_are_in_the_table():
    assert set(DEEDS) <= set(TABLE)


def test_somebody_signed_out_sees_nothing(many):
    from django.contrib.auth.models import AnonymousUser

    assert not visible_to(AnonymousUser()).exists()
