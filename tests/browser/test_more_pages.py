"""Certificate, release copy, outbox, opening a matter, what auditors watched: each state and view, by keyboard too."""

from datetime import timedelta

import pytest
from playwright.sync_api import expect

from django.utils import timezone

from openbwv.custody import EventType
from openbwv.server.clock import utc
from openbwv.server.disclosure.models import Release
from openbwv.server.evidence.models import Download
from openbwv.server.trail.actions import log_event
from openbwv.server.vault.models import StoredObject
from tests.browser.test_ask import make_request
from tests.browser.test_keyboard import press, tab_to
from tests.server import cast
from tests.server.ingest.conftest import door, inline, keyd, running_log  # noqa: F401  fixtures
from tests.server.retention.conftest import Force
from tests.server.retention.steps import approve

VIEWS = ("light", "dark", "phone")


def test_opening_a_matter(open_page, cast_people, check_accessible, clock):
    for view in VIEWS:
        page = open_page("gale", "/matters/open", view)
        check_accessible(page, f"matter-open-{view}")
        page.get_by_label("Reference").evaluate("field => field.form.noValidate = true")
        page.get_by_role("button", name="Open").click()
        expect(page.get_by_text("Enter the reference that the matter has elsewhere.")).to_be_visible()
        check_accessible(page, f"matter-open-wrong-{view}")


def test_a_matter_is_opened_by_keyboard(open_page, cast_people, clock):
    page = open_page("gale", "/matters/")
    tab_to(page, "a[href='/matters/open']")
    press(page, "Enter")
    page.wait_for_url("**/matters/open")
    tab_to(page, "[name=reference]")
    page.keyboard.type("3001234/26")
    tab_to(page, "[name=title]")
    page.keyboard.type("Robbery in Lee High Road")
    press(page, "Enter")
    expect(page.get_by_text("3001234/26 is open.")).to_be_visible()


COPIES = {
    "planned": {"state": "planned"},
    "failed": {"state": "failed", "problem": "Its picture cannot be decoded."},
    "made": {"state": "made", "length": 4_200_000},
    "declined": {"state": "declined", "check_note": "A face at 0:02, behind the car."},
}


@pytest.fixture
def copy(cast_people, clock):
    """Return a release copy that Blake is to check."""
    from openbwv.server.disclosure.actions.decide import decide_match

    casey = cast_people("casey")
    request = make_request(casey, clock)
    words = {"state": "part", "ground": "Data Protection Act 2018, section 45(4)(e)", "reason": "others are in it"}
    match = decide_match(match=request.matches.get(), actor=casey, clock=clock, **words)
    plan = {"v": 1, "from_ms": 1000, "to_ms": 40_000, "fill": [[1000, 40_000]], "silence": [], "drop_sound": True}
    people = {"planned_by": casey, "checker": cast_people("blake"), "planned_utc": utc(clock)}
    return Release.objects.create(match=match, plan=plan, state="made", **people)


def address_of(copy):
    return f"{copy.match.request.get_absolute_url()}/copies/{copy.pk}"


def test_a_release_copy_in_each_state(open_page, check_accessible, copy, clock):
    for name, facts in COPIES.items():
        decided = {"checked_by": copy.checker, "checked_utc": utc(clock)} if name == "declined" else {}
        Release.objects.update(**facts, **decided)
        for view in VIEWS if name == "made" else ("phone",):  # the others differ in words only
            check_accessible(open_page("blake", address_of(copy), view), f"copy-{name}-{view}")


def test_the_second_person_says_no_by_keyboard(open_page, check_accessible, copy):
    page = open_page("blake", address_of(copy))
    tab_to(page, "[name=note]")
    page.keyboard.type("A face at 0:02")
    tab_to(page, "button[value=decline]")
    press(page, "Enter")
    expect(page.get_by_role("alert")).to_contain_text("not opened")
    check_accessible(page, "copy-not-opened")


def test_a_download_in_each_state(open_page, cast_people, check_accessible, clock):
    recording = cast.recording(officer=cast_people("avery"))
    download = Download.objects.create(recording=recording, person=cast_people("gale"), asked=timezone.now())
    sealed = StoredObject.objects.create(recording=recording, key="0" * 32, kind="derived", name="bundle-1", length=1)
    soon = {"object": sealed, "expires": timezone.now() + timedelta(hours=12)}
    wrong = {"problem": "The log is not running."}
    for state, facts in (("waiting", wrong), ("ready", soon), ("fetched", soon), ("failed", wrong), ("over", {})):
        Download.objects.update(state=state, **facts)
        for view in VIEWS if state == "ready" else ("phone",):
            check_accessible(open_page("gale", download.get_absolute_url(), view), f"download-{state}-{view}")


def test_a_page_without_a_script_looks_again_by_itself(open_page, cast_people, clock):
    recording = cast.recording(officer=cast_people("avery"))
    download = Download.objects.create(recording=recording, person=cast_people("gale"), asked=timezone.now())
    page = open_page("gale", download.get_absolute_url(), java_script_enabled=False)
    expect(page.get_by_text("The bundle is being made")).to_be_visible()
    Download.objects.update(state="failed", problem="Its picture cannot be decoded.")
    expect(page.get_by_text("Its picture cannot be decoded.")).to_be_visible(timeout=60_000)


def test_the_outbox_of_a_pretend_force(open_page, cast_people, check_accessible, clock, monkeypatch):
    from openbwv.server.disclosure.actions.release import send_code

    monkeypatch.setattr("openbwv.server.disclosure.views.follow.force_is_pretend", lambda: True)
    monkeypatch.setattr("openbwv.server.people.context.force_is_pretend", lambda: True)
    check_accessible(open_page(None, "/ask/outbox"), "outbox-empty")
    request = make_request(cast_people("casey"), clock)
    send_code(request=request, address="198.51.100.7", clock=clock)
    for view in VIEWS:
        page = open_page(None, "/ask/outbox", view)
        expect(page.get_by_text("Your code is")).to_be_visible()
        check_accessible(page, f"outbox-{view}")


def test_a_supervisor_sees_what_auditors_watched(open_page, cast_people, check_accessible, clock):
    why = "Dip sample 11/26 of Lewisham: every arrest of the week, whether sound was off for a reason"
    for number, times in ((1, 1), (2, 3)):
        recording = cast.recording(officer=cast_people("avery"), number=number, started=utc(clock) - timedelta(days=1))
        for _time in range(times):
            event = {"actor": cast_people("devi"), "why": why, "rule": "watch-any"}
            log_event(EventType.VIEW, recording=recording, clock=clock, **event)
    check_accessible(open_page("blake", "/recordings/?audited=7&unit=camden"), "audited-none")
    for view in VIEWS:
        page = open_page("blake", "/recordings/?audited=7&unit=lewisham", view)
        expect(page.get_by_text("All 3 times in the trail")).to_be_visible()
        table = page.locator(".scroll")
        assert table.evaluate("box => box.scrollWidth - box.clientWidth") <= 0  # all columns are seen at once
        check_accessible(page, f"audited-{view}")
    tab_to(page, "a[href$='/trail']", most=90)


def test_a_destruction_certificate_in_both_phases(open_page, cast_people, door, running_log, check_accessible, clock):  # noqa: F811
    from openbwv.server.vault.actions import rotate_retention_key

    approve(cast_people("indra"), cast_people("lou"), clock)
    force = Force(door, running_log, clock)
    recording = force.dock()
    force.wait(days=31)
    address = f"/retention/certificates/{recording.reference}"
    for phase in (1, 2):
        for view in VIEWS:
            page = open_page("indra", address, view)
            expect(page.get_by_role("heading", name="What it cannot prove")).to_be_visible()
            check_accessible(page, f"certificate-{phase}-{view}")
        rotate_retention_key(clock=clock)
        running_log.drain()
        force.wait(hours=1)
    tab_to(page, f"a[href='{address}/phase2.cbor']")
