"""Each kind of "no footage", the facts that allow it and the facts that refuse it."""

import hashlib
from datetime import timedelta

import pytest

from openbwv.recording import CameraMode, PowerReason
from openbwv.server.clock import utc
from openbwv.server.disclosure.actions.decide import answer_request, decide_match
from openbwv.server.disclosure.actions.life import assign_request
from openbwv.server.disclosure.errors import NotDecidable
from openbwv.server.disclosure.models import NoFootage
from openbwv.server.disclosure.weigh import weigh
from openbwv.server.fleet.models import Assignment, Camera
from openbwv.server.ingest.models import MissingNumber
from tests.recording.factory import Agency
from tests.server import cast
from tests.server.diary import Diary, index

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
AGENCY = Agency()
CANNOT, DEFINITE = "cannot-tell", ("none-made", "not-recording")


@pytest.fixture
def morning(clock):
    """Ten hours ago. What is asked for lies three hours to one hour ago, and an hour on either side counts."""
    return utc(clock) - 10 * HOUR


@pytest.fixture
def camera(units, clock):
    """Return a function that makes a camera of Lewisham that has docked just now."""

    def make(name="0417", **facts):
        values = {
            "name": name, "kid": hashlib.sha256(name.encode()).hexdigest(), "certificate": "-", "serial": name,
            "unit": units["lewisham"], "enrolled_utc": utc(clock) - timedelta(days=100),
            "last_docked_utc": utc(clock),
        }  # fmt: skip
        return Camera.objects.create(**(values | facts))

    return make


@pytest.fixture
def shift(camera, clock, morning):
    """Return a function that makes a camera which stood by from `morning` until now, but for what is changed."""

    def make(name="0417", *, on=((0, 10),), docked=10, is_set=True, **facts):
        row, diary = camera(name, **facts), Diary(AGENCY.camera())
        diary.is_set = is_set
        diary.boot(morning)
        for since, until in on:
            diary.stand_by(morning + since * HOUR, morning + until * HOUR)
        diary.dock(morning + docked * HOUR)
        if docked < 10:
            diary.boot(morning + 10 * HOUR)
        index(row, diary, clock)
        return row

    return make


@pytest.fixture
def take(clock):
    """Return a function that gives a camera to a person for the whole day."""

    def give(row, person, **times):
        span = {"from_utc": utc(clock) - 12 * HOUR, "until_utc": utc(clock)} | times
        pseudonym = hashlib.sha256(f"{row} {person}".encode()).digest()[:16]
        return Assignment.objects.create(pseudonym=pseudonym, camera=row, person=person, signed=b"", **span)

    return give


@pytest.fixture
def answer(casey, clock):
    """Return a function that answers a request with a kind of "no footage"."""

    def give(request, kind):
        if request.assigned_to is None:
            assign_request(request=request, actor=casey, clock=clock)
        return answer_request(
            request=request, outcome="no-footage", no_footage_kind=kind, answer="There is none.", actor=casey,
            clock=clock,
        )  # fmt: skip

    return give


def refused(request, answer, kind, words):
    with pytest.raises(NotDecidable, match=words):
        answer(request, kind)


def test_none_was_made_when_nobody_had_the_cameras_and_nothing_is_missing(ask, shift, answer):
    shift()
    request, _ = ask()
    assert weigh(request).proposed == NoFootage.NONE_MADE
    refused(request, answer, "not-recording", "No camera that somebody had")
    refused(request, answer, "deleted", "Nothing of that time and place has been deleted")
    refused(request, answer, CANNOT, "Every camera that could have been there has docked")
    assert answer(request, "none-made").no_footage_kind == "none-made"


@pytest.mark.parametrize("kind", DEFINITE)
def test_an_undocked_camera_leaves_it_open(ask, shift, camera, take, avery, answer, kind):
    take(shift(), avery)
    camera("0500", last_docked_utc=None)
    request, _ = ask()
    assert weigh(request).proposed == NoFootage.CANNOT_TELL
    refused(request, answer, kind, "camera 0500 has not docked since")
    assert answer(request, CANNOT).no_footage_kind == CANNOT


@pytest.mark.parametrize(("state", "leaves_open"), [("lost", True), ("revoked", False)])
def test_one_person_who_reports_a_camera_lost_settles_nothing(ask, shift, camera, answer, morning, state, leaves_open):
    shift()
    camera("0500", last_docked_utc=None, state=state, revoked_utc=morning - HOUR, revoked_why="left on a bus")
    request, _ = ask()
    if leaves_open:
        refused(request, answer, "none-made", "camera 0500 has not docked since")
        answer(request, CANNOT)
    else:
        answer(request, "none-made")


def test_a_lost_camera_that_came_back_is_asked_for_all_the_time(ask, shift, answer, morning):
    shift(on=((0, 8), (8.5, 10)), state="lost", revoked_utc=morning + HOUR)
    request, _ = ask()
    refused(request, answer, "none-made", "its journal is silent")


@pytest.mark.parametrize("kind", DEFINITE)
def test_a_number_that_was_counted_and_never_came_leaves_it_open(ask, shift, take, avery, answer, kind):
    take(shift(next_rc=2), avery)
    request, _ = ask()
    refused(request, answer, kind, "camera 0417, recording 1")
    answer(request, CANNOT)


@pytest.mark.parametrize("kind", DEFINITE)
@pytest.mark.parametrize(
    ("facts", "why"),
    [
        ({"on": ((0, 8), (8.5, 10))}, "it was on, and its journal is silent"),
        ({"is_set": False}, "its clock was not set"),
    ],
)
def test_a_hole_in_a_journal_leaves_it_open_and_is_named(ask, shift, take, avery, answer, kind, facts, why):
    take(shift(**facts), avery)
    request, _ = ask()
    weighed = weigh(request)
    assert (weighed.proposed, [each.camera.name for each in weighed.holes]) == (NoFootage.CANNOT_TELL, ["0417"])
    refused(request, answer, kind, f"camera 0417, .*: {why}")
    answer(request, CANNOT)


def test_a_journal_that_never_came_leaves_it_open(ask, camera, answer):
    camera()
    request, _ = ask()
    refused(request, answer, "none-made", "no journal of it is here")
    answer(request, CANNOT)


def test_entries_that_were_removed_leave_it_open(ask, shift, clock, morning, answer):
    row = shift(on=((0, 1),))
    gone = Diary(AGENCY.camera(), b"k" * 16, starts=2, previous=(b"j" * 16, b"a tail that never came here ...."))
    gone.boot(utc(clock) - MINUTE).dock(utc(clock) - MINUTE)
    row.spans.filter(mode=int(CameraMode.DOCKED)).delete()
    index(row, gone, clock)
    request, _ = ask()
    refused(request, answer, "none-made", "entries of its journal are missing")


@pytest.mark.parametrize("on", [((0, 10),), ((0, 8), (8.5, 10))])
def test_a_hole_outside_the_time_or_the_place_counts_for_nothing(ask, shift, units, answer, on):
    shift(on=((0, 1), (2, 10)))  # eight hours before
    shift("0500", on=on, unit=units["camden"])
    request, _ = ask()
    assert weigh(request).holes == ()
    assert answer(request, "none-made").no_footage_kind == "none-made"


def test_there_but_not_recording_is_proposed_with_the_facts_and_may_be_answered(
    ask, shift, take, avery, casey, answer, as_person, clock
):
    take(shift(), avery)
    request, _ = ask()
    weighed = weigh(request)
    assert weighed.proposed == NoFootage.NOT_RECORDING
    [seen] = weighed.not_recording
    assert [piece.words for piece in seen.pieces] == ["Switched on and standing by"]
    assign_request(request=request, actor=casey, clock=clock)
    request.refresh_from_db()
    page = as_person(casey).get(request.get_absolute_url()).content.decode()
    assert "Switched on and standing by" in page
    assert "PC Avery" in page
    assert '<option value="not-recording" selected>' in page
    assert answer(request, "not-recording").no_footage_kind == "not-recording"


@pytest.mark.parametrize("reason", [PowerReason.BY_HAND, PowerReason.BATTERY])
def test_a_camera_that_was_switched_off_was_there_and_not_recording(
    ask, camera, take, avery, clock, morning, answer, reason
):
    row, diary = camera(), Diary(AGENCY.camera())
    diary.boot(morning).stand_by(morning, morning + HOUR).off(morning + HOUR, reason)
    diary.boot(morning + 10 * HOUR).dock(morning + 10 * HOUR)
    index(row, diary, clock)
    take(row, avery)
    request, _ = ask()
    assert [piece.mode for piece in weigh(request).not_recording[0].pieces] == [CameraMode.OFF]
    answer(request, "not-recording")


def test_a_camera_that_recorded_all_the_time_was_not_there_without_recording(
    ask, shift, take, avery, casey, answer, morning, clock
):
    row = shift()
    take(row, avery)
    cast.recording(
        officer=avery, camera=row, rc=1, started=morning + 6.5 * HOUR, ended_utc=morning + 9.5 * HOUR,
        duration_ms=3 * 3_600_000,
    )  # fmt: skip
    request, _ = ask()
    assign_request(request=request, actor=casey, clock=clock)
    decide_match(match=request.matches.get(), state="not-shown", reason="another street", actor=casey, clock=clock)
    request.refresh_from_db()
    refused(request, answer, "not-recording", "No camera that somebody had")
    answer(request, "none-made")


def test_a_camera_that_was_taken_and_stayed_in_the_dock_was_not_there(ask, shift, take, avery, answer):
    take(shift(on=((0, 5),), docked=5), avery)
    request, _ = ask()
    assert weigh(request).proposed == NoFootage.NONE_MADE
    refused(request, answer, "not-recording", "No camera that somebody had")


def test_nobody_was_there_unless_the_officer_who_is_named_had_a_camera(ask, shift, take, avery, noor, answer):
    take(shift(), avery)
    request, _ = ask(officer_named=avery.collar)
    refused(request, answer, "nobody-there", "PC Avery, whom the request names, had camera 0417")
    other, _ = ask(officer_named=noor.collar)
    assert answer(other, "nobody-there").no_footage_kind == "nobody-there"


def test_what_was_made_and_deleted_is_not_none_made(ask, shift, answer, clock):
    row = shift()
    gone = cast.recording(camera=row, rc=1, started=utc(clock) - 2 * HOUR, state="erased")
    request, _ = ask()
    assert weigh(request).proposed == NoFootage.DELETED
    refused(request, answer, "none-made", f"{gone.reference} was made then and there, and is deleted")
    assert answer(request, "deleted").no_footage_kind == "deleted"


def test_the_page_says_of_each_kind_why_it_may_not_be_answered(ask, shift, camera, casey, as_person, clock):
    shift(on=((0, 8), (8.5, 10)))
    request, _ = ask()
    assign_request(request=request, actor=casey, clock=clock)
    page = as_person(casey).get(request.get_absolute_url()).content.decode()
    assert "No word (it was on, and its journal is silent)" in page
    assert "Nothing of that time and place has been deleted" in page
    assert '<option value="cannot-tell" selected>' in page


def test_a_missing_number_alone_asks_nothing_of_a_request_for_another_time(ask, shift, answer, clock):
    row = shift()
    MissingNumber.objects.create(camera=row, rc=7, since_utc=utc(clock))
    request, _ = ask()
    assert answer(request, "none-made").outcome == "no-footage"  # the counters of that time decide, not the alarm
