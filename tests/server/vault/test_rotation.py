"""Keys in the table: dropped on the log's word alone, wrapped anew without loss wherever the rotation is cut off."""

import datetime

import pytest

from django.db import transaction

from openbwv.custody import EventType
from openbwv.server.evidence.models import Recording, State
from openbwv.server.trail.actions import log_event
from openbwv.server.trail.models import Event
from openbwv.server.vault import actions
from openbwv.server.vault import door as way_out
from openbwv.server.vault.epochs import begin_epoch_if_due, unneeded_epochs
from openbwv.server.vault.housekeeping import remove_strays, rotate_if_due
from openbwv.server.vault.keyd.errors import DropRefused, KeyDestroyed, RotationRefused
from openbwv.server.vault.keys import KeyClient, Wrap, key_client
from openbwv.server.vault.models import KeyWrap, Rotation, StoredObject
from openbwv.server.vault.store import vault_store

HOUR_MS = 3_600_000


@pytest.fixture
def stored(door, running_log):
    """Return three stored recordings and their footage."""
    made = [door.camera.record(utc_ms=door.clock.utc_ms()) for _ in range(3)]
    for footage in made:
        door.upload(footage)
    return [(Recording.objects.get(pk=footage.hex), footage) for footage in made]


def say(kind, recording, clock):
    with transaction.atomic():
        return log_event(kind, recording=recording, actor_label="test", rule="test", clock=clock)


def authorised(recording, clock):
    say(EventType.DELETE_PROPOSED, recording, clock)
    clock.advance(72 * HOUR_MS)
    return say(EventType.DELETE_AUTHORISED, recording, clock)


def plain(recording, clock):
    with way_out.open_for_job(recording=recording, purpose="export", clock=clock) as opened:
        return [data for _, data in opened.fragments()]


def erase(recording, clock, capture=None):
    actions.drop_key(recording=recording, authorised=authorised(recording, clock), clock=clock)
    with transaction.atomic():
        removed = actions.remove_recording_bytes(recording=recording)
        recording.state = State.ERASED
        recording.save()
    return removed


def test_a_job_reads_the_footage_and_its_reason_is_in_the_log(stored, door):
    recording, footage = stored[0]
    assert plain(recording, door.clock) == [data for _, data in footage.plain]
    event = Event.objects.filter(type=EventType.KEY_RELEASE).latest("id")
    assert event.details == {"purpose": "export"}
    assert event.leaf_index is not None


def test_sealed_reading_asks_for_no_key(stored, door, keyd):
    recording, footage = stored[0]
    before = Event.objects.count()
    keyd.server.shutdown()
    with way_out.open_for_job(recording=recording, purpose="export", clock=door.clock, sealed=True) as opened:
        assert b"".join(data for _, data in opened.sealed_fragments()) == footage.media
        assert b"".join(opened.manifest_bytes()) == footage.manifest
    assert Event.objects.count() == before


def test_after_an_erasure_neither_bytes_nor_key_are_there(stored, door, django_capture_on_commit_callbacks):
    recording, _ = stored[0]
    before = set(vault_store().keys())
    wrap = KeyWrap.objects.get(recording=recording)
    kept = Wrap(wrap.kek_id, bytes(wrap.blob), bytes(wrap.derived_blob))
    with django_capture_on_commit_callbacks(execute=True):
        removed = erase(recording, door.clock)
    gone = before - set(vault_store().keys())
    assert len(gone) == len(removed) > 0
    assert not StoredObject.objects.filter(recording=recording).exists()
    from openbwv.server.vault.release import shown_of

    view = shown_of(say(EventType.VIEW, recording, door.clock))
    with pytest.raises(KeyDestroyed):
        key_client().release(kept, rec_id=recording.rec_id, shown=view)
    for other, footage in stored[1:]:
        assert plain(other, door.clock) == [data for _, data in footage.plain]


def test_a_hold_after_the_proposal_keeps_the_key(stored, door):
    recording, footage = stored[0]
    event = authorised(recording, door.clock)
    say(EventType.HOLD, recording, door.clock)
    with pytest.raises(DropRefused):
        actions.drop_key(recording=recording, authorised=event, clock=door.clock)
    assert plain(recording, door.clock) == [data for _, data in footage.plain]


def test_a_rotation_keeps_what_lives_and_buries_what_was_erased(stored, door, keyd):
    old = {row.recording_id: Wrap(row.kek_id, bytes(row.blob), b"") for row in KeyWrap.objects.all()}
    recording, _ = stored[0]
    erase(recording, door.clock)
    rotation = actions.rotate_retention_key(clock=door.clock)
    assert rotation.state == "done"
    assert set(KeyWrap.objects.values_list("kek_id", flat=True)) == {rotation.new_kek_id}
    assert [e.slug for e in Event.objects.order_by("id")][-2:] == ["kek-rotated", "kek-destroyed"]
    for other, footage in stored[1:]:
        assert plain(other, door.clock) == [data for _, data in footage.plain]
    from openbwv.server.vault.release import shown_of

    shown = shown_of(say(EventType.VIEW, stored[1][0], door.clock))
    with pytest.raises(KeyDestroyed):
        key_client().release(old[stored[1][0].pk], rec_id=stored[1][0].rec_id, shown=shown)


@pytest.mark.parametrize("cut", ["new_kek", "wrap_anew", "confirm", "destroy_kek"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_rotation_cut_off_anywhere_goes_on_and_loses_nothing(stored, door, monkeypatch, cut, when):
    real = getattr(KeyClient, cut)

    class Killed(Exception):
        pass

    def killed(self, *arguments, **options):
        if when == "after":
            real(self, *arguments, **options)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(KeyClient, cut, killed)
        with pytest.raises(Killed):
            actions.rotate_retention_key(clock=door.clock)
    for recording, footage in stored:
        assert plain(recording, door.clock) == [data for _, data in footage.plain]
    late = door.camera.record(utc_ms=door.clock.utc_ms())  # one that comes in between
    door.upload(late)
    assert actions.rotate_retention_key(clock=door.clock).state == "done"
    assert Rotation.objects.count() == 1
    for recording, footage in [*stored, (Recording.objects.get(pk=late.hex), late)]:
        assert plain(recording, door.clock) == [data for _, data in footage.plain]


def test_a_row_missing_from_the_table_stops_the_destruction(stored, door):
    KeyWrap.objects.filter(recording=stored[0][0]).delete()
    with pytest.raises(RotationRefused):
        actions.rotate_retention_key(clock=door.clock)
    assert Rotation.objects.get().state == "wrapping"


def test_rotation_waits_for_something_to_bury(stored, door):
    door.clock.advance(40 * HOUR_MS)
    assert rotate_if_due(door.clock) is True  # the fixture's key is older than a week
    assert rotate_if_due(door.clock) is False
    door.clock.advance(25 * HOUR_MS)
    assert rotate_if_due(door.clock) is False
    erase(stored[0][0], door.clock)
    say(EventType.ERASED, stored[0][0], door.clock)
    assert rotate_if_due(door.clock) is True
    door.clock.advance(31 * 24 * HOUR_MS)
    assert rotate_if_due(door.clock) is True


def test_epochs_follow_one_another_and_none_is_forgotten_that_a_camera_may_need(stored, door):
    camera = door.camera_row
    begin_epoch_if_due(door.clock)
    names = key_client().public()["epochs"]
    assert len(names) == 2
    camera.epoch_id = names[0]
    camera.save()
    for _ in range(9):  # 63 days undocked
        door.clock.advance(7 * 24 * HOUR_MS)
        begin_epoch_if_due(door.clock)
    assert names[0] in key_client().public()["epochs"]
    footage = door.camera.record(utc_ms=door.clock.utc_ms())
    door.upload(footage)
    assert plain(Recording.objects.get(pk=footage.hex), door.clock) == [data for _, data in footage.plain]
    epochs = key_client().public()["epochs"]
    camera.epoch_id = epochs[-1]
    camera.save()
    assert unneeded_epochs(epochs) == epochs[:-2]
    begin_epoch_if_due(door.clock)
    assert key_client().public()["epochs"] == epochs[-2:]


def test_one_person_who_revokes_a_camera_or_reports_it_lost_frees_no_epoch(stored, door, harper):
    from openbwv.server.fleet.actions import revoke

    first, camera = key_client().public()["epochs"][0], door.camera_row
    camera.epoch_id = first
    camera.save()
    for lost in (True, False):
        revoke(device=camera, lost=lost, actor=harper, why="dropped into the river", clock=door.clock)
        for _ in range(4):
            door.clock.advance(7 * 24 * HOUR_MS)
            begin_epoch_if_due(door.clock)
        assert first in key_client().public()["epochs"]


def test_files_that_no_row_names_go_after_an_hour(stored, door):
    import os

    store = vault_store()
    fresh, old = store.put(b"fresh"), store.put(b"old")
    past = datetime.datetime.now().timestamp() - 7200
    os.utime(store.path(old), (past, past))
    for key in set(store.keys()) - {fresh, old}:
        os.utime(store.path(key), (past, past))
    assert remove_strays(door.clock) == 1
    assert store.path(fresh).exists()
    assert plain(stored[0][0], door.clock)
