"""A small force for tests: agency, log, receipts, cameras with recordings of random bytes; no server."""

import hashlib
import itertools
import os
import time
from dataclasses import dataclass, field, replace

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from openbwv import recording as r
from openbwv.custody import (
    EventType,
    LogReader,
    MemoryPlace,
    MemoryStorage,
    commit_event,
    create_log,
    leaf,
    make_vkey,
)
from openbwv.recording import cbor
from openbwv.shared import agency
from openbwv.shared.agency import Profile
from openbwv.shared.door import LogBeginning
from openbwv.shared.receipts import OwnFacts, media_hash

counter = itertools.count(1)
EPOCH_ID = "2026-w47"


@dataclass
class Party:
    """A key, its certificate chain and its name."""

    name: str
    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate
    chain: tuple[bytes, ...]

    @property
    def signer(self):
        return r.SoftwareSigner(self.key)

    @property
    def kid(self):
        return self.signer.kid

    def write(self, folder):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "key.pem").write_bytes(agency.key_to_pem(self.key))
        (folder / "chain.pem").write_bytes(r.to_pem(self.chain))
        return folder


@dataclass
class TestRecording:
    """A finished recording as bytes, with everything a store or a dock would have."""

    __test__ = False
    rec_id: bytes
    kid: bytes
    entries: list[bytes]
    media: bytes
    key_cbor: bytes
    fragments: list
    rc: int
    closed: bool = True
    evidential: bool = False
    orphan: bytes = b""
    plaintexts: list[bytes] = field(default_factory=list)

    @property
    def tail(self):
        return r.parse_entry(self.entries[-1]).sig_structure_sha256

    @property
    def manifest(self):
        return b"".join(self.entries)

    def slice(self, first, last):
        """The sealed bytes of the fragments with entry numbers first to last."""
        return b"".join(self.media[f.offset : f.offset + f.n] for f in self.fragments if first <= f.seq <= last)

    def facts(self):
        return OwnFacts(
            rec_id=self.rec_id,
            kid=self.kid,
            last_seq=len(self.entries) - 1,
            tail=self.tail,
            media_length=len(self.media),
            media_sha256_of_cts=media_hash(self.fragments),
            orphan_length=len(self.orphan),
            orphan_sha256=hashlib.sha256(self.orphan).digest() if self.orphan else b"",
        )


class Force:
    """An agency with a log and a receipt key, all in memory."""

    def __init__(self, name="Thornbury Police", *, pretend=False, origin="thornbury.example/log"):
        self.agency_key, self.agency = agency.make_agency(name, pretend=pretend)
        self.trust_pem = agency.to_pem([self.agency])
        self.trust = r.Trust.load(self.trust_pem)
        self.receipt = self.party("receipt-1", Profile.RECEIPT)
        self.fleet = self.party("fleet-1", Profile.FLEET)
        self.epoch_key = ec.generate_private_key(ec.SECP256R1())
        self.begin_log(origin)

    def begin_log(self, origin):
        """Begin a log, or its next generation, with a key of its own that the agency certifies."""
        log_key = Ed25519PrivateKey.generate()
        self.vkey = make_vkey(origin, log_key.public_key().public_bytes_raw())
        certificate = agency.issue(
            agency_key=self.agency_key, agency=self.agency, public_key=log_key.public_key(), profile=Profile.LOG,
            name="log",
        )  # fmt: skip
        self.log_chain = (agency.to_der(certificate), agency.to_der(self.agency))
        self.storage = MemoryStorage()
        self.log = create_log(self.storage, vkey=self.vkey, sign=log_key.sign, outside=MemoryPlace())
        self.first = None

    def begin_next_log(self, origin, **changes):
        """Begin the next generation as a restore does: its first entry names the end of the one before."""
        end = self.reader.checkpoint()
        self.begin_log(origin)
        details = {"old_origin": end.origin, "old_size": end.size, "old_root": end.root.hex(), "restored_size": 0}
        self.log_first(details=details | changes)

    def log_first(self, *, details, type_=EventType.LOG_GENERATION, outcome="done"):
        event = {
            "v": 1, "type": int(type_), "at_ms": 0, "subject": os.urandom(16), "rec": None, "actor": "./bwv restore",
            "why": "", "rule": "R13", "outcome": outcome, "details": details,
        }  # fmt: skip
        salt = os.urandom(32)
        entry = leaf(event["type"], 0, event["subject"], commit_event(event, salt))
        self.log.append([entry])
        self.first = (entry, cbor.encode(event), salt)

    def beginning(self):
        """The first entry as the server would open it, or None for a log that did not begin after another."""
        return LogBeginning(*self.first, self.reader.tlog_proof(0)) if self.first else None

    def party(self, name, profile, *, hosts=(), now_ms=None, days=397):
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = agency.issue(
            agency_key=self.agency_key, agency=self.agency, public_key=key.public_key(), profile=profile, name=name,
            hosts=hosts, now_ms=now_ms, days=days,
        )  # fmt: skip
        return Party(name, key, certificate, (agency.to_der(certificate), agency.to_der(self.agency)))

    def camera(self, name="0417", **more):
        return self.party(name, Profile.CAMERA, **more)

    def crl(self, *revoked, number=1):
        from datetime import UTC, datetime

        serials = [(party.certificate.serial_number, datetime.now(UTC)) for party in revoked]
        return agency.make_crl(agency_key=self.agency_key, agency=self.agency, revoked=serials, number=number)

    @property
    def reader(self):
        return LogReader(self.storage, vkey=self.vkey)

    def epoch_point(self):
        return self.epoch_key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)

    def epoch_message(self):
        return r.EpochKey(EPOCH_ID, self.epoch_point(), 0).encode(self.fleet.signer, self.fleet.chain)

    def event(self, facts, **changes):
        """The INGEST event, its salt and its leaf, logged."""
        event = {
            "v": 1, "type": int(EventType.INGEST), "at_ms": time.time_ns() // 1_000_000, "subject": os.urandom(16),
            "rec": facts.rec_id, "actor": "door", "why": "", "rule": "ingest", "outcome": "done",
            "details": {"tail": facts.tail.hex(), "last_seq": facts.last_seq},
        } | changes  # fmt: skip
        salt = os.urandom(32)
        entry = leaf(event["type"], event["at_ms"] // 1000, event["subject"], commit_event(event, salt))
        index = self.log.append([entry])[0]
        return event, salt, entry, index

    def receipt_for(self, facts, *, signer=None, event_changes=None, **changes):
        """A true evidence receipt for `facts`, or one with `changes` signed all the same."""
        event, salt, entry, index = self.event(facts, **(event_changes or {}))
        body = r.EvidenceReceipt(
            rec_id=facts.rec_id, kid=facts.kid, last_seq=facts.last_seq, tail=facts.tail,
            media_length=facts.media_length, media_sha256_of_cts=facts.media_sha256_of_cts,
            orphan_length=facts.orphan_length, orphan_sha256=facts.orphan_sha256,
            stored_at_ms=event["at_ms"], replicas=1, server_id="evidence-1", leaf=entry,
            leaf_event=cbor.encode(event), leaf_salt=salt, proof=self.reader.tlog_proof(index),
        )  # fmt: skip
        party = signer or self.receipt
        return replace(body, **changes).encode(party.signer, party.chain)


def make_recording(
    force, camera, *, fragments=6, size=2000, rc=None, closed=True, evidential=False, marker=False, signal=False,
    orphan=b"", previous=None, epoch=None,
):  # fmt: skip
    """A recording of random bytes, sealed and signed as a camera does."""
    rec_id = r.new_rec_id(time.time_ns() // 1_000_000, os.urandom)
    dek = r.new_dek(os.urandom)
    rc = next(counter) if rc is None else rc
    builder = r.RecordingBuilder(rec_id=rec_id, dek=dek, signer=camera.signer, chain=list(camera.chain))
    now = time.time_ns() // 1_000_000
    entries = [
        builder.open(
            r.OpenBody(
                rc=rc, bt=1, clock=r.ClockState(now, 10, r.ClockSource.DOCK, now), m0_ns=0,
                tracks=(r.Track(1, r.TrackKind.VIDEO, r.Container.FMP4, r.Codec.H264, 90000),),
                trigger=r.Trigger.SIGNAL if signal else r.Trigger.BUTTON,
                previous=previous.rec_id if previous else None, previous_tail=previous.tail if previous else None,
            ),
            mono_ns=1,
        )
    ]  # fmt: skip
    media, mono, plaintexts = b"", 1, []
    for number in range(fragments):
        mono += 1_000_000_000
        plain = os.urandom(size)
        plaintexts.append(plain)
        init = number == 0
        sealed, entry = builder.fragment(
            plain, mono_ns=mono, times=() if init else ((1, (number - 1) * 90000, 90000),),
            flags=r.FragFlag.INIT if init else 0,
        )  # fmt: skip
        media += sealed
        entries.append(entry)
        if marker and number == 1:
            entries.append(builder.event(r.EventKind.MARKER, mono_ns=mono, public={1: mono}))
    if evidential:
        entries.append(builder.event(r.EventKind.CATEGORY, mono_ns=mono, public={1: 3, 2: True}))
    if closed:
        entries.append(builder.close(r.CloseReason.BUTTON, mono_ns=mono))
    epoch = epoch or {"id": EPOCH_ID, "public": force.epoch_point()}
    key = r.wrap_dek(dek, epoch_id=epoch["id"], epoch_public=epoch["public"], rec_id=rec_id, kid=camera.kid)
    reader = r.ManifestReader()
    infos = [entry.fragment for entry in reader.feed(b"".join(entries)) if entry.fragment]
    return TestRecording(rec_id, camera.kid, entries, media, key, infos, rc, closed, evidential, orphan, plaintexts)
