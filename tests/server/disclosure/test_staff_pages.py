"""The disclosure officer's pages: queue, one request, what came on paper, decisions and refusals."""

from datetime import timedelta

import pytest

from django.utils import timezone

from openbwv.server.clock import utc
from openbwv.server.disclosure.models import Request
from openbwv.server.people.todo import todo_for
from openbwv.server.trail.models import Event


@pytest.fixture
def request_made(ask, recorded):
    recorded()
    return ask()[0]


def test_the_queue_shows_the_date_and_why(as_person, casey, request_made):
    page = as_person(casey).get("/requests/").content.decode()
    assert request_made.reference in page
    assert "Sun 20 Dec 2026" in page
    assert "The earlier counts." in page


def test_the_officer_takes_it_decides_and_answers(as_person, casey, request_made, clock):
    browser = as_person(casey)
    page = request_made.get_absolute_url()
    assert "Nobody has it yet" in browser.get(page).content.decode()
    match = request_made.matches.get()
    refused = browser.post(f"{page}/matches/{match.pk}", {"state": "not-shown", "reason": "nobody"})
    assert refused.status_code == 403
    browser.post(f"{page}/do/take")
    answer = browser.post(f"{page}/matches/{match.pk}", {"state": "refused", "reason": "another is in it"})
    assert "needs its legal ground" in answer.content.decode()
    browser.post(
        f"{page}/matches/{match.pk}", {"state": "refused", "reason": "another is in it", "ground": "DPA 2018 s45(4)(e)"}
    )
    browser.post(f"{page}/do/answer", {"outcome": "refused", "answer": "We cannot give it to you."})
    request_made.refresh_from_db()
    assert (request_made.state, request_made.outcome) == ("decided", "refused")
    assert "You do not get the footage" in browser.get(page).content.decode()


def test_what_is_matched_can_be_watched_by_its_officer_alone(as_person, casey, kim, request_made, clock):
    from openbwv.server.disclosure.actions.life import assign_request
    from openbwv.server.people.rights import may

    recording = request_made.matches.get().recording
    assert not may(casey, "watch", recording).allowed
    assign_request(request=request_made, actor=casey, clock=clock)
    assert may(casey, "watch", recording).allowed
    assert not may(kim, "watch", recording).allowed


def test_the_day_of_receipt_is_filled_in_as_browsers_read_it(as_person, casey, clock):
    page = as_person(casey).get("/requests/new").content.decode()
    assert f'value="{timezone.localdate(utc(clock)):%Y-%m-%d}"' in page


def test_a_letter_is_entered_with_its_day_of_receipt(as_person, casey, units, clock):
    browser = as_person(casey)
    data = {
        "channel": "letter",
        "received_on": "2026-11-16",
        "kind": "subject",
        "day": "2026-11-15",
        "from_time": "10:00",
        "to_time": "12:00",
        "unit": "lewisham",
        "name": "Ellis",
        "postal": "1 High Street",
    }
    page = browser.post("/requests/new", data).content.decode()
    made = Request.objects.get()
    assert made.reference in page
    assert "Send it to the asker" in page
    assert made.due_on.isoformat() == "2026-12-16"
    assert browser.post("/requests/new", data | {"postal": ""}).status_code == 400


@pytest.mark.parametrize("who", ["avery", "gale", "devi", "lou", "harper", "frankie"])
def test_others_see_no_request_and_it_is_logged(request, as_person, request_made, who):
    person = request.getfixturevalue(who)
    browser = as_person(person)
    for address in ("/requests/", request_made.get_absolute_url(), "/requests/new"):
        answer = browser.get(address)
        assert answer.status_code == 403
        assert b"Ellis" not in answer.content
    assert Event.objects.filter(actor=person, outcome="refused").count() == 3


def test_a_supervisor_sees_only_what_they_are_to_check(as_person, blake, request_made):
    browser = as_person(blake)
    assert browser.get("/requests/").status_code == 200
    assert request_made.reference.encode() not in browser.get("/requests/").content
    assert browser.get(request_made.get_absolute_url()).status_code == 403


def test_home_tells_what_is_due(casey, request_made, clock):
    assert any("nobody's yet" in line.words for line in todo_for(casey, clock))
    clock.advance(int(timedelta(days=40).total_seconds() * 1000))
    assert any("overdue" in line.words and line.level == "urgent" for line in todo_for(casey, clock))
    assert utc(clock).date() > request_made.due_on
