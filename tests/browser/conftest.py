"""A real Chromium, our pages from a live server, and a media door that serves test footage.

The browser is Debian's, never downloaded. Browser tests run one after another: two browsers on two cores are slower.
"""

import copy
import json
import os
import re
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe

from openbwv.custody import EventType
from tests.browser.footage import make_footage
from tests.browser.quiet import Conversations
from tests.server import cast

SHOTS = os.environ.get("BWV_SHOTS", "")
AXE = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
VIEWS = {
    "light": {"viewport": {"width": 1280, "height": 900}, "color_scheme": "light"},
    "dark": {"viewport": {"width": 1280, "height": 900}, "color_scheme": "dark"},
    "phone": {"viewport": {"width": 390, "height": 844}, "color_scheme": "light"},
}


def pytest_collection_modifyitems(items):
    """Mark everything here as a browser test."""
    here = Path(__file__).parent
    for item in items:
        if here in Path(item.path).parents:
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.timeout(300))


@pytest.fixture
def cast_people(transactional_db, clock):
    """Return a function that gives one of the cast."""
    cast.units()
    return cast.person


@pytest.fixture(scope="session")
def conversations(live_server):
    """Return what knows who speaks with the live server."""
    return Conversations(live_server)


@pytest.fixture
def units(cast_people):
    """Return the boroughs and specialist units by code."""
    return cast.units()


@pytest.fixture
def open_page(browser, live_server, conversations, cast_people):
    """Return a function `(name, path, view) -> page` signed in as that person; console errors fail the test."""
    contexts, problems = [], []

    def opened(name, path="/", view="light", **more):
        context = browser.new_context(base_url=live_server.url, locale="en-GB", **(VIEWS[view] | more))
        contexts.append(context)
        if name:
            sign_in(context, live_server.url, cast_people(name))
        page = context.new_page()
        page.on("console", lambda message: problems.append(message.text) if is_problem(message) else None)
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.goto(path)
        return page

    yield opened
    for context in contexts:
        context.close()
    conversations.end()
    assert not problems


def is_problem(message):
    """Say whether a console message is an error of ours; answers like 404 are told to the person, not to us."""
    return message.type == "error" and "Failed to load resource" not in message.text


def sign_in(context, url, person):
    """Give the browser a session of `person`."""
    from django.conf import settings
    from django.test import Client

    client = Client()
    client.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
    cookie = client.cookies[settings.SESSION_COOKIE_NAME].value
    context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": url}])


@pytest.fixture
def viewing(cast_people, clock):
    """Return a function that makes a recording and an open viewing of it, and gives the page's address."""

    def opened(person_name="avery", *, number=1, footage=None, **facts):
        from django.utils import timezone

        from openbwv.server.trail.actions import log_event
        from openbwv.server.vault.models import ViewingSession

        officer = cast_people("avery")
        footage = footage or make_footage(fps=25)
        values = {"duration_ms": footage.seconds * 1000, "fragments": len(footage.parts)} | facts
        recording = cast.recording(officer=officer, number=number, **values)
        person = cast_people(person_name)
        event = log_event(EventType.VIEW, recording=recording, actor=person, rule="watch-own", clock=clock)
        now = timezone.now()
        session = ViewingSession.objects.create(
            id=f"viewing-{number}",
            person=person,
            recording=recording,
            event=event,
            opened_utc=now,
            last_asked_utc=now,
            expires_utc=now + timezone.timedelta(minutes=10),
        )
        return f"{recording.get_absolute_url()}?viewing={session.pk}"

    return opened


@pytest.fixture
def door():
    """Return a function that serves footage to a page at /media/…; `spoil` may change an answer on its way."""

    def serve(page, footage, spoil=lambda name, status, body: (status, body)):
        asked = []

        def answer(route):
            name = route.request.url.rsplit("/", 1)[1]
            asked.append(name)
            status, kind, body = footage.answer(name)
            status, body = spoil(name, status, copy.deepcopy(body))
            data = json.dumps(body) if isinstance(body, dict) else body
            route.fulfill(status=status, content_type=kind, body=data, headers={"Cache-Control": "no-store"})

        page.route(re.compile(r".*/media/.*"), answer)
        return asked

    return serve


@pytest.fixture
def check_accessible():
    """Return a function that asks axe about a page and keeps a picture when BWV_SHOTS names a folder."""

    def check(page, name):
        if SHOTS:
            Path(SHOTS).mkdir(parents=True, exist_ok=True)
            page.screenshot(path=f"{SHOTS}/{name}.png", full_page=True)
        found = Axe().run(page, options=AXE).response["violations"]
        assert not found, [(v["id"], [node["html"][:160] for node in v["nodes"]]) for v in found]
        wider = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wider <= 0, f"{name}: {wider} px too wide"

    return check
