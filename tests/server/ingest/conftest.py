"""A force with a key service in this process, a log that is drained at once, a dock and a camera at the door."""

import contextlib
import hashlib
import json
import socket
import threading

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from openbwv.custody import LogReader
from openbwv.recording import Inventory
from openbwv.server.ingest import app, parts, side_objects, work
from openbwv.server.ingest.inlet import PeerGone
from openbwv.server.ingest.receiver import Receiver
from openbwv.server.vault.folders import lay_anchors
from openbwv.server.vault.force import Force, read_force
from openbwv.server.vault.keyd.ledger import Ledger
from openbwv.server.vault.keyd.logwatch import LogWatch
from openbwv.server.vault.keyd.operations import Operations
from openbwv.server.vault.keyd.service import serve_in_thread
from openbwv.shared import agency
from openbwv.shared.log_folder import log_folder
from tests.server.footage import TestCamera
from tests.server.log_fixture import running_log
from tests.server.vault.force_fixture import make_ring

__all__ = ["running_log"]


@pytest.fixture
def keyd(state, clock, monkeypatch):
    """Return the operations of a running key service; STATE holds a whole force."""
    monkeypatch.setenv("BWV_CHECKPOINT_PLACE", str(state.parent / "outside"))
    # Certificates begin at the tests' time, not at the machine's: the verifier compares them with the signed clock.
    monkeypatch.setattr(agency, "_start_ms", lambda _now_ms: clock.utc_ms() - agency.BACKDATE_MS)
    ring = make_ring(state)
    trust = agency.to_pem([ring.agency_cert])
    (state / "trust.pem").write_bytes(trust)
    for name in ("run", "tls", "vault", "aside"):
        (state / name).mkdir()
    Force(
        name="Test Force",
        origin=ring.origin,
        vkey=ring.vkey,
        door=f"door of {ring.origin}",
        door_url="",
        fingerprint=hashlib.sha256(agency.to_der(ring.agency_cert)).hexdigest(),
        pretend=False,
        generation=1,
        created_ms=0,
        trust_pem=trust,
    ).write(state)
    lay_anchors(state, read_force(state).fingerprint)
    watch = LogWatch(LogReader(log_folder(state), vkey=ring.vkey))
    operations = Operations(keyring=ring, ledger=Ledger(state / "keyring.ledger"), watch=watch, clock=clock)
    server = serve_in_thread(state / "run" / "keyd.sock", operations)
    operations.ring = ring
    operations.server = server
    yield operations
    server.shutdown()
    server.server_close()


def make_device(ring, model, name, profile):
    """Enrol a device and return (its row, its key, its chain)."""
    from openbwv.server.clock import clock, utc

    key = ec.generate_private_key(ec.SECP256R1())
    certificate = agency.issue(
        agency_key=ring.agency_key,
        agency=ring.agency_cert,
        public_key=key.public_key(),
        profile=profile,
        name=name,
    )
    row = model.objects.create(
        name=name,
        kid=agency.kid_of(key.public_key()).hex(),
        certificate=agency.to_pem([certificate]).decode(),
        serial=f"{certificate.serial_number:x}",
        enrolled_utc=utc(clock()),
    )
    return row, key, [agency.to_der(certificate), agency.to_der(ring.agency_cert)]


def converse(receiver, sent):
    """Send bytes over a connection that `receiver` answers in this thread; return all that came back."""
    ours, theirs = socket.socketpair()
    came = []

    def client():
        with contextlib.suppress(OSError):  # answered and closed before all was said
            ours.sendall(sent)
        ours.shutdown(socket.SHUT_WR)
        while data := ours.recv(1 << 16):
            came.append(data)

    other = threading.Thread(target=client)
    other.start()
    try:
        with contextlib.suppress(PeerGone):
            receiver.converse(theirs)
    finally:
        theirs.close()
        other.join()
        ours.close()
    return b"".join(came)


def read_answer(data):
    """Return (status, JSON or bytes, headers, what follows) of one answer; raises NoAnswer when there is none."""
    if not data:
        raise NoAnswer
    head, _, rest = data.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines)
    length = int(headers["content-length"])
    body = rest[:length]
    value = json.loads(body) if headers["content-type"] == "application/json" else body
    return int(first.split()[1]), value, headers, rest[length:]


class NoAnswer(Exception):
    """The door closed the connection without a word."""


class Door:
    """Speaks to the door's callable in this process."""

    def __init__(self, keyd, clock):
        from openbwv.server.fleet.models import Camera, Dock

        self.keyd, self.clock = keyd, clock
        self.dock, self.dock_key, self.dock_chain = make_device(keyd.ring, Dock, "Lewisham-1", agency.Profile.DOCK)
        self.camera_row, key, chain = make_device(keyd.ring, Camera, "0417", agency.Profile.CAMERA)
        epoch = keyd.ring.epoch
        self.camera = TestCamera(key, chain, epoch={"id": epoch.id, "public": epoch.public})
        self.token = ""

    def new_camera(self, name):
        from openbwv.server.fleet.models import Camera

        row, key, chain = make_device(self.keyd.ring, Camera, name, agency.Profile.CAMERA)
        return row, TestCamera(key, chain, epoch=self.camera.epoch)

    def stranger(self):
        """Return a camera that nobody enrolled, certified by nobody we know."""
        key = ec.generate_private_key(ec.SECP256R1())
        root_key, root = agency.make_agency("Test Force")
        leaf = agency.issue(
            agency_key=root_key, agency=root, public_key=key.public_key(), profile=agency.Profile.CAMERA, name="0417"
        )
        return TestCamera(key, [agency.to_der(leaf), agency.to_der(root)], epoch=self.camera.epoch)

    def ask(self, method, path, body=b"", *, token=None, headers=None, length=True):
        """Send one request over a connection of its own; return (status, JSON or bytes, headers)."""
        given = {"host": "door", "connection": "close"}
        given |= {"authorization": f"Bearer {self.token if token is None else token}"} | (headers or {})
        if length and "content-length" not in given:
            given["content-length"] = str(len(body))
        head = f"{method} {path} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in given.items())
        receiver = Receiver(None, app.answer_to, None)
        return read_answer(converse(receiver, head.encode() + b"\r\n" + body))[:3]

    def hello(self, key, chain, *, door=None, nonce=None):
        """Say hello as a device and keep its token; return (status, answer)."""
        from openbwv.recording import SoftwareSigner

        _, first, _ = self.ask("GET", "/hello")
        inventory = Inventory(nonce or bytes.fromhex(first["nonce"]), door or first["door"], boot=1, next_rc=9)
        status, answer, _ = self.ask("POST", "/hello", inventory.encode(SoftwareSigner(key), chain))
        if status == 200:
            self.token = answer["token"]
        return status, answer

    def hello_dock(self):
        """Say hello as the dock."""
        return self.hello(self.dock_key, self.dock_chain)

    def announce(self, footage):
        """Send entries and key."""
        status, answer, _ = self.ask("PUT", f"/recordings/{footage.hex}/manifest?from=0", footage.manifest)
        assert status == 200, answer
        status, answer, _ = self.ask("PUT", f"/recordings/{footage.hex}/key", footage.key_cbor)
        assert status in (200, 201), answer

    def send(self, footage, *, each=2):
        """Send the media in parts of `each` fragments."""
        for first in range(0, len(footage.sealed), each):
            seq, data = footage.part(first, each)
            status, answer, _ = self.ask("PUT", f"/recordings/{footage.hex}/parts/{seq}", data)
            assert status in (200, 201), answer

    def complete(self, footage, **more):
        """Ask for the receipt."""
        body = json.dumps({"last_seq": footage.last_seq, "tail": footage.tail.hex()} | more).encode()
        return self.ask("POST", f"/recordings/{footage.hex}/complete", body)

    def upload(self, footage):
        """Send everything and return the receipt."""
        self.announce(footage)
        self.send(footage)
        status, receipt, _ = self.complete(footage)
        assert status == 200, receipt
        return receipt


@pytest.fixture
def inline(monkeypatch):
    """Do the door's work at the database in this thread, so that a test's transaction sees it."""

    def now(function, *arguments, **keywords):
        with work.database_faults_named():
            return function(*arguments, **keywords)

    for module in (app, parts, side_objects):
        monkeypatch.setattr(module, "at_database", now)


@pytest.fixture
def door(db, keyd, clock, inline, units):
    """Return a door at which a dock has said hello."""
    made = Door(keyd, clock)
    status, answer = made.hello_dock()
    assert status == 200, answer
    return made
