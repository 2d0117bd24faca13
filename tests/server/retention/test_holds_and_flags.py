"""Holds and flags: who may place, release and take off; two people where two are needed; the date afterwards."""

from datetime import timedelta

import pytest

from django.db import IntegrityError, transaction

from openbwv.custody import EventType
from openbwv.recording import BwvError
from openbwv.server.cases.actions import close_matter, open_matter
from openbwv.server.clock import utc
from openbwv.server.evidence.actions import place_flag
from openbwv.server.people.actions import NotPermitted
from openbwv.server.people.rights import ReasonMissing
from openbwv.server.retention import actions, queries
from openbwv.server.retention.errors import HoldOver, RemovalOver, RemovalPending, SecondPersonNeeded
from openbwv.server.retention.models import FlagRemoval, Hold
from openbwv.server.retention.second import note_opened
from openbwv.server.retention.sweep import sweep
from openbwv.server.trail.models import Event
from tests.server import cast
from tests.server.retention.steps import HOUR_MS, approve

DAY_MS = 24 * HOUR_MS


@pytest.fixture
def recording(avery, clock):
    made = cast.recording(officer=avery, started=utc(clock) - timedelta(hours=2), ingest_utc=utc(clock))
    actions.recording_ingested(made, clock)
    return made


def hold(recording, actor, clock, **more):
    values = {"kind": "person", "reason": "a complaint is coming"} | more
    return actions.place_hold(recording=recording, actor=actor, clock=clock, **values)


@pytest.mark.parametrize("who", ["avery", "blake", "gale", "casey", "indra", "devi"])
def test_those_with_the_right_place_a_hold_and_it_is_logged(request, recording, clock, who):
    person = request.getfixturevalue(who)
    placed = hold(recording, person, clock)
    recording.refresh_from_db()
    assert recording.held_count == 1
    assert placed.placed_by == person
    assert Event.objects.get(type=EventType.HOLD).actor == person


@pytest.mark.parametrize("who", ["noor", "harper", "lou", "frankie"])
def test_those_without_it_do_not(request, recording, clock, who):
    with pytest.raises(NotPermitted):
        hold(recording, request.getfixturevalue(who), clock)
    assert not Hold.objects.exists()


def test_a_hold_needs_a_reason_and_a_kind_we_know(recording, gale, clock):
    with pytest.raises(ReasonMissing):
        hold(recording, gale, clock, reason="  ")
    with pytest.raises(BwvError, match="not a kind of hold"):
        hold(recording, gale, clock, kind="whim")


def test_ones_own_hold_is_released_at_once(recording, gale, clock):
    placed = hold(recording, gale, clock)
    released = actions.release_hold(hold=placed, reason="settled", actor=gale, clock=clock)
    recording.refresh_from_db()
    assert (released.released_by, recording.held_count) == (gale, 0)
    with pytest.raises(HoldOver):
        actions.release_hold(hold=placed, reason="again", actor=gale, clock=clock)


def test_anothers_hold_is_released_by_two_who_are_not_the_same_nor_in_one_session(recording, gale, indra, blake, clock):
    placed = hold(recording, gale, clock)
    asked = actions.release_hold(hold=placed, reason="settled", actor=indra, session="one", clock=clock)
    assert asked.released_utc is None
    what = f"hold-release:{placed.pk}"
    note_opened(what=what, person=indra, session="one", clock=clock)
    with pytest.raises(SecondPersonNeeded, match="yourself"):
        actions.confirm_hold_release(hold=placed, actor=indra, session="two", clock=clock)
    with pytest.raises(SecondPersonNeeded, match="not opened"):
        actions.confirm_hold_release(hold=placed, actor=blake, session="two", clock=clock)
    note_opened(what=what, person=blake, session="one", clock=clock)
    with pytest.raises(SecondPersonNeeded, match="their own"):
        actions.confirm_hold_release(hold=placed, actor=blake, session="one", clock=clock)
    note_opened(what=what, person=blake, session="two", clock=clock)
    actions.confirm_hold_release(hold=placed, actor=blake, session="two", clock=clock)
    recording.refresh_from_db()
    assert recording.held_count == 0


@pytest.mark.parametrize("who", ["avery", "casey", "devi"])
def test_others_release_no_hold_not_even_their_own(request, recording, clock, who):
    person = request.getfixturevalue(who)
    placed = hold(recording, person, clock)
    with pytest.raises(NotPermitted):
        actions.release_hold(hold=placed, reason="x", actor=person, clock=clock)


def test_the_database_refuses_one_person_twice(recording, gale, indra, clock):
    placed = hold(recording, gale, clock)
    with pytest.raises(IntegrityError), transaction.atomic():
        Hold.objects.filter(pk=placed.pk).update(release_asked_by=indra, released_by=indra)


# ── flags ────────────────────────────────────────────────────────────────────────────────────────────────────────
@pytest.fixture
def matter(gale, clock):
    return open_matter(reference="3001234/26", title="Robbery", actor=gale, clock=clock)


@pytest.fixture
def flag(recording, avery, matter, clock):
    return place_flag(recording=recording, category="arrest", matter=matter, actor=avery, clock=clock)


def test_a_flag_comes_off_by_two_people_and_the_recording_gets_a_week(recording, flag, blake, indra, clock):
    removal = actions.propose_flag_removal(flag=flag, reason="wrong recording", actor=blake, session="b", clock=clock)
    with pytest.raises(RemovalPending):
        actions.propose_flag_removal(flag=flag, reason="again", actor=blake, clock=clock)
    clock.advance(28 * DAY_MS)
    with pytest.raises(SecondPersonNeeded):
        actions.confirm_flag_removal(removal=removal, reason="agreed", actor=indra, session="i", clock=clock)
    note_opened(what=f"flag-removal:{removal.pk}", person=indra, session="i", clock=clock)
    actions.confirm_flag_removal(removal=removal, reason="agreed", actor=indra, session="i", clock=clock)
    recording.refresh_from_db()
    assert recording.retain_until_utc == utc(clock) + timedelta(days=7)
    assert recording.due_explained["rule"] == "after-last-reason"
    with pytest.raises(RemovalOver):
        actions.confirm_flag_removal(removal=removal, reason="agreed", actor=indra, session="i", clock=clock)


def test_declined_the_flag_stays(recording, flag, blake, indra, clock):
    removal = actions.propose_flag_removal(flag=flag, reason="x", actor=blake, session="b", clock=clock)
    note_opened(what=f"flag-removal:{removal.pk}", person=indra, session="i", clock=clock)
    actions.decline_flag_removal(removal=removal, reason="it is needed", actor=indra, session="i", clock=clock)
    flag.refresh_from_db()
    assert flag.removed_utc is None
    assert queries.explain(recording).kept


@pytest.mark.parametrize("who", ["avery", "casey", "indra", "frankie"])
def test_only_supervisor_and_investigator_propose(request, flag, clock, who):
    with pytest.raises(NotPermitted):
        actions.propose_flag_removal(flag=flag, reason="x", actor=request.getfixturevalue(who), clock=clock)
    assert not FlagRemoval.objects.exists()


@pytest.mark.usefixtures("force_files")
def test_while_its_matter_is_open_it_leaves_the_sweep_and_comes_back_when_it_closes(
    recording, flag, matter, gale, indra, lou, clock
):
    approve(indra, lou, clock)
    for _ in range(40):
        clock.advance(DAY_MS)
        sweep(clock)
    recording.refresh_from_db()
    assert recording.retain_until_utc is None
    assert "evidence in 3001234/26" in queries.explain(recording).sentence
    close_matter(matter=matter, outcome="acquitted", reason="verdict", actor=gale, clock=clock)
    recording.refresh_from_db()
    assert recording.retain_until_utc == utc(clock) + timedelta(days=7)
    assert not queries.explain(recording).kept


@pytest.mark.usefixtures("force_files")
def test_a_review_date_that_passes_asks_a_person_and_deletes_nothing(recording, avery, indra, lou, clock):
    approve(indra, lou, clock)
    day = (utc(clock) + timedelta(days=35)).date()
    place_flag(recording=recording, category="arrest", matter=None, review_date=day, actor=avery, clock=clock)
    for _ in range(60):
        clock.advance(DAY_MS)
        sweep(clock)
    explanation = queries.explain(recording)
    assert explanation.kept
    assert "should have been looked at again" in explanation.sentence
    assert queries.reviews_overdue(utc(clock)).count() == 1
    recording.refresh_from_db()
    assert recording.state == "stored"


@pytest.mark.usefixtures("force_files")
def test_a_flag_cancels_a_deletion_that_was_proposed(recording, matter, avery, indra, lou, clock):
    approve(indra, lou, clock)
    for _ in range(29):
        clock.advance(DAY_MS)
        sweep(clock)
    deletion = recording.deletions.get()
    assert deletion.state == "proposed"
    place_flag(recording=recording, category="arrest", matter=matter, actor=avery, clock=clock)
    deletion.refresh_from_db()
    assert (deletion.state, deletion.cancelled_because) == ("cancelled", "flagged as evidence")
