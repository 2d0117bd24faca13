"""A state without its event, miscounted holds, and what should have gone are found."""

from datetime import timedelta

import pytest

from openbwv.custody import EventType
from openbwv.server.checking import run_check
from openbwv.server.clock import utc
from openbwv.server.evidence.models import Recording
from openbwv.server.fleet.models import Camera, WriteOff
from openbwv.server.retention.models import Deletion, Hold
from openbwv.server.trail.actions import log_event
from openbwv.server.trail.models import Event
from tests.server import cast


@pytest.fixture
def recording(avery, clock):
    made = cast.recording(officer=avery)
    log_event(EventType.INGEST, recording=made, clock=clock)
    return made


def test_a_recording_that_was_stored_by_the_book_agrees(recording, codes, clock):
    assert codes("deeds") == []
    assert run_check(clock=clock, only=["deeds"]).looked_at == {"stored recordings": 1, "erased recordings": 0}


def test_a_state_that_no_event_tells_of_is_found(recording, codes):
    Recording.objects.update(state="erased")
    assert codes("deeds") == ["state-without-event"]
    Recording.objects.update(state="stored")
    Event.objects.update(outcome="refused")
    assert codes("deeds") == ["state-without-event"]


def test_holds_that_are_not_counted_or_counted_twice_are_found(recording, codes, clock):
    hold = Hold.objects.create(recording=recording, kind="person", reason="asked for", placed_utc=utc(clock))
    assert codes("deeds") == ["holds-miscounted"]
    Recording.objects.update(held_count=1)
    assert codes("deeds") == []
    hold.released_utc = utc(clock)
    hold.save()
    assert codes("deeds") == ["holds-miscounted"]


def test_what_should_have_been_deleted_and_is_kept_by_nothing_is_found(recording, codes, clock):
    clock.advance(32 * 24 * 3_600_000)
    assert codes("deeds") == ["deletion-overdue"]
    Hold.objects.create(recording=recording, kind="person", reason="asked for", placed_utc=utc(clock))
    Recording.objects.update(held_count=1)
    assert codes("deeds") == []


def test_an_erasure_without_a_certificate_is_found_after_a_day(recording, codes, clock):
    Recording.objects.update(state="erased")
    event = log_event(EventType.ERASED, recording=recording, clock=clock)
    now = utc(clock)
    Deletion.objects.bulk_create(
        [
            Deletion(
                recording=recording,
                cause="policy",
                state="erased",
                rule="R1",
                due_utc=now,
                opens_utc=now - timedelta(hours=12),
                proposed_utc=now - timedelta(hours=84),
                authorised_utc=now - timedelta(hours=12),
                erased_utc=now,
                erased_event=event,
            )
        ]
    )
    assert codes("deeds") == []
    clock.advance(25 * 3_600_000)
    assert codes("deeds") == ["certificate-missing"]


def test_a_camera_that_counts_as_written_off_and_no_two_people_decided_it_is_found(codes, harper, indra, clock):
    then, kid = utc(clock), "ab" * 32
    camera = Camera.objects.create(name="0417", kid=kid, certificate="-", serial="1", enrolled_utc=then)
    Camera.objects.update(state="revoked", written_off_utc=then)
    assert codes("deeds") == ["written-off-undecided"]
    said = {"cause": "lost", "proposed_by": harper, "proposed_utc": then, "decided_by": indra, "decided_utc": then}
    WriteOff.objects.create(camera=camera, state="confirmed", **said)
    assert codes("deeds") == ["state-without-event"]
    log_event(EventType.WRITE_OFF, actor=indra, clock=clock)
    assert codes("deeds") == []
