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


@pytest.fixture
def taken(request_made, casey, clock):
    from openbwv.server.disclosure.actions.life import assign_request

    return assign_request(request=request_made, actor=casey, clock=clock)


def test_an_embargo_needs_its_day_and_what_was_typed_stays(as_person, casey, taken):
    browser, page, match = as_person(casey), taken.get_absolute_url(), taken.matches.get()
    form = browser.get(page).content.decode()
    assert "(optional)" not in form.split("Look at it again on")[1][:60]
    told = browser.post(f"{page}/matches/{match.pk}", {"state": "embargoed", "ground": "s45(4)", "reason": "a trial"})
    words = told.content.decode()
    assert told.status_code == 400
    assert "An embargo needs a day to come" in words
    assert 'value="a trial"' in words
    past = {"state": "embargoed", "ground": "s45(4)", "reason": "a trial", "review_date": "2026-11-20"}
    assert browser.post(f"{page}/matches/{match.pk}", past).status_code == 400
    assert browser.post(f"{page}/matches/{match.pk}", past | {"review_date": "2026-12-20"}).status_code == 302
    match.refresh_from_db()
    assert match.state == "embargoed"


def test_a_flagged_match_is_offered_an_embargo_that_can_be_saved_as_it_stands(as_person, casey, ask, recorded, clock):
    import re

    from openbwv.server.disclosure.actions.life import assign_request
    from openbwv.server.disclosure.models import Match

    recorded()
    asked = assign_request(request=ask()[0], actor=casey, clock=clock)
    Match.objects.update(embargo_proposed=True)
    browser, page, match = as_person(casey), asked.get_absolute_url(), asked.matches.get()
    form = browser.get(page).content.decode()
    offered = re.search(rf'name="review_date" value="([^"]+)"[^>]*id="m{match.pk}_review_date"', form)[1]
    assert offered == "2026-12-20"
    ground = re.search(r'name="ground" value="([^"]+)"', form)[1]
    data = {"state": "embargoed", "ground": ground, "review_date": offered, "reason": "a trial"}
    assert browser.post(f"{page}/matches/{match.pk}", data).status_code == 302


def test_narrowing_starts_with_what_was_asked(as_person, casey, taken, clock):
    page = as_person(casey).get(taken.get_absolute_url()).content.decode()
    narrow = page.split("Narrow it</summary>")[1].split("</form>")[0]
    start = timezone.localtime(taken.window_from_utc)
    end = timezone.localtime(taken.window_to_utc)
    for value in (f"{start:%Y-%m-%d}", f"{start:%H:%M}", f"{end:%H:%M}"):
        assert f'value="{value}"' in narrow
    assert '<option value="lewisham" selected>' in narrow
    assert narrow.index("What day") < narrow.index("Not before") < narrow.index("Not after")


def test_no_select_of_a_request_shows_dashes(as_person, casey, taken, clock):
    from openbwv.server.disclosure.actions.decide import decide_match

    decide_match(match=taken.matches.get(), state="full", reason="Ellis is in it", actor=casey, clock=clock)
    browser = as_person(casey)
    for address in (taken.get_absolute_url(), "/requests/new"):
        page = browser.get(address).content.decode()
        assert "<select" in page
        assert "-----" not in page


def test_the_due_card_goes_when_the_answer_was_given(as_person, casey, taken):
    browser, page = as_person(casey), taken.get_absolute_url()
    assert 'id="due"' in browser.get(page).content.decode()
    match = taken.matches.get()
    browser.post(f"{page}/matches/{match.pk}", {"state": "not-shown", "reason": "nobody"})
    answer = {"outcome": "no-footage", "no_footage_kind": "nobody-there", "answer": "There was no camera."}
    browser.post(f"{page}/do/answer", answer)
    shown = browser.get(page).content.decode()
    assert 'id="due"' not in shown
    assert "Answered Fri 20 Nov 2026" in shown
    assert "There was no camera." in shown
    assert "It was due Sun 20 Dec 2026." in shown


def test_a_withdrawn_request_shows_no_due_date_either(as_person, casey, taken, clock):
    from openbwv.server.disclosure.actions.life import withdraw_request

    withdraw_request(request=taken, clock=clock)
    shown = as_person(casey).get(taken.get_absolute_url()).content.decode()
    assert 'id="due"' not in shown
    assert "No answer is due." in shown


def test_the_queue_comes_a_page_at_a_time(as_person, casey, ask, clock, monkeypatch):
    monkeypatch.setattr("openbwv.server.people.paging.PAGE_ROWS", 50)
    references = [ask()[0].reference for _ in range(51)]
    browser = as_person(casey)
    first, second = (browser.get(f"/requests/?page={number}").content.decode() for number in (1, 2))
    assert "51 open requests" in first
    assert sum(reference in first for reference in references) == 50
    assert sum(reference in second for reference in references) == 1
    assert 'href="?page=2"' in first
    assert "Page 2 of 2" in second


def test_an_asker_without_e_mail_is_told_to_collect_everywhere(as_person, client, casey, ask, recorded, clock):
    import re

    recorded()
    made, secret = ask(email="", postal="1 High Street", channel="letter", actor=casey)
    client.get(f"/ask/open/{made.reference}/{secret}")
    assert "you collect it in person" in client.get("/ask/status").content.decode()
    browser = as_person(casey)
    assert "Collected in person" in browser.get(made.get_absolute_url()).content.decode()
    asked = browser.post(f"{made.get_absolute_url()}/do/identity", {"what": "a passport"}, follow=True)
    assert "There is no e-mail address: write the asker a letter." in asked.content.decode()
    page = browser.get("/requests/new").content.decode()
    assert "they collect it in person" in page
    data = {"channel": "letter", "received_on": "2026-11-16", "kind": "subject", "day": "2026-11-15"}
    data |= {"from_time": "10:00", "to_time": "12:00", "unit": "lewisham", "name": "Ellis", "postal": "1 High Street"}
    sent = browser.post("/requests/new", data).content.decode()
    assert "There is no e-mail address." in sent
    assert re.search("they get footage they collect it in person", sent)
    assert "If you have none" in client.get("/ask/question/contact").content.decode()
    assert "you collect the footage in person" in client.get("/ask/").content.decode()


def test_staff_are_not_asked_as_if_they_were_the_asker(as_person, casey, clock):
    page = as_person(casey).get("/requests/new").content.decode()
    for words in ("Is the asker in the footage?", "Name of the asker", "Not known"):
        assert words in page
    for words in ("Are you in the footage?", "What is your name?", "I do not know", "What did you look like"):
        assert words not in page
