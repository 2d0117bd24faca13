"""Cameras that could have been there and have not docked: shown to the officer, and "none was made" waits for them."""

import hashlib
from datetime import timedelta

import pytest

from openbwv.server.clock import utc
from openbwv.server.disclosure.actions.decide import answer_request
from openbwv.server.disclosure.actions.life import assign_request
from openbwv.server.disclosure.errors import NotDecidable
from openbwv.server.disclosure.gaps import gaps_in_reach
from openbwv.server.disclosure.undocked import undocked_in_reach
from openbwv.server.fleet.models import Assignment, Camera
from tests.recording.factory import Agency
from tests.server import cast
from tests.server.diary import Diary, index

HOUR = timedelta(hours=1)


@pytest.fixture
def camera(units, clock):
    """Return a function that makes a camera of Lewisham that never docked; `facts` override any field."""

    def make(name="0417", **facts):
        values = {
            "name": name,
            "kid": hashlib.sha256(name.encode()).hexdigest(),
            "certificate": "-",
            "serial": name,
            "unit": units["lewisham"],
            "enrolled_utc": utc(clock) - timedelta(days=100),
        }
        return Camera.objects.create(**(values | facts))

    return make


def take(camera, person, clock, hours_ago=4, unit=None):
    return Assignment.objects.create(
        pseudonym=hashlib.sha256(f"{camera} {person} {hours_ago}".encode()).digest()[:16],
        camera=camera,
        person=person,
        unit=unit,
        from_utc=utc(clock) - hours_ago * HOUR,
        until_utc=utc(clock) - hours_ago * HOUR + timedelta(hours=10),
        signed=b"",
    )


def in_the_dock(camera, clock):
    """The journal of a camera that stood in the dock all day: it leaves no hole."""
    diary = Diary(Agency().camera())
    since = utc(clock) - 10 * HOUR
    index(camera, diary.boot(since).dock(since).boot(utc(clock)).dock(utc(clock)), clock)


def names(request):
    return [each.camera.name for each in undocked_in_reach(request)]


def test_a_camera_counts_until_it_docks_after_the_time_asked_for(ask, camera, clock):
    made = camera()
    request, _ = ask()  # the three hours to one hour ago, and an hour on either side
    assert names(request) == ["0417"]
    made.last_docked_utc = utc(clock) - 2 * HOUR
    made.save()
    assert names(request) == ["0417"]
    made.last_docked_utc = utc(clock)
    made.save()
    assert names(request) == []


@pytest.mark.parametrize(
    ("facts", "counts"),
    [
        ({}, True),
        ({"unit": None}, True),
        ({"unit": "camden"}, False),
        ({"unit": "dogs"}, True),
        ({"state": "lost", "revoked_utc": timedelta(hours=2)}, True),
        ({"state": "revoked", "revoked_utc": timedelta(days=2)}, False),
        ({"enrolled_utc": timedelta(0)}, False),
    ],
)
def test_place_and_standing_decide_whether_it_could_have_been_there(ask, camera, units, clock, facts, counts):
    request, _ = ask()
    facts = {name: utc(clock) - value if isinstance(value, timedelta) else value for name, value in facts.items()}
    if facts.get("enrolled_utc"):
        facts["enrolled_utc"] += HOUR
    if isinstance(facts.get("unit"), str):
        facts["unit"] = units[facts["unit"]]
    camera(**facts)
    assert bool(names(request)) == counts


def test_who_had_it_then_decides_more_than_where_it_lives(ask, camera, avery, noor, units, clock):
    away = camera("0500", unit=units["camden"])
    take(away, avery, clock)
    elsewhere = camera("0501")
    take(elsewhere, noor, clock)
    request, _ = ask()
    assert names(request) == ["0500"]
    named, _ = ask(officer_named="2211")
    assert names(named) == ["0500", "0501"]


def test_the_officer_sees_them_and_cannot_say_that_none_was_made(ask, camera, casey, avery, as_person, clock):
    take(camera(), avery, clock)
    request, _ = ask()
    assign_request(request=request, actor=casey, clock=clock)
    page = as_person(casey).get(request.get_absolute_url()).content.decode()
    assert "1 camera that could have been there has not docked since" in page
    assert "0417" in page
    assert "PC Avery" in page
    answer = {"request": request, "outcome": "no-footage", "answer": "There is none.", "actor": casey, "clock": clock}
    with pytest.raises(NotDecidable, match="0417"):
        answer_request(**answer, no_footage_kind="none-made")
    told = answer_request(**answer, no_footage_kind="cannot-tell")
    assert told.no_footage_kind == "cannot-tell"


def test_when_all_have_docked_the_page_says_so_and_the_answer_stands(ask, camera, casey, as_person, clock):
    in_the_dock(camera(last_docked_utc=utc(clock)), clock)
    request, _ = ask()
    assign_request(request=request, actor=casey, clock=clock)
    page = as_person(casey).get(request.get_absolute_url()).content.decode()
    assert "Every camera that could have been there has docked since." in page
    answer_request(
        request=request,
        outcome="no-footage",
        no_footage_kind="none-made",
        answer="There is none.",
        actor=casey,
        clock=clock,
    )


def counted(camera, rc, ago_hours, clock, **facts):
    return cast.recording(
        officer=None, number=rc, camera=camera, rc=rc, started=utc(clock) - ago_hours * HOUR,
        announced_utc=utc(clock), **facts,
    )  # fmt: skip


def missing(request):
    return [(gap.camera.name, gap.first, gap.last) for gap in gaps_in_reach(request)]


def test_a_number_that_a_camera_counted_and_never_brought_is_a_gap(ask, camera, casey, as_person, clock):
    made = camera(last_docked_utc=utc(clock))
    in_the_dock(made, clock)
    for rc, ago in ((1, 60), (2, 50), (5, 0.5), (6, 0.3)):
        counted(made, rc, ago, clock, state="erased")
    request, _ = ask()  # from three hours to one hour ago
    assert missing(request) == [("0417", 3, 4)]
    assign_request(request=request, actor=casey, clock=clock)
    page = as_person(casey).get(request.get_absolute_url()).content.decode()
    assert "Camera 0417, recordings 3 to 4" in page
    answer = {"request": request, "outcome": "no-footage", "answer": "There is none.", "actor": casey, "clock": clock}
    with pytest.raises(NotDecidable, match="camera 0417, recordings 3 to 4"):
        answer_request(**answer, no_footage_kind="none-made")
    for rc in (3, 4):
        counted(made, rc, 40, clock, state="erased")
    assert missing(request) == []
    answer_request(**answer, no_footage_kind="none-made")


@pytest.mark.parametrize(
    ("before", "after", "facts", "found"),
    [
        (60, 50, {}, False),  # both neighbours lie before the time asked for
        (20, 10, {}, False),  # both after it
        (60, 20, {"unit": "camden"}, False),  # elsewhere
        (20, 10, {"clock_sync": False}, True),  # a clock that was not set bounds nothing
        (60, 20, {}, True),
    ],
)
def test_only_a_gap_that_touches_the_time_and_the_place_counts(ask, camera, units, clock, before, after, facts, found):
    unit = units[facts.pop("unit", "lewisham")]
    made = camera(last_docked_utc=utc(clock), unit=unit)
    counted(made, 1, before, clock, unit=unit, state="erased", **facts)
    counted(made, 3, after, clock, unit=unit, state="erased", **facts)
    request, _ = ask(from_utc=utc(clock) - 31 * HOUR, to_utc=utc(clock) - 30 * HOUR)
    assert missing(request) == ([("0417", 2, 2)] if found else [])


def test_what_a_camera_said_it_counted_beyond_its_newest_is_a_gap_too(ask, camera, clock):
    made = camera(last_docked_utc=utc(clock), next_rc=3)
    counted(made, 1, 60, clock, state="erased")
    request, _ = ask()
    assert missing(request) == [("0417", 2, 2)]
    made.next_rc = 2
    made.save()
    assert missing(request) == []
