"""The dock's disk full at each of its writes: 507 with words, nothing half there, and on when there is room."""

import base64
import errno
import hashlib
import os

import pytest

from openbwv import recording as r
from openbwv.recording import EventKind, JournalBody, JournalBuilder
from tests.dock.devices import make_dock_store
from tests.dock.force import make_recording
from tests.dock.test_camera_port import Port, refused

ORPHAN = b"torn bytes"


class Acts:
    """What a camera sends that the dock writes, in its order."""

    def __init__(self, port, recording):
        self.port, self.recording = port, recording

    def manifest(self):
        return self.port.put_manifest(self.recording)

    def key(self):
        return self.port("PUT", self.port.path(self.recording, "key"), content=self.recording.key_cbor)

    def part(self):
        return self.port.put_part(self.recording, 1, self.recording.media)

    def orphan(self):
        headers = {"Content-Digest": f"sha-256=:{base64.b64encode(hashlib.sha256(ORPHAN).digest()).decode()}:"}
        return self.port("PUT", self.port.path(self.recording, "orphan"), content=ORPHAN, headers=headers)

    def complete(self):
        claim = {"orphan_length": len(ORPHAN), "orphan_sha256": hashlib.sha256(ORPHAN).hexdigest()}
        return self.port.complete(self.recording, **claim)

    def journal(self):
        party = self.port.party
        builder = JournalBuilder(chain_id=b"j" * 16, signer=party.signer, chain=list(party.chain))
        entries = [builder.open(JournalBody(bt=1), mono_ns=1)]
        entries.append(builder.event(EventKind.HEARTBEAT, mono_ns=2, public={1: 90}))
        return self.port("PUT", f"/journal?camera={party.kid.hex()}&from=0", content=b"".join(entries))


CODES = {"key": "disk-full", "complete": "disk-full"}  # a few hundred bytes, for which no room is set aside
ORDER = ("manifest", "key", "part", "orphan", "complete", "journal")


@pytest.fixture
def port(force, tmp_path):
    make_dock_store(force, tmp_path / "dock")
    port = Port(force, tmp_path / "dock", force.camera())
    assert port.hello().status_code == 200
    return port


@pytest.mark.parametrize("call", ["write", "fdatasync"])
@pytest.mark.parametrize("act", ORDER)
def test_a_disk_full_at_each_write_is_507_and_the_same_again_goes_through(force, port, monkeypatch, act, call):
    acts = Acts(port, make_recording(force, port.party))
    for earlier in ORDER[: ORDER.index(act)]:
        assert getattr(acts, earlier)().status_code in (200, 201), earlier

    def full(*_arguments, **_keywords):
        raise OSError(errno.ENOSPC, "No space left on device")

    before = files(port)
    with monkeypatch.context() as patch:
        patch.setattr(os, call, full)
        refused(getattr(acts, act)(), 507, CODES.get(act, "spool-full"))
    assert files(port) == before
    for later in ORDER[ORDER.index(act) :]:
        assert getattr(acts, later)().status_code in (200, 201), later
    port.restart().hello()
    custody = r.CustodyReceipt.decode(acts.complete().content, trust=force.trust).body
    assert custody.tail == acts.recording.tail


def files(port):
    """Return what the spool holds that is not empty."""
    spool = port.store / "spool"
    found = {path.relative_to(spool): path.read_bytes() for path in spool.rglob("*") if path.is_file()}
    return {path: data for path, data in found.items() if data}
