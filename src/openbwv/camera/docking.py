"""One visit of a camera to a dock (or to the server itself).

Order: hello with a signed inventory of everything · the signed counters · evidence receipts for what was copied
before, and their wipes · manifests and keys of all recordings · the journal · media, the most urgent first · receipts
again, as long as asked.
A dock's custody receipt permits nothing; only an evidence receipt that holds in full (openbwv.shared.receipts) reaches
`store.wipe`.
"""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from cryptography import x509

from openbwv import recording as r
from openbwv.camera.counting import count_statement
from openbwv.camera.errors import StoreDamaged
from openbwv.camera.homecoming import Homecoming, load_revocations, read_anchor
from openbwv.camera.identity import Identity
from openbwv.camera.journal import Journal
from openbwv.camera.layout import JOURNAL, MANIFEST
from openbwv.camera.parcels import parcel_of
from openbwv.camera.startup import Started
from openbwv.camera.store import Store
from openbwv.camera.stored import Stored
from openbwv.camera.timing import CameraClock
from openbwv.recording import USE_DOCK, USE_DOOR
from openbwv.recording.errors import BwvError
from openbwv.shared import upload
from openbwv.shared.door import DoorBusy, DoorError, DoorUnreachable, Hello, Welcome, bad_answer
from openbwv.shared.door_client import DoorClient
from openbwv.shared.receipts import ReceiptRefused, check_evidence_receipt
from openbwv.shared.tls import TlsIdentity, client_context, may_be_door

log = logging.getLogger("openbwv.camera")

RECEIPT_POLL_S = 1.0
FULL_BATTERY = 100


@dataclass
class Docking:
    """One visit to a dock: what is to be done, and what came of it."""

    store: Store
    identity: Identity
    journal: Journal | None
    dock_url: str
    clock: CameraClock
    told: Callable[[str], None]
    stop: threading.Event
    home: Homecoming = field(init=False)
    custody: dict[bytes, str] = field(default_factory=dict)
    wiped: list[bytes] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    held_up: dict[bytes, str] = field(default_factory=dict)
    pending: dict[bytes, upload.Parcel] = field(default_factory=dict)
    bytes_sent: int = 0
    _stored: dict[bytes, tuple[int, Stored]] = field(default_factory=dict)
    _peer: x509.Certificate | None = None

    @classmethod
    def of(cls, started: Started, *, dock_url: str, told: Callable[[str], None], stop: threading.Event) -> "Docking":
        """Return the visit of a camera that has started."""
        return cls(started.store, started.identity, started.journal, dock_url, started.clock, told, stop)

    def __post_init__(self) -> None:
        self.home = Homecoming(identity=self.identity, clock=self.clock, told=self.told)

    # -- hello ---------------------------------------------------------------------------------------------------

    def client(self) -> DoorClient:
        """Return a client of the dock that speaks as this camera."""
        folder = self.identity.folder
        context = client_context(
            trust_pem=self.identity.trust_pem,
            identity=TlsIdentity(folder / "key.pem", folder / "chain.pem"),
            uses=[USE_DOCK, USE_DOOR],
            revocations=load_revocations(self.identity),
            met=self._meet,
        )
        return DoorClient(self.dock_url, context=context, inventory=self._inventory)

    def _meet(self, peer: x509.Certificate) -> None:
        self._peer = peer

    def _inventory(self, hello: Hello) -> bytes:
        if self._peer is None or not may_be_door(self._peer, hello.door):
            raise bad_answer("a hello, which is for another door than the one that gave it")
        self.home.hear(hello)
        rows = [
            r.InventoryRow(each.rec_id, each.rc, each.last_seq, each.tail, each.closed, each.evidential)
            for each in self.readable()
        ]
        inventory = r.Inventory(
            nonce=hello.nonce,
            door=hello.door,
            boot=self.store.boots(),
            next_rc=self.store.next_rc(),
            last=tuple(rows),
            battery=FULL_BATTERY,
        )
        return inventory.encode(self.identity.signer, self.identity.chain)

    def greet(self, client: DoorClient) -> Welcome:
        """Say hello, take in what it brings and write into the journal what belongs there."""
        welcome = client.greet()
        self.home.take(client, welcome)
        if self.journal is not None and self.home.step is not None:
            self.journal.event(r.EventKind.CLOCK_SYNC, public=self.home.step)
        self.home.step = None
        self.note_assignment()
        return welcome

    def readable(self) -> list[Stored]:
        """Return every recording that can be read, oldest first; a damaged one is told, kept, and holds up nothing."""
        found = []
        for rec_id in self.store.rec_ids():
            try:
                found.append(self._read(rec_id))
                self.held_up.pop(rec_id, None)
            except StoreDamaged as problem:
                if rec_id not in self.held_up:
                    self.told(problem.what)
                self.held_up[rec_id] = problem.what
        return found

    def _read(self, rec_id: bytes) -> Stored:
        """Read a recording once for as long as its manifest does not grow; checking signatures takes its time."""
        size = (self.store.folder(rec_id) / MANIFEST).stat().st_size
        known = self._stored.get(rec_id)
        if known is None or known[0] != size:
            known = self._stored[rec_id] = (size, self.store.read(rec_id))
        return known[1]

    # -- one pass ------------------------------------------------------------------------------------------------

    def once(self) -> None:
        """Do everything once over one connection; raises DoorUnreachable when that breaks, DoorError otherwise."""
        with self.client() as client:
            welcome = self.greet(client)
            self._state_counts(client)
            self.wipe_receipted(client)
            parcels = [parcel_of(each) for each in self.readable()]
            sendable = [
                each for each in parcels if self._one(each.rec_id, lambda each=each: upload.announce(client, each))
            ]
            self._send_journal(client)
            for each in upload.in_order(sendable, welcome.queue):
                if self.stop.is_set():
                    return
                self._one(each.rec_id, lambda each=each: self._send(client, each))

    def _one(self, rec_id: bytes, deed: Callable[[], None]) -> bool:
        """Do `deed` for one recording; what only concerns that one must not hold up the others."""
        try:
            deed()
        except DoorUnreachable:
            raise
        except DoorError as problem:
            if problem.status == 507:
                raise
            self.held_up[rec_id] = problem.what
            self.told(f"Recording {rec_id.hex()} is held up: {problem.what}")
            return False
        self.held_up.pop(rec_id, None)
        return True

    def _send(self, client: DoorClient, parcel: upload.Parcel) -> None:
        progress = upload.Progress()
        try:
            upload.send_media(client, parcel, progress=progress)
        finally:
            self.bytes_sent += progress.bytes_sent
        if not self._read(parcel.rec_id).closed:
            return  # still being recorded; recovery or the stop button closes it
        self._ask_for_receipt(client, parcel)

    def _ask_for_receipt(self, client: DoorClient, parcel: upload.Parcel) -> None:
        try:
            receipt = upload.finish(client, parcel)
        except DoorBusy:
            self.pending[parcel.rec_id] = parcel  # the server itself, which is not ready yet: asked again below
            return
        self.pending.pop(parcel.rec_id, None)
        self._file(receipt, parcel)

    def _file(self, receipt: bytes, parcel: upload.Parcel) -> None:
        """Look at what `complete` gave: a dock's custody receipt, or the server's evidence receipt."""
        try:
            custody = r.CustodyReceipt.decode(receipt, trust=self.identity.trust).body
        except BwvError:
            self.judge(receipt)
            return
        if (custody.rec_id, custody.tail, custody.last_seq) == (parcel.rec_id, parcel.tail, parcel.last_seq):
            self.custody[parcel.rec_id] = custody.dock
            self.told(f"Recording {parcel.rec_id.hex()} is copied to {custody.dock}, not wiped.")

    # -- receipts ------------------------------------------------------------------------------------------------

    def wipe_receipted(self, client: DoorClient) -> None:
        """Fetch evidence receipts and wipe what they permit; one that does not hold is told and wipes nothing."""
        kids = {self.identity.kid} | {each.kid for each in self.readable()}
        for kid in sorted(kids):
            for receipt in client.receipts(kid):
                self.judge(receipt)

    def judge(self, receipt: bytes) -> None:
        """Wipe what an evidence receipt permits; one that does not hold is told and wipes nothing."""
        try:
            rec_id = r.EvidenceReceipt.decode(receipt).body.rec_id
            if rec_id not in self.store.rec_ids():
                return
            if not self._read(rec_id).closed:
                raise ReceiptRefused("the recording is not closed here")
            received = check_evidence_receipt(
                receipt,
                own=self.store.own_facts(rec_id),
                trust=self.identity.trust,
                log_vkey=(self.identity.folder / "log.vkey").read_text("utf-8"),
                revocations=self.home.revocations(),
                revoked_kids=self.home.revoked,
            )
        except (BwvError, OSError) as problem:
            what = problem.what if isinstance(problem, BwvError) else f"the log's key cannot be read: {problem}"
            if receipt.hex()[:64] not in self.refused:
                self.home.alarm(what)
            self.refused[receipt.hex()[:64]] = what
            return
        self.store.wipe(
            rec_id,
            received,
            receipt,
            signer=self.identity.signer,
            chain=self.identity.chain,
            utc_ms=self.clock.utc_ms(),
        )
        self.wiped.append(rec_id)
        self.held_up.pop(rec_id, None)
        if self.journal is not None:
            self.journal.event(r.EventKind.WIPED, public={1: rec_id, 2: received.signed.sha256})
        self.told(f"Recording {rec_id.hex()} is at the server and was wiped here.")

    def wait_for_receipts(self, *, seconds: float) -> None:
        """Poll for receipts and an assignment until everything is wiped, `seconds` are over or a stop is asked for."""
        end_ns = self.clock.mono_ns() + int(seconds * 1e9)
        with self.client() as client:
            self.greet(client)
            while not self.stop.is_set() and self.store.rec_ids() and self.clock.mono_ns() < end_ns:
                for parcel in list(self.pending.values()):
                    self._one(parcel.rec_id, lambda parcel=parcel: self._ask_for_receipt(client, parcel))
                self.wipe_receipted(client)
                self.take_assignment(client)
                if not self.store.rec_ids():
                    return
                self.stop.wait(RECEIPT_POLL_S)

    # -- assignment and journal ----------------------------------------------------------------------------------

    def take_assignment(self, client: DoorClient) -> bool:
        """Fetch and store an assignment that waits here; returns whether there is a new one."""
        before = self.home.assigned
        try:
            self.home.keep_assignment(client.assignment())
        except DoorUnreachable:
            raise
        except BwvError as problem:
            log.info("no assignment: %s", problem.what)
            return False
        self.note_assignment(before)
        return self.home.assigned is not before

    def note_assignment(self, before: r.Assignment | None = None) -> None:
        """Write a new assignment into the journal and say it."""
        given = self.home.assigned
        if given is None or given is before:
            return
        if self.journal is not None:
            public = {1: given.pseudonym, 2: given.from_ms, 3: given.until_ms}
            self.journal.event(r.EventKind.ASSIGNED, public=public)
        self.told("This camera was assigned.")

    def _state_counts(self, client: DoorClient) -> None:
        """Say under signature how many recordings this camera began; what becomes of it must not hold up footage."""
        if self.journal is None:
            return
        statement = count_statement(
            store=self.store,
            journal=self.journal,
            held=[each.rc for each in self.readable()],
            clock=self.clock.state(),
            anchor=read_anchor(self.identity.folder / "anchor.json"),
        )
        try:
            client.put_counts(self.identity.kid, statement.encode(self.identity.signer, self.identity.chain))
        except DoorUnreachable:
            raise
        except DoorError as problem:
            self.told(f"The counters were not taken: {problem.what}")

    def _send_journal(self, client: DoorClient) -> None:
        path = self.journal.path if self.journal is not None else self.store.path / JOURNAL
        if not path.exists():
            return
        entries = [entry.raw for entry in r.JournalReader().feed(path.read_bytes())]
        try:
            start = client.journal_held(self.identity.kid)
            start = start if start <= len(entries) else 0
            try:
                if entries[start:]:
                    client.put_journal(self.identity.kid, from_seq=start, entries=b"".join(entries[start:]))
            except DoorUnreachable:
                raise
            except DoorError:  # another journal than the one held there: this one from its start
                client.put_journal(self.identity.kid, from_seq=0, entries=b"".join(entries))
        except DoorUnreachable:
            raise
        except BwvError as problem:
            self.told(f"The journal was not taken: {problem.what}")

    def summary(self) -> dict[str, Any]:
        """Return what came of it, for `--json`."""
        return {
            "dock": self.dock_url,
            "bytes_sent": self.bytes_sent,
            "copied": sorted(rec_id.hex() for rec_id in self.custody),
            "wiped": sorted(rec_id.hex() for rec_id in self.wiped),
            "left": sorted(rec_id.hex() for rec_id in self.store.rec_ids()),
            "held_up": {rec_id.hex(): why for rec_id, why in self.held_up.items()},
            "receipts_refused": sorted(set(self.refused.values())),
            "assigned": self.home.assigned is not None,
            "alarms": list(self.home.alarms),
        }
