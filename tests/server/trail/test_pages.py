"""The log is served as static files would be; the trail of a recording is shown to who may see the recording."""

import re

import pytest

from openbwv.custody import EventType, LogReader, MemoryStorage, audit, open_note
from openbwv.server.trail import log
from openbwv.server.trail.actions import log_event
from openbwv.server.trail.models import Event
from openbwv.server.trail.queries import in_words, trail_of, without_digests
from tests.server.log_fixture import VKEY

WHY = "complaint <b>12</b>"


@pytest.fixture
def logged(running_log, recording, gale, clock):
    """Return the recording with 300 views in the log and one event that waits."""
    for number in range(300):
        log_event(EventType.VIEW, recording=recording, actor=gale, why=WHY, rule="watch-any", clock=clock)
        clock.advance(1000 if number else 0)
    running_log.drain()
    log_event(EventType.HOLD, recording=recording, actor=gale, details={"kind": "person"}, clock=clock)
    return recording


def test_everybody_gets_the_checkpoint_and_nobody_may_cache_it_for_long(logged, client):
    answer = client.get("/log/checkpoint")
    assert answer.status_code == 200
    assert answer["Content-Type"] == "text/plain; charset=utf-8"
    assert "immutable" not in answer["Cache-Control"]
    assert open_note(answer.content, VKEY).size == 300


def test_everybody_gets_hash_tiles_for_ever(logged, client):
    for path, length in (("tile/0/000", 256), ("tile/0/001.p/44", 44), ("tile/1/000.p/1", 1)):
        answer = client.get(f"/log/{path}")
        assert (answer.status_code, len(answer.content)) == (200, 32 * length)
        assert "immutable" in answer["Cache-Control"]
        assert answer["Content-Type"] == "application/octet-stream"


@pytest.mark.parametrize(
    "path", ["tile/0/002", "tile/0/000.p/4", "tile/9/000", "tile/0/../checkpoint", "tile/0/0", "tile/x", "secret"]
)
def test_what_is_no_file_of_the_log_is_not_found(logged, client, path):
    assert client.get(f"/log/{path}").status_code == 404


def test_entry_bundles_are_for_auditors_and_records_managers(
    logged, as_person, devi, indra, lou, gale, frankie, client
):
    assert client.get("/log/tile/entries/000").status_code == 302
    for person in (lou, gale, frankie):
        assert as_person(person).get("/log/tile/entries/000").status_code == 403
    assert Event.objects.filter(type=EventType.REFUSED, outcome="refused").count() == 3
    for person in (devi, indra):
        answer = as_person(person).get("/log/tile/entries/000")
        assert answer.status_code == 200
        assert "private" in answer["Cache-Control"]


def test_an_auditor_rebuilds_the_whole_log_from_what_is_served(logged, as_person, devi):
    client = as_person(devi)

    class Served(MemoryStorage):
        def read(self, path):
            answer = client.get(f"/log/{path}")
            return answer.content if answer.status_code == 200 else None

    result = audit(Served(), vkey=VKEY)
    assert result.ok
    assert result.checkpoint.size == 300
    assert LogReader(Served(), vkey=VKEY).tlog_proof(257) == log.reader().tlog_proof(257)


def test_a_file_that_no_checkpoint_covers_yet_is_not_served(logged, state, client):
    (state / "log/tile/0/001.p/45").write_bytes(bytes(45 * 32))
    assert client.get("/log/tile/0/001.p/45").status_code == 404


def test_before_the_log_was_begun_there_is_nothing_to_serve(running_log, client):
    assert client.get("/log/checkpoint").status_code == 404
    assert client.get("/log/tile/0/000").status_code == 404


def test_only_reading_is_allowed(logged, as_person, devi):
    client = as_person(devi)
    for path in ("/log/checkpoint", "/log/tile/0/000", "/log/tile/entries/000"):
        assert client.post(path).status_code == 405
        assert client.head(path).status_code == 200


def test_the_trail_says_what_who_when_why_by_which_rule_and_whether_it_is_logged(logged, gale):
    waiting, newest = trail_of(logged)[:2]
    assert waiting.what == "It was put on hold (placed by a person): it cannot be deleted until the hold is released."
    assert (waiting.who, waiting.rule, waiting.state) == ("DC Gale", "", "waiting for the log")
    assert ("kind of hold", "person") in waiting.raw
    assert (newest.why, newest.rule) == (WHY, "Their role reaches every recording.")
    assert newest.state == "in the log, entry 299"
    assert re.fullmatch(r"Fri 20 Nov 2026, 14:07:\d\d GMT", newest.local)
    assert re.fullmatch(r"2026-11-20 14:07:\d\d UTC", dict(newest.raw)["UTC"])
    assert dict(newest.raw)["rule"] == "watch-any"
    assert len(trail_of(logged)) == 100
    assert len(trail_of(logged, limit=None)) == 301


def test_local_time_is_summer_time_in_summer_and_utc_stays_utc(running_log, recording, clock):
    clock.advance(200 * 24 * 3_600_000)
    log_event(EventType.VIEW, recording=recording, clock=clock)
    (line,) = trail_of(recording)
    assert line.local.endswith("15:02:11 BST")
    assert dict(line.raw)["UTC"].endswith("14:02:11 UTC")


def test_the_whole_trail_is_a_page_without_script(logged, as_person, devi):
    browser = as_person(devi)
    page = browser.get(f"/recordings/{logged.reference}/trail").content.decode()
    assert "301 entries" in page
    assert page.count("<li data-event=") == 200
    assert 'href="?page=2"' in page
    older = browser.get(f"/recordings/{logged.reference}/trail?page=2").content.decode()
    assert older.count("<li data-event=") == 101
    assert "complaint &lt;b&gt;12&lt;/b&gt;" in page
    assert "<b>12</b>" not in page


def test_the_page_of_the_recording_keeps_its_trail_up_to_date_by_json(running_log, logged, as_person, devi):
    client = as_person(devi)
    lines = client.get(f"/recordings/{logged.reference}/trail.json").json()["lines"]
    assert (len(lines), lines[0]["state"], lines[0]["why"]) == (100, "waiting for the log", "")
    running_log.drain()
    again = client.get(f"/recordings/{logged.reference}/trail.json").json()["lines"]
    assert again[0]["state"] == "in the log, entry 300"
    assert again[0]["id"] == lines[0]["id"]


def test_nobody_sees_the_trail_of_a_recording_they_may_not_see(logged, as_person, noor, lou, frankie, client):
    for path in ("trail", "trail.json"):
        assert client.get(f"/recordings/{logged.reference}/{path}").status_code == 302
        for person in (noor, lou, frankie):
            answer = as_person(person).get(f"/recordings/{logged.reference}/{path}")
            assert answer.status_code == 403
            assert b"complaint" not in answer.content
        client.logout()


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, ""),
        (True, "yes"),
        (False, "no"),
        ([[0, 10], [20, 30]], "0 10 20 30"),
        ({"kind": "job", "review_date": None, "media_ms": 5}, "kind job, media ms 5"),
    ],
)
def test_raw_values_are_written_as_text(value, words):
    assert in_words(value) == words


def test_a_glance_at_the_trail_shows_no_hashes_and_the_whole_trail_shows_them(recording, gale, clock, as_person):
    digest = "ab" * 32
    log_event(EventType.VIEW, recording=recording, actor=gale, details={"camera": "0417", "kid": digest}, clock=clock)
    assert without_digests({"camera": "0417", "kid": digest}) == {"camera": "0417"}
    client = as_person(gale)
    assert digest not in client.get(f"/recordings/{recording.reference}").content.decode()
    assert digest in client.get(f"/recordings/{recording.reference}/trail").content.decode()


@pytest.mark.parametrize(
    ("deed", "sentence"),
    [
        ("restrict", "It was restricted to a team."),
        ("unheard-of", "Category, flag, matter or restriction of the recording was set or changed."),
    ],
)
def test_the_trail_says_which_deed_it_was(recording, gale, clock, deed, sentence):
    log_event(EventType.CLASSIFY, recording=recording, actor=gale, details={"deed": deed}, clock=clock)
    assert trail_of(recording)[0].what == sentence
