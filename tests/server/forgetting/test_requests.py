"""Six years after a request was closed: who asked, and what was written, go; reference, dates and outcome stay."""

from datetime import timedelta

import pytest

from openbwv.custody import EventType
from openbwv.server.clock import utc
from openbwv.server.disclosure.actions.life import ask_identity, assign_request, withdraw_request
from openbwv.server.disclosure.models import Match, Note, OneTimeCode, OutboxMessage, Pause, Request, StandingHold
from openbwv.server.forgetting import forget
from openbwv.server.people.models import Person
from openbwv.server.retention.models import SweepClock
from openbwv.server.trail.models import Event
from tests.server import cast
from tests.server.disclosure.conftest import ask, recorded  # noqa: F401  fixtures
from tests.server.forgetting.conftest import SECOND, SECRET, has_words
from tests.server.retention.steps import approve

WORDS = {
    "place": SECRET, "description": SECRET, "officer_named": "1043", "postal": "12 High Street", "for_whom": "Alex",
}  # fmt: skip


@pytest.fixture
def closed(ask, policy, running_log, casey, clock):  # noqa: F811  fixtures
    """Return a request of Ellis that was withdrawn today."""
    request, _ = ask(**WORDS)
    request = assign_request(request=request, actor=casey, clock=clock)
    request = ask_identity(request=request, what=SECRET, actor=casey, clock=clock)
    Note.objects.create(request=request, at_utc=utc(clock), from_asker=True, text=SECRET)
    OneTimeCode.objects.create(request=request, code_sha256=b"", made=utc(clock), expires=utc(clock))
    request = withdraw_request(request=request, clock=clock)
    running_log.drain()
    return request


def years_pass(clock, years=6, *, less=timedelta()):
    """Move the clock by whole years, as somebody who then says that it is right."""
    now = utc(clock)
    clock.advance((now.replace(year=now.year + years) - less - now) // timedelta(milliseconds=1))
    SweepClock.objects.update(last_utc=utc(clock))


def test_six_years_to_the_second(closed, due, clock):
    years_pass(clock, less=SECOND)
    assert due()[1] == 0
    forget(clock)
    closed.refresh_from_db()
    assert closed.name == "Ellis"
    clock.advance(1000)
    assert due()[1] == 1
    assert forget(clock)["requests"] == 1


def test_the_asker_and_all_words_go_and_the_dates_stay(closed, running_log, clock, codes):
    events = list(Event.objects.filter(subject=closed.pseudonym))
    assert len(events) == 4
    years_pass(clock)
    forget(clock)
    running_log.drain()
    request = Request.objects.get()
    for name in (*WORDS, "name", "email", "answer", "extended_because"):
        assert getattr(request, name) == "", name
    assert (request.pseudonym, request.assigned_to, request.entered_by) == (None, None, None)
    assert bytes(request.secret_sha256) == b"", "its secret opens nothing any more"
    for name in ("reference", "state", "kind", "channel", "received_utc", "due_on", "closed_utc", "window_from_utc"):
        assert getattr(request, name) == getattr(closed, name), name
    assert not any(has_words(event) for event in events)
    assert not Note.objects.exists()
    assert not OneTimeCode.objects.exists()
    assert Pause.objects.get().what == ""
    assert not OutboxMessage.objects.exists(), "letters to the address that nobody asks from any more"
    told = Event.objects.filter(type=EventType.TEXT_REMOVED).first().details
    assert (told["about"], told["requests"], told["events"]) == ("requests", 1, 4)
    assert codes("log", "removals") == []


@pytest.mark.parametrize(
    "change",
    [{"state": "received"}, {"closed_utc": None}],
    ids=["open", "answered, its holds still run"],
)
def test_nothing_goes_of_a_request_that_is_not_closed(closed, due, clock, change):
    Request.objects.update(**change)
    years_pass(clock, 7)
    assert due()[1] == 0
    forget(clock)
    assert Request.objects.get().name == "Ellis"
    assert OutboxMessage.objects.exists(), "what was written to somebody whose request is open"


def test_nothing_goes_while_its_standing_hold_runs_or_an_embargo_waits(closed, due, avery, clock):
    years_pass(clock)
    StandingHold.objects.update(ended_utc=None)
    assert due()[1] == 0
    StandingHold.objects.update(ended_utc=utc(clock))
    embargo = {"state": "embargoed", "ground": "g", "reason": "r", "review_date": utc(clock).date()}
    recording = cast.recording(officer=avery, number=9)
    Match.objects.create(request=closed, recording=recording, found_utc=utc(clock), why="time", **embargo)
    assert due()[1] == 0
    Match.objects.update(state="refused")
    assert due()[1] == 1


def test_what_was_decided_about_a_recording_that_is_kept_stays_with_it(closed, avery, clock):
    recording = cast.recording(officer=avery, number=9)
    Match.objects.create(
        request=closed, recording=recording, found_utc=utc(clock), why="time", state="not-shown", reason="somebody else"
    )
    years_pass(clock)
    assert forget(clock)["requests"] == 1
    assert Match.objects.get().reason == "somebody else"


def test_its_pages_say_less_and_do_not_break(closed, as_person, casey, clock):
    years_pass(clock)
    forget(clock)
    Person.objects.update(is_active=True)
    browser = as_person(casey)
    for address in (f"/requests/{closed.reference}", "/requests/"):
        page = browser.get(address)
        assert page.status_code == 200, address
        assert SECRET not in page.content.decode()
        assert "Ellis" not in page.content.decode()
    words = browser.get(f"/requests/{closed.reference}").content.decode()
    assert "was removed on Sat 20 Nov 2032 under the rule of 6 years" in words


def test_its_secret_opens_nothing(ask, policy, running_log, clock, client):  # noqa: F811  a fixture
    request, secret = ask()
    withdraw_request(request=request, clock=clock)
    running_log.drain()
    address = f"/ask/open/{request.reference}/{secret}"
    assert client.get(address).status_code == 302
    years_pass(clock)
    forget(clock)
    assert client.get(address).status_code == 404


def test_a_policy_of_ten_years_keeps_them(closed, due, indra, lou, clock):
    approve(indra, lou, clock, log_years=10)
    years_pass(clock, 9)
    assert due()[1] == 0
    years_pass(clock, 1)
    assert due()[1] == 1
