"""Every page in every state: no axe violation, nothing wider than the screen; light, dark and on a phone."""

from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import expect

from openbwv.server.clock import utc
from openbwv.server.trail.models import JobHeartbeat
from tests.browser.footage import make_footage
from tests.server import cast

VIEWS = ("light", "dark", "phone")
START = datetime(2026, 11, 20, 14, 2, 11, tzinfo=UTC)
PATH = "/recordings/BWV-2026-000001"


@pytest.mark.parametrize("view", VIEWS)
def test_sign_in_page(open_page, check_accessible, view):
    check_accessible(open_page(None, "/account/login/", view), f"sign-in-{view}")


@pytest.mark.parametrize("view", VIEWS)
def test_home_with_and_without_something_to_do(open_page, cast_people, check_accessible, view):
    check_accessible(open_page("frankie", "/", view), f"home-frankie-{view}")
    avery = cast_people("avery")
    for number in range(1, 4):
        cast.recording(officer=avery, number=number, started=START - timedelta(days=10 * number))
    check_accessible(open_page("avery", "/", view), f"home-avery-{view}")


@pytest.mark.parametrize("view", VIEWS)
def test_library_empty_full_and_nothing_found(open_page, cast_people, check_accessible, view):
    check_accessible(open_page("avery", "/recordings/", view), f"library-empty-{view}")
    avery = cast_people("avery")
    states = [
        {"category": "arrest"},
        {"state": "announced", "ingest_utc": None, "media_bytes": 3_600_000_000, "retain_until_utc": None},
        {"restricted": True, "category": "domestic-abuse"},
        {"state": "erased"},
        {"held_count": 1, "marker_count": 2, "duration_ms": 4_000_000},
        {"officer": None, "unit": avery.unit, "state": "deleting"},
    ]
    for number, facts in enumerate(states, 1):
        cast.recording(number=number, started=START - timedelta(hours=number), **({"officer": avery} | facts))
    check_accessible(open_page("blake", "/recordings/", view), f"library-{view}")
    check_accessible(open_page("blake", "/recordings/?text=zzz", view), f"library-nothing-{view}")


STATES = {
    "ready": ("avery", {}),
    "needs-reason": ("gale", {}),
    "announced": ("avery", {"state": "announced", "ingest_utc": None}),
    "restricted": ("avery", {"restricted": True, "category": "child"}),
    "deleting": ("avery", {"state": "deleting"}),
    "erased": ("avery", {"state": "erased"}),
    "unclosed": ("blake", {"closed": False, "clock_sync": False, "officer": None}),
}


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("state", STATES)
def test_recording_page_in_each_state(open_page, cast_people, check_accessible, state, view):
    name, facts = STATES[state]
    avery = cast_people("avery")
    cast.recording(**({"officer": avery, "unit": avery.unit} | facts))
    page = open_page(name, PATH, view)
    check_accessible(page, f"recording-{state}-{view}")
    for details in page.locator("details.card").all():
        details.evaluate("box => { box.open = true; }")
    check_accessible(page, f"recording-{state}-open-{view}")


@pytest.mark.parametrize("view", VIEWS)
def test_held_and_flagged(open_page, cast_people, check_accessible, clock, view):
    from openbwv.server.cases.actions import open_matter
    from openbwv.server.evidence.actions import place_flag
    from openbwv.server.retention.actions import place_hold

    avery, gale = cast_people("avery"), cast_people("gale")
    recording = cast.recording(officer=avery)
    matter = open_matter(reference="3001234/26", title="Robbery in Lee High Road", actor=gale, clock=clock)
    place_flag(recording=recording, category="arrest", matter=matter, note="runs", actor=avery, clock=clock)
    place_hold(recording=recording, kind="person", reason="complaint expected", actor=gale, clock=clock)
    check_accessible(open_page("gale", PATH, view), f"recording-held-{view}")
    check_accessible(open_page("gale", "/matters/", view), f"matters-{view}")
    check_accessible(open_page("gale", f"/matters/{matter.pk}", view), f"matter-{view}")


def test_a_refusal_and_a_missing_page(open_page, cast_people, check_accessible):
    cast.recording(officer=cast_people("avery"))
    for name, path in (("noor", PATH), ("frankie", "/recordings/"), ("avery", "/nothing/here")):
        check_accessible(open_page(name, path), f"error-{name}")


@pytest.mark.parametrize("view", VIEWS)
def test_people_pages(open_page, cast_people, check_accessible, clock, view):
    cast_people("avery")
    for number, job in enumerate(("retention", "log")):
        JobHeartbeat.objects.create(job=job, every_s=600 * number, clock_utc=utc(clock), last_finished_utc=utc(clock))
    people = ("/people/", "/people/add", "/people/avery", "/jobs/")
    own = ("me", "2fa/", "sessions/", "logout/", "password/change/", "password/reset/", "reauthenticate/")
    for path in (*people, *(f"/account/{each}" for each in own)):
        check_accessible(open_page("lou", path, view), f"people-{path.strip('/').replace('/', '-')}-{view}")


@pytest.mark.parametrize("view", VIEWS)
def test_pages_of_cameras_and_backup(open_page, cast_people, check_accessible, clock, view):
    from openbwv.server.fleet.models import Assignment, Camera, Dock
    from openbwv.server.ingest.models import Aside

    now = utc(clock)
    shared = {"certificate": "-", "enrolled_utc": now - timedelta(days=5)}
    camera = Camera.objects.create(name="0417", kid="a" * 64, serial="1", last_docked_utc=now, **shared)
    dock = Dock.objects.create(name="Lewisham-1", kid="b" * 64, serial="2", **shared)
    hours = {"from_utc": now, "until_utc": now + timedelta(hours=9)}
    Assignment.objects.create(pseudonym=b"p" * 16, camera=camera, person=cast_people("avery"), signed=b"-", **hours)
    Aside.objects.create(kind="note", code="unknown-device", what="A camera that nobody enrolled", at_utc=now)
    pages = (
        "/fleet/",
        "/fleet/aside",
        f"/fleet/cameras/{camera.kid}",
        f"/fleet/docks/{dock.kid}",
        "/fleet/invite-dock",
    )
    for name, path in (*(("harper", path) for path in pages), ("lou", "/backup")):
        page = open_page(name, path, view)
        assert page.evaluate("performance.getEntriesByType('navigation')[0].responseStatus") == 200, path
        check_accessible(page, f"{path.strip('/').replace('/', '-')[:14]}-{view}")


@pytest.fixture
def playing(open_page, viewing, door):
    """Return a function that opens the player and waits for its first picture."""

    def ready(view="light", spoil=None, wait="#player[data-ready='1']", **facts):
        footage = make_footage(fps=25)
        address = viewing(footage=footage, **facts)
        page = open_page("avery", "/account/me", view)
        asked = door(page, footage, **({"spoil": spoil} if spoil else {}))
        page.goto(address)
        page.wait_for_selector(wait)
        page.asked = asked
        return page

    return ready


@pytest.mark.parametrize("view", VIEWS)
def test_player_all_parts_match(playing, check_accessible, view):
    page = playing(view)
    expect(page.locator("#integrity")).to_have_text("12 of 12 parts checked, all match")
    check_accessible(page, f"player-{view}")
    page.keyboard.press("?")
    expect(page.locator("#key-list")).to_be_visible()
    check_accessible(page, f"player-keys-{view}")


def test_a_part_with_one_byte_changed_is_red_and_named(playing, check_accessible):
    def flip(name, status, body):
        if name not in ("init", "index.json") and int(name) == 6:
            body = body[:-9] + bytes([body[-9] ^ 1]) + body[-8:]
        return status, body

    page = playing(spoil=flip)
    expect(page.locator("#integrity")).to_have_text("1 of 12 parts do not match")
    expect(page.locator("#failures")).to_contain_text("Part 5 does not match its signature")
    expect(page.locator("#failures")).to_contain_text("Do not rely on 00:04.02–00:05.02")
    check_accessible(page, "player-changed")


@pytest.mark.parametrize("what", ["entry of another part", "another key", "another commitment key", "not an entry"])
def test_a_wrong_entry_or_key_is_never_green(playing, what):
    def spoil(name, status, body):
        if name == "index.json":
            rows = body["parts"]
            if what == "entry of another part":
                rows[2]["entry"] = rows[3]["entry"]
            elif what == "another key":
                body["camera_spki"] = make_footage(fps=30).index["camera_spki"]
            elif what == "another commitment key":
                body["commit_key"] = make_footage(fps=30).index["commit_key"]
            else:
                rows[2]["entry"] = "AAAA"
        return status, body

    page = playing(spoil=spoil)
    expect(page.locator("#integrity")).to_contain_text("do not match")


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize(
    ("status", "code", "what"),
    [
        (410, "viewing-closed", "This viewing has ended."),
        (503, "keyd-down", "The key service does not answer."),
        (503, "log-not-running", "The log is not running."),
        (409, "part-not-here", "This part has not been uploaded yet."),
    ],
)
def test_player_says_what_stops_it(playing, check_accessible, status, code, what, view):
    error = {"error": {"code": code, "what": what, "remedy": "Press Watch again."}}

    def refuse(name, ok, body):
        return (ok, body) if name in ("init", "index.json") else (status, error)

    page = playing(view, spoil=refuse, wait=f"#player[data-trouble='{code}']")
    expect(page.locator("#player-says")).to_contain_text(f"{what} Press Watch again.")
    check_accessible(page, f"player-{code}-{view}")


def test_missing_parts_are_a_hatched_gap(playing, check_accessible):
    def hole(name, status, body):
        if name == "index.json":
            for row in body["parts"][6:9]:
                row["here"] = False
        return status, body

    page = playing(spoil=hole)
    expect(page.locator(".track.gap")).to_be_visible()
    check_accessible(page, "player-gap")


DRAWN = """() => Object.fromEntries([...document.querySelectorAll("#tracks .track")].map((row) => [
  row.className.replace("track ", ""),
  [...row.children].map((mark) => [mark.style.left, mark.style.width].map((part) => Math.round(parseFloat(part)) || 0)),
]))"""


def test_flags_muted_sound_what_was_watched_and_what_was_checked_stand_on_tracks_of_their_own(
    open_page, cast_people, viewing, door, check_accessible, clock
):
    from openbwv.server.cases.actions import open_matter
    from openbwv.server.evidence.actions import place_flag
    from openbwv.server.evidence.models import Mark, Recording
    from openbwv.server.vault.models import ViewingSession, WatchGrant

    footage = make_footage(fps=25)  # twelve seconds
    address = viewing(footage=footage)
    recording = Recording.objects.get()
    matter = open_matter(reference="1/26", title="t", actor=cast_people("gale"), clock=clock)
    place_flag(
        recording=recording, category="arrest", matter=matter, media_ms=3000, actor=cast_people("avery"), clock=clock
    )
    Mark.objects.create(recording=recording, seq=1, kind="marker", from_ms=6000)
    Mark.objects.create(recording=recording, seq=2, kind="mute", from_ms=9000, to_ms=10_200, reason="medical")
    WatchGrant.objects.create(
        session=ViewingSession.objects.get(), first_index=0, last_index=5, from_ms=0, to_ms=6000, at=utc(clock)
    )
    page = open_page("avery", "/account/me")
    door(page, footage)
    page.goto(address)
    page.wait_for_selector("#player[data-ready='1']")
    expect(page.locator("#integrity")).to_have_text("12 of 12 parts checked, all match")
    drawn = page.evaluate(DRAWN)
    assert drawn["flag"] == [[25, 0], [50, 0]]
    assert drawn["mute"] == [[75, 10]]
    assert drawn["seen"][0] == [0, 50]
    assert drawn["good"] == [[0, 100]]
    assert drawn["gap"] == []
    assert page.locator(".track.mute i").get_attribute("title") == "medical"
    expect(page.locator(".track.flag")).to_have_attribute("aria-label", "Flags and markers: 2")
    check_accessible(page, "player-tracks")


def test_the_viewers_name_stands_over_a_restricted_picture(playing, check_accessible):
    def overlay(name, status, body):
        if name == "index.json":
            body["overlay"] = "DC Gale"
        return status, body

    page = playing(spoil=overlay)
    expect(page.locator("#overlay")).to_contain_text("DC Gale · ")
    check_accessible(page, "player-overlay")


def test_somebody_looking_at_a_still_picture_is_not_silent(open_page, viewing, door):
    footage = make_footage(fps=25)
    address = viewing(footage=footage)
    page = open_page("avery", "/account/me")
    page.clock.install()
    asked = door(page, footage)
    page.goto(address)
    page.wait_for_selector("#player[data-ready='1']")
    before = asked.count("init")
    page.clock.fast_forward(50_000)
    expect(page.locator("#player")).to_have_attribute("data-ready", "1")
    page.wait_for_timeout(500)
    assert asked.count("init") == before + 1
