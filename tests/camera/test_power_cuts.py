"""Modelled power cuts: whatever was not synced may be gone, torn, zeroed or garbage; whatever was synced comes back.

The model sits below the real code: `Draft` writes through it, it keeps what each sync promised, and after the cut the
files are laid out as a disk could have left them, for the real recovery to walk.
"""

import os
import random
import shutil
import tempfile
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from openbwv import recording as r
from openbwv.camera import layout
from openbwv.camera.disk import Disk
from openbwv.camera.draft import Beginning, Draft
from openbwv.camera.identity import load_identity
from openbwv.camera.recorder import TRACKS
from openbwv.camera.recovery import recover_recording, recover_store
from openbwv.camera.throwaway import make_test_identity
from tests.camera import studio

SECTOR = 512
NOW = 1_795_000_000_000


class PowerCut(Exception):
    """The model's power is off."""


class ModelDisk(Disk):
    """Counts operations, fails at `cut_after`, remembers for each file what is synced and what is only written."""

    def __init__(self, cut_after):
        self.left = cut_after
        self.written, self.synced, self.names, self.durable_names = {}, {}, [], set()
        self.folders = set()
        self.through = 0  # sync calls of the manifest that have returned

    def step(self):
        self.left -= 1
        if self.left < 0:
            raise PowerCut

    def make_folder(self, path):
        self.step()
        self.folders.add(path)

    def create(self, path):
        self.step()
        self.names.append(path)
        self.written[path] = self.synced[path] = b""
        return len(self.names) - 1

    def append(self, handle, data, path):
        self.written[path] += data  # a cut in the middle of the call leaves some of it: the tail is unsynced anyway
        self.step()

    def sync(self, handle, path):
        self.step()
        self.synced[path] = self.written[path]

    def sync_folder(self, path):
        self.step()
        self.durable_names |= {name for name in self.names if name.parent == path}

    def close(self, handle):
        pass

    def lay_out(self, chance, folder):
        """Write the files as this disk might have left them."""
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for path in self.names:
            if path not in self.durable_names and chance.random() < 0.5:
                continue  # the name itself is lost
            (folder / path.name).write_bytes(
                self.synced[path] + tail(chance, self.written[path][len(self.synced[path]) :])
            )


def tail(chance, unsynced):
    kind = chance.choice(["dropped", "whole", "torn", "zeroed", "garbage", "sectors"])
    if not unsynced or kind == "dropped":
        return b""
    if kind == "whole":
        return unsynced
    if kind == "torn":
        return unsynced[: chance.randrange(len(unsynced))]
    if kind == "zeroed":
        return bytes(len(unsynced))
    if kind == "garbage":
        return chance.randbytes(chance.randrange(1, len(unsynced) + 1))
    pieces = [unsynced[at : at + SECTOR] for at in range(0, len(unsynced), SECTOR)]
    return b"".join(piece if chance.random() < 0.5 else bytes(len(piece)) for piece in pieces)


@pytest.fixture(scope="module")
def identity(tmp_path_factory):
    store = tmp_path_factory.mktemp("identity")
    make_test_identity(store, name="cut", utc_ms=NOW)
    return load_identity(store / layout.IDENTITY, utc_ms=NOW)


@pytest.fixture
def memory(tmp_path):
    """A folder in memory where there is one: the model decides what is durable, real syncs would only take time."""
    if not os.access("/dev/shm", os.W_OK):
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(dir="/dev/shm") as name:
        yield Path(name)


BODY = r.OpenBody(rc=1, bt=1, clock=r.ClockState(NOW, 0, r.ClockSource.NONE), m0_ns=1, tracks=TRACKS)


def write(store, identity, disk, *, chance):
    """Write a small recording; returns the entries that a caller was told are durable."""
    draft = Draft(store, disk=disk)
    told = 0
    try:
        draft.open(Beginning(chance.randbytes(16), NOW, BODY), identity, mono_ns=2)
        told = 1
        draft.fragment(chance.randbytes(300), mono_ns=3, flags=r.FragFlag.INIT)
        told += 1
        for n in range(4):
            times = (r.TrackTime(1, n * 90_000, 90_000),)
            draft.fragment(chance.randbytes(chance.randrange(600, 2500)), mono_ns=4 + n, times=times)
            told += 1
        draft.event(r.EventKind.MARKER, mono_ns=20, public={1: 20})
        told += 1
        draft.close(r.CloseReason.BUTTON, mono_ns=21)
        told += 1
    except PowerCut:
        draft.release()
    return told


def cut_once(seed, identity, folder):
    chance = random.Random(seed)
    disk = ModelDisk(chance.randrange(0, 40))
    told = write(folder.parent, identity, disk, chance=chance)
    disk.lay_out(chance, folder)
    manifest = next((path for path in disk.names if path.name == layout.MANIFEST), None)
    if told == 0 or manifest is None:
        return told, 0, 0
    real = disk.written[manifest]
    try:
        recover_recording(folder, signer=identity.signer, bt=2, mono_ns=1, disk=Disk())
    except r.BwvError:
        return told, 0, 1
    data = (folder / layout.MANIFEST).read_bytes()
    entries = r.ManifestReader().feed(data)
    accepted = [entry for entry in entries if not (entry.type == r.EntryType.CLOSE and entry.body.bt)]
    false = not real.startswith(b"".join(entry.raw for entry in accepted))
    if seed % 10 == 0:
        with (folder / layout.MEDIA).open("rb") as media:
            verdict = r.verify_recording([data], media, trust=identity.trust)
        assert (verdict.verdict, verdict.closed) == ("genuine", True), (seed, verdict.reasons)
    return told, len(accepted), false


def cut_many(seeds, identity, tmp_path):
    lost = false = checked = 0
    for seed in seeds:
        told, kept, wrong = cut_once(seed, identity, tmp_path / f"{0:032x}")
        lost += max(0, told - kept)
        false += wrong
        checked += told
    return lost, false, checked


def test_two_thousand_power_cuts_lose_no_synced_entry_and_accept_nothing_false(identity, memory):
    lost, false, checked = cut_many(range(2000), identity, memory)
    assert (lost, false) == (0, 0)
    assert checked > 5000


@pytest.mark.long
@pytest.mark.timeout(900)
def test_twenty_thousand_power_cuts(identity, memory):
    lost, false, _ = cut_many(range(10_000, 30_000), identity, memory)
    assert (lost, false) == (0, 0)


def test_a_recovery_that_is_itself_cut_short_ends_the_same(identity, tmp_path):
    """Recovery is killed before each of its own writes in turn, then runs again."""
    whole = studio_like(tmp_path / "whole", identity)
    for stop_at in range(1, 8):
        folder = tmp_path / f"{stop_at}" / ("0" * 32)
        shutil.copytree(whole, folder)
        with pytest.raises(PowerCut):
            recover_recording(folder, signer=identity.signer, bt=2, mono_ns=1, disk=Killed(stop_at))
        recover_recording(folder, signer=identity.signer, bt=3, mono_ns=1, disk=Disk())
        assert recover_recording(folder, signer=identity.signer, bt=4, mono_ns=1, disk=Disk()) is None
        data = (folder / layout.MEDIA).read_bytes(), (folder / layout.MANIFEST).read_bytes()
        with (folder / layout.MEDIA).open("rb") as media:
            verdict = r.verify_recording([data[1]], media, trust=identity.trust)
        assert (verdict.verdict, verdict.closed) == ("genuine", True)
        assert b"half a fragment" in (folder / layout.ORPHAN).read_bytes()
        if stop_at == 7:
            break


class Killed(Disk):
    """The real disk, until the power goes before its nth changing call."""

    def __init__(self, stop_at):
        self.left = stop_at

    def step(self):
        self.left -= 1
        if self.left <= 0:
            raise PowerCut

    def append(self, handle, data, path):
        self.step()
        super().append(handle, data, path)

    def cut(self, handle, length, path):
        self.step()
        super().cut(handle, length, path)

    def sync(self, handle, path):
        self.step()
        super().sync(handle, path)

    def sync_folder(self, path):
        self.step()
        super().sync_folder(path)


def studio_like(store, identity):
    """Return the folder of a recording that lost power in mid-fragment."""
    draft = Draft(store, disk=Disk())
    draft.open(Beginning(bytes(15) + b"\x01", NOW, BODY), identity, mono_ns=2)
    draft.fragment(b"init", mono_ns=3, flags=r.FragFlag.INIT)
    draft.fragment(b"one", mono_ns=4, times=(r.TrackTime(1, 0, 90_000),))
    draft.release()
    with (draft.folder / layout.MEDIA).open("ab") as media:
        media.write(b"half a fragment")
    with (draft.folder / layout.MANIFEST).open("ab") as manifest:
        manifest.write(b"\xd2\x84half an entry")
    return draft.folder


def test_recovery_closes_honestly_and_keeps_what_nobody_signed(identity, tmp_path):
    folder = studio_like(tmp_path / "store", identity)
    report = recover_store(tmp_path / "store", signer=identity.signer, bt=7, mono_ns=1)
    assert [done.orphan_bytes for done in report.recovered] == [len(b"half a fragment") + len(b"\xd2\x84half an entry")]
    last = studio.entries(folder)[-1]
    assert (last.body.why, last.body.bt) == (r.CloseReason.RECOVERED, 7)
    assert recover_store(tmp_path / "store", signer=identity.signer, bt=8, mono_ns=1).recovered == []


def test_a_fragment_whose_bytes_changed_is_not_accepted(identity, tmp_path):
    folder = studio_like(tmp_path / "store", identity)
    media = bytearray((folder / layout.MEDIA).read_bytes())
    media[-len(b"half a fragment") - 1] ^= 1
    (folder / layout.MEDIA).write_bytes(media)
    recover_store(tmp_path / "store", signer=identity.signer, bt=2, mono_ns=1)
    assert [entry.type.name for entry in studio.entries(folder)] == ["OPEN", "FRAG", "CLOSE"]


def test_a_torn_creation_and_an_unreadable_recording_are_kept_and_named(identity, tmp_path):
    store = tmp_path / "store"
    torn = store / "rec" / "2026-11-20" / ("a" * 32)
    bad = store / "rec" / "2026-11-20" / ("b" * 32)
    for folder in (torn, bad):
        folder.mkdir(parents=True)
        (folder / layout.KEY).write_bytes(b"\x80")
    (bad / layout.MANIFEST).write_bytes(b"\xd2 not an entry")
    (bad / layout.MEDIA).write_bytes(b"something")
    report = recover_store(store, signer=identity.signer, bt=2, mono_ns=1)
    assert report.torn == [torn]
    assert [problem.code for problem in report.problems] == ["store-damaged"]
    assert (bad / layout.MEDIA).read_bytes() == b"something"


def test_another_cameras_key_recovers_nothing_that_verifies(identity, tmp_path):
    """A recording cannot be closed by a key that did not open it."""
    folder = studio_like(tmp_path / "store", identity)
    stranger = r.SoftwareSigner(ec.generate_private_key(ec.SECP256R1()))
    with pytest.raises(r.BwvError):
        recover_recording(folder, signer=stranger, bt=2, mono_ns=1, disk=Disk())
