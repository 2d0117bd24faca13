"""The public's pages: one question a page, the secret shown once, and nothing said about what footage there is."""

import re

import pytest

from openbwv.server.disclosure.models import Attempt, Request
from openbwv.server.people.actions import ensure_units
from openbwv.server.retention.models import Hold

ANSWERS = {
    "you": {"kind": "subject"},
    "day": {"day": "20 11 2026"},
    "time": {"from_time": "11:00", "to_time": "13:30"},
    "place": {"unit": "lewisham", "place": "Lee High Road"},
    "officer": {"officer_named": ""},
    "description": {"description": "a red coat"},
    "name": {"name": "Ellis"},
    "contact": {"email": "ellis@example.org"},
}


@pytest.fixture
def ellis(client, units, clock):
    """Return Ellis's browser."""
    return client


def fill_in(browser, **changes):
    for step, answer in (ANSWERS | changes).items():
        page = browser.post(f"/ask/question/{step}", answer)
        assert page.status_code == 302, page.content
    return page


def send(browser, **changes):
    assert fill_in(browser, **changes)["Location"] == "/ask/check"
    page = browser.post("/ask/send").content.decode()
    reference = re.search(r'id="reference">([^<]+)', page)[1]
    secret = re.search(r'id="secret"><code>([^<]+)', page)[1]
    return reference, secret, page


def test_every_page_asks_one_thing_and_has_no_script_of_its_own(ellis):
    for number, step in enumerate(ANSWERS, 1):
        page = ellis.get(f"/ask/question/{step}").content.decode()
        assert f"Question {number} of 8" in page
        assert page.count("<h1") == 1
        assert "style=" not in page


def test_ellis_asks_and_sees_reference_secret_and_date_once(ellis, recorded):
    recording = recorded()
    reference, secret, page = send(ellis)
    assert f"/ask/open/{reference}/{secret}" in page
    assert "Sun 20 Dec 2026" in page
    recording.refresh_from_db()
    assert recording.held_count == 1
    assert "ask" not in ellis.session
    request = Request.objects.get()
    assert (request.name, request.unit.code, request.kind) == ("Ellis", "lewisham", "subject")
    assert secret not in ellis.get("/ask/follow").content.decode()


def test_nothing_tells_whether_there_is_footage(client, units, clock, recorded):
    from django.test import Client

    pages = []
    for footage in (False, True):
        if footage:
            recorded()
        browser = Client()
        reference, secret, sent = send(browser)
        browser.get(f"/ask/open/{reference}/{secret}")
        status = browser.get("/ask/status").content.decode()
        hide = (reference, secret, browser.cookies["csrftoken"].value)
        texts = [sent, status]
        for word in hide:
            texts = [text.replace(word, "…") for text in texts]
        pages.append([re.sub(r'name="csrfmiddlewaretoken" value="[^"]+"', "", text) for text in texts])
    assert Hold.objects.count() == 2  # the second request and the first, whose standing hold took it on arrival
    assert pages[0] == pages[1]


@pytest.mark.parametrize(
    ("step", "answer", "words"),
    [
        ("you", {}, "Say whether you are in the footage."),
        ("you", {"kind": "robot"}, "valid choice"),
        ("day", {"day": "yesterday"}, "Enter the day it was, for example 20 11 2026."),
        ("day", {"day": "2030-01-01"}, "The date must be today or in the past."),
        ("time", {"from_time": "25:00", "to_time": "x"}, "Enter a time, for example 14:30."),
        ("place", {"unit": "atlantis"}, "valid choice"),
        ("name", {"name": "  "}, "Enter your name."),
        ("contact", {"email": "not an address"}, "valid email"),
    ],
)
def test_a_wrong_answer_is_told_in_words_and_kept_from_going_on(ellis, step, answer, words):
    page = ellis.post(f"/ask/question/{step}", answer)
    assert page.status_code == 400
    assert words in page.content.decode()


def test_a_skipped_question_is_asked_before_anything_is_sent(ellis):
    ellis.post("/ask/question/you", ANSWERS["you"])
    assert ellis.get("/ask/check")["Location"] == "/ask/question/day"
    assert ellis.post("/ask/send")["Location"] == "/ask/question/day"
    assert not Request.objects.exists()


def test_an_answer_can_be_changed_from_the_list(ellis):
    fill_in(ellis)
    assert "Lee High Road" in ellis.get("/ask/check").content.decode()
    answer = ellis.post("/ask/question/place?then=check", {"unit": "", "place": "By the river"})
    assert answer["Location"] == "/ask/check"
    page = ellis.get("/ask/check").content.decode()
    assert "By the river" in page
    assert "I do not know" in page


@pytest.mark.parametrize("text", ["<script>alert(1)</script>", "警察 \u202e Ä", "'; DROP TABLE x; --", "a" * 2000])
def test_whatever_is_typed_is_shown_as_text(ellis, text):
    fill_in(ellis, description={"description": text})
    assert "<script>alert" not in ellis.get("/ask/check").content.decode()
    send(ellis, description={"description": text})
    assert Request.objects.get().description == text


def test_a_time_over_midnight_ends_the_next_day(ellis):
    send(ellis, day={"day": "2026-11-19"}, time={"from_time": "23:00", "to_time": "01:00"})
    request = Request.objects.get()
    assert (request.window_to_utc - request.window_from_utc).total_seconds() == 2 * 3600


# ── follow ───────────────────────────────────────────────────────────────────────────────────────────────────────
def test_reference_and_secret_open_it_by_form_and_by_link(ellis):
    from django.test import Client

    reference, secret, _ = send(ellis)
    by_form, by_link = Client(), Client()
    by_form.post("/ask/follow", {"reference": reference.lower(), "secret": secret.upper().replace("-", " ")})
    by_link.get(f"/ask/open/{reference}/{secret}")
    for browser in (by_form, by_link):
        assert "We have your request" in browser.get("/ask/status").content.decode()
    assert ellis.get("/ask/status")["Location"] == "/ask/follow"  # a reference alone, or having asked, opens nothing


def test_wrong_and_unknown_get_the_same_answer(ellis):
    reference, secret, _ = send(ellis)
    tries = [(reference, "aaaaa-bbbbb"), ("ASK-2026-999999", secret), ("'; --", "x"), (reference, secret[:-1])]
    answers = []
    for wrong, attempt in tries:
        page = ellis.post("/ask/follow", {"reference": wrong, "secret": attempt})
        assert page.status_code == 404
        answers.append(re.search(r"errorlist.*?</ul>", page.content.decode(), re.S)[0])
    assert len(set(answers)) == 1
    assert Attempt.objects.filter(scope="status").count() == 4


def test_after_ten_wrong_tries_even_the_right_one_waits(ellis):
    reference, secret, _ = send(ellis)
    for _ in range(10):
        ellis.post("/ask/follow", {"reference": reference, "secret": "wrong"})
    assert ellis.post("/ask/follow", {"reference": reference, "secret": secret}).status_code == 429
    assert ellis.get(f"/ask/open/{reference}/{secret}").status_code == 429
    from datetime import timedelta

    Attempt.objects.update(at=Attempt.objects.first().at - timedelta(minutes=16))
    assert ellis.post("/ask/follow", {"reference": reference, "secret": secret}).status_code == 302


def test_ellis_adds_withdraws_and_leaves(ellis, recorded):
    recording = recorded()
    reference, secret, _ = send(ellis)
    ellis.get(f"/ask/open/{reference}/{secret}")
    page = ellis.post("/ask/status/add", {"text": "it was raining"}, follow=True).content.decode()
    assert "We have added it to your request." in page
    assert "it was raining" in page
    page = ellis.post("/ask/status/withdraw", follow=True).content.decode()
    assert "You have withdrawn it" in page
    recording.refresh_from_db()
    assert recording.held_count == 0
    ellis.post("/ask/status/leave")
    assert ellis.get("/ask/status").status_code == 302


@pytest.mark.parametrize("address", ["/ask/status/add", "/ask/status/withdraw", "/ask/status/code", "/ask/download/1"])
def test_without_the_secret_no_deed_is_done(ellis, address):
    send(ellis)
    assert ellis.post(address, {"text": "x", "code": "1"})["Location"] == "/ask/follow"
    assert Request.objects.get().notes.count() == 0


def test_one_asker_cannot_reach_anothers_copy(ellis, clock):
    reference, secret, _ = send(ellis)
    ellis.get(f"/ask/open/{reference}/{secret}")
    assert ellis.post("/ask/download/1", {"code": "000000"}).status_code == 404


def test_the_outbox_exists_on_a_pretend_force_only(client, db, clock, monkeypatch):
    from openbwv.server.disclosure.views import follow

    ensure_units()
    assert client.get("/ask/outbox").status_code == 404
    monkeypatch.setattr(follow, "force_is_pretend", lambda: True)
    assert client.get("/ask/outbox").status_code == 200


def test_pages_are_not_kept_by_browsers_or_proxies(ellis):
    reference, secret, _ = send(ellis)
    for address in ("/ask/follow", f"/ask/open/{reference}/{secret}", "/ask/status", "/ask/check"):
        assert "no-store" in ellis.get(address)["Cache-Control"]
