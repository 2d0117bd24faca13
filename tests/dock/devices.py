"""A dock as a real process and a camera as the protocol's client, for tests."""

import contextlib
import itertools
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx

from openbwv import recording as r
from openbwv.recording import USE_DOCK, USE_DOOR
from openbwv.shared import upload
from openbwv.shared.agency import Profile
from openbwv.shared.door_client import DoorClient
from openbwv.shared.revocation import Revocations
from openbwv.shared.tls import TlsIdentity, client_context
from openbwv.shared.upload import Fragment, Orphan, Parcel

ROOT = Path(__file__).resolve().parents[2]


FIRST_PORT, PORTS = 12_000, 20_000  # below those from which the system gives connections theirs: nobody takes one away
_turn = itertools.count(os.getpid() * 61)


def free_ports(count):
    """Return ports that nobody listens on; other test processes begin to look elsewhere."""
    found = []
    while len(found) < count:
        port = FIRST_PORT + next(_turn) % PORTS
        with contextlib.suppress(OSError):
            socket.create_server(("127.0.0.1", port)).close()
            found.append(port)
    return found


def make_dock_store(force, folder, *, door_url=None, name="Lewisham-1", crl=None, party=None):
    """A dock's folder as `dock enrol` leaves it."""
    party = party or force.party(name, Profile.DOCK, hosts=["127.0.0.1", "localhost"])
    identity = party.write(folder / "identity")
    (identity / "trust.pem").write_bytes(force.trust_pem)
    if crl:
        (identity / "crl.pem").write_bytes(crl)
    (identity / "dock.json").write_text(json.dumps({"name": name, "door": door_url, "log_vkey": force.vkey}))
    return party


class DockProcess:
    """`./bwv dock run` in its own process; `ports` stay the same over a restart."""

    def __init__(self, store, *more, environment=None):
        self.store, self.more, self.environment = store, more, environment or {}
        self.ports = free_ports(3)
        self.process = None

    @property
    def camera_url(self):
        return f"https://127.0.0.1:{self.ports[0]}"

    @property
    def enrol_url(self):
        return f"https://127.0.0.1:{self.ports[1]}"

    @property
    def page_url(self):
        return f"http://127.0.0.1:{self.ports[2]}"

    def start(self):
        camera, enrol, page = map(str, self.ports)
        command = [
            sys.executable, "-m", "openbwv", "dock", "run", "--store", str(self.store), "--json",
            "--camera-port", camera, "--enrol-port", enrol, "--page-port", page, "--spool-reserve-mb", "1", *self.more,
        ]  # fmt: skip
        environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), **self.environment}
        self.log = (self.store / "log.txt").open("ab")
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=self.log, env=environment, start_new_session=bool(self.environment)
        )
        said = json.loads(self.process.stdout.readline() or b"{}")
        assert "camera" in said, (said, (self.store / "log.txt").read_text())
        wait_for(lambda: all(is_open(port) for port in self.ports), "the dock to listen")
        return self

    def kill(self, number=signal.SIGKILL):
        self.process.send_signal(number)
        self.process.wait(60)
        self.process.stdout.close()
        self.log.close()

    def stop(self):
        if self.process and self.process.poll() is None:
            self.kill(signal.SIGTERM)


def is_open(port):
    with contextlib.suppress(OSError):
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
        return True
    return False


def wait_for(condition, what, timeout_s=60.0):
    end = time.monotonic() + timeout_s
    while time.monotonic() < end:
        if value := condition():
            return value
        time.sleep(0.05)
    raise AssertionError(f"waited {timeout_s} s for {what}")


class Camera:
    """A camera's side of the protocol over recordings in memory."""

    def __init__(self, force, folder, name="0417", party=None):
        self.force, self.name = force, name
        self.party = party or force.camera(name)
        self.folder = self.party.write(folder / name)
        self.recordings = []

    def context(self, **more):
        keys = {"trust_pem": self.force.trust_pem, "uses": [USE_DOCK, USE_DOOR], "revocations": Revocations()} | more
        identity = TlsIdentity(self.folder / "key.pem", self.folder / "chain.pem")
        return client_context(identity=identity, **keys)

    def inventory(self, hello, **changes):
        rows = tuple(
            r.InventoryRow(each.rec_id, each.rc, len(each.entries) - 1, each.tail, each.closed, each.evidential)
            for each in self.recordings
        )
        keys = {"nonce": hello.nonce, "door": hello.door, "boot": 1, "next_rc": 99, "last": rows, "battery": 80}
        return r.Inventory(**(keys | changes)).encode(self.party.signer, self.party.chain)

    def client(self, url, **more):
        return DoorClient(url, context=self.context(), inventory=self.inventory, **more)

    def offload(self, url):
        """Everything, as the real camera does; returns the custody receipts."""
        with self.client(url) as client:
            welcome = client.greet()
            parcels = [parcel(each) for each in self.recordings]
            for each in parcels:
                upload.announce(client, each)
            receipts = []
            for each in upload.in_order(parcels, welcome.queue):
                upload.send_media(client, each, progress=upload.Progress())
                receipts.append(upload.finish(client, each))
            return receipts


def parcel(recording):
    import hashlib

    def read(run):
        for each in run:
            yield recording.media[each.offset : each.offset + each.length]

    orphan = None
    if recording.orphan:
        digest = hashlib.sha256(recording.orphan).digest()
        orphan = Orphan(len(recording.orphan), digest, lambda: [recording.orphan])
    return Parcel(
        rec_id=recording.rec_id, entries=recording.entries, key_cbor=recording.key_cbor,
        fragments=[Fragment(f.seq, f.offset, f.n) for f in recording.fragments], read=read, tail=recording.tail,
        rank=(0 if recording.evidential else 2, recording.rc), orphan=orphan,
    )  # fmt: skip


def page(dock, path="/", **form):
    """GET a page of the dock, or POST a form with its token."""
    with httpx.Client(base_url=dock.page_url, trust_env=False) as client:
        answer = client.get(path)
        if form:
            return client.post(path, data={"csrf": client.cookies["dock_csrf"], **form})
        return answer
