"""Events about nothing that lives go by their own age; those on which something living rests stay."""

from datetime import timedelta

import pytest

from openbwv.custody import EventType
from openbwv.server.cases.models import Matter
from openbwv.server.disclosure.models import OutboxMessage
from openbwv.server.fleet.models import Assignment, Camera, Dock, NoCameraReport
from openbwv.server.forgetting import forget
from openbwv.server.people.models import Person
from openbwv.server.retention.models import Opened
from openbwv.server.trail.models import Event
from tests.server import cast
from tests.server.forgetting.conftest import SECOND, SIX_YEARS_AGO, has_words
from tests.server.retention.steps import approve

BEFORE = SIX_YEARS_AGO - timedelta(days=1)


@pytest.mark.parametrize(("after", "goes"), [(-SECOND, True), (0 * SECOND, True), (SECOND, False)])
def test_six_years_to_the_second(old_event, due, clock, after, goes):
    event = old_event(EventType.ADMIN_LOGIN, SIX_YEARS_AGO + after, actor_label="lou")
    assert due() == (0, 0, int(goes), 0)
    forget(clock)
    assert has_words(event) != goes


@pytest.mark.parametrize(
    "type_", ["INVENTORY", "ASIDE", "KEM_EPOCH", "KEK_ROTATED", "CONFIG", "REFUSED", "BACKUP", "RESTORE", "ACCOUNT"]
)
def test_what_merely_happened_goes(old_event, clock, type_):
    event = old_event(EventType[type_], why="because", details={"deed": "x", "person": "nobody"})
    forget(clock)
    assert not has_words(event)


@pytest.mark.parametrize("type_", ["LOG_GENERATION", "TEXT_REMOVED"])
def test_what_explains_the_log_stays_for_ever(old_event, clock, type_):
    event = old_event(EventType[type_])
    forget(clock)
    assert has_words(event)


@pytest.mark.parametrize(("lost", "stays"), [([{"index": 4, "type": "view", "t_s": 1}], True), ([], False)])
def test_a_restore_stays_while_it_explains_entries_whose_events_are_lost(old_event, clock, lost, stays):
    event = old_event(EventType.RESTORE, details={"generation": 2, "unknown_leaves": lost})
    forget(clock)
    assert has_words(event) == stays


def device(model, **more):
    return model.objects.create(
        kid="ab" * 32, certificate="", serial=f"{model.__name__}", name="0417", enrolled_utc=BEFORE, **more
    )


@pytest.mark.parametrize("type_", ["ENROL", "REVOKE", "WRITE_OFF"])
@pytest.mark.parametrize("model", [Camera, Dock])
def test_what_is_about_a_device_stays_while_it_is_in_service(old_event, clock, model, type_):
    made = device(model)
    events = [old_event(EventType[type_], details={"kid": kid}) for kid in (made.kid, "cd")]
    forget(clock)
    assert [has_words(event) for event in events] == [True, False]
    model.objects.update(state="lost")
    forget(clock)
    assert has_words(events[0]), "a lost camera that comes back still brings evidence"
    model.objects.update(state="revoked")
    forget(clock)
    assert not has_words(events[0])


def test_an_enrolment_stays_while_a_recording_of_the_camera_has_its_words(old_event, gone, clock):
    made = device(Camera, state="revoked")
    kept = gone(SIX_YEARS_AGO + SECOND, camera=made)
    event = old_event(EventType.ENROL, details={"kid": made.kid})
    forget(clock)
    assert has_words(event)
    clock.advance(1000)
    forget(clock)
    kept.refresh_from_db()
    assert kept.pseudonym is None
    assert kept.camera == made, "a counter without its camera shows no gap"
    assert not has_words(event)


def test_an_account_keeps_its_events_while_it_is_open(old_event, noor, clock):
    event = old_event(EventType.ACCOUNT, details={"deed": "add-person", "person": "noor"})
    forget(clock)
    assert has_words(event)
    Person.objects.filter(pk=noor.pk).update(is_active=False)
    forget(clock)
    assert not has_words(event)


def test_a_matter_keeps_its_events_while_it_is_open(old_event, gale, clock):
    matter = Matter.objects.create(reference="01/9/26", title="t", opened_by=gale, opened_utc=BEFORE)
    event = old_event(EventType.CLASSIFY, details={"deed": "matter-opened", "matter": "01/9/26"})
    forget(clock)
    assert has_words(event)
    matter.closed_utc, matter.closed_by, matter.outcome = BEFORE, gale, "other"
    matter.save()
    forget(clock)
    assert not has_words(event)


def test_a_policy_keeps_its_events_while_it_is_in_force_or_waits(old_event, indra, lou, clock):
    events = [old_event(EventType.POLICY, details={"deed": "approved", "version": number}) for number in (1, 2, 9)]
    forget(clock)
    assert [has_words(event) for event in events] == [True, False, False]
    approve(indra, lou, clock)
    forget(clock)
    assert not has_words(events[0]), "version 2 took its place"


def test_the_newest_release_stays_and_those_before_it_go(old_event, clock):
    events = [old_event(EventType.SOFTWARE, details={"version": str(number)}) for number in range(3)]
    forget(clock)
    assert [has_words(event) for event in events] == [False, False, True]


@pytest.fixture
def taken(old_event, avery, units):
    """Return an assignment that ended six years ago, and the event that Avery took the camera."""
    camera = device(Camera)
    assignment = Assignment.objects.create(
        pseudonym=bytes(16),
        camera=camera,
        person=avery,
        from_utc=SIX_YEARS_AGO - timedelta(hours=12),
        until_utc=SIX_YEARS_AGO,
        signed=b"",
    )
    details = {"deed": "take-camera", "camera": "0417", "person": "avery", "hours": 12}
    event = old_event(EventType.ASSIGN, SIX_YEARS_AGO - timedelta(hours=12) + SECOND, actor=avery, details=details)
    return assignment, event


def test_who_had_a_camera_goes_with_the_assignment(taken, due, clock):
    assert due() == (0, 0, 1, 1)
    assert forget(clock) == {"recordings": 0, "requests": 0, "events": 1, "others": 1}
    assert not has_words(taken[1])
    assert not Assignment.objects.exists()


def test_an_assignment_stays_as_long_as_a_recording_that_rests_on_it_has_its_words(taken, due, avery, clock):
    cast.recording(officer=avery, assignment=taken[0], camera=taken[0].camera)
    assert due() == (0, 0, 0, 0)
    forget(clock)
    assert has_words(taken[1])
    assert Assignment.objects.get().person == avery


def test_the_dry_run_counts_what_rests_on_a_recording_that_goes_in_the_same_run(taken, gone, due, clock):
    gone(assignment=taken[0], camera=taken[0].camera)
    assert due() == (1, 0, 7, 1)
    assert forget(clock) == {"recordings": 1, "requests": 0, "events": 7, "others": 1}
    assert due() == (0, 0, 0, 0)


def test_an_assignment_that_ended_a_second_later_stays(taken, due, clock):
    Assignment.objects.update(until_utc=SIX_YEARS_AGO + SECOND)
    assert due() == (0, 0, 0, 0)


@pytest.mark.parametrize(("after", "left"), [(0 * SECOND, 0), (SECOND, 1)])
def test_what_people_reported_opened_and_were_sent_goes_by_its_age(policy, running_log, lou, clock, after, left):
    when = SIX_YEARS_AGO + after
    NoCameraReport.objects.create(person=lou, reason="other", at_utc=when)
    Opened.objects.create(what="policy:77", person=lou, session="x", opened_utc=when)
    OutboxMessage.objects.create(to="ellis@example.org", subject="s", body="b", made_utc=when)
    assert forget(clock)["others"] == (0 if left else 3)
    assert NoCameraReport.objects.count() == OutboxMessage.objects.count() == left
    assert Opened.objects.filter(what="policy:77").count() == left


def test_events_of_today_stay(old_event, policy, clock):
    kept = Event.objects.filter(type=EventType.POLICY).count()
    forget(clock)
    assert Event.objects.filter(type=EventType.POLICY, salt__isnull=False).count() == kept == 2
