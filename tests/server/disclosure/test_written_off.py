"""A camera that was written off could have been there: nobody can ever say that it made nothing (R9)."""

from datetime import timedelta

import pytest

from openbwv.server.clock import utc
from openbwv.server.disclosure.actions.decide import answer_request, decide_match
from openbwv.server.disclosure.actions.life import assign_request
from openbwv.server.disclosure.errors import NotDecidable
from openbwv.server.disclosure.models import Match
from openbwv.server.disclosure.undocked import undocked_in_reach
from openbwv.server.fleet.models import Camera
from openbwv.server.people.templatetags.plain import day
from tests.server import cast

HOUR = timedelta(hours=1)


@pytest.fixture
def written_off(units, clock):
    """Return a camera of Lewisham that never docked and was written off half an hour ago."""
    then = utc(clock) - HOUR / 2
    return Camera.objects.create(
        name="0417",
        kid="a7" * 32,
        certificate="-",
        serial="1",
        unit=units["lewisham"],
        enrolled_utc=utc(clock) - timedelta(days=100),
        state="revoked",
        revoked_utc=then,
        revoked_why="Stolen: from a van",
        written_off_utc=then,
    )


@pytest.fixture
def request_of(ask, casey, clock):
    """Return a request of the last hours that is Casey's."""
    made, _ = ask()
    assign_request(request=made, actor=casey, clock=clock)
    return made


def answer(request, kind, casey, clock):
    said = {"outcome": "no-footage", "answer": "There is none.", "actor": casey, "clock": clock}
    return answer_request(request=request, no_footage_kind=kind, **said)


def test_the_answer_stays_that_nobody_can_tell_and_the_camera_is_named(written_off, request_of, casey, clock):
    named = f"camera 0417 was written off on {day(written_off.written_off_utc)}"
    assert [each.words for each in undocked_in_reach(request_of)] == [named]
    with pytest.raises(NotDecidable, match=named) as refused:
        answer(request_of, "none-made", casey, clock)
    assert refused.value.remedy == "Answer that we cannot tell."
    assert answer(request_of, "cannot-tell", casey, clock).no_footage_kind == "cannot-tell"


def test_the_officers_page_says_since_when_it_will_not_come(written_off, request_of, casey, as_person):
    page = as_person(casey).get(request_of.get_absolute_url()).content.decode()
    assert f"Camera 0417 was written off on {day(written_off.written_off_utc)} and will not be docked." in page
    assert '<td data-label="State">Written off</td>' in page


def test_with_one_that_may_still_dock_waiting_is_still_advised(written_off, request_of, units, casey, clock):
    Camera.objects.create(
        name="0418",
        kid="b8" * 32,
        certificate="-",
        serial="2",
        unit=units["lewisham"],
        enrolled_utc=utc(clock) - HOUR * 9,
    )
    with pytest.raises(NotDecidable, match=r"0417 was written off on .*; camera 0418 has not docked") as refused:
        answer(request_of, "none-made", casey, clock)
    assert refused.value.remedy.startswith("Wait until they are docked")


@pytest.mark.parametrize(
    ("facts", "counts"),
    [
        ({"last_docked_utc": timedelta(0)}, False),  # what it made until then is known
        ({"revoked_utc": timedelta(days=2), "written_off_utc": timedelta(0)}, False),  # lost before the time asked for
        ({"last_docked_utc": timedelta(hours=9)}, True),
    ],
)
def test_what_could_not_have_been_there_is_not_named(written_off, request_of, clock, facts, counts):
    Camera.objects.update(**{name: utc(clock) - ago for name, ago in facts.items()})
    assert bool(undocked_in_reach(request_of)) == counts


def test_a_recording_that_was_given_up_was_made_all_the_same(written_off, request_of, casey, clock):
    """It matches, and nobody can look at it: saying that none was made would be false."""
    Camera.objects.update(last_docked_utc=utc(clock))
    lost = cast.recording(
        camera=written_off,
        rc=1,
        state="announced",
        ingest_utc=None,
        retain_until_utc=None,
        started=utc(clock) - 2 * HOUR,
    )
    made = Match.objects.create(request=request_of, recording=lost, why="time and place", found_utc=utc(clock))
    decide_match(match=made, state="not-shown", reason="nothing of it is here", actor=casey, clock=clock)
    assert undocked_in_reach(request_of) == []
    for kind in ("none-made", "not-recording"):
        with pytest.raises(NotDecidable, match=f"{lost.reference} was made, and given up with its camera"):
            answer(request_of, kind, casey, clock)
    assert answer(request_of, "cannot-tell", casey, clock).no_footage_kind == "cannot-tell"
