"""Readers under fire: whatever the bytes, a value or one family of error, never anything else."""

import contextlib
import io
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openbwv import recording as r
from openbwv.recording import cbor
from tests.recording.factory import NOW_MS, Agency, new_key

AGENCY = Agency()
CAMERA = AGENCY.camera()
REC = CAMERA.record(2, size=24)
KEY = new_key()
INVENTORY = r.Inventory(bytes(32), "door", 1, 2, (r.InventoryRow(bytes(16), 1, 2, bytes(32), True, False),), 9).encode(
    CAMERA.signer, CAMERA.chain
)


def unwrap(data):
    return r.unwrap_dek(data, epoch_private=KEY, rec_id=bytes(16), kid=bytes(32), dc=bytes(32))


def manifest(data):
    reader = r.ManifestReader()
    reader.feed(data)
    reader.finish()


def cut_boxes(data):
    cutter = r.BoxCutter()
    for unit in cutter.write(data):
        r.track_info(unit.data) if unit.init else r.fragment_times(unit.data)


READERS = {
    "cbor": cbor.decode,
    "entry": r.parse_entry,
    "manifest": manifest,
    "journal": lambda data: r.JournalReader().feed(data),
    "saved state": r.ManifestReader.restore,
    "key.cbor": unwrap,
    "message": lambda data: r.Inventory.decode(data, trust=AGENCY.trust, at_utc_ms=NOW_MS),
    "receipt": r.EvidenceReceipt.decode,
    "certificate": r.DestructionCertificate.decode,
    "chain": lambda data: r.check_chain([data, AGENCY.root], use=r.USE_CAMERA),
    "trust file": r.Trust.load,
    "mp4": cut_boxes,
    "init": r.track_info,
    "fragment": r.fragment_times,
    "sig hash": r.sig_structure_hash,
}
SEEDS = {
    "entry": REC.entries[2],
    "manifest": REC.manifest,
    "journal": REC.manifest,
    "message": INVENTORY,
    "receipt": INVENTORY,
    "chain": CAMERA.chain[0],
    "trust file": r.to_pem(CAMERA.chain),
    "key.cbor": REC.key_cbor,
    "cbor": REC.entries[0][1:],
}


def survives(reader, data):
    with contextlib.suppress(r.BwvError):  # anything else that is raised fails the test
        READERS[reader](data)


@pytest.mark.parametrize("reader", READERS)
@given(data=st.binary(max_size=300))
@settings(max_examples=60)
def test_random_bytes(reader, data):
    survives(reader, data)


@pytest.mark.parametrize("reader", SEEDS)
@given(data=st.data())
@settings(max_examples=60)
@pytest.mark.filterwarnings("ignore:Parsed a")
def test_damaged_bytes(reader, data):
    changed = bytearray(SEEDS[reader])
    for _ in range(data.draw(st.integers(1, 4))):
        where = data.draw(st.integers(0, len(changed) - 1))
        match data.draw(st.integers(0, 2)):
            case 0:
                changed[where] = data.draw(st.integers(0, 255))
            case 1:
                del changed[where : where + data.draw(st.integers(1, 9))]
            case _:
                changed[where:where] = data.draw(st.binary(max_size=9))
        if not changed:
            break
    survives(reader, bytes(changed))


values = st.recursive(
    st.integers(-5, 2**64 - 1) | st.binary(max_size=33) | st.text(max_size=5) | st.booleans() | st.none(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.integers(0, 20), inner, max_size=5),
    max_leaves=12,
)


@given(kind=st.integers(0, 5), body=values, more=st.dictionaries(st.integers(0, 20), values, max_size=3))
@settings(max_examples=200)
def test_well_signed_nonsense(kind, body, more):
    """A camera's own key over any payload at all: still only one family of error."""
    opened = r.parse_entry(REC.entries[0])
    payload = {1: kind, 2: REC.rec_id, 3: 1, 4: opened.sig_structure_sha256, 5: opened.mono_ns, 6: body} | more
    entry = r.sign1(cbor.encode(payload), typ=opened.signed.typ, signer=CAMERA.signer)
    verdict = r.verify_recording([REC.entries[0], entry], io.BytesIO(REC.media_bin), trust=AGENCY.trust)
    assert verdict.verdict == "changed"


@given(payload=values)
@settings(max_examples=200)
def test_well_signed_nonsense_as_a_message(payload):
    message = r.sign1(
        cbor.encode(payload), typ="application/vnd.openbwv.inventory+cbor", signer=CAMERA.signer, x5chain=CAMERA.chain
    )
    survives("message", message)


def test_a_length_of_many_gigabytes_is_not_waited_for():
    reader = r.ManifestReader()
    reader.feed(REC.entries[0])
    with pytest.raises(r.FormatError):
        reader.feed(b"\xd2\x84\x5b\x00\x00\x00\xff\xff\xff\xff\xff" + bytes(300_000))
    with pytest.raises(r.MediaError):
        r.BoxCutter().write(b"\xff\xff\xff\xf0mdat")


@pytest.mark.parametrize("inside", [b"\x80", b"\x40"])
def test_an_entry_that_unfolds_costs_no_more_than_an_entry_may(inside):
    """All of a body is one claimed entry of tiny items, each of which Python holds in 56 bytes or more."""
    bomb = b"\xd2\x84\x9a\x00\xff\xff\xff" + inside * (4 << 20)
    for read in (r.parse_entry, lambda data: r.ManifestReader().feed(data)):
        tracemalloc.start()
        with pytest.raises(r.FormatError):
            read(bomb)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 40 << 20
