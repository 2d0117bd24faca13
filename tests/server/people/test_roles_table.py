"""docs/ref/roles.md is the law: the code's table is compared with it, and each cell is tried on real rows."""

from itertools import product
from pathlib import Path

import pytest

from openbwv.server.people.models import RoleHeld
from openbwv.server.people.rights import may
from openbwv.server.people.rules import TABLE, Grant, Scope
from tests.server import cast

PAGE = Path(__file__).parents[3] / "docs/ref/roles.md"


def read_table():
    """Return {(deed, role): cell} of the first table of the page."""
    lines = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("|")]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    head, body = rows[0], []
    for row in rows[2:]:
        if len(row) != len(head):
            break
        body.append(row)
    return {(row[0], role): cell for row in body for role, cell in zip(head[1:], row[1:], strict=True)}


CELLS = read_table()


def grant_of(cell):
    if cell == "–":
        return None
    scope, _, reason = cell.partition(", ")
    return Grant(Scope(scope), reason=reason == "reason")


def test_the_page_and_the_code_have_the_same_table():
    written = {key: grant_of(cell) for key, cell in CELLS.items() if grant_of(cell)}
    coded = {(deed, role): grant for deed, grants in TABLE.items() for role, grant in grants.items()}
    assert written == coded
    assert {deed for deed, _ in CELLS} == set(TABLE)


def hold_by(person, recording):
    class FakeHold:
        placed_by_id = person.pk

    FakeHold.recording = recording
    return FakeHold()


@pytest.mark.parametrize(("deed", "role"), sorted(CELLS), ids=lambda value: value)
def test_each_cell_allows_what_it_says_and_nothing_more(deed, role, units, frankie, avery, noor):
    """Frankie gets one role and a unit; the recordings are Frankie's own, a colleague's, and another borough's."""
    RoleHeld.objects.create(person=frankie, role=role)
    frankie.unit = units["lewisham"]
    frankie.save()
    frankie.__dict__.pop("role_codes", None)
    recordings = {
        "own": cast.recording(officer=frankie, number=1, unit=units["camden"]),
        "unit": cast.recording(officer=avery, number=2),
        "other": cast.recording(officer=noor, number=3),
    }
    reach = {
        None: set(),
        Scope.OWN: {"own"},
        Scope.UNIT: {"unit"},
        Scope.REQUEST: set(),
        Scope.PLACED: set(),
        Scope.ANY: {"own", "unit", "other"},
        Scope.YES: {"own", "unit", "other"},
    }
    grant = grant_of(CELLS[deed, role])
    expected = reach[grant.scope if grant else None]
    allowed = {name for name, recording in recordings.items() if may(frankie, deed, recording).allowed}
    assert allowed == expected
    for name in allowed:
        assert may(frankie, deed, recordings[name]).needs_reason == grant.reason
    if deed == "release-hold":
        assert may(frankie, deed, hold_by(frankie, recordings["own"])).allowed == (grant is not None)
        assert may(frankie, deed, hold_by(avery, recordings["own"])).allowed == (role == "records")


@pytest.mark.parametrize("deed", sorted(TABLE))
def test_nobody_without_a_role_or_with_a_closed_account_may_do_anything(deed, frankie, lou, gale, avery):
    from django.contrib.auth.models import AnonymousUser

    recording = cast.recording(officer=frankie)
    for person in (lou, gale, avery):
        person.is_active = False
        person.save()
        person.__dict__.pop("role_codes", None)
    for person, thing in product((AnonymousUser(), frankie, lou, gale, avery), (recording, None)):
        assert not may(person, deed, thing).allowed


def test_a_restriction_closes_watching_to_all_but_the_team(avery, blake, gale, devi, clock):
    from openbwv.server.cases.models import Matter
    from openbwv.server.clock import utc
    from openbwv.server.evidence.models import Flag

    recording = cast.recording(officer=avery, restricted=True)
    assert not any(may(person, "watch", recording).allowed for person in (avery, blake, gale, devi))
    assert all(may(person, "see", recording).allowed for person in (avery, blake, gale, devi))
    matter = Matter.objects.create(reference="1/26", title="t", opened_by=gale, opened_utc=utc(clock))
    matter.members.add(gale)
    Flag.objects.create(recording=recording, matter=matter, placed_by=blake, placed_utc=utc(clock))
    decision = may(gale, "watch", recording)
    assert decision.allowed
    assert decision.needs_reason
    assert not any(may(person, "watch", recording).allowed for person in (avery, blake, devi))


def test_every_deed_is_a_django_permission(avery, noor):
    recording = cast.recording(officer=avery)
    assert avery.has_perm("openbwv.watch", recording)
    assert not noor.has_perm("openbwv.watch", recording)


def test_an_unknown_deed_is_a_programming_error(avery):
    with pytest.raises(KeyError, match="no deed"):
        may(avery, "fly")
