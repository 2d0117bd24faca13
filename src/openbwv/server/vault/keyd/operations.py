"""What the key service does, one method an operation; `service` carries the requests.

Rules: a recording's key leaves only for a fresh leaf in the log that names this recording and why (VIEW, KEY_RELEASE).
The camera's wrap is opened once, checked against the signed commitment, and wrapped under the retention key; that key
itself does not leave. A dropped key is refused for ever. Nothing here keeps a released key.
"""

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from openbwv.custody import EventType, Leaf, check_tlog_proof, decode_leaf, event_matches, parse_tlog_proof
from openbwv.recording import SoftwareSigner, derived_key, read_key_cbor, unwrap_dek
from openbwv.recording.errors import BwvError
from openbwv.server.vault.keyd import wraps
from openbwv.server.vault.keyd.errors import (
    KeyDestroyed,
    KeyDoesNotOpen,
    KeyUnknown,
    ReleaseRefused,
    RequestWrong,
    RotationRefused,
)
from openbwv.server.vault.keyd.keyring import Keyring
from openbwv.server.vault.keyd.ledger import Ledger
from openbwv.server.vault.keyd.logwatch import LogWatch
from openbwv.shared import agency
from openbwv.shared.clock import Clock

FRESH_MS = 10 * 60 * 1000
AHEAD_MS = 60 * 1000
WRAPS_AT_ONCE = 10_000
OPENING = (EventType.VIEW, EventType.KEY_RELEASE)
RECORDING_KEY = "rec"  # where an event names its recording


class Operations:
    """The keyring, the ledger and the log, behind one lock."""

    def __init__(self, *, keyring: Keyring, ledger: Ledger, watch: LogWatch, clock: Clock) -> None:
        self._ring = keyring
        self._ledger = ledger
        self._watch = watch
        self._clock = clock
        self._lock = threading.Lock()
        self._confirmed: dict[str, set[bytes]] = {}

    def perform(self, request: dict[str, Any]) -> dict[str, Any]:
        """Do what `request` asks and return the answer; raises the errors of `keyd.errors` and of `custody`."""
        operation = OPERATIONS.get(str(request.pop("op", "")))
        if operation is None:
            raise RequestWrong(what="The key service does not know this operation.", remedy="Use releases that match.")
        try:
            with self._lock:
                return operation(self, **request)
        except TypeError as problem:
            raise RequestWrong(
                what=f"A request to the key service was malformed: {problem}.", remedy="Use releases that match."
            ) from problem

    # ── who we are ────────────────────────────────────────────────────────────────────────────────────────────────
    def public(self) -> dict[str, Any]:
        """Return what anybody may know: certificates, the log's key, the current epoch."""
        ring = self._ring
        certs = {use: agency.to_der(certificate) for use, (_, certificate) in ring.signing.items()}
        certs |= {"agency": agency.to_der(ring.agency_cert), "log": agency.to_der(ring.log_cert)}
        epoch = {"id": ring.epoch.id, "public": ring.epoch.public, "from_ms": ring.epoch.from_ms}
        return {
            "name": ring.name,
            "origin": ring.origin,
            "vkey": ring.vkey,
            "certificates": certs,
            "earlier_logs": dict(ring.earlier_logs),
            "epoch": epoch,
            "kek_id": ring.kek.id,
            "kek_from_ms": ring.kek.from_ms,
            "epochs": [epoch.id for epoch in ring.epochs if epoch.private is not None],
            "live": len(self._ledger.live),
        }

    def sign(self, key: str, message: bytes) -> dict[str, Any]:
        """Sign with one of our keys: raw 64-byte ES256, or Ed25519 for `log`, which signs checkpoints of ours alone."""
        if key == "log":
            if not message.startswith(self._ring.origin.encode() + b"\n"):
                raise ReleaseRefused(
                    what="The log's key signs checkpoints of this log and nothing else.", remedy="Nothing was signed."
                )
            return {"signature": self._ring.log_key.sign(message)}
        if key not in self._ring.signing:
            raise KeyUnknown(what=f"There is no signing key '{key}'.", remedy="Use receipt, records, export or fleet.")
        private, _ = self._ring.signing[key]
        return {"signature": SoftwareSigner(private).sign(message)}

    def issue(self, csr: bytes, profile: str, name: str, hosts: list[str]) -> dict[str, Any]:
        """Certify the key of a request as a camera or a dock; service keys are never issued here."""
        if profile not in ("camera", "dock"):
            raise RequestWrong(what=f"'{profile}' certificates are not issued.", remedy="Use camera or dock.")
        certificate = agency.issue(
            agency_key=self._ring.agency_key,
            agency=self._ring.agency_cert,
            public_key=agency.read_csr(csr).public_key(),
            profile=agency.Profile[profile.upper()],
            name=name,
            hosts=hosts,
        )
        return {"certificate": agency.to_der(certificate)}

    def crl(self, revoked: list[tuple[int, int]], number: int) -> dict[str, Any]:
        """Sign the revocation list of the serial numbers given, each with the time (ms) since when."""
        moments = [(serial, datetime.fromtimestamp(at // 1000, tz=UTC)) for serial, at in revoked]
        ring = self._ring
        pem = agency.make_crl(agency_key=ring.agency_key, agency=ring.agency_cert, revoked=moments, number=number)
        return {"pem": pem}

    # ── a recording's key ─────────────────────────────────────────────────────────────────────────────────────────
    def rewrap(self, key_cbor: bytes, rec_id: bytes, kid: bytes, dc: bytes) -> dict[str, Any]:
        """Open the camera's wrap once, check it against the signed commitment `dc`, wrap it under the retention key."""
        self._refuse_dropped(rec_id)
        dek = self._open_camera_wrap(key_cbor, rec_id, kid, dc)
        answer = self._wrap_both(self._ring.kek.id, rec_id, dek, derived_key(dek, rec_id))
        self._ledger.wrapped(rec_id)
        return answer

    def release(
        self, *, kek_id: str, blob: bytes, rec_id: bytes, leaf: bytes, event: dict[str, Any], salt: bytes, proof: bytes
    ) -> dict[str, Any]:
        """Hand out a recording's key for a fresh VIEW or KEY_RELEASE leaf that names it; raises ReleaseRefused."""
        self._refuse_dropped(rec_id)
        shown, _ = self._proved(rec_id, leaf, event, salt, proof)
        age_ms = self._clock.utc_ms() - shown.t_s * 1000
        if shown.type not in OPENING or _of_a_copy(event) or not -AHEAD_MS <= age_ms <= FRESH_MS:
            raise ReleaseRefused(
                what="The log entry shown does not open this recording now: another kind, of a copy, or too old.",
                remedy="Begin the viewing again, with a reason where one is asked.",
            )
        return {"key": wraps.unwrap(self._ring.kek_key(kek_id), blob, rec_id=rec_id, use=wraps.DATA)}

    def release_derived(self, kek_id: str, blob: bytes, rec_id: bytes) -> dict[str, Any]:
        """Hand out the key of what was made from a recording; it opens no footage."""
        self._refuse_dropped(rec_id)
        return {"key": wraps.unwrap(self._ring.kek_key(kek_id), blob, rec_id=rec_id, use=wraps.DERIVED)}

    def drop(self, rec_id: bytes, leaf: bytes, event: dict[str, Any], salt: bytes, proof: bytes) -> dict[str, Any]:
        """Refuse this recording's key from now on, if the log authorises it and no hold followed; else DropRefused."""
        if rec_id in self._ledger.dropped:
            return {}
        shown, index = self._proved(rec_id, leaf, event, salt, proof)
        if shown.type != EventType.DELETE_AUTHORISED:
            raise ReleaseRefused(what="The log entry shown authorises no deletion.", remedy="The key was kept.")
        self._watch.check_drop(shown.subj, index, now_ms=self._clock.utc_ms())
        self._ledger.drop(rec_id)
        return {}

    # ── rotation: new key → wrap anew → confirm → destroy ─────────────────────────────────────────────────────────
    def new_kek(self) -> dict[str, Any]:
        """Make the next retention key; everything wrapped from now on is under it."""
        return {"kek_id": self._ring.add_kek(utc_ms=self._clock.utc_ms()).id}

    def wrap_anew(self, entries: list[list[Any]]) -> dict[str, Any]:
        """Wrap keys [[rec_id, kek_id, blob, derived_blob], …] under the newest retention key; same order back."""
        _check_batch(entries)
        answer = []
        for rec_id, kek_id, blob, derived_blob in entries:
            self._refuse_dropped(rec_id)
            answer.append(
                self._wrap_both(self._ring.kek.id, rec_id, *self._open_both(rec_id, kek_id, blob, derived_blob))
            )
        return {"wraps": answer}

    def confirm(self, leaving: str, entries: list[list[Any]]) -> dict[str, Any]:
        """Note that these keys, as the table now holds them, open without the retention key `leaving`."""
        _check_batch(entries)
        seen = self._confirmed.setdefault(leaving, set())
        for rec_id, kek_id, blob, derived_blob in entries:
            if kek_id == leaving:
                raise RotationRefused(
                    what=f"Recording {rec_id.hex()} is still wrapped under the key that is to go.",
                    remedy="Wrap it anew, commit, and confirm again.",
                )
            self._open_both(rec_id, kek_id, blob, derived_blob)
            seen.add(rec_id)
        return {"confirmed": len(seen)}

    def destroy_kek(self, kek_id: str) -> dict[str, Any]:
        """Destroy a retention key, if every live recording was confirmed under another; raises RotationRefused.

        Destroying it again is harmless: the server may have been cut off before it could note the first time.
        """
        if self._ring.is_destroyed(kek_id):
            return {"live": len(self._ledger.live)}
        seen = self._confirmed.get(kek_id, set())
        missing = self._ledger.live - seen
        if kek_id == self._ring.kek.id or missing:
            raise RotationRefused(
                what=f"The retention key {kek_id} was kept: {len(missing)} live recordings are not under another yet.",
                remedy="Run the rotation again; `./bwv check` names recordings without a key.",
            )
        self._ring.destroy_kek(kek_id)
        self._confirmed.pop(kek_id, None)
        return {"live": len(self._ledger.live)}

    def new_epoch(self) -> dict[str, Any]:
        """Make the next epoch key, which cameras get at their next dock."""
        epoch = self._ring.add_epoch(utc_ms=self._clock.utc_ms())
        return {"id": epoch.id, "public": epoch.public, "from_ms": epoch.from_ms}

    def destroy_epoch(self, epoch_id: str) -> dict[str, Any]:
        """Destroy an old epoch's private key; the server has made sure that no camera needs it (R10)."""
        if epoch_id == self._ring.epoch.id:
            raise RotationRefused(what="The current epoch's key cannot be destroyed.", remedy="Make a new epoch first.")
        self._ring.destroy_epoch(epoch_id)
        return {}

    # ── shared steps ──────────────────────────────────────────────────────────────────────────────────────────────
    def _proved(self, rec_id: bytes, leaf: bytes, event: dict[str, Any], salt: bytes, proof: bytes) -> tuple[Leaf, int]:
        """Return a leaf of our log, and its index, that commits to `event` about `rec_id`: a deed, not a refusal."""
        shown = decode_leaf(leaf)
        about = (event.get(RECORDING_KEY), event.get("type"), event.get("outcome"))
        if about != (rec_id, shown.type, "done") or not event_matches(leaf, event, salt):
            raise ReleaseRefused(
                what="The log entry shown is about something else.", remedy="Nothing was done; begin again."
            )
        check_tlog_proof(proof, leaf, self._ring.vkey)
        return shown, parse_tlog_proof(proof).index

    def _refuse_dropped(self, rec_id: bytes) -> None:
        if rec_id in self._ledger.dropped:
            raise KeyDestroyed(
                what=f"The key of recording {rec_id.hex()} was destroyed with its deletion.",
                remedy="It cannot be brought back, from no backup either.",
            )

    def _open_camera_wrap(self, key_cbor: bytes, rec_id: bytes, kid: bytes, dc: bytes) -> bytes:
        problem: BwvError | None = None
        for wrapped in read_key_cbor(key_cbor):
            try:
                private = self._ring.epoch_private(wrapped.epoch_id)
                return unwrap_dek(
                    key_cbor, epoch_private=private, epoch_id=wrapped.epoch_id, rec_id=rec_id, kid=kid, dc=dc
                )
            except KeyDestroyed:
                raise
            except BwvError as refused:
                problem = refused  # another copy in the list may be ours
        raise KeyDoesNotOpen(
            what=f"The key of recording {rec_id.hex()} does not open: {problem.what if problem else 'it is empty'}.",
            remedy="The footage is kept and can be checked, but not watched; see what the door kept aside.",
        ) from problem

    def _wrap_both(self, kek_id: str, rec_id: bytes, dek: bytes, derived: bytes) -> dict[str, Any]:
        kek = self._ring.kek_key(kek_id)
        return {
            "kek_id": kek_id,
            "blob": wraps.wrap(kek, dek, rec_id=rec_id, use=wraps.DATA),
            "derived_blob": wraps.wrap(kek, derived, rec_id=rec_id, use=wraps.DERIVED),
        }

    def _open_both(self, rec_id: bytes, kek_id: str, blob: bytes, derived_blob: bytes) -> tuple[bytes, bytes]:
        kek = self._ring.kek_key(kek_id)
        return (
            wraps.unwrap(kek, blob, rec_id=rec_id, use=wraps.DATA),
            wraps.unwrap(kek, derived_blob, rec_id=rec_id, use=wraps.DERIVED),
        )


def _of_a_copy(event: dict[str, Any]) -> bool:
    """Say whether a VIEW is of a release copy: who watches that is shown what was let through, not the original."""
    details = event.get("details")
    return not isinstance(details, dict) or bool(details.get("copy"))


def _check_batch(entries: list[list[Any]]) -> None:
    if len(entries) > WRAPS_AT_ONCE:
        raise RequestWrong(what="Too many keys at once.", remedy=f"Send at most {WRAPS_AT_ONCE}.")


_NAMES = (
    "public", "sign", "issue", "crl", "rewrap", "release", "release_derived", "drop",
    "new_kek", "wrap_anew", "confirm", "destroy_kek", "new_epoch", "destroy_epoch",
)  # fmt: skip
OPERATIONS: dict[str, Callable[..., dict[str, Any]]] = {name: getattr(Operations, name) for name in _NAMES}
