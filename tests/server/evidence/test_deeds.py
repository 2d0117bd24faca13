"""Deeds on recordings: each is done and logged together, or neither; a refusal leaves its own trace."""

from datetime import timedelta

import pytest

from openbwv.custody import EventType
from openbwv.server.cases.actions import close_matter, open_matter
from openbwv.server.clock import utc
from openbwv.server.evidence import actions, errors
from openbwv.server.evidence.models import Flag, Recording
from openbwv.server.people.actions import NotPermitted
from openbwv.server.people.rights import ReasonMissing
from openbwv.server.trail.models import Event
from tests.server import cast


@pytest.fixture
def recording(avery):
    return cast.recording(officer=avery)


@pytest.fixture
def matter(gale, clock):
    return open_matter(reference="3001234/26", title="Robbery in Lee High Road", actor=gale, clock=clock)


def events(recording, kind=EventType.CLASSIFY):
    return Event.objects.filter(recording=recording, type=kind)


def test_a_category_is_set_and_logged_and_the_due_date_stays(recording, avery, clock):
    due = recording.retain_until_utc
    actions.set_category(recording=recording, category="arrest", actor=avery, clock=clock)
    recording.refresh_from_db()
    assert recording.category == "arrest"
    assert recording.retain_until_utc == due
    assert events(recording).get().details == {"deed": "category", "from": "none", "to": "arrest"}


def test_a_restricted_category_closes_it_and_a_later_label_does_not_open_it(recording, avery, clock):
    actions.set_category(recording=recording, category="domestic-abuse", actor=avery, clock=clock)
    actions.set_category(recording=recording, category="traffic", actor=avery, clock=clock)
    recording.refresh_from_db()
    assert recording.restricted
    assert recording.restrictions.count() == 1


def test_an_unknown_category_is_refused_and_names_the_known_ones(recording, avery, clock):
    with pytest.raises(errors.CategoryUnknown, match="There is no category 'x'") as caught:
        actions.set_category(recording=recording, category="x", actor=avery, clock=clock)
    assert "stop-and-search" in caught.value.remedy
    assert not events(recording).exists()


def test_a_flag_names_a_matter_or_a_review_date_in_the_future(recording, avery, matter, clock):
    with pytest.raises(errors.FlagNeedsEnd, match="for ever"):
        actions.place_flag(recording=recording, category="arrest", matter=None, actor=avery, clock=clock)
    with pytest.raises(errors.FlagNeedsEnd, match="passed"):
        actions.place_flag(
            recording=recording,
            category="arrest",
            matter=None,
            review_date=utc(clock).date(),
            actor=avery,
            clock=clock,
        )
    flag = actions.place_flag(recording=recording, category="arrest", matter=matter, actor=avery, clock=clock)
    assert flag.matter == matter
    assert events(recording).get().details["matter"] == "3001234/26"


def test_a_flag_on_a_closed_matter_is_refused(recording, avery, gale, matter, clock):
    close_matter(matter=matter, outcome="convicted", reason="sentenced", actor=gale, clock=clock)
    with pytest.raises(errors.MatterClosed):
        actions.place_flag(recording=recording, category="arrest", matter=matter, actor=avery, clock=clock)
    assert not Flag.objects.exists()


@pytest.mark.parametrize("state", ["deleting", "erased"])
def test_what_is_being_deleted_takes_no_flag_and_no_label(recording, avery, matter, clock, state):
    Recording.objects.filter(pk=recording.pk).update(state=state)
    for deed in (
        lambda: actions.set_category(recording=recording, category="arrest", actor=avery, clock=clock),
        lambda: actions.place_flag(recording=recording, category="arrest", matter=matter, actor=avery, clock=clock),
    ):
        with pytest.raises(errors.RecordingGone):
            deed()
    assert not events(recording).exists()


def test_noor_of_camden_may_not_flag_what_avery_recorded(recording, noor, matter, clock):
    with pytest.raises(NotPermitted):
        actions.place_flag(recording=recording, category="arrest", matter=matter, actor=noor, clock=clock)
    assert not Flag.objects.exists()


def test_restrict_needs_a_reason_and_is_lifted_with_one(recording, blake, clock):
    with pytest.raises(ReasonMissing):
        actions.restrict(recording=recording, reason="  ", actor=blake, clock=clock)
    actions.restrict(recording=recording, reason="a child is seen", actor=blake, clock=clock)
    with pytest.raises(errors.AlreadyRestricted):
        actions.restrict(recording=recording, reason="again", actor=blake, clock=clock)
    actions.unrestrict(recording=recording, reason="not a child", actor=blake, clock=clock)
    recording.refresh_from_db()
    assert not recording.restricted
    assert [event.details["deed"] for event in events(recording)] == ["restrict", "unrestrict"]
    with pytest.raises(errors.AlreadyRestricted):
        actions.unrestrict(recording=recording, reason="again", actor=blake, clock=clock)


def test_a_deed_whose_event_cannot_be_written_is_not_done(recording, avery, clock, monkeypatch):
    def broken(*_, **__):
        raise OSError("disk full")

    monkeypatch.setattr("openbwv.server.evidence.actions.category.log_event", broken)
    with pytest.raises(OSError, match="disk full"):
        actions.set_category(recording=recording, category="arrest", actor=avery, clock=clock)
    recording.refresh_from_db()
    assert recording.category == "none"


def test_an_unassigned_recording_is_claimed_once_with_a_reason(blake, avery, units, clock):
    recording = cast.recording(officer=None, number=7, unit=units["lewisham"])
    claim = {"recording": recording, "officer": avery, "actor": blake, "clock": clock}
    with pytest.raises(ReasonMissing):
        actions.claim_recording(reason="", **claim)
    assert actions.claim_recording(reason="duty sheet", **claim).officer == avery
    with pytest.raises(errors.EvidenceError, match="already has an officer"):
        actions.claim_recording(reason="duty sheet", **claim)


def test_only_its_team_closes_a_matter_and_only_with_outcome_and_reason(matter, gale, avery, clock):
    from openbwv.server.cases.actions import MatterProblem

    for actor in (avery,):
        with pytest.raises(NotPermitted):
            close_matter(matter=matter, outcome="convicted", reason="x", actor=actor, clock=clock)
    with pytest.raises(MatterProblem):
        close_matter(matter=matter, outcome="", reason="x", actor=gale, clock=clock)
    with pytest.raises(ReasonMissing):
        close_matter(matter=matter, outcome="other", reason=" ", actor=gale, clock=clock)
    clock.advance(1000)
    assert close_matter(matter=matter, outcome="other", reason="no suspect", actor=gale, clock=clock).closed_by == gale
    assert utc(clock) - matter.opened_utc == timedelta(seconds=1)
