"""The store: splitting without a gap, wiping on a receipt alone, ring, terminal, and real time on one core."""

import io
import resource
import time

import numpy as np
import pytest

from openbwv import recording as r
from openbwv.camera import layout, record
from openbwv.camera.errors import BadOption, CannotNow
from openbwv.camera.identity import load_identity
from openbwv.camera.indicators import Remembering, Terminal
from openbwv.camera.machine import State
from openbwv.camera.profile import PICTURES, Policy, policy_from
from openbwv.camera.ring import Ring
from openbwv.camera.sources import open_source
from openbwv.camera.startup import start_up
from openbwv.camera.store import Store
from openbwv.camera.timing import CameraClock, Sync, UnpacedClock
from openbwv.shared.clock import FixedClock, SystemClock
from openbwv.shared.receipts import ReceiptRefused
from tests.camera import studio


def roll(store, *, seconds, policy, source="testsrc2", deeds=None):
    """Record `seconds` with a policy of one's own; returns the camera."""
    started = start_up(store, SystemClock(), test_identity=True)
    clock = UnpacedClock(utc_ms=SystemClock().utc_ms(), mono_ns=SystemClock().mono_ns())
    camera, writer = record.make_camera(
        started, policy, Remembering(), source=lambda: open_source(source, policy.picture, loop=True), unpaced=clock
    )
    camera.power_on()
    camera.must("start")
    for number in range(seconds * policy.picture.fps):
        if deeds and number in deeds:
            deeds[number](camera)
        camera.step()
    camera.must("stop")
    camera.finish()
    writer.stop()
    return camera


def short(split_s, *, beep_s=30, pre_s=0):
    policy = policy_from({}, picture="360p25", pre_s=pre_s)
    return Policy(policy.picture, pre_s=pre_s, beep_s=beep_s, split_s=split_s)


def test_a_split_loses_no_picture_and_no_sound(tmp_path):
    source = studio.flash_and_beep(tmp_path / "clap.mov", seconds=8)
    with Store(tmp_path / "store").locked() as store:
        roll(store, seconds=7, policy=short(3), source=str(source))
        folders = store.folders()
    bodies = [studio.entries(folder)[0].body for folder in folders]
    assert [body.trigger for body in bodies] == [r.Trigger.BUTTON, r.Trigger.SPLIT, r.Trigger.SPLIT]
    assert [studio.entries(folder)[-1].body.why for folder in folders[:2]] == [r.CloseReason.SPLIT] * 2
    lengths = [dict(studio.entries(folder)[-1].body.ends)[1] for folder in folders]
    assert sum(lengths) == 7 * 90_000
    for one, other, length in zip(bodies, bodies[1:], lengths, strict=False):
        assert other.m0_ns - one.m0_ns == pytest.approx(length * 1_000_000_000 // 90_000, abs=1)
    for folder in folders:
        assert studio.verdict(folder).verdict == "genuine"
        path = studio.played(folder, tmp_path)
        bright = studio.times(path, "v")[studio.luma(path) > 128]
        heard = np.abs(studio.sound(path)) > 0.1
        for flash in bright:
            at = int(flash * studio.RATE)
            assert heard[at : at + 500].any(), (folder, flash)
    assert sum((studio.luma(studio.played(folder, tmp_path)) > 128).sum() for folder in folders) == 7


def test_a_mute_goes_on_over_a_split_and_the_new_file_says_so(tmp_path):
    with Store(tmp_path / "store").locked() as store:
        mute = {50: lambda camera: camera.mute(r.MuteReason.MEDICAL), 125: lambda camera: camera.must("unmute")}
        roll(store, seconds=6, policy=short(3), deeds=mute)
        folders = store.folders()
    assert [[e.body.kind.name for e in studio.events(folder)] for folder in folders[:2]] == [
        ["MUTE_ON"],
        ["MUTE_ON", "MUTE_OFF"],
    ]
    samples = studio.sound(studio.played(folders[1], tmp_path))
    assert not np.any(samples[: int(1.95 * studio.RATE)])
    assert np.any(samples[int(2.1 * studio.RATE) :])
    for folder in folders:
        assert studio.verdict(folder).verdict == "genuine"


def test_the_pre_event_of_the_next_recording_holds_nothing_of_the_last(tmp_path):
    def again(camera):
        camera.must("stop")
        camera.finish()
        camera.must("start")

    with Store(tmp_path / "store").locked() as store:
        roll(store, seconds=4, policy=short(60, pre_s=30), deeds={75: again})
        second = studio.entries(store.folders()[1])
    assert second[0].body.pre_ms == 0
    assert studio.verdict(store.folders()[1]).verdict == "genuine"


def test_it_beeps_at_the_start_at_every_interval_and_at_the_stop_and_the_circle_flashes(tmp_path):
    with Store(tmp_path / "store").locked() as store:
        camera = roll(store, seconds=12, policy=short(60, beep_s=5))
    shown = camera.parts.indicator
    assert shown.sounds == ["beep-twice", "beep-twice", "beep-twice", "long-tone"]
    phases = [lit for state, lit in shown.shown if state == State.RECORDING]
    assert {True, False} == set(phases)
    assert len(phases) >= 22
    assert any("Tell people" in said for said in shown.sentences)


def test_a_terminal_shows_the_state_large_and_a_pipe_gets_plain_lines():
    class Screen(io.StringIO):
        def isatty(self):
            return True

    screen, pipe = Screen(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TERM", "xterm")
        terminal = Terminal(screen)
    terminal.show(State.RECORDING, lit=True, line="00:03")
    terminal.sound("beep-twice")
    assert "██████████" in screen.getvalue()
    assert "\x1b[31;1m" in screen.getvalue()
    assert "\a" in screen.getvalue()
    assert "BEEP BEEP" in screen.getvalue()
    plain = Terminal(pipe)
    plain.show(State.MUTED, lit=True, line="")
    plain.sound("long-tone")
    assert pipe.getvalue() == "[RECORDING - SOUND MUTED] \nBEEEEEP\n"


def receipt_for(store, wanted, **changes):
    """Return a receipt as `shared.receipts` hands it on, already judged there; any field may be changed."""
    own = store.own_facts(wanted)
    fields = {
        "rec_id": own.rec_id,
        "kid": own.kid,
        "last_seq": own.last_seq,
        "tail": own.tail,
        "media_length": own.media_length,
        "media_sha256_of_cts": own.media_sha256_of_cts,
        "orphan_length": own.orphan_length,
        "orphan_sha256": own.orphan_sha256,
        "stored_at_ms": 1,
        "replicas": 1,
        "server_id": "s",
        "leaf": b"",
        "leaf_event": b"",
        "leaf_salt": bytes(32),
        "proof": b"",
    }
    identity = load_identity(store.identity_folder, utc_ms=SystemClock().utc_ms())
    body = r.EvidenceReceipt(**(fields | changes))
    signed = r.sign1(b"\xa0", typ="application/x", signer=identity.signer, x5chain=identity.chain)
    facts = r.check_chain(identity.chain, use=r.USE_CAMERA)
    received = r.Received(body, r.open1(signed, typ="application/x", public_key=facts.public_key), facts)
    return received, signed, {"signer": identity.signer, "chain": identity.chain, "utc_ms": 5}


@pytest.mark.parametrize(
    "change",
    [
        {"tail": bytes(32)},
        {"last_seq": 1},
        {"media_length": 1},
        {"kid": bytes(32)},
        {"rec_id": bytes(16)},
        {"media_sha256_of_cts": bytes(32)},
        {"orphan_length": 9, "orphan_sha256": bytes(32)},
    ],
)
def test_a_receipt_for_anything_else_wipes_nothing(tmp_path, change):
    folder = studio.record(tmp_path, seconds=1)
    store = Store(tmp_path)
    rec_id = bytes.fromhex(folder.name)
    received, raw, rest = receipt_for(store, rec_id, **change)
    with pytest.raises(ReceiptRefused):
        store.wipe(rec_id, received, raw, **rest)
    assert studio.verdict(folder).verdict == "genuine"
    assert not (tmp_path / layout.RECEIPTS).exists()


def test_a_wipe_leaves_receipt_and_tombstone_and_the_next_recording_follows(tmp_path):
    folder = studio.record(tmp_path, seconds=1)
    store, rec_id = Store(tmp_path), bytes.fromhex(folder.name)
    tail = store.read(rec_id).tail
    received, raw, rest = receipt_for(store, rec_id)
    store.wipe(rec_id, received, raw, **rest)
    assert not folder.exists()
    wiped = r.Wiped.decode((tmp_path / layout.RECEIPTS / f"{rec_id.hex()}.wiped.cbor").read_bytes()).body
    assert (wiped.rc, wiped.tail) == (1, tail)
    (tmp_path / layout.COUNTERS).unlink()
    body = studio.entries(studio.record(tmp_path, seconds=1))[0].body
    assert (body.rc, body.previous, body.previous_tail) == (2, rec_id, tail)


def test_a_wipe_that_lost_power_is_finished_at_the_next_start(tmp_path):
    folder = studio.record(tmp_path, seconds=1)
    store, rec_id = Store(tmp_path), bytes.fromhex(folder.name)
    received, raw, rest = receipt_for(store, rec_id)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Store, "_remove", lambda self, folder: (folder / layout.KEY).unlink())
        store.wipe(rec_id, received, raw, **rest)
    studio.record(tmp_path, seconds=1)
    assert not folder.exists()


def test_the_ring_begins_with_a_key_frame_and_keeps_what_was_asked():
    class Packet:
        def __init__(self, n):
            self.pts, self.is_keyframe, self.size = n * 3600, n % 25 == 0, 10

    ring = Ring(30)
    for n in range(25 * 100):
        ring.add_video(Packet(n))
        assert ring.video[0].is_keyframe
    assert 30 <= ring.length_s < 31
    ring.keep_s = 0
    ring.add_video(Packet(2500))
    assert len(ring.video) == 1


def test_the_clock_says_what_is_known_about_it():
    clock = FixedClock(1_000_000_000_000)
    assert CameraClock(clock, None).state().source == r.ClockSource.NONE
    state = CameraClock(
        clock, Sync(offset_ms=-500, uncertainty_ms=20, synced_ms=1_000_000_000_000 - 86_400_500)
    ).state()
    assert (state.utc_ms, state.source) == (999_999_999_500, r.ClockSource.DOCK)
    assert state.uncertainty_ms == 20 + 86_400_000 * 50 // 1_000_000 + 1


def test_a_force_may_forbid_unassigned_recording(tmp_path):
    with Store(tmp_path / "store").locked() as store:
        started = start_up(store, SystemClock(), test_identity=True)
        policy = policy_from({"record_unassigned": False, "profile": "360p25"})
        camera, writer = record.make_camera(
            started, policy, Remembering(), source=lambda: open_source("testsrc2", policy.picture, loop=True)
        )
        camera.power_on()
        with pytest.raises(CannotNow, match="assign"):
            camera.must("start")
        writer.stop()
        assert store.rec_ids() == []


def test_without_a_word_from_the_force_it_is_720p25_with_thirty_seconds_before_and_a_beep_every_thirty():
    assert policy_from({}) == Policy(PICTURES["720p25"], pre_s=30, beep_s=30, split_s=4 * 3600)


@pytest.mark.parametrize("profile", [{"beep_s": 0}, {"pre_s": 500}, {"profile": "8k"}, {"split_s": "long"}])
def test_a_profile_that_makes_no_sense_is_refused(profile):
    with pytest.raises(BadOption):
        policy_from(profile)


@pytest.mark.long
def test_720p25_keeps_real_time_on_one_core(tmp_path):
    began, before = time.monotonic(), resource.getrusage(resource.RUSAGE_SELF)
    studio.record(tmp_path, "--profile", "720p25", seconds=20)
    after = resource.getrusage(resource.RUSAGE_SELF)
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    assert cpu_s < 20
    assert time.monotonic() - began < 20
