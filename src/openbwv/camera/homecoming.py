"""What a camera takes home from a hello: time, epoch key, profile, revocations, assignment, newest checkpoint.

Rule: nothing is believed because a dock says it. Epoch key and assignment are signed under the pinned agency CA by a
fleet key, the revocation list by the CA itself, a new log key as openbwv.shared.log_generation says, the checkpoint by
the pinned log key with a proof that it grew out of the one held; an older or contradicting one is refused and told.
Only the time is the dock's own word, and is kept as an offset with its uncertainty (Cristian: half the round trip).
"""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from openbwv import recording as r
from openbwv.camera.identity import Identity
from openbwv.camera.timing import CameraClock, Sync
from openbwv.custody import Checkpoint, CustodyError, open_note, verify_consistency
from openbwv.recording.errors import BwvError
from openbwv.shared import door
from openbwv.shared.door import DoorBusy, DoorError, Hello, Welcome
from openbwv.shared.door_client import DoorClient
from openbwv.shared.durable import write_durably
from openbwv.shared.log_generation import newer_log_key
from openbwv.shared.renewal import renew
from openbwv.shared.revocation import Revocations, keep_newer

Tell = Callable[[str], None]


@dataclass
class Homecoming:
    """One docking's news, taken in step by step; `alarms` are for a person, `revoked` are key identifiers."""

    identity: Identity
    clock: CameraClock
    told: Tell
    hello: Hello | None = None
    heard_ms: int = 0
    heard_ns: int = 0
    revoked: frozenset[bytes] = frozenset()
    alarms: list[str] = field(default_factory=list)
    assigned: r.Assignment | None = None
    step: dict[int, int] | None = None

    @property
    def folder(self) -> Path:
        """The identity folder."""
        return self.identity.folder

    def alarm(self, text: str) -> None:
        """Say something that a person should look at."""
        self.alarms.append(text)
        self.told(text)

    def hear(self, hello: Hello) -> None:
        """Note a hello and the moment at which it came, by the camera's own clock; the round trip ends after that."""
        self.hello, self.heard_ms = hello, self.clock.own_utc_ms()
        self.heard_ns = time.monotonic_ns()

    def take(self, client: DoorClient, welcome: Welcome) -> None:
        """Take in everything a welcome carries; what does not hold is left out and told."""
        self.revoked = welcome.revoked
        self._set_clock((self.heard_ns - client.hello_began_ns) // 1_000_000)
        self._attempt("revocation list", lambda: self._keep_crl(welcome))
        self._attempt("certificate", lambda: self._renew(client))
        self._attempt("epoch key", lambda: self._keep_epoch(welcome))
        self._attempt("assignment", lambda: self.keep_assignment(welcome.assignment))
        if welcome.profile:
            self._write("profile.json", json.dumps(welcome.profile, sort_keys=True).encode())
        self._attempt("log key", lambda: self._keep_log_key(welcome))
        self._attempt("checkpoint", lambda: self._keep_checkpoint(client, welcome))

    def revocations(self) -> Revocations:
        """Return the newest stored revocation list."""
        return load_revocations(self.identity)

    def keep_assignment(self, message: bytes | None) -> None:
        """Store a newer assignment that is for this camera; raises FormatError, DoorError."""
        if message is None:
            return
        received = r.Assignment.decode(message, trust=self.identity.trust)
        self._refuse_revoked(received)
        path = self.folder / "assignment.cbor"
        if path.exists() and path.read_bytes() == message:
            return  # the one held; a dock offers it at every hello
        held = self.identity.assignment if self.assigned is None else self.assigned
        if received.body.camera_kid != self.identity.kid:
            raise door.bad_answer("an assignment, which is for another camera")
        if held is not None and received.body.from_ms <= held.from_ms:
            return
        self._write("assignment.cbor", message)
        self.assigned = received.body

    def _attempt(self, what: str, deed: Callable[[], None]) -> None:
        try:
            deed()
        except door.DoorUnreachable:
            raise
        except BwvError as problem:
            self.alarm(f"The {what} that this dock gave is refused: {problem.what}")

    def _keep_crl(self, welcome: Welcome) -> None:
        if welcome.crl:
            keep_newer(self.folder / "crl.pem", welcome.crl.encode(), trust_pem=self.identity.trust_pem)

    def _renew(self, client: DoorClient) -> None:
        try:
            new = renew(
                client, folder=self.folder, use=r.USE_CAMERA, trust=self.identity.trust, utc_ms=self.clock.utc_ms()
            )
        except DoorBusy as problem:
            self.told(f"The certificate is renewed at another visit: {problem.what}")
            return
        if new:
            self.told("This camera's certificate was renewed.")

    def _keep_epoch(self, welcome: Welcome) -> None:
        if welcome.epoch_key is None:
            return
        received = r.EpochKey.decode(welcome.epoch_key, trust=self.identity.trust)
        self._refuse_revoked(received)
        if received.body.from_ms >= self.identity.epoch.from_ms:
            self._write("epoch.cbor", welcome.epoch_key)

    def _refuse_revoked(self, received: "r.Received[r.EpochKey] | r.Received[r.Assignment]") -> None:
        if received.kid in self.revoked or self.revocations().names(received.chain.leaf):
            raise door.bad_answer("something signed by a revoked key")

    def _set_clock(self, rtt_ms: int) -> None:
        """Go by the dock's time; where that is further off than both uncertainties, `step` is what the journal gets."""
        if self.hello is None:
            return
        before = self.clock.state(self.heard_ms)  # both for one moment: what a slow disk takes between is no step
        sync = Sync.measured(dock_ms=self.hello.time_ms, rtt_ms=rtt_ms, own_ms=self.heard_ms)
        sync.keep(self.folder)
        self.clock.adopt(sync)
        after = self.clock.state(self.heard_ms)
        unset = before.source == r.ClockSource.NONE
        if unset or abs(after.utc_ms - before.utc_ms) > before.uncertainty_ms + after.uncertainty_ms:
            values = (self.clock.mono_ns(), before.utc_ms, after.utc_ms, int(after.source), after.uncertainty_ms)
            self.step = dict(enumerate(values, start=1))

    def _keep_log_key(self, welcome: Welcome) -> None:
        vkey = self.folder / "log.vkey"
        if not vkey.exists():
            return
        newer = newer_log_key(
            welcome.log_vkey,
            welcome.log_certificate,
            pinned=vkey.read_text("utf-8"),
            folder=self.folder,
            trust=self.identity.trust,
            revocations=self.revocations(),
            beginning=welcome.log_beginning,
            held=read_anchor(self.folder / "anchor.json"),
        )
        if newer is not None:
            self._write("log.vkey", newer.encode())
            self.told(f"The custody log began anew as {newer.split('+')[0]}; its key is certified by the agency.")

    def _keep_checkpoint(self, client: DoorClient, welcome: Welcome) -> None:
        vkey = self.folder / "log.vkey"
        if welcome.checkpoint is None or not vkey.exists():
            return
        offered = open_note(welcome.checkpoint, vkey.read_text("utf-8"))
        held = read_anchor(self.folder / "anchor.json")
        grown = offered if held is None else self._grown(client, welcome, held, offered)
        if grown is None:
            return
        nonce = self.hello.nonce.hex() if self.hello else ""
        values = {"origin": grown.origin, "size": grown.size, "root": grown.root.hex(), "nonce": nonce}
        self._write("anchor.json", json.dumps(values).encode())

    def _grown(self, client: DoorClient, welcome: Welcome, held: Checkpoint, offered: Checkpoint) -> Checkpoint | None:
        """Return the checkpoint to hold from now on, None to keep the one held."""
        if offered.origin != held.origin:
            return offered  # signed by the pinned key, so the one held is of the generation before it
        if offered.size < held.size:
            self.told("The dock's checkpoint is older than the one held; the newer one is kept.")
            return None
        proof = welcome.consistency
        try:
            if proof is None and 0 < held.size < offered.size:
                offered, proof = self._ask_proof(client, held, offered)
        except DoorError as problem:
            self.told(f"No proof for the newer checkpoint ({problem.what}); the one held is kept.")
            return None
        try:
            verify_consistency(
                old=held.size, old_root=held.root, new=offered.size, new_root=offered.root, proof=list(proof or ())
            )
        except CustodyError as problem:
            self.alarm(f"The custody log contradicts what this camera saw earlier: {problem.what}")
            return None
        return offered

    def _ask_proof(
        self, client: DoorClient, held: Checkpoint, offered: Checkpoint
    ) -> tuple[Checkpoint, tuple[bytes, ...]]:
        """Return a proof and the checkpoint it is for: the log may have grown since the one offered was signed."""
        value = client.get(f"/consistency?old={held.size}&new={offered.size}")
        if isinstance(note := value.get("checkpoint"), str):
            offered = open_note(note, (self.folder / "log.vkey").read_text("utf-8"))
        if value.get("size", offered.size) != offered.size:
            raise door.bad_answer("the growth of the log, which is for another moment")
        return offered, tuple(door.from_base64(each, "consistency proof") for each in value.get("proof") or [])

    def _write(self, name: str, data: bytes) -> None:
        path = self.folder / name
        if not path.exists() or path.read_bytes() != data:
            write_durably(path, data, replace=True)


def read_anchor(path: Path) -> Checkpoint | None:
    """Return the newest checkpoint this camera has seen, or None; a damaged file counts as none."""
    try:
        value = json.loads(path.read_bytes())
        return Checkpoint(str(value["origin"]), int(value["size"]), bytes.fromhex(value["root"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def load_revocations(identity: Identity) -> Revocations:
    """Return what the camera's stored revocation list says; the empty one if there is none."""
    return Revocations.load(identity.folder / "crl.pem", trust_pem=identity.trust_pem)
