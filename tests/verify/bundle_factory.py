"""A whole force in memory: camera, log, receipt and export keys, and the bundle that its export would write."""

import hashlib
import json
import secrets

import bagit
from cryptography.hazmat.primitives.asymmetric import ed25519

from openbwv import custody
from openbwv import recording as r
from openbwv.custody import EventType, LogReader, MemoryPlace, MemoryStorage
from tests.recording.factory import NOW_MS, Agency, read_all

TAGMANIFEST = "tagmanifest-sha256.txt"
STEPS = (EventType.INGEST, EventType.VIEW, EventType.EXPORT)


class Force:
    """An agency with a log. Another one of the same name is a forger."""

    def __init__(self, name="Thornbury Police"):
        self.agency = Agency(name)
        self.camera = self.agency.camera()
        key = ed25519.Ed25519PrivateKey.generate()
        self.begin_log("force.example/log", key)
        self.receipts = self.agency.signer(r.USE_RECEIPT, "receipts")
        self.exports = self.agency.signer(r.USE_EXPORT, "exports")

    def begin_log(self, origin, key):
        """Begin a log; again for a new generation, as a restore does."""
        self.log_chain = self.agency.certify(key.public_key(), r.USE_LOG, "log")
        self.vkey = custody.make_vkey(origin, key.public_key().public_bytes_raw())
        self.storage = MemoryStorage()
        self.log = custody.create_log(self.storage, vkey=self.vkey, sign=key.sign, outside=MemoryPlace())
        self.reader = LogReader(self.storage, vkey=self.vkey)

    def happen(self, kind, rec_id, subj, **details):
        """Log one event; return (index, leaf, event, salt)."""
        event = {
            "v": 1, "type": int(kind), "t": NOW_MS // 1000, "at_ms": NOW_MS, "subj": subj, "rec": rec_id,
            "actor": "gale", "why": "matter 12", "rule": "", "outcome": "done", "details": details,
        }  # fmt: skip
        salt = secrets.token_bytes(32)
        leaf = custody.leaf(int(kind), event["t"], subj, custody.commit_event(event, salt))
        index = self.log.append([leaf])[0]
        return index, leaf, event, salt

    def receipt(self, rec, step, **changes):
        """The evidence receipt for a recording whose ingest is `step`."""
        reader, entries = read_all(rec.manifest)
        cts = b"".join(entry.fragment.ct for entry in entries if entry.fragment)
        index, leaf, event, salt = step
        facts = {
            "rec_id": rec.rec_id, "kid": self.camera.signer.kid, "last_seq": reader.next_seq - 1, "tail": reader.tail,
            "media_length": len(rec.media_bin), "media_sha256_of_cts": hashlib.sha256(cts).digest(),
            "stored_at_ms": NOW_MS, "replicas": 1, "server_id": "force-1", "leaf": leaf,
            "leaf_event": r.cbor.encode(event), "leaf_salt": salt, "proof": self.reader.tlog_proof(index),
        }  # fmt: skip
        return r.EvidenceReceipt(**(facts | changes)).encode(*self.receipts)

    def bundle(self, folder, *, sealed=False, rec=None, receipt_changes=None, spoil=None, steps=STEPS):
        """Write a bundle of a fresh recording; `spoil(folder)` runs before the bag is made."""
        rec = rec or self.camera.record()
        subj = secrets.token_bytes(16)
        happened = [self.happen(kind, rec.rec_id, subj, tail=rec.tail.hex()) for kind in steps]
        folder.mkdir(parents=True)
        (folder / "manifest.cbor").write_bytes(rec.manifest)
        (folder / "commit.key").write_text(rec.commit_key.hex() + "\n")
        if sealed:
            (folder / "media.bin").write_bytes(rec.media_bin)
        else:
            (folder / "master.mp4").write_bytes(b"".join(rec.plain))
            (folder / "view.mp4").write_bytes(b"a copy for watching")
        (folder / "device-chain.pem").write_bytes(r.to_pem(self.camera.chain))
        (folder / "receipt.cbor").write_bytes(self.receipt(rec, happened[0], **(receipt_changes or {})))
        self._write_log(folder, happened)
        if spoil:
            spoil(folder)
        self.bag(folder, rec, sealed)
        return folder

    def _write_log(self, folder, happened):
        (folder / "checkpoint").write_text(self.reader.note())
        (folder / "log.vkey").write_text(self.vkey + "\n")
        (folder / "log-chain.pem").write_bytes(r.to_pem(self.log_chain))
        (folder / "proofs").mkdir()
        lines = []
        for index, leaf, event, salt in happened:
            (folder / "proofs" / f"{index}.tlog-proof").write_bytes(self.reader.tlog_proof(index))
            row = {"index": index, "leaf": leaf.hex(), "event": r.cbor.encode(event).hex(), "salt": salt.hex()}
            lines.append(json.dumps(row | {"who": "gale"}) + "\n")
        (folder / "custody.jsonl").write_text("".join(lines))

    def bag(self, folder, rec, sealed=False):
        bag = bagit.make_bag(str(folder), {"Source-Organization": "force"}, checksums=["sha256", "sha512"])
        (folder / "READ-ME-FIRST.html").write_text("<p>How to check this bundle.")
        bag.save()
        self.seal(folder, rec, sealed)

    def seal(self, folder, rec, sealed=False, **changes):
        listed = hashlib.sha256((folder / TAGMANIFEST).read_bytes()).digest()
        facts = {"rec_id": rec.rec_id, "tail": rec.tail, "tagmanifest_sha256": listed, "exported_at_ms": NOW_MS}
        data = r.BundleSeal(**(facts | changes), sealed=sealed).encode(*self.exports)
        (folder / f"{TAGMANIFEST}.cose").write_bytes(data)
