"""The camera's journal: one chain, resumed, begun anew, and nobody else's."""

import pytest

from openbwv.recording import CATEGORIES, EventKind, JournalBody, JournalBuilder
from openbwv.server.evidence.models import Recording
from openbwv.server.fleet.models import Camera
from openbwv.server.ingest import journal as journal_module
from openbwv.server.ingest.models import Aside, JournalPart


def journal(camera, count=5, journal_id=b"j" * 16):
    builder = JournalBuilder(chain_id=journal_id, signer=camera.signer, chain=camera.chain)
    entries = [builder.open(JournalBody(bt=1), mono_ns=1)]
    entries += [builder.event(EventKind.HEARTBEAT, mono_ns=n + 2, public={1: 90}) for n in range(count)]
    return builder, entries


def put(door, entries, seq=0, camera=None):
    kid = (camera or door.camera).kid.hex()
    return door.ask("PUT", f"/journal?camera={kid}&from={seq}", b"".join(entries))[:2]


def held(door):
    return door.ask("GET", f"/journal?camera={door.camera.kid.hex()}")[1]["next_seq"]


def test_it_comes_in_pieces_and_again(door):
    builder, entries = journal(door.camera)
    assert held(door) == 0
    status, answer = put(door, entries[:3])
    assert (status, answer["next_seq"], len(answer["tail"])) == (200, 3, 64)
    assert put(door, entries[2:], seq=2)[1]["next_seq"] == 6
    assert put(door, entries)[1]["next_seq"] == 6
    assert held(door) == 6
    assert JournalPart.objects.count() == 2
    later = builder.event(EventKind.BOOT, mono_ns=1, public={1: 2})
    assert put(door, [later], seq=6)[1]["next_seq"] == 7


def test_it_does_not_say_when_the_camera_was_docked(door):
    """A dock that had no network hands a journal on days later; the signed counters say when the camera stood there."""
    put(door, journal(door.camera)[1])
    assert Camera.objects.get().last_docked_utc is None


def test_a_new_journal_follows_the_old_one(door):
    put(door, journal(door.camera)[1])
    assert put(door, journal(door.camera, 2, b"k" * 16)[1])[1]["next_seq"] == 3
    assert bytes(Camera.objects.get().journal_id) == b"k" * 16


def test_an_older_journal_that_comes_again_changes_nothing(door):
    _, old = journal(door.camera)
    put(door, old)
    first_answer = put(door, old)[1]
    builder, new = journal(door.camera, 2, b"k" * 16)
    put(door, new)
    for again in (old, old[:2]):
        assert put(door, again) == (200, first_answer)
    assert put(door, old[2:], seq=2) == (200, first_answer)
    assert (held(door), bytes(Camera.objects.get().journal_id), JournalPart.objects.count()) == (3, b"k" * 16, 2)
    assert put(door, [builder.event(EventKind.HEARTBEAT, mono_ns=9, public={1: 1})], seq=3)[1]["next_seq"] == 4


def test_an_older_journal_with_other_entries_is_kept_aside(door):
    _, old = journal(door.camera)
    put(door, old)
    put(door, journal(door.camera, 2, b"k" * 16)[1])
    _, other = journal(door.camera, 9)
    status, answer = put(door, other)
    assert (status, answer["error"]["code"]) == (409, "entry-refused")
    assert (Aside.objects.get().kind, held(door)) == ("journal", 3)


def test_a_revoked_or_unknown_cameras_journal_is_kept_aside(door):
    _, entries = journal(door.camera)
    Camera.objects.update(state="revoked")
    status, answer = put(door, entries)
    assert (status, answer["error"]["code"]) == (403, "revoked")
    stranger = door.stranger()
    assert put(door, journal(stranger)[1], camera=stranger)[0] == 202
    assert sorted(Aside.objects.values_list("kind", "code")) == [("journal", "revoked"), ("journal", "unknown-device")]
    assert not JournalPart.objects.exists()


def test_a_gap_is_asked_for_and_another_chain_refused(door):
    _, entries = journal(door.camera)
    status, answer = put(door, entries[3:], seq=3)
    assert (status, answer["error"]["code"], answer["error"]["next_seq"]) == (409, "entries-first", 0)
    put(door, entries[:3])
    _, other = journal(door.camera, 9)
    assert put(door, [other[4]], seq=3)[0] == 409
    assert Aside.objects.get().kind == "journal"
    assert held(door) == 3


@pytest.mark.parametrize("data", [[b"\x00"], [b"\xd2\x84\x40"]])
def test_nonsense_is_refused(door, data):
    assert put(door, data)[0] == 400


def test_it_is_that_cameras_own(door):
    _, other = door.new_camera("0555")
    _, entries = journal(other)
    assert put(door, entries)[0] == 400
    door.hello(other.key, other.chain)
    assert put(door, entries)[0] == 403
    assert put(door, entries, camera=other)[0] == 200
    stranger = door.stranger()
    door.hello_dock()
    assert put(door, journal(stranger)[1], camera=stranger)[0] == 202


def test_a_label_given_after_the_end_reaches_its_recording_and_no_other_cameras(door):
    footage = door.camera.record(utc_ms=door.clock.utc_ms())
    row, other = door.new_camera("0555")
    foreign = other.record(utc_ms=door.clock.utc_ms())
    for each in (footage, foreign):
        door.announce(each)
    builder, entries = journal(door.camera, 0)
    arrest = CATEGORIES["arrest"].code
    for rec_id in (footage.rec_id, foreign.rec_id, b"u" * 16):
        entries.append(builder.event(EventKind.LABEL, mono_ns=9, public={1: rec_id, 2: arrest, 3: True}))
    assert put(door, entries)[0] == 200
    mine, theirs = (Recording.objects.get(pk=each.hex) for each in (footage, foreign))
    assert (mine.category, mine.evidential_from_camera, mine.flags.count()) == ("arrest", True, 1)
    assert (theirs.category, theirs.evidential_from_camera) == ("none", False)
    assert mine.events.filter(type=20).exists()
    assert theirs.camera == row


@pytest.mark.parametrize("other", ["the same entries", "another journal"])
def test_two_senders_at_once_leave_one_whole_journal(door, monkeypatch, other):
    """A camera and its dock, or two docks: the second came between the look at the journal and the row."""
    builder, entries = journal(door.camera)
    put(door, entries[:3])
    first = entries[3:] if other == "the same entries" else journal(door.camera, 2, b"k" * 16)[1]
    real = journal_module._store

    def overtaken(*arguments):
        monkeypatch.setattr(journal_module, "_store", real)
        assert put(door, first, seq=3 if first[0] == entries[3] else 0)[0] == 200
        real(*arguments)

    monkeypatch.setattr(journal_module, "_store", overtaken)
    status, answer = put(door, entries[3:], seq=3)
    if other == "the same entries":
        assert (status, answer["next_seq"]) == (200, 6)
    else:
        assert (status, answer["error"]["code"]) == (409, "entry-refused")
    camera = Camera.objects.get()
    parts = JournalPart.objects.filter(journal_id=bytes(camera.journal_id)).order_by("first_seq")
    assert [part.first_seq for part in parts] == ([0, 3] if other == "the same entries" else [0])
    assert parts.last().last_seq + 1 == camera.journal_next_seq
    if other == "the same entries":
        later = builder.event(EventKind.BOOT, mono_ns=99, public={1: 2})
        assert put(door, [later], seq=6)[1]["next_seq"] == 7
