"""What came of a camera that was not known here is offered again once it is enrolled, through the door's own checks."""

import uuid

import pytest

from openbwv.server.clock import utc
from openbwv.server.evidence.models import Recording, State
from openbwv.server.fleet.models import Camera, DeviceState, Dock, Enrolment, EnrolmentState
from openbwv.server.ingest.aside import aside_store
from openbwv.server.ingest.models import Aside
from openbwv.server.ingest.offering import offer_again
from openbwv.server.trail.models import Event
from openbwv.server.vault.store import vault_store


@pytest.fixture
def unknown(door):
    """Return a camera of this force that its database does not know (its row), and that row, not saved."""
    row, camera = door.new_camera("0999")
    Camera.objects.filter(pk=row.pk).delete()
    row.pk = None
    return camera, row


@pytest.fixture
def enrol(door, harper, clock):
    """Return a function that saves a camera's row as Harper's confirmation at a dock does."""

    def confirmed(row):
        row.save()
        Enrolment.objects.create(
            csr=b"-", code="123456", name=row.name, dock=Dock.objects.get(), state=EnrolmentState.CONFIRMED,
            asked_at=utc(clock), confirmed_by=harper, camera=row,
        )  # fmt: skip

    return confirmed


@pytest.fixture
def brought(door, unknown):
    """Return footage of that camera, all of which a dock brought and the door kept aside."""
    footage = unknown[0].record(utc_ms=door.clock.utc_ms())
    assert door.ask("PUT", f"/recordings/{footage.hex}/manifest?from=0", footage.manifest)[0] == 202
    assert door.ask("PUT", f"/recordings/{footage.hex}/key", footage.key_cbor)[0] == 202
    half = len(footage.sealed) // 2
    for first, count in ((0, half), (half, len(footage.sealed) - half)):
        seq, data = footage.part(first, count)
        assert door.ask("PUT", f"/recordings/{footage.hex}/parts/{seq}", data)[0] == 202
    return footage


def test_all_of_it_becomes_the_recording_and_gets_its_receipt(door, running_log, unknown, brought, enrol, harper):
    assert offer_again(door.clock) == 0, "nobody has enrolled it"
    enrol(unknown[1])
    assert offer_again(door.clock) == 4
    row = Recording.objects.get(pk=uuid.UUID(bytes=brought.rec_id))
    assert row.state == State.ARRIVING
    assert row.camera == unknown[1]
    assert set(Aside.objects.values_list("resolved_by__username", flat=True)) == {harper.username}
    assert Event.objects.filter(type=12, rule="offered-again").count() == 4
    assert len(list(aside_store().keys())) == 4, "what was kept aside stays"
    media = door.ask("GET", f"/recordings/{brought.hex}/parts")[1]["parts"]
    assert sum(each["length"] for each in media) == len(brought.media)
    assert door.complete(brought)[0] == 200, "nothing has to be sent again"
    assert offer_again(door.clock) == 0


def test_a_fragment_of_more_than_a_mebibyte_finds_its_place(door, running_log, unknown, enrol):
    footage = unknown[0].record(utc_ms=door.clock.utc_ms(), seconds=1, size=(1 << 20) + 1)
    assert door.ask("PUT", f"/recordings/{footage.hex}/manifest?from=0", footage.manifest)[0] == 202
    seq, data = footage.part(1, 1)
    assert door.ask("PUT", f"/recordings/{footage.hex}/parts/{seq}", data)[0] == 202
    enrol(unknown[1])
    assert offer_again(door.clock) == 2
    assert door.ask("GET", f"/recordings/{footage.hex}/parts")[1]["parts"][0]["length"] == len(data)


def test_nothing_passes_that_the_door_would_refuse(door, running_log, unknown, brought, enrol, harper):
    part = Aside.objects.filter(kind="part").last()
    path = aside_store().path(part.path)
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    enrol(unknown[1])
    files = set(vault_store().keys())
    assert offer_again(door.clock) == 4
    part.refresh_from_db()
    assert "refused" in part.resolved_why
    assert len(set(vault_store().keys()) - files) == 2, "entries and the good part"
    assert door.complete(brought)[0] == 409


@pytest.mark.parametrize("who", ["camera", "dock"])
def test_what_a_revoked_device_made_or_brought_stays_aside(door, unknown, brought, enrol, who):
    enrol(unknown[1])
    (Camera.objects.filter(name="0999") if who == "camera" else Dock.objects).update(state=DeviceState.REVOKED)
    assert offer_again(door.clock) == 0
    assert Aside.objects.filter(resolved_utc=None).count() == 4
    assert Recording.objects.count() == 0


def test_a_stranger_of_another_agency_with_an_enrolled_key_is_refused_once(door, brought, enrol):
    stranger = door.stranger()
    footage = stranger.record(utc_ms=door.clock.utc_ms())
    assert door.ask("PUT", f"/recordings/{footage.hex}/manifest?from=0", footage.manifest)[0] == 202
    kept = Aside.objects.get(device_kid=stranger.kid.hex())
    enrol(Camera(name="0888", kid=stranger.kid.hex(), certificate="", serial="", enrolled_utc=kept.at_utc))
    assert offer_again(door.clock) == 1
    kept.refresh_from_db()
    assert "refused" in kept.resolved_why
    assert offer_again(door.clock) == 0
    assert Recording.objects.count() == 0
