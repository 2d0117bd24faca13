"""Numbers that nothing can keep: they are refused with words and kept aside, and are never a fault of the door."""

import json
import secrets

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from openbwv.recording import (
    ClockSource,
    ClockState,
    EventKind,
    FragFlag,
    Inventory,
    OpenBody,
    RecordingBuilder,
    SoftwareSigner,
    TrackTime,
    new_dek,
    new_rec_id,
)
from openbwv.recording.errors import BwvError
from openbwv.server.evidence.models import Recording
from openbwv.server.ingest.models import Aside
from tests.server.footage import TRACK

pytestmark = pytest.mark.django_db
MOST = 2**63 - 1
NUMBERS = st.one_of(st.integers(0, 1000), st.integers(0, MOST), st.sampled_from([2**31, 2**32, 2**53, 2**62, MOST]))
FUZZ = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])


def send(
    door, *, utc_ms=0, rc=0, bt=0, m0_ns=0, mono_ns=0, pre_ms=0, start=0, duration=1, timescale=1000, mute_ns=None
):
    """Send OPEN, an init unit, one fragment and perhaps a mute with these numbers; return (status, answer)."""
    rec_id = new_rec_id(0, secrets.token_bytes)
    signer = door.camera.signer
    builder = RecordingBuilder(rec_id=rec_id, dek=new_dek(secrets.token_bytes), signer=signer, chain=door.camera.chain)
    clock = ClockState(utc_ms, 50, ClockSource.DOCK, utc_ms)
    track = TRACK._replace(timescale=timescale)
    body = OpenBody(rc=rc, bt=bt, clock=clock, m0_ns=m0_ns, tracks=(track,), pre_ms=pre_ms)
    entries = [builder.open(body, mono_ns=mono_ns)]
    entries.append(builder.fragment(b"init", mono_ns=mono_ns, flags=FragFlag.INIT)[1])
    entries.append(builder.fragment(b"first", mono_ns=mono_ns, times=(TrackTime(1, 0, 1),))[1])
    entries.append(builder.fragment(b"x", mono_ns=mono_ns, times=(TrackTime(1, start, duration),))[1])
    if mute_ns is not None:
        entries.append(builder.event(EventKind.MUTE_ON, mono_ns=mono_ns, public={1: 1, 2: mute_ns}))
    return door.ask("PUT", f"/recordings/{rec_id.hex()}/manifest?from=0", b"".join(entries))[:2]


@pytest.mark.parametrize(
    ("numbers", "refusal"),
    [
        ({"utc_ms": 253_402_214_400_000}, (409, "entry-refused")),
        ({"utc_ms": MOST}, (409, "entry-refused")),
        ({"pre_ms": 2**31}, (409, "entry-refused")),
        ({"start": MOST, "duration": MOST, "timescale": 1}, (400, "malformed")),  # the format itself forbids these
        ({"start": 2**62}, (400, "malformed")),
        ({"duration": 10**16}, (400, "malformed")),
    ],
)
def test_a_number_that_nothing_can_keep_is_named_and_the_entries_are_kept_aside(door, numbers, refusal):
    status, answer = send(door, **numbers)
    assert (status, answer["error"]["code"]) == refusal
    assert answer["error"]["remedy"]
    kept = Aside.objects.get()
    assert (kept.kind, kept.code) == ("manifest", refusal[1])
    assert Recording.objects.exists() == (refusal[1] == "malformed")  # the entries before a malformed one are good


def test_large_numbers_that_can_be_kept_are_taken(door):
    status, answer = send(door, utc_ms=4_102_444_800_000, rc=MOST, bt=MOST, m0_ns=MOST - 10**9, mono_ns=MOST)
    assert status == 200, answer
    assert Recording.objects.get().rc == MOST


NAMES = ("utc_ms", "rc", "bt", "m0_ns", "mono_ns", "pre_ms", "start", "duration", "mute_ns")


@FUZZ
@given(st.fixed_dictionaries({}, optional=dict.fromkeys(NAMES, NUMBERS) | {"timescale": st.integers(1, 2**32)}))
def test_no_numbers_in_signed_entries_make_the_door_fail(door, numbers):
    try:
        status, answer = send(door, **numbers)
    except BwvError:
        return  # a camera of ours could not even write it
    assert status in (200, 400, 409), answer
    if status != 200:
        assert Aside.objects.filter(code=answer["error"]["code"]).exists()


@FUZZ
@given(boot=NUMBERS, next_rc=NUMBERS)
def test_no_numbers_in_an_inventory_make_the_door_fail(door, boot, next_rc):
    first = door.ask("GET", "/hello")[1]
    inventory = Inventory(bytes.fromhex(first["nonce"]), first["door"], boot=boot, next_rc=next_rc)
    signed = inventory.encode(SoftwareSigner(door.camera.key), door.camera.chain)
    status, answer, _ = door.ask("POST", "/hello", signed)
    assert status in (200, 400), answer


@pytest.mark.parametrize("length", ["9" * 30, "9" * 5000])
def test_a_length_of_thousands_of_digits_is_no_length(door, length):
    assert door.ask("POST", "/hello", b"x", headers={"content-length": length})[0] == 400


@FUZZ
@given(st.one_of(st.integers(), st.floats(), st.text(max_size=12), st.none(), st.booleans()))
def test_no_number_in_complete_makes_the_door_fail(door, number):
    body = json.dumps({"last_seq": number, "tail": "00" * 32, "orphan_length": number}).encode()
    assert door.ask("POST", f"/recordings/{'0' * 32}/complete", body)[0] in (400, 409)
