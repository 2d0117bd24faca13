"""What a write-off gives up is listed before, is not waited for after, and what of it is here stays openable."""

import pytest

from openbwv.custody import EventType
from openbwv.recording import cbor
from openbwv.server.clock import utc
from openbwv.server.evidence.models import Recording
from openbwv.server.fleet.errors import WriteOffOver
from openbwv.server.fleet.given_up import given_up_with
from openbwv.server.fleet.models import Camera
from openbwv.server.fleet.write_offs import confirm_write_off, lapse_where_heard, take_back_write_off
from openbwv.server.ingest import complete
from openbwv.server.ingest.aside import aside_store
from openbwv.server.ingest.given_up import wrap_given_up
from openbwv.server.ingest.models import Aside, Counted, MissingNumber, Receipt
from openbwv.server.people.templatetags.plain import day
from openbwv.server.people.todo import todo_for
from openbwv.server.retention.queries import explain
from openbwv.server.trail.models import Event
from openbwv.server.trail.queries import trail_of
from openbwv.server.vault import actions as vault_actions
from openbwv.server.vault.epochs import begin_epoch_if_due, unneeded_epochs
from openbwv.server.vault.errors import NotStored
from openbwv.server.vault.models import KeyWrap, PendingKey, StoredObject
from openbwv.server.vault.viewing import opened_for
from tests.server.fleet.writing_off import WEEK_MS, camera, epochs, opened, propose, write_off

__all__ = ["camera"]


@pytest.fixture
def coming(door, camera, running_log, avery):
    """Return footage of the camera numbered 1 (here whole), 2 (announced) and 4 (two parts of it here)."""
    made = {rc: door.camera.record(utc_ms=door.clock.utc_ms(), rc=rc) for rc in (1, 2, 4)}
    door.upload(made[1])
    door.announce(made[2])
    door.announce(made[4])
    seq, data = made[4].part(0, 2)
    assert door.ask("PUT", f"/recordings/{made[4].hex}/parts/{seq}", data)[0] == 201
    Camera.objects.filter(pk=camera.pk).update(next_rc=7)
    Recording.objects.update(officer=avery, unit=avery.unit)
    camera.refresh_from_db()
    door.clock.advance(1000)
    return made


def row(footage):
    return Recording.objects.select_related("camera").get(pk=footage.hex)


def whole(footage):
    return f"/recordings/{footage.hex}"


def test_what_is_given_up_is_listed(door, camera, coming):
    found = given_up_with(camera, door.clock)
    assert (found.missing, found.numbers) == (((3, 3), (5, 6)), "3, 5 to 6")
    first, second = found.unfinished
    assert (first.recording, first.here_bytes, first.has_key, first.can_be_shown) == (row(coming[2]), 0, True, False)
    here = sum(len(data) for _, data in coming[4].sealed[:2])
    assert (second.recording, second.here_bytes, second.can_be_shown) == (row(coming[4]), here, True)
    assert second.recording.media_bytes == len(coming[4].media)
    assert found.keys.goes == tuple(epochs()[:3])


def test_a_camera_that_brought_all_gives_up_what_nobody_can_count(door, camera):
    found = given_up_with(camera, door.clock)
    assert (found.missing, found.unfinished, found.numbers) == ((), (), "")


def test_the_decision_keeps_the_list_and_tells_each_recording(door, camera, coming, harper, indra):
    made = write_off(camera, harper, indra, door.clock)
    assert made.given_up["missing"] == [[3, 3], [5, 6]]
    assert made.given_up["unfinished"] == [row(coming[2]).reference, row(coming[4]).reference]
    said = "What of it is not here was given up: camera 0417 was written off by two people."
    assert said in [line.what for line in trail_of(row(coming[2]))]
    assert said not in [line.what for line in trail_of(row(coming[1]))]
    take_back_write_off(write_off=made, reason="found", actor=harper, clock=door.clock)
    assert "is waited for again" in trail_of(row(coming[4]))[0].what


def watch(footage, gale, clock):
    """Return what a viewing of it shows."""
    return opened_for(
        vault_actions.start_viewing(
            recording=row(footage), person=gale, reason="interview", rule="watch-any", clock=clock
        )
    )


@pytest.mark.parametrize("left", [2, 4])
def test_every_key_that_is_here_of_what_is_given_up_is_wrapped_before_an_epoch_key_goes(
    door, camera, coming, harper, indra, gale, running_log, left
):
    assert unneeded_epochs(epochs()) == []
    write_off(camera, harper, indra, door.clock)
    other = PendingKey.objects.exclude(recording=row(coming[left]))
    kept = other.get()
    other.delete()
    begin_epoch_if_due(door.clock)
    assert camera.epoch_id in epochs(), "either waits for its key, also the one of which no footage is here"
    kept.save(force_insert=True)
    assert wrap_given_up(door.clock) == 2
    begin_epoch_if_due(door.clock)
    assert camera.epoch_id not in epochs()
    assert not PendingKey.objects.exists()
    footage = watch(coming[4], gale, door.clock)
    here, missing = footage.table.fragments[1], footage.table.fragments[2]
    assert footage.fragment(here) == coming[4].plain[1][1]
    with pytest.raises(NotStored):
        footage.fragment(missing)
    views = Event.objects.filter(type=EventType.VIEW).count()
    with pytest.raises(NotStored):
        watch(coming[2], gale, door.clock)
    assert Event.objects.filter(type=EventType.VIEW).count() == views, "its key was not asked for"


def test_pages_say_that_it_is_given_up_and_nobody_is_told_to_wait(
    door, camera, coming, harper, indra, avery, as_person
):
    door.clock.advance(2 * 3_600_000)
    assert "recordings were announced but are not uploaded" in {line.words for line in todo_for(avery, door.clock)}
    write_off(camera, harper, indra, door.clock)
    wrap_given_up(door.clock)
    assert not any("announced" in line.words for line in todo_for(avery, door.clock))
    client, today = as_person(avery), day(utc(door.clock))
    listed = client.get("/recordings/").content.decode()
    assert listed.count(f"Given up: camera 0417 was written off {today}") == 2
    assert "Still on camera" not in listed
    assert "Uploading" not in listed
    given_up, waiting = (
        client.get(f"/recordings/?state={state}").content.decode() for state in ("given-up", "not-here")
    )
    for number in (2, 4):
        assert row(coming[number]).reference in given_up
        assert row(coming[number]).reference not in waiting
    assert row(coming[1]).reference not in given_up
    nothing = client.get(row(coming[2]).get_absolute_url()).content.decode()
    assert f"Given up: camera 0417 was written off on {today}." in nothing
    assert "Nothing that can be shown had come in before." in nothing
    assert ">Watch<" not in nothing
    part = client.get(row(coming[4]).get_absolute_url()).content.decode()
    assert "What had come in before can be watched; the rest is no longer waited for." in part
    assert ">Watch<" in part
    assert "no longer waited for: its camera was written off" in explain(row(coming[2])).sentence


def test_a_key_that_does_not_open_is_kept_aside_and_keeps_no_epoch_key(door, camera, coming, harper, indra):
    other = door.camera.record(utc_ms=door.clock.utc_ms(), rc=9)
    PendingKey.objects.filter(recording=row(coming[4])).update(key_cbor=other.key_cbor)
    write_off(camera, harper, indra, door.clock)
    assert wrap_given_up(door.clock) == 1, "that of the other one"
    assert Aside.objects.get(kind="key").code == "key-does-not-open"
    begin_epoch_if_due(door.clock)
    assert camera.epoch_id not in epochs()


@pytest.mark.parametrize("number", [2, 4])
def test_a_dock_that_still_holds_the_rest_may_send_it(door, camera, coming, harper, indra, gale, running_log, number):
    """Its entries were judged before, so this is no word of whoever has the camera now."""
    write_off(camera, harper, indra, door.clock)
    wrap_given_up(door.clock)
    begin_epoch_if_due(door.clock)
    assert camera.epoch_id not in epochs()
    door.send(coming[number])
    status, answer, _ = door.complete(coming[number])
    assert status == 200, answer
    assert bytes(Receipt.objects.get(recording=row(coming[number])).signed) == answer
    assert row(coming[number]).state == "stored"
    footage = watch(coming[number], gale, door.clock)
    assert [data for _, data in footage.fragments()] == [each[1] for each in coming[number].plain]


def test_what_a_dock_sends_with_its_key_only_after_the_epoch_key_went_is_kept_and_opens_no_more(
    door, camera, coming, harper, indra
):
    PendingKey.objects.filter(recording=row(coming[2])).delete()  # the dock was cut off before it sent it
    write_off(camera, harper, indra, door.clock)
    wrap_given_up(door.clock)
    begin_epoch_if_due(door.clock)
    assert door.ask("PUT", f"{whole(coming[2])}/key", coming[2].key_cbor)[0] == 201
    door.send(coming[2])
    status, answer, _ = door.complete(coming[2])
    assert (status, answer["error"]["code"]) == (409, "key-does-not-open")
    assert "was destroyed" in answer["error"]["what"]
    kept = Aside.objects.get(kind="key")
    assert aside_store().read(kept.path, length=kept.length) == coming[2].key_cbor
    assert row(coming[2]).state == "stored"
    assert not KeyWrap.objects.filter(recording=row(coming[2])).exists()


def test_what_of_it_comes_in_after_the_keys_have_gone(door, camera, harper, indra):
    """It is turned away, and what a dock still sends of it is kept aside, sealed and without a receipt."""
    write_off(camera, harper, indra, door.clock)
    begin_epoch_if_due(door.clock)
    status, answer = door.hello(door.camera.key, door.camera.chain)
    assert (status, answer["error"]["code"]) == (403, "revoked")
    assert door.hello_dock()[0] == 200
    footage = door.camera.record(utc_ms=door.clock.utc_ms(), rc=1)
    status, answer, _ = door.ask("PUT", f"{whole(footage)}/manifest?from=0", footage.manifest)
    assert (status, answer["error"]["code"]) == (403, "revoked")
    seq, data = footage.part(0, 2)
    for address, body in ((f"parts/{seq}", data), ("key", footage.key_cbor)):
        status, answer, _ = door.ask("PUT", f"{whole(footage)}/{address}", body)
        assert (status, answer["code"], answer["aside"]) == (202, "unknown-device", True)
    assert door.complete(footage)[0] == 202
    kept = {each.kind: aside_store().read(each.path, length=each.length) for each in Aside.objects.all()}
    assert set(kept) == {"hello", "manifest", "part", "key"}
    assert (kept["manifest"], kept["part"], kept["key"]) == (footage.manifest, data, footage.key_cbor)
    assert Recording.objects.count() == 0
    assert not Receipt.objects.exists()


def bring_announcement(door, coming):
    door.announce(door.camera.record(utc_ms=door.clock.utc_ms(), rc=5))


def bring_part(door, coming):
    seq, data = coming[2].part(0, 1)
    assert door.ask("PUT", f"{whole(coming[2])}/parts/{seq}", data)[0] == 201


def bring_rest(door, coming):
    door.send(coming[4])
    assert door.complete(coming[4])[0] == 200


@pytest.mark.parametrize("bring", [bring_announcement, bring_part, bring_rest])
def test_a_dock_that_brings_more_before_the_decision_ends_the_proposal(
    door, camera, coming, harper, indra, running_log, bring
):
    made = propose(camera, harper, door.clock)
    what = opened(made, indra, door.clock)
    assert lapse_where_heard(door.clock) == 0
    bring(door, coming)
    with pytest.raises(WriteOffOver):
        confirm_write_off(**what)
    made.refresh_from_db()
    assert made.state == "lapsed"
    again = write_off(camera, harper, indra, door.clock)
    assert again.state == "confirmed", "what had come by then is listed with it"


def test_a_file_of_another_camera_or_one_that_the_server_made_ends_no_proposal(door, camera, coming, harper):
    _, other = door.new_camera("0418")
    propose(camera, harper, door.clock)
    door.upload(other.record(utc_ms=door.clock.utc_ms(), rc=1))
    StoredObject.objects.create(key="still", kind="derived", name="thumbnail", length=1, recording=row(coming[1]))
    assert lapse_where_heard(door.clock) == 0


def test_a_recording_deleted_while_its_key_is_wrapped_keeps_none(door, camera, coming, harper, indra, monkeypatch):
    write_off(camera, harper, indra, door.clock)

    def erased_meanwhile(recording, _):
        Recording.objects.filter(pk=recording.pk).update(state="erased")

    monkeypatch.setattr(complete, "note_taken", erased_meanwhile)
    wrap_given_up(door.clock)
    assert not KeyWrap.objects.filter(recording__rc__in=(2, 4)).exists()


def test_nothing_of_this_touches_another_camera(door, camera, coming, harper, indra):
    other, made = door.new_camera("0418")
    made.epoch = {"id": epochs()[-1], "public": door.keyd.ring.epoch.public}
    other.epoch_id = epochs()[-1]
    other.save()
    door.announce(made.record(utc_ms=door.clock.utc_ms(), rc=1))
    before = Event.objects.count()
    write_off(camera, harper, indra, door.clock)
    wrap_given_up(door.clock)
    door.clock.advance(WEEK_MS)
    begin_epoch_if_due(door.clock)
    assert camera.epoch_id in epochs(), "a recording of another camera is still coming in"
    assert Event.objects.count() > before


def count(door, camera, next_rc, held=()):
    """Note a camera's word of what it counted, as a dock brings it."""
    facts = {"signed": b"", "next_rc": next_rc, "journal_tail": bytes(32), "newest_tail": bytes(32)}
    Counted.objects.create(camera=camera, taken_utc=utc(door.clock), **facts)
    Camera.objects.filter(pk=camera.pk).update(next_rc=next_rc)
    camera.refresh_from_db()
    for rc in range(1, next_rc):
        MissingNumber.objects.create(camera=camera, rc=rc, since_utc=utc(door.clock), on_camera=rc in held)


def test_what_a_camera_says_it_still_holds_keeps_every_key_until_two_people_give_it_up(door, camera, harper, indra):
    count(door, camera, 4, held=(2, 3))
    Camera.objects.filter(pk=camera.pk).update(epoch_id=epochs()[-1])
    camera.refresh_from_db()
    door.clock.advance(1000)
    assert unneeded_epochs(epochs()) == []
    found = given_up_with(camera, door.clock)
    assert (found.numbers, found.held_in_words) == ("1 to 3", "numbers 2 to 3")
    assert found.keys.goes == tuple(epochs()[:3])
    write_off(camera, harper, indra, door.clock)
    assert unneeded_epochs(epochs()) == epochs()[:3]


def test_counters_that_a_dock_brings_late_end_a_proposal(door, camera, harper):
    made = propose(camera, harper, door.clock)
    count(door, camera, 2)
    assert camera.last_docked_utc < made.proposed_utc
    assert lapse_where_heard(door.clock) == 1


@pytest.mark.parametrize(("before", "taken"), [((), False), ((1,), False), ((1, 2), True)])
def test_behind_a_dock_a_newer_key_shows_in_what_was_recorded(door, camera, running_log, before, taken):
    old, ring = camera.epoch_id, door.keyd.ring
    for rc in before:
        door.upload(door.camera.record(utc_ms=door.clock.utc_ms(), rc=rc))
    camera.refresh_from_db()
    assert camera.epoch_id == old
    door.camera.epoch = {"id": ring.epoch.id, "public": ring.epoch.public}
    door.upload(door.camera.record(utc_ms=door.clock.utc_ms(), rc=3))
    camera.refresh_from_db()
    assert camera.epoch_id == (ring.epoch.id if taken else old), "what it began before may be sealed to an older key"


@pytest.mark.parametrize("first", [True, False])
def test_a_dock_that_adds_a_copy_of_a_key_frees_no_older_one(door, camera, running_log, first):
    made = door.camera.record(utc_ms=door.clock.utc_ms(), rc=1)
    own = cbor.decode(made.key_cbor)
    added = [{1: own[0][1], 2: door.keyd.ring.epoch.id, 3: bytes(len(own[0][3]))}]
    made.key_cbor = cbor.encode(added + own if first else own + added)
    door.upload(made)
    assert KeyWrap.objects.count() == 1
    camera.refresh_from_db()
    assert camera.epoch_id == epochs()[0], "what it records next is sealed to that one still"
