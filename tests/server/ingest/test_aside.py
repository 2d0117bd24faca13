"""What is kept aside is bounded, of one sender and in all; past a bound it is counted, never silent."""

import pytest

from openbwv.server.ingest.aside import aside_store
from openbwv.server.ingest.models import Aside
from openbwv.server.trail.models import Event

pytestmark = pytest.mark.django_db


def files():
    return list(aside_store().keys())


def strangers_say_hello(door, count):
    for _ in range(count):
        stranger = door.stranger()
        assert door.hello(stranger.key, stranger.chain)[0] == 202


@pytest.mark.parametrize("bound", ["ASIDE_SENDER_COUNT", "ASIDE_TOTAL_COUNT"])
def test_strangers_with_ever_new_keys_fill_two_rows_and_then_a_counter(door, settings, bound):
    setattr(settings, bound, 2)
    strangers_say_hello(door, 5)
    note = Aside.objects.get(code="aside-full")
    assert (note.kind, note.sender_kid, note.times, note.length) == ("note", "stranger", 3, 0)
    assert Aside.objects.filter(code="unknown-device").count() == len(files()) == 2
    assert Event.objects.filter(type=12).count() == 3


def test_what_strangers_fill_leaves_room_for_a_device_of_ours(door, settings):
    settings.ASIDE_SENDER_COUNT = 2
    strangers_say_hello(door, 3)
    door.hello_dock()
    footage = door.stranger().record(utc_ms=door.clock.utc_ms())
    assert door.ask("PUT", f"/recordings/{footage.hex}/manifest?from=0", footage.manifest)[0] == 202
    assert Aside.objects.filter(kind="manifest", sender_kid=door.dock.kid).count() == 1


@pytest.mark.parametrize("bound", ["ASIDE_SENDER_BYTES", "ASIDE_TOTAL_BYTES"])
def test_bytes_are_bounded_for_entries_and_media_too(door, settings, bound):
    footage = door.stranger().record(utc_ms=door.clock.utc_ms())
    assert door.ask("PUT", f"/recordings/{footage.hex}/manifest?from=0", footage.manifest)[0] == 202
    setattr(settings, bound, len(footage.manifest) + 10)
    seq, data = footage.part(0, 2)
    for _ in range(2):
        assert door.ask("PUT", f"/recordings/{footage.hex}/parts/{seq}", data)[0] == 202
    assert Aside.objects.get(code="aside-full").times == 2
    assert len(files()) == 1


def test_the_same_again_is_counted_where_it_is_kept(door, settings):
    settings.ASIDE_SENDER_COUNT = 1
    footage = door.stranger().record(utc_ms=door.clock.utc_ms())
    for _ in range(3):
        door.ask("PUT", f"/recordings/{footage.hex}/manifest?from=0", footage.manifest)
    assert [each.times for each in Aside.objects.all()] == [3]
