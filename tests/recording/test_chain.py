"""Building and reading a chain: whole, in pieces, with a pause between, after a power cut, as a journal."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openbwv import recording as r
from openbwv.recording.problems import CloseCounts
from tests.recording.factory import SECOND, Agency, flip_last, malleate, read_all, resign

AGENCY = Agency()
CAMERA = AGENCY.camera()
REC = CAMERA.record(6)


@given(st.lists(st.integers(1, 400), max_size=60))
@settings(max_examples=40)
def test_entries_come_out_the_same_however_the_bytes_come_in(sizes):
    reader, entries, position = r.ManifestReader(), [], 0
    for size in [*sizes, len(REC.manifest)]:
        entries += reader.feed(REC.manifest[position : position + size])
        position += size
    reader.finish()
    assert [entry.raw for entry in entries] == REC.entries
    assert (reader.closed, reader.tail, reader.good_bytes) == (True, REC.tail, len(REC.manifest))


def test_fragments_lie_where_the_reader_says():
    _, entries = read_all(REC.manifest)
    fragments = [entry.fragment for entry in entries if entry.fragment]
    for info, sealed, plain in zip(fragments, REC.media, REC.plain, strict=True):
        assert REC.media_bin[info.offset : info.offset + info.n] == sealed
        key = r.media_key(REC.dek, REC.rec_id)
        assert r.open_sealed(key, REC.rec_id, info.seq, 0, sealed) == plain
        assert r.plaintext_commitment(REC.commit_key, plain) == info.pc


def test_sealed_metadata_opens_under_its_own_number_only():
    _, entries = read_all(REC.manifest)
    entry = next(entry for entry in entries if isinstance(entry.body, r.FragBody) and entry.body.sealed)
    key = r.media_key(REC.dek, REC.rec_id)
    assert r.cbor.decode(r.open_sealed(key, REC.rec_id, entry.seq, 1, entry.body.sealed)) == {
        1: [[515_000_000, 1_000_000]]
    }
    for rec_id, seq, domain in ((REC.rec_id, entry.seq, 0), (REC.rec_id, entry.seq + 1, 1), (bytes(16), entry.seq, 1)):
        with pytest.raises(r.SealError):
            r.open_sealed(key, rec_id, seq, domain, entry.body.sealed)


@pytest.mark.parametrize("cut", range(len(REC.entries) + 1))
def test_a_reader_saved_between_any_two_entries_goes_on(cut):
    first = r.ManifestReader()
    first.feed(b"".join(REC.entries[:cut]))
    second = r.ManifestReader.restore(first.save())
    assert second.save() == first.save()
    second.feed(b"".join(REC.entries[cut:]))
    second.finish()
    assert (second.closed, second.tail, second.media_bytes) == (True, REC.tail, len(REC.media_bin))


def test_read_yields_the_good_entries_before_it_raises():
    reader, good = r.ManifestReader(), []
    with pytest.raises(r.SignatureWrong):  # noqa: PT012
        for entry in reader.read(b"".join(REC.entries[:3]) + flip_last(REC.entries[3]) + REC.entries[4]):
            good.append(entry.seq)
    assert (good, reader.next_seq, reader.good_bytes) == ([0, 1, 2], 3, len(b"".join(REC.entries[:3])))


def test_the_next_recording_follows_whichever_twin_of_the_last_entry_is_kept():
    twin = read_all(b"".join(REC.entries[:-1]) + malleate(REC.entries[-1]))[0]
    assert twin.tail == REC.tail


def test_one_key_two_entries_in_one_place_is_a_cloned_key():
    other = resign(REC.entries[4], CAMERA.signer, lambda payload: payload.update({5: payload[5] + 1}))
    one, two = r.parse_entry(REC.entries[4]), r.parse_entry(other)
    assert r.is_equivocation(one, two)
    assert not r.is_equivocation(one, one)
    assert not r.is_equivocation(one, r.parse_entry(REC.entries[5]))


def recovered(cut, *, bt=2, mono_ns=5):
    reader = r.ManifestReader()
    reader.feed(b"".join(REC.entries[:cut]))
    return b"".join(REC.entries[:cut]) + r.close_recovered(reader, signer=CAMERA.signer, mono_ns=mono_ns, bt=bt)


@pytest.mark.parametrize("cut", range(1, len(REC.entries)))
def test_recovery_closes_what_is_there_without_the_data_key(cut):
    reader, entries = read_all(recovered(cut))
    assert reader.closed
    assert (entries[-1].body.why, entries[-1].body.bt) == (r.CloseReason.RECOVERED, 2)
    assert entries[-1].mono_ns == 5, "monotonic time began anew"


def test_recovery_happens_in_a_later_start_or_not_at_all():
    with pytest.raises(r.OrderError):
        recovered(4, bt=1)
    with pytest.raises(r.OrderError):
        recovered(len(REC.entries))
    manifest = recovered(4)
    close = resign(manifest[len(b"".join(REC.entries[:4])) :], CAMERA.signer, lambda p: p[6].update({4: 1}))
    with pytest.raises(CloseCounts):
        read_all(b"".join(REC.entries[:4]) + close)


def test_a_builder_cannot_be_used_out_of_order():
    builder, rec = CAMERA.start()
    late = CAMERA.mono_ns + 500 * SECOND
    for wrong in (
        lambda: builder.open(CAMERA.open_body(), mono_ns=late),
        lambda: builder.fragment(b"", mono_ns=late, times=CAMERA.times(0)),
        lambda: builder.fragment(b"x", mono_ns=1, times=CAMERA.times(0)),
        lambda: builder.event(r.EventKind.BOOT, mono_ns=late, public={1: 1}),
        lambda: builder.event(r.EventKind.MUTE_ON, mono_ns=late, public={1: 99, 2: 1}),
        lambda: builder.event(r.EventKind.CATEGORY, mono_ns=late, public={1: 11, 2: True}),
        lambda: builder.fragment(bytes(r.MAX_FRAGMENT_BYTES + 1), mono_ns=late, times=CAMERA.times(0)),
    ):
        before = (builder.next_seq, builder.tail)
        with pytest.raises(r.BwvError):
            wrong()
        assert (builder.next_seq, builder.tail) == before, "a refused call leaves no trace"
    CAMERA.finish(builder, rec, second=501)
    assert builder.closed
    for wrong in (
        lambda: builder.close(r.CloseReason.BUTTON, mono_ns=late),
        lambda: builder.fragment(b"x", mono_ns=late),
    ):
        with pytest.raises(r.OrderError):
            wrong()
    fresh = r.RecordingBuilder(rec_id=bytes(16), dek=bytes(32), signer=CAMERA.signer, chain=CAMERA.chain)
    with pytest.raises(r.OrderError):
        fresh.event(r.EventKind.MARKER, mono_ns=1, public={1: 1})


def journal(chain_id=bytes(16)):
    return r.JournalBuilder(chain_id=chain_id, signer=CAMERA.signer, chain=CAMERA.chain)


def test_a_journal_goes_on_across_starts_of_the_camera():
    builder = journal()
    data = builder.open(r.JournalBody(bt=1), mono_ns=10)
    data += builder.event(r.EventKind.BOOT, mono_ns=11, public={1: 1})
    data += builder.event(r.EventKind.HEARTBEAT, mono_ns=30 * SECOND, public={1: 2, 2: 80, 3: 10**9})
    reader = r.JournalReader()
    reader.feed(data)
    builder = journal()
    builder.resume(next_seq=reader.next_seq, tail=reader.tail)
    data += builder.event(r.EventKind.BOOT, mono_ns=3, public={1: 2})
    data += builder.event(r.EventKind.LABEL, mono_ns=9, public={1: REC.rec_id, 2: 3, 3: True})
    whole = r.JournalReader()
    kinds = [entry.body.kind for entry in whole.feed(data)[1:]]
    whole.finish()
    assert kinds == [r.EventKind.BOOT, r.EventKind.HEARTBEAT, r.EventKind.BOOT, r.EventKind.LABEL]
    with pytest.raises(r.OrderError):
        builder.event(r.EventKind.HEARTBEAT, mono_ns=8, public={1: 1})
    with pytest.raises(r.FormatError):
        builder.event(r.EventKind.MARKER, mono_ns=10, public={1: 1})
    with pytest.raises(r.ChainError):
        r.ManifestReader().feed(data)
    with pytest.raises(r.ChainError):
        r.JournalReader().feed(REC.manifest)


@given(st.data())
@settings(max_examples=60)
def test_parts_are_checked_whatever_pieces_they_come_in(data):
    _, entries = read_all(REC.manifest)
    fragments = [entry.fragment for entry in entries if entry.fragment]
    first = data.draw(st.integers(0, len(fragments) - 1))
    last = data.draw(st.integers(first, len(fragments) - 1))
    run, body = fragments[first : last + 1], b"".join(REC.media[first : last + 1])
    spoil = data.draw(st.none() | st.integers(0, len(body) - 1))
    if spoil is not None:
        body = body[:spoil] + bytes([body[spoil] ^ 0x40]) + body[spoil + 1 :]
    checker, position, blamed = r.PartChecker(run), 0, None
    while position < len(body) and blamed is None:
        size = data.draw(st.integers(1, 200))
        try:
            checker.feed(memoryview(body)[position : position + size])
        except r.PartError as error:
            blamed = error.seq
        position += size
    if spoil is None:
        assert checker.finish() == [info.seq for info in run]
        return
    offset = run[0].offset
    assert blamed == next(i.seq for i in run if i.offset - offset <= spoil < i.offset - offset + i.n)
    assert checker.checked == [info.seq for info in run if info.seq < blamed]


def test_a_part_too_short_or_too_long_is_refused():
    _, entries = read_all(REC.manifest)
    fragments = [entry.fragment for entry in entries if entry.fragment][:2]
    short = r.PartChecker(fragments)
    short.feed(REC.media[0] + REC.media[1][:-1])
    with pytest.raises(r.FragmentError):
        short.finish()
    long = r.PartChecker(fragments)
    with pytest.raises(r.PartError) as caught:
        long.feed(REC.media[0] + REC.media[1] + b"x")
    assert caught.value.seq is None


def test_recording_ids_are_uuid7():
    import uuid

    made = [uuid.UUID(bytes=r.new_rec_id(1_795_000_000_000 + step, lambda n: b"\xff" * n)) for step in (0, 1)]
    assert all((one.version, one.variant) == (7, uuid.RFC_4122) for one in made)
    assert made[0] < made[1]
