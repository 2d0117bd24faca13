"""The public's pages and the staff's in a browser: by keyboard, on a phone, in dark, without axe violations."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import expect

from openbwv.server.clock import utc
from openbwv.server.fleet.models import Camera
from tests.server import cast
from tests.server.force_files import force_files  # noqa: F401  a fixture

VIEWS = ("light", "dark", "phone")
START = datetime(2026, 1, 5, tzinfo=UTC)
STEPS = ("you", "day", "time", "place", "officer", "description", "name", "contact")
LINK = "#link"


def answer_all(page):
    """Answer every question as Ellis, by keyboard where that is enough."""
    page.get_by_role("link", name="Start").press("Enter")
    page.get_by_label("Yes, I am in it").press("Space")
    page.get_by_role("button", name="Continue").press("Enter")
    page.get_by_label("What day was it?").fill("2026-11-20")
    page.get_by_role("button", name="Continue").press("Enter")
    page.get_by_label("Not before").fill("11:00")
    page.get_by_label("Not after").fill("13:30")
    page.get_by_role("button", name="Continue").press("Enter")
    page.get_by_label("Which borough").select_option("lewisham")
    page.get_by_role("button", name="Continue").press("Enter")
    page.get_by_role("button", name="Continue").press("Enter")
    page.get_by_role("button", name="Continue").press("Enter")
    page.get_by_label("What is your name?").fill("Ellis")
    page.get_by_role("button", name="Continue").press("Enter")
    page.get_by_label("What is your e-mail address?").fill("ellis@example.org")
    page.get_by_role("button", name="Continue").press("Enter")


@pytest.mark.parametrize("view", VIEWS)
def test_ellis_asks_and_follows_the_request(open_page, cast_people, check_accessible, view):
    cast_people("avery")
    page = open_page(None, "/ask/", view)
    check_accessible(page, f"ask-start-{view}")
    answer_all(page)
    expect(page.get_by_role("heading", name="Check your answers")).to_be_visible()
    check_accessible(page, f"ask-check-{view}")
    page.get_by_role("button", name="Send my request").press("Enter")
    expect(page.get_by_role("heading", name="We have your request")).to_be_visible()
    check_accessible(page, f"ask-sent-{view}")
    page.locator(LINK).click()
    expect(page).to_have_url(re.compile("/ask/status$"))
    check_accessible(page, f"ask-status-{view}")


@pytest.mark.parametrize("view", ["light", pytest.param("dark", marks=pytest.mark.long), "phone"])
@pytest.mark.parametrize("step", STEPS)
def test_each_question_asked_and_wrongly_answered(open_page, cast_people, check_accessible, step, view):
    cast_people("avery")
    page = open_page(None, f"/ask/question/{step}", view)
    check_accessible(page, f"ask-{step}-{view}")
    page.get_by_role("button", name="Continue").click()
    check_accessible(page, f"ask-{step}-after-{view}")


@pytest.mark.parametrize("view", VIEWS)
def test_wrong_secret_is_told_on_the_page(open_page, cast_people, check_accessible, view):
    cast_people("avery")
    page = open_page(None, "/ask/follow", view)
    page.get_by_label("Reference").fill("ASK-2026-000001")
    page.get_by_label("Secret").fill("wrong")
    page.get_by_role("button", name="Open").click()
    expect(page.get_by_text("We cannot find a request")).to_be_visible()
    check_accessible(page, f"ask-wrong-{view}")


def make_request(casey, clock):
    from openbwv.server.disclosure.actions.life import assign_request
    from openbwv.server.disclosure.actions.submit import Answers, submit_request
    from openbwv.server.people.models import Unit
    from openbwv.server.retention.actions import recording_ingested

    now = utc(clock)
    recording = cast.recording(officer=cast.person("avery"), started=now - timedelta(hours=2), ingest_utc=now)
    recording_ingested(recording, clock)
    answers = Answers(
        kind="subject",
        from_utc=now - timedelta(hours=3),
        to_utc=now - timedelta(hours=1),
        unit=Unit.objects.get(code="lewisham"),
        name="Ellis",
        email="ellis@example.org",
    )
    request, _ = submit_request(answers=answers, clock=clock)
    return assign_request(request=request, actor=casey, clock=clock)


@pytest.mark.parametrize("view", VIEWS)
def test_queue_and_request(open_page, cast_people, check_accessible, clock, view):
    casey = cast_people("casey")
    check_accessible(open_page("casey", "/requests/", view), f"requests-empty-{view}")
    request = make_request(casey, clock)
    check_accessible(open_page("casey", "/requests/", view), f"requests-{view}")
    Camera.objects.create(name="0417", kid="0" * 64, certificate="-", serial="1", enrolled_utc=START)
    docked = {"last_docked_utc": utc(clock), "next_rc": 3}
    Camera.objects.create(name="0418", kid="1" * 64, certificate="-", serial="2", enrolled_utc=START, **docked)
    page = open_page("casey", request.get_absolute_url(), view)
    expect(page.get_by_text("1 camera that could have been there has not docked since")).to_be_visible()
    expect(page.get_by_text("Camera 0418, recordings 1 to 2")).to_be_visible()
    for details in page.locator("main details").all():
        details.evaluate("box => { box.open = true; }")
    check_accessible(page, f"request-{view}")
    check_accessible(open_page("casey", "/requests/new", view), f"request-new-{view}")


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.usefixtures("force_files")
def test_pages_of_deletion(open_page, cast_people, check_accessible, clock, view):
    from tests.server.retention.steps import HOUR_MS, sweep_until

    indra, avery = cast_people("indra"), cast_people("avery")
    check_accessible(open_page("indra", "/retention/", view), f"deletion-empty-{view}")
    make_request(cast_people("casey"), clock)
    from openbwv.server.retention.actions import propose_policy, recording_ingested

    other = cast.recording(officer=avery, number=2, started=utc(clock) - timedelta(days=4), ingest_utc=utc(clock))
    recording_ingested(other, clock)
    propose_policy(days=14, least_days=7, reason="shorter", actor=indra, session="x", clock=clock)
    for address in ("policy", "policy/1", "policy/propose", "decisions", "early"):
        check_accessible(
            open_page("indra", f"/retention/{address}", view), f"deletion-{address.replace('/', '-')}-{view}"
        )
    check_accessible(open_page("lou", "/retention/policy/1", view), f"deletion-approve-{view}")
    sweep_until(clock, clock.utc_ms() + 31 * 24 * HOUR_MS)
    check_accessible(open_page("indra", "/retention/", view), f"deletion-{view}")
    check_accessible(open_page("avery", "/retention/soon", view), f"deletion-soon-{view}")
