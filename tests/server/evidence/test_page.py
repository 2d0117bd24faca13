"""The recording's page in each of its states, and what is posted from it."""

import pytest

from openbwv.custody import EventType
from openbwv.server.cases.actions import open_matter
from openbwv.server.evidence.models import Mark, Recording
from openbwv.server.trail.models import Event
from tests.server import cast

PATH = "/recordings/BWV-2026-000001"


@pytest.fixture
def recording(avery):
    return cast.recording(officer=avery)


def test_avery_may_watch_at_once_and_gale_gives_a_reason(as_person, recording, avery, gale, clock):
    assert b"Watching is logged" in as_person(avery).get(PATH).content
    assert b"Give a reason to watch" in as_person(gale).get(PATH).content


def test_the_page_says_why_it_is_seen_and_when_it_goes(as_person, recording, avery, clock):
    page = as_person(avery).get(PATH).content.decode()
    assert "You recorded it." in page
    assert "Mon 21 Dec 2026" in page


def test_muted_sound_is_told_with_its_reason(as_person, recording, avery, clock):
    Mark.objects.create(recording=recording, kind="mute", from_ms=10_000, to_ms=32_000, reason="Legal privilege")
    page = as_person(avery).get(PATH).content.decode()
    assert "Sound was turned off until 0:32" in page
    assert "Reason: Legal privilege" in page


def test_a_restricted_recording_shows_that_it_exists_and_no_way_to_watch(as_person, avery, clock):
    cast.recording(officer=avery, restricted=True)
    page = as_person(avery).get(PATH).content.decode()
    assert "You cannot watch this recording." in page
    assert "restricted to its team" in page


def test_somebody_elses_recording_and_one_that_is_not_there_look_the_same(as_person, recording, noor, clock):
    client = as_person(noor)
    there, missing = client.get(PATH), client.get("/recordings/BWV-2026-999999")
    assert there.status_code == missing.status_code == 403
    assert there.context["what"] == missing.context["what"]
    assert Event.objects.filter(actor=noor, type=EventType.REFUSED).count() == 2


def test_watching_without_the_reason_it_needs_asks_for_it(as_person, recording, gale, clock):
    answer = as_person(gale).post(f"{PATH}/watch", {"reason": " "})
    assert answer.status_code == 400
    assert b"This needs a reason." in answer.content


def test_watching_what_one_may_not_is_refused_on_the_page_and_logged(as_person, recording, indra, clock):
    answer = as_person(indra).post(f"{PATH}/watch", {"reason": "curious"})
    assert answer.status_code == 403
    event = Event.objects.get(type=EventType.REFUSED)
    assert (event.actor, event.recording, event.outcome) == (indra, recording, "refused")


def test_flag_category_hold_and_restriction_from_the_page(as_person, recording, blake, gale, clock):
    matter = open_matter(reference="1/26", title="t", actor=gale, clock=clock)
    client = as_person(blake)
    posts = {
        "flag": {"category": "arrest", "matter": matter.pk, "note": "seen to run", "media_ms": 1500},
        "category": {"category": "public-order"},
        "hold": {"reason": "complaint expected"},
        "restrict": {"reason": "a child is seen"},
    }
    for deed, data in posts.items():
        answer = client.post(f"{PATH}/{deed}", data, follow=True)
        assert answer.status_code == 200, deed
        assert b'class="notice success"' in answer.content, deed
    recording.refresh_from_db()
    assert (recording.category, recording.restricted, recording.held_count) == ("public-order", True, 1)
    page = client.get(PATH).content.decode()
    assert "complaint expected" in page
    assert "1/26 t" in page


def test_a_flag_without_an_end_comes_back_with_what_to_do(as_person, recording, avery, clock):
    answer = as_person(avery).post(f"{PATH}/flag", {"category": "arrest"})
    assert answer.status_code == 400
    assert b"A flag needs a matter or a review date" in answer.content
    assert b"flag-needs-end" in answer.content


def test_a_deleted_recording_leaves_a_tombstone_and_takes_no_deed(as_person, avery, clock):
    cast.recording(officer=avery, state="erased")
    client = as_person(avery)
    assert b"has been deleted" in client.get(PATH).content
    answer = client.post(f"{PATH}/category", {"category": "arrest"})
    assert Recording.objects.get().category == "none"
    assert answer.status_code in (200, 410)


def test_one_still_on_the_camera_can_be_flagged_and_held(as_person, avery, clock):
    cast.recording(officer=avery, state="announced", ingest_utc=None)
    client = as_person(avery)
    page = client.get(PATH).content.decode()
    assert "Still on camera" in page
    assert "You can already set its category" in page
    assert client.post(f"{PATH}/hold", {"reason": "asked for"}).status_code == 302


@pytest.mark.parametrize("text", ["<script>alert(1)</script>", "ÄÖ 警察 \u202e", "'; DROP TABLE x; --"])
def test_whatever_is_typed_is_shown_as_text(as_person, recording, avery, clock, text):
    client = as_person(avery)
    client.post(f"{PATH}/hold", {"reason": text})
    page = client.get(PATH).content.decode()
    assert "<script>alert" not in page
