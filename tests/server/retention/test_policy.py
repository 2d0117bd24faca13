"""A policy version: two people, the list of what it would newly delete, and the dates afterwards."""

from datetime import timedelta

import pytest

from django.db import IntegrityError, transaction

from openbwv.custody import EventType
from openbwv.server.clock import utc
from openbwv.server.people.actions import NotPermitted
from openbwv.server.people.rights import ReasonMissing
from openbwv.server.retention import actions
from openbwv.server.retention.actions.early import approve_early, decline_early, propose_early
from openbwv.server.retention.errors import NotDeletable, PolicyOver, PolicyWrong, SecondPersonNeeded
from openbwv.server.retention.models import PolicyVersion
from openbwv.server.retention.second import note_opened
from openbwv.server.retention.sweep import sweep
from openbwv.server.trail.models import Event
from tests.server import cast
from tests.server.retention.steps import HOUR_MS, approve


@pytest.fixture
def recording(avery, clock):
    made = cast.recording(officer=avery, started=utc(clock) - timedelta(hours=2), ingest_utc=utc(clock))
    actions.recording_ingested(made, clock)
    return made


def propose(actor, clock, **numbers):
    values = {"days": 31, "least_days": 7} | numbers
    return actions.propose_policy(**values, reason="why not", actor=actor, session="one", clock=clock)


def test_a_shorter_period_lists_what_goes_earlier_and_moves_it_only_when_approved(recording, indra, lou, clock):
    approve(indra, lou, clock)
    old = recording.retain_until_utc
    version = propose(indra, clock, days=14)
    recording.refresh_from_db()
    assert (version.shortens, recording.retain_until_utc) == (1, old)
    note_opened(what="policy:2", person=lou, session="two", clock=clock)
    actions.approve_policy(version=version, reason="read", actor=lou, session="two", clock=clock)
    recording.refresh_from_db()
    assert recording.retain_until_utc == recording.ended_utc + timedelta(days=14)
    assert recording.due_explained["policy"] == 2


@pytest.mark.usefixtures("force_files")
def test_a_deletion_that_runs_keeps_the_date_that_was_promised(recording, indra, lou, clock):
    approve(indra, lou, clock)
    for _ in range(28):
        clock.advance(24 * HOUR_MS)
        sweep(clock)
    due = recording.deletions.get().due_utc
    approve(indra, lou, clock, days=20)
    recording.refresh_from_db()
    assert recording.deletions.get().due_utc == due == recording.retain_until_utc


def test_the_second_person_is_another_in_another_session_who_has_opened_it(units, indra, lou, clock):
    version = propose(indra, clock)
    note_opened(what="policy:1", person=indra, session="one", clock=clock)
    for actor, session, words in ((indra, "two", "yourself"), (lou, "one", "their own"), (lou, "two", "not opened")):
        with pytest.raises(SecondPersonNeeded, match=words):
            actions.approve_policy(version=version, reason="x", actor=actor, session=session, clock=clock)
    with pytest.raises(IntegrityError), transaction.atomic():
        PolicyVersion.objects.filter(pk=version.pk).update(approved_by=indra, approved_utc=utc(clock))


@pytest.mark.parametrize("who", ["avery", "blake", "gale", "casey", "devi", "lou", "frankie"])
def test_only_a_records_manager_proposes(request, clock, who, units):
    with pytest.raises(NotPermitted):
        propose(request.getfixturevalue(who), clock)


@pytest.mark.parametrize("numbers", [{"days": 0}, {"days": 32}, {"days": -1}, {"least_days": 32}, {"least_days": -1}])
def test_periods_that_break_the_promise_are_refused(units, indra, clock, numbers):
    with pytest.raises(PolicyWrong):
        propose(indra, clock, **numbers)
    assert not PolicyVersion.objects.exists()


def test_what_was_decided_stays_decided(units, indra, lou, clock):
    version = approve(indra, lou, clock)
    with pytest.raises(PolicyOver):
        actions.withdraw_policy(version=version, reason="x", actor=indra, clock=clock)
    second = propose(indra, clock, days=20)
    actions.withdraw_policy(version=second, reason="typed wrongly", actor=indra, clock=clock)
    note_opened(what="policy:2", person=lou, session="two", clock=clock)
    with pytest.raises(PolicyOver):
        actions.approve_policy(version=second, reason="x", actor=lou, session="two", clock=clock)


# ── before its time ──────────────────────────────────────────────────────────────────────────────────────────────
def test_two_people_delete_early_after_the_same_72_hours(force, indra, lou):
    recording = force.dock()
    deletion = propose_early(recording=recording, reason="made by mistake", actor=indra, session="i", clock=force.clock)
    force.wait(days=4)
    recording.refresh_from_db()
    assert recording.state == "stored"  # nobody has agreed
    with pytest.raises(SecondPersonNeeded):
        approve_early(deletion=deletion, actor=lou, session="l", clock=force.clock)
    note_opened(what=f"deletion:{deletion.pk}", person=lou, session="l", clock=force.clock)
    approve_early(deletion=deletion, actor=lou, session="l", clock=force.clock)
    assert force.wait(hours=1)["erased"] == 1
    deletion.refresh_from_db()
    assert deletion.authorised_event.details["approvals"] == ["indra", "lou"]
    assert deletion.erased_utc - deletion.proposed_utc >= timedelta(hours=72)


def test_what_is_kept_is_not_deleted_early(force, indra, gale):
    recording = force.dock()
    actions.place_hold(recording=recording, kind="person", reason="no", actor=gale, clock=force.clock)
    with pytest.raises(NotDeletable, match="on hold"):
        propose_early(recording=recording, reason="x", actor=indra, session="i", clock=force.clock)


def test_the_second_person_may_say_no_to_an_early_deletion_and_the_first_take_it_back(force, indra, lou, gale):
    recording = force.dock()
    for person, rule in ((lou, "approve-policy-second-yes"), (indra, "approve-policy-first-yes")):
        deletion = propose_early(recording=recording, reason="by mistake", actor=indra, session="i", clock=force.clock)
        with pytest.raises(ReasonMissing):
            decline_early(deletion=deletion, reason=" ", actor=person, clock=force.clock)
        with pytest.raises(NotPermitted):
            decline_early(deletion=deletion, reason="x", actor=gale, clock=force.clock)
        decline_early(deletion=deletion, reason="it is needed", actor=person, clock=force.clock)
        deletion.refresh_from_db()
        assert (deletion.state, deletion.cancelled_because) == ("cancelled", "it is needed")
        event = Event.objects.filter(type=EventType.DELETE_CANCELLED).latest("id")
        assert (event.actor, event.rule) == (person, rule)
        with pytest.raises(NotDeletable):
            decline_early(deletion=deletion, reason="again", actor=person, clock=force.clock)
