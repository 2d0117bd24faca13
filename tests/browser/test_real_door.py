"""The whole way: a camera's footage through the upload door, the key service and the media door into the picture.

Nothing here is a stand-in but the network between page and media door: the page's requests go to `media_app` itself,
with the browser's own cookie. Pictures are read back from a canvas.
"""

import uuid

import pytest
from playwright.sync_api import expect

from openbwv.custody import EventType
from tests.browser.footage import encode
from tests.browser.test_exact import READ, READER
from tests.loops import run_at_once
from tests.server.ingest.conftest import Door, inline, keyd, running_log
from tests.server.sharing.conftest import units_of

__all__ = ["inline", "keyd", "running_log"]
FPS, SECONDS = 25, 8


@pytest.fixture
def units(transactional_db):
    from tests.server import cast

    return cast.units()


@pytest.fixture
def upload_door(units, keyd, clock, inline):
    """Return a door at which a dock has said hello."""
    made = Door(keyd, clock)
    status, answer = made.hello_dock()
    assert status == 200, answer
    return made


@pytest.fixture
def stored(cast_people, upload_door, running_log):
    """Return a recording of Avery's that went in through the door."""
    from openbwv.server.evidence.models import Recording

    units = units_of(encode(fps=FPS, seconds=SECONDS, b_frames=False, sound=False))
    made = upload_door.camera.record(utc_ms=upload_door.clock.utc_ms(), units=units)
    upload_door.upload(made)
    running_log.drain()
    avery = cast_people("avery")
    rec_id = uuid.UUID(bytes=made.rec_id)
    Recording.objects.filter(pk=rec_id).update(officer=avery, unit=avery.unit)
    return Recording.objects.get(pk=rec_id)


@pytest.fixture
def through_media_door(monkeypatch):
    """Return a function that sends a page's media requests to the real callable."""
    from openbwv.server.vault import media

    async def now(function, *arguments):
        return function(*arguments)

    monkeypatch.setattr(media, "in_thread", now)

    def connect(page):
        def answer(route):
            request = route.request
            path = "/" + request.url.split("/", 3)[3]
            headers = [(name.encode(), value.encode()) for name, value in request.all_headers().items()]
            scope = {"type": "http", "method": "GET", "path": path, "query_string": b"", "headers": headers}
            sent = []

            async def receive():
                return {"type": "http.request", "body": b"", "more_body": False}

            async def send(message):
                sent.append(message)

            run_at_once(media.media_app(scope, receive, send))
            got = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
            body = b"".join(message.get("body", b"") for message in sent[1:])
            route.fulfill(status=sent[0]["status"], headers=got, body=body)

        page.route("**/media/**", answer)

    return connect


def test_avery_watches_what_the_camera_recorded_and_it_is_all_on_record(stored, open_page, through_media_door):
    from openbwv.server.trail.models import Event

    page = open_page("avery", "/recordings/")
    through_media_door(page)
    page.get_by_role("link", name="Fri 20 Nov 2026").click()
    page.get_by_role("button", name="Watch").click()
    page.wait_for_selector("#player[data-ready='1']")
    expect(page.locator("#integrity")).to_have_text(f"{SECONDS} of {SECONDS} parts checked, all match")
    page.evaluate(READER)
    for picture in (0, 1, 24, 25, 26, 99, 150, FPS * SECONDS - 1):
        assert page.evaluate(READ, [(picture + 0.4) / FPS]) == picture
    assert Event.objects.filter(recording=stored, type=EventType.VIEW, actor__username="avery").exists()
    page.goto("/account/me")
    page.goto(stored.get_absolute_url())
    viewed = Event.objects.get(recording=stored, type=EventType.VIEWED)
    assert viewed.details["spans_ms"] == [[0, SECONDS * 1000]]


def test_another_persons_viewing_shows_nothing(stored, open_page, through_media_door, cast_people):
    from openbwv.server.vault.models import ViewingSession

    page = open_page("avery", stored.get_absolute_url())
    through_media_door(page)
    page.get_by_role("button", name="Watch").click()
    page.wait_for_selector("#player[data-ready='1']")
    viewing = ViewingSession.objects.get()
    other = open_page("blake", "/account/me")
    through_media_door(other)
    answer = other.evaluate("path => fetch(path).then((answer) => answer.status)", f"/media/{viewing.pk}/index.json")
    assert answer == 403
    other.goto(f"{stored.get_absolute_url()}?viewing={viewing.pk}")
    expect(other.locator("video")).to_have_count(0)


@pytest.mark.parametrize("down", ["log", "key service"])
def test_without_log_or_key_service_nothing_is_shown_and_the_page_says_why(
    stored, open_page, keyd, check_accessible, monkeypatch, down
):
    if down == "log":
        monkeypatch.setattr("openbwv.server.trail.actions.pause", lambda seconds: __import__("time").sleep(seconds))
    else:
        keyd.server.shutdown()
        keyd.server.server_close()
    page = open_page("avery", stored.get_absolute_url())
    page.get_by_role("button", name="Watch").click()
    alert = page.get_by_role("alert").first
    expect(alert).to_contain_text("The log is not running" if down == "log" else "key service")
    expect(page.locator("video")).to_have_count(0)
    check_accessible(page, f"recording-{down.replace(' ', '-')}-down")
