"""Everything by keyboard alone: from signing in to the picture, every key of the player, and switching them off."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.footage import make_footage
from tests.server import cast
from tests.server.cast import PASSWORD

POSITION = "window.bwvPlayer.video.currentTime"


def press(page, *keys):
    for key in keys:
        page.keyboard.press(key)


def tab_to(page, selector, most=60):
    """Press Tab until `selector` has the focus; that every control can be reached is part of the claim."""
    for _ in range(most):
        page.keyboard.press("Tab")
        if page.evaluate("wanted => document.activeElement?.matches(wanted) ?? false", selector):
            return
    raise AssertionError(f"{selector} cannot be reached by Tab")


@pytest.fixture
def watched(open_page, viewing, door):
    footage = make_footage(fps=25)
    address = viewing(footage=footage)
    page = open_page("avery", "/account/me")
    door(page, footage)
    page.goto(address)
    page.wait_for_selector("#player[data-ready='1']")
    return page


def test_from_signing_in_to_watching_without_a_mouse(open_page, cast_people, door, viewing, monkeypatch):
    from openbwv.server.vault.models import ViewingSession

    address = viewing()
    session = ViewingSession.objects.get()
    monkeypatch.setattr("openbwv.server.vault.actions.start_viewing", lambda **_: session)
    page = open_page(None, "/recordings/")
    door(page, make_footage(fps=25))
    tab_to(page, "[name=login]")
    page.keyboard.type("avery")
    press(page, "Tab")
    page.keyboard.type(PASSWORD)
    press(page, "Enter")
    page.wait_for_url(re.compile(r":\d+/recordings/$"))
    tab_to(page, ".skip")
    press(page, "Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    tab_to(page, "[name=officer]")
    page.keyboard.type("avery")
    press(page, "Enter")
    page.wait_for_url("**officer=avery**")
    tab_to(page, "th[scope=row] a")
    press(page, "Enter")
    page.wait_for_url("**/recordings/BWV-2026-000001")
    tab_to(page, "#player button.primary")
    press(page, "Enter")
    page.wait_for_url(f"**{address}**")
    page.wait_for_selector("#player[data-ready='1']")
    press(page, "k")
    expect(page.locator("#play")).to_have_accessible_name("Pause")
    press(page, "k")
    expect(page.locator("#play")).to_have_accessible_name("Play")


def test_each_key_does_what_the_list_says(watched):
    page = watched
    frame = page.locator("#frame")
    press(page, ".")
    expect(frame).to_have_text("1")
    press(page, "Shift+>")
    expect(frame).to_have_text("11")
    press(page, "Shift+<")
    expect(frame).to_have_text("1")
    press(page, ",")
    expect(frame).to_have_text("0")
    press(page, "ArrowRight")
    expect(page.locator("#timecode")).to_contain_text("00:05")
    press(page, "ArrowLeft")
    expect(page.locator("#timecode")).to_contain_text("00:00")
    press(page, "End")
    expect(frame).to_have_text("299")
    press(page, "Home")
    expect(frame).to_have_text("0")
    press(page, "4")
    assert page.evaluate("window.bwvPlayer.video.playbackRate") == 4
    press(page, "m")
    expect(page.locator("#listen")).to_have_attribute("aria-pressed", "false")
    press(page, "l")
    expect(page.locator("#play")).to_have_accessible_name("Pause")
    press(page, "l")
    assert page.evaluate("window.bwvPlayer.video.playbackRate") == 2
    press(page, "k", "End")
    expect(frame).to_have_text("299")
    press(page, "j")
    expect(frame).not_to_have_text("299")
    press(page, "k")


ALWAYS = ["Space or K", "J", "L", ",", ".", "Shift ,", "Shift .", "←", "→", "Home", "End", "1 to 9", "M", "?"]


@pytest.mark.parametrize(("name", "marked", "more"), [("avery", True, {"[", "]", "F"}), ("devi", False, set())])
def test_the_list_names_exactly_the_keys_that_do_something_here(open_page, viewing, door, name, marked, more):
    from openbwv.server.evidence.models import Mark, Recording

    footage = make_footage(fps=25)
    address = viewing(name, footage=footage)
    if marked:
        Mark.objects.create(recording=Recording.objects.get(), kind="marker", from_ms=3000, seq=1)
    page = open_page(name, "/account/me")
    door(page, footage)
    page.goto(address)
    page.wait_for_selector("#player[data-ready='1']")
    press(page, "?")
    listed = page.locator("#key-rows kbd").all_inner_texts()
    assert set(listed) == {*ALWAYS, *more}
    assert len(listed) == len(set(listed))
    press(page, "Escape", "f")
    expect(page.locator("#flag-form[open]")).to_have_count(1 if "F" in more else 0)


def test_f_opens_the_flag_form_at_the_moment_shown(watched):
    play_and_pause_at_once = """() => {
        window.bwvPlayer.video.currentTime = 5;
        for (const _ of "ab") document.getElementById("play").click();
    }"""
    watched.evaluate(play_and_pause_at_once)  # no error on the console: the fixture looks
    expect(watched.locator("#play")).to_have_accessible_name("Play")
    press(watched, "Home", "ArrowRight")
    expect(watched.locator("#timecode")).to_contain_text("00:05")
    press(watched, "f")
    expect(watched.locator("#flag-form")).to_have_attribute("open", "")
    assert watched.evaluate("document.activeElement.name") == "category"
    assert 4900 <= int(watched.locator("#flag-form [name=media_ms]").input_value()) <= 5100


def until(page, holds, within_ms=10_000):
    """Wait until `holds()`; the page's policy does not let a waiting script be made from text."""
    for _ in range(within_ms // 50):
        if holds():
            return
        page.wait_for_timeout(50)
    raise AssertionError("it did not come to hold")


def test_brackets_jump_between_markers(open_page, viewing, door):
    from openbwv.server.evidence.models import Mark, Recording

    footage = make_footage(fps=25)
    address = viewing(footage=footage)
    recording = Recording.objects.get()
    for seq, ms in ((1, 3000), (2, 7000)):
        Mark.objects.create(recording=recording, kind="marker", from_ms=ms, seq=seq)
    page = open_page("avery", "/account/me")
    door(page, footage)
    page.goto(address)
    page.wait_for_selector("#player[data-ready='1']")
    for key, seconds in (("]", 3), ("]", 7), ("[", 3)):
        press(page, key)
        until(page, lambda at=seconds: abs(page.evaluate(POSITION) - at) < 0.1)


def test_keys_are_off_while_typing_and_can_be_switched_off(watched):
    page = watched
    page.locator("#flag-form summary").click()
    note = page.locator("#flag-form [name=note]")
    note.focus()
    page.keyboard.type("k.?m")
    assert note.input_value() == "k.?m"
    expect(page.locator("#frame")).to_have_text("0")
    expect(page.locator("#key-list")).to_be_hidden()
    page.locator("h1").click()
    press(page, "?")
    page.locator("#keys-on").uncheck()
    press(page, "Escape")
    press(page, ".", "?")
    expect(page.locator("#frame")).to_have_text("0")
    expect(page.locator("#key-list")).to_be_hidden()


def test_the_slider_says_where_it_is_in_words(watched):
    tab_to(watched, "#position")
    press(watched, "ArrowRight")
    expect(watched.locator("#position")).to_have_attribute("aria-valuetext", "5 seconds of 12 seconds")


def test_two_minutes_before_the_end_the_sign_in_can_be_prolonged(open_page, cast_people, settings):
    settings.SESSION_COOKIE_AGE = 120
    page = open_page("avery", "/")
    expect(page.get_by_role("alertdialog")).to_contain_text("You will be signed out in 2 minutes.")
    settings.SESSION_COOKIE_AGE = 1800
    page.get_by_role("button", name="Stay signed in").click()
    expect(page.get_by_role("alertdialog")).to_have_count(0, timeout=500)


@pytest.mark.parametrize("path", ["/", "/recordings/", "/recordings/BWV-2026-000001"])
def test_at_320_px_nothing_is_wider_than_the_screen(open_page, cast_people, path):
    """320 CSS pixels is 1280 at 400 % (WCAG 1.4.10)."""
    cast.recording(officer=cast_people("avery"))
    page = open_page("avery", path, viewport={"width": 320, "height": 640})
    assert page.evaluate("document.documentElement.scrollWidth") <= 320


def test_the_menu_unfolds_on_a_phone(open_page, cast_people):
    page = open_page("avery", "/", "phone")
    link = page.get_by_role("link", name="Recordings", exact=True)
    expect(link).to_be_hidden()
    page.locator(".menu summary").click()
    expect(link).to_be_visible()
