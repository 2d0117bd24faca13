"""The trail on a recording's page keeps itself up to date, and shows what people typed as text."""

from playwright.sync_api import expect

from openbwv.custody import EventType
from openbwv.server.trail.actions import log_event
from tests.server import cast
from tests.server.log_fixture import begin

PATH = "/recordings/BWV-2026-000001"
ODD = "<img src=x onerror=alert(1)> & \u201cquoted\u201d"
SOON_MS = 15_000


def test_a_new_event_appears_by_itself_and_then_says_that_it_is_in_the_log(
    open_page, cast_people, clock, state, check_accessible
):
    avery = cast_people("avery")
    recording = cast.recording(officer=avery)
    sequencer = begin(state)
    sequencer.start()
    page = open_page("avery", PATH)
    trail = page.locator("ol.trail > li[data-event]")
    before = trail.count()
    log_event(EventType.HOLD, recording=recording, actor=avery, why=ODD, rule="hold-own", clock=clock)
    page.mouse.move(100, 100)
    newest = trail.first
    expect(newest).to_contain_text("It was put on hold", timeout=SOON_MS)
    expect(newest).to_contain_text(ODD)
    expect(newest).to_contain_text("PC Avery")
    expect(newest).to_contain_text("14:02:11 GMT")
    newest.locator("summary").click()
    expect(newest).to_contain_text("2026-11-20 14:02:11 UTC")
    expect(newest.locator("[data-state]")).to_have_text("waiting for the log")
    assert trail.count() > before
    assert page.locator("ol.trail img").count() == 0
    sequencer.drain()
    expect(newest.locator("[data-state]")).to_contain_text("in the log, entry", timeout=SOON_MS)
    made_by_script = newest.inner_text()
    page.reload()
    trail.first.locator("summary").click()
    assert trail.first.inner_text() == made_by_script, "script and server write the same line"
    check_accessible(page, "trail")


def test_the_whole_trail_page_in_every_view(open_page, cast_people, clock, check_accessible):
    avery = cast_people("avery")
    recording = cast.recording(officer=avery)
    for view in ("light", "dark", "phone"):
        log_event(EventType.VIEW, recording=recording, actor=avery, why=ODD, outcome="refused", clock=clock)
        check_accessible(open_page("avery", f"{PATH}/trail", view), f"whole-trail-{view}")
