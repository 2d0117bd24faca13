"""What cameras counted and noted, on their page, on home and on a request: no axe violation, nothing too wide."""

import re
from datetime import timedelta
from uuid import UUID

import pytest
from playwright.sync_api import expect

from openbwv.server.clock import utc
from openbwv.server.disclosure.actions.life import assign_request
from openbwv.server.disclosure.actions.submit import Answers, submit_request
from openbwv.server.fleet.models import Assignment, Camera, Dock
from openbwv.server.ingest.models import Counted, MissingNumber
from tests.recording.factory import Agency
from tests.server import cast
from tests.server.diary import Diary, index

VIEWS = ("light", "dark", "phone")
HOUR = timedelta(hours=1)


@pytest.fixture
def camera(cast_people, clock):
    """Return a camera that Avery had all day, with a hole in its journal and two numbers that never came."""
    avery, now = cast_people("avery"), utc(clock)
    device = {"serial": "1", "certificate": "-", "unit": avery.unit, "enrolled_utc": now - 90 * 24 * HOUR}
    made = Camera.objects.create(name="0417", kid="a" * 64, last_docked_utc=now, next_rc=13, **device)
    dock = Dock.objects.create(name="Lewisham-1", kid="b" * 64, **device)
    times = {"from_utc": now - 10 * HOUR, "until_utc": now}
    Assignment.objects.create(pseudonym=b"p" * 16, camera=made, person=avery, signed=b"", **times)
    diary, morning = Diary(Agency().camera()), now - 10 * HOUR
    diary.boot(morning).stand_by(morning, now - 3 * HOUR).stand_by(now - 2.5 * HOUR, now - HOUR).off(now - HOUR)
    diary.boot(now - 0.5 * HOUR).dock(now - 0.5 * HOUR)
    index(made, diary, clock)
    cast.recording(camera=made, officer=avery, rc=10, started=now - 5 * HOUR, ended_utc=now - 4.5 * HOUR)
    journal_id, next_seq, tail = diary.position
    Counted.objects.create(
        camera=made, signed=b"-", next_rc=13, journal_id=journal_id, journal_next_seq=next_seq, journal_tail=tail,
        newest=UUID(int=7), newest_tail=b"t" * 32, made_utc=now, taken_utc=now, dock=dock,
    )  # fmt: skip
    for rc, on_camera in ((9, True), (12, False)):
        MissingNumber.objects.create(camera=made, rc=rc, since_utc=now - HOUR, on_camera=on_camera)
    return made


def look(open_page, check_accessible, name, path, view, label):
    page = open_page(name, path, view)
    check_accessible(page, f"{label}-{view}")
    return page


@pytest.mark.parametrize("view", VIEWS)
def test_the_cameras_page_and_home(open_page, camera, check_accessible, view):
    page = look(open_page, check_accessible, "harper", f"/fleet/cameras/{camera.kid}", view, "counters")
    expect(page.get_by_text("Number 12: not on the camera either")).to_be_visible()
    expect(page.get_by_text("Number 9: still on the camera")).to_be_visible()
    expect(page.get_by_text("No word (it was on, and its journal is silent)")).to_be_visible()
    home = look(open_page, check_accessible, "harper", "/", view, "counters-home")
    expect(home.get_by_text("Camera 0417 began 12 recordings; numbers 9 and 12 have not arrived")).to_be_visible()
    supervisor = look(open_page, check_accessible, "blake", "/", view, "counters-supervisor")
    supervisor.get_by_text("numbers 9 and 12 have not arrived").click()
    expect(supervisor).to_have_url(re.compile("camera=0417"))


@pytest.mark.parametrize("view", VIEWS)
def test_the_request_shows_what_the_facts_allow(open_page, camera, cast_people, check_accessible, clock, view):
    now = utc(clock)
    answers = Answers(
        kind="subject", from_utc=now - 3 * HOUR, to_utc=now - 2 * HOUR, unit=camera.unit, name="Ellis",
        email="ellis@example.org",
    )  # fmt: skip
    asked, _ = submit_request(answers=answers, clock=clock)
    assign_request(request=asked, actor=cast_people("casey"), clock=clock)
    page = look(open_page, check_accessible, "casey", asked.get_absolute_url(), view, "no-footage-facts")
    expect(page.get_by_role("heading", name="If there is no footage")).to_be_visible()
    expect(page.get_by_text("Not now. It cannot be said that none was made")).to_be_visible()
    expect(page.get_by_text("Fits best")).to_be_visible()
    page.get_by_text("Answer the request").click()
    expect(page.get_by_label("Why there is none")).to_have_value("cannot-tell")
    check_accessible(page, f"no-footage-answer-{view}")
