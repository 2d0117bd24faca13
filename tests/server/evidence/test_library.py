"""The library: what is listed, found, sorted, paged, and how it looks when there is nothing."""

from datetime import UTC, datetime, timedelta

import pytest

from openbwv.server.clock import utc
from openbwv.server.evidence.models import Flag
from tests.server import cast

START = datetime(2026, 11, 20, 14, 2, 11, tzinfo=UTC)


def references(answer):
    return [row["recording"].reference for row in answer.context["rows"]]


@pytest.fixture
def library(as_person, blake, avery, noor, units, clock):
    """Return a function that opens the library as Sgt Blake, who has three recordings of Lewisham."""
    cast.recording(officer=avery, number=1, started=START, category="arrest", duration_ms=90_000)
    cast.recording(officer=avery, number=2, started=START - timedelta(days=2), marker_count=2)
    cast.recording(officer=noor, number=3, unit=units["lewisham"], started=START - timedelta(days=29))
    cast.recording(officer=noor, number=4)
    client = as_person(blake)
    return lambda query="": client.get(f"/recordings/{query}")


def test_blake_sees_lewisham_newest_first_and_nothing_of_camden(library):
    assert references(library()) == ["BWV-2026-000001", "BWV-2026-000002", "BWV-2026-000003"]


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ("?from_day=2026-11-19", [1]),
        ("?to_day=2026-11-19", [2, 3]),
        ("?from_day=18 11 2026&to_day=18/11/2026", [2]),
        ("?officer=avery", [1, 2]),
        ("?officer=1043", [1, 2]),
        ("?officer=PC Noor", [3]),
        ("?officer=nobody", []),
        ("?unit=camden", []),
        ("?unit=lewisham", [1, 2, 3]),
        ("?category=arrest", [1]),
        ("?category=none", [2, 3]),
        ("?flag=marked", [2]),
        ("?flag=flagged", []),
        ("?flag=no-matter", []),
        ("?flag=unflagged", [1, 2, 3]),
        ("?flag=held", []),
        ("?state=stored", [1, 2, 3]),
        ("?state=not-here", []),
        ("?text=000002", [2]),
        ("?deletes=3", [3]),
        ("?camera=0417", []),
        ("?sort=length&dir=down", [1, 2, 3]),
        ("?sort=when&dir=up", [3, 2, 1]),
        ("?sort=nonsense", [1, 2, 3]),
        ("?from_day=rubbish&deletes=-4&page=x", [1, 2, 3]),
    ],
)
def test_find_and_sort(library, query, numbers):
    assert references(library(query)) == [f"BWV-2026-{number:06d}" for number in numbers]


def test_what_is_flagged_or_held_does_not_count_as_deleting_soon(library, blake, clock):
    from openbwv.server.evidence.models import Recording

    third = Recording.objects.get(reference="BWV-2026-000003")
    Flag.objects.create(
        recording=third, review_date=utc(clock).date() + timedelta(days=90), placed_by=blake, placed_utc=utc(clock)
    )
    assert references(library("?deletes=3")) == []
    assert references(library("?flag=flagged")) == ["BWV-2026-000003"]
    assert references(library("?flag=no-matter")) == ["BWV-2026-000003"]


def test_each_filter_finds_what_it_names(library, as_person, avery, blake, gale, units, clock):
    from openbwv.server.evidence.models import Recording
    from openbwv.server.fleet.models import Camera

    camera = Camera.objects.create(
        name="0417", kid="ab" * 32, certificate="-", serial="01", unit=units["lewisham"], enrolled_utc=utc(clock)
    )
    every = Recording.objects
    every.filter(reference="BWV-2026-000001").update(camera=camera, held_count=1, state="arriving")
    every.filter(reference="BWV-2026-000002").update(restricted=True)
    every.filter(reference="BWV-2026-000003").update(officer=None, state="erased", evidential_from_camera=True)
    assert references(library("?camera=0417")) == ["BWV-2026-000001"]
    assert references(library("?flag=held")) == ["BWV-2026-000001"]
    assert references(library("?state=not-here")) == ["BWV-2026-000001"]
    assert references(library("?flag=restricted")) == ["BWV-2026-000002"]
    assert references(library("?state=erased")) == ["BWV-2026-000003"]
    assert references(library("?officer=nobody")) == ["BWV-2026-000003"]
    assert references(library("?flag=marked")) == ["BWV-2026-000002", "BWV-2026-000003"]
    assert references(library("?camera=0417&category=none")) == []
    client = as_person(gale)
    assert references(client.get("/recordings/?unit=camden")) == ["BWV-2026-000004"]


def test_a_list_shows_the_still_of_what_is_stored_and_of_nothing_else(as_person, avery, clock):
    from openbwv.server.vault.models import StoredObject

    shown = []
    for number, facts in enumerate(({}, {"restricted": True}, {"state": "erased"}), 1):
        recording = cast.recording(officer=avery, number=number, **facts)
        recording.thumbnail = StoredObject.objects.create(
            recording=recording, kind="derived", name="thumbnail", key=f"{number:040}", length=9
        )
        recording.save()
        shown.append(f"/recordings/{recording.reference}/thumbnail")
    page = as_person(avery).get("/recordings/").content.decode()
    assert [address in page for address in shown] == [True, False, False]


def test_nothing_found_says_so_and_offers_to_clear_the_filters(library):
    answer = library("?text=zzz")
    assert b"No recordings match." in answer.content
    assert b"Clear filters" in answer.content


def test_an_empty_library_says_when_recordings_appear(as_person, avery, clock):
    assert b"as soon as its camera is in a dock" in as_person(avery).get("/recordings/").content


def test_a_disclosure_officers_empty_library_says_that_recordings_come_with_a_request(as_person, casey, clock):
    page = as_person(casey).get("/recordings/").content
    assert b"as soon as the request is yours" in page
    assert b"in a dock" not in page


def test_a_recording_still_on_its_camera_is_listed_with_how_long_it_will_take(as_person, avery, clock):
    cast.recording(officer=avery, state="announced", ingest_utc=None, media_bytes=3_600_000_000, retain_until_utc=None)
    answer = as_person(avery).get("/recordings/")
    assert b"Still on camera" in answer.content
    assert b"about 12 min" in answer.content


def test_lists_show_no_still_of_a_restricted_recording(as_person, avery, clock, settings):
    recording = cast.recording(officer=avery, restricted=True)
    client = as_person(avery)
    assert b"<img" not in client.get("/recordings/").content
    assert client.get(f"/recordings/{recording.reference}/thumbnail").status_code == 404


def test_pages_of_25(as_person, avery, clock):
    for number in range(1, 28):
        cast.recording(officer=avery, number=number, started=START - timedelta(hours=number))
    client = as_person(avery)
    first, second = client.get("/recordings/"), client.get("/recordings/?page=2")
    assert len(references(first)) == 25
    assert len(references(second)) == 2
    assert b"Page 1 of 2" in first.content
    assert 'rel="next"' in first.content.decode()
