"""Who the camera is: its key, its certificate, whom it trusts, and to which key it seals.

Rule: a camera records for a force only with a key that its force certified for cameras, and with an epoch key that the
same force signed. Whatever is missing or contradicts is named together with the way to mend it.
Files: docs in `store.py`; enrolment and the dock write them, this module only reads.
"""

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from openbwv import recording as r
from openbwv.camera.errors import IdentityDamaged, NotEnrolled
from openbwv.camera.timing import Sync

EPOCH_WARN_MS = 14 * 24 * 3_600_000
URN = "urn:bwv:camera:"
TEST_MARK = "test-identity"


@dataclass(frozen=True)
class Identity:
    """A camera's identity, checked. `assignment` is None for a camera that nobody has taken."""

    folder: Path
    signer: r.Signer
    chain: list[bytes]
    trust: r.Trust
    trust_pem: bytes
    name: str
    epoch: r.EpochKey
    profile: dict[str, Any] = field(default_factory=dict)
    assignment: r.Assignment | None = None
    anchor: r.Anchor | None = None
    sync: Sync | None = None
    warnings: tuple[str, ...] = ()
    is_test: bool = False

    @property
    def kid(self) -> bytes:
        """SHA-256 of the camera's SubjectPublicKeyInfo."""
        return self.signer.kid

    @property
    def profile_hash(self) -> bytes:
        """SHA-256 of the profile in force, as OPEN carries it."""
        return hashlib.sha256(json.dumps(self.profile, sort_keys=True).encode()).digest()


def load_identity(folder: Path, *, utc_ms: int) -> Identity:
    """Read and check the identity in `folder`; raises NotEnrolled, IdentityDamaged."""
    if not (folder / "key.pem").is_file() or not (folder / "chain.pem").is_file():
        raise NotEnrolled(
            what=f"This camera is not enrolled: {folder} holds no key with a certificate. Nothing was recorded.",
            remedy="Enrol it at a dock (`./bwv camera enrol --dock URL --store DIR --name NAME`), or use "
            "--test-identity for recordings that no force accepts.",
        )
    trust_pem = _read(folder / "trust.pem")
    signer, chain = _load_key(folder), _certificates(folder / "chain.pem")
    try:
        trust = r.Trust.load(trust_pem)
    except r.BwvError as problem:
        raise _damaged("trust.pem", problem.what) from problem
    try:
        facts = r.check_chain(chain, use=r.USE_CAMERA)
        judged = trust.judge(facts)
    except r.BwvError as problem:
        raise _damaged("chain.pem", problem.what) from problem
    if facts.kid != signer.kid:
        raise _damaged("chain.pem", "The certificate is of another key than key.pem.")
    if judged != "trusted":
        raise _damaged("trust.pem", "The camera's certificate was not issued by the agency in trust.pem.")
    warnings: list[str] = []
    epoch = _load_epoch(folder, trust, utc_ms, warnings)
    return Identity(
        folder=folder,
        signer=signer,
        chain=chain,
        trust=trust,
        trust_pem=trust_pem,
        name=(facts.san_uri or "").removeprefix(URN) or facts.kid.hex()[:8],
        epoch=epoch,
        profile=_load_json(folder / "profile.json"),
        assignment=_load_assignment(folder, trust, signer.kid, utc_ms, warnings),
        anchor=_load_anchor(folder),
        sync=_load_sync(folder),
        warnings=tuple(warnings),
        is_test=(folder / TEST_MARK).exists(),
    )


def _damaged(name: str, why: str) -> IdentityDamaged:
    return IdentityDamaged(
        what=f"The camera's identity cannot be used: identity/{name}: {why} Nothing was recorded.",
        remedy="Dock the camera; if the dock cannot renew it, enrol it again. Recordings already in the store stay.",
    )


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as problem:
        raise _damaged(path.name, f"The file cannot be read ({problem.strerror}).") from problem


def _load_key(folder: Path) -> r.SoftwareSigner:
    try:
        key = serialization.load_pem_private_key(_read(folder / "key.pem"), password=None)
    except (ValueError, TypeError) as problem:
        raise _damaged("key.pem", "It is not a private key.") from problem
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise _damaged("key.pem", "It is not a P-256 key.")
    return r.SoftwareSigner(key)


def _certificates(path: Path) -> list[bytes]:
    try:
        return list(r.from_pem(_read(path)))
    except (ValueError, r.BwvError) as problem:
        raise _damaged(path.name, "It does not hold certificates.") from problem


def _load_epoch(folder: Path, trust: r.Trust, utc_ms: int, warnings: list[str]) -> r.EpochKey:
    try:
        epoch = r.EpochKey.decode(_read(folder / "epoch.cbor"), trust=trust).body
    except r.BwvError as problem:
        raise _damaged("epoch.cbor", problem.what) from problem
    age_ms = utc_ms - epoch.from_ms
    if age_ms > EPOCH_WARN_MS:
        days = age_ms // 86_400_000
        warnings.append(f"The sealing key {epoch.epoch_id} is {days} days old; dock this camera soon.")
    return epoch


def _load_assignment(folder: Path, trust: r.Trust, kid: bytes, utc_ms: int, warnings: list[str]) -> r.Assignment | None:
    path = folder / "assignment.cbor"
    if not path.is_file():
        warnings.append("Nobody has taken this camera at a dock; its recordings will be shown as unassigned.")
        return None
    try:
        assignment = r.Assignment.decode(_read(path), trust=trust).body
    except r.BwvError as problem:
        warnings.append(f"The assignment is not valid and is left out: {problem.what}")
        return None
    if assignment.camera_kid != kid:
        warnings.append("The assignment is for another camera and is left out.")
        return None
    if not assignment.from_ms <= utc_ms < assignment.until_ms:
        warnings.append("The assignment is over; recordings will be shown as unassigned. Take the camera at a dock.")
        return None
    return assignment


def _load_json(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    try:
        value = json.loads(_read(path))
    except ValueError as problem:
        raise _damaged(path.name, "It is not JSON.") from problem
    if not isinstance(value, dict):
        raise _damaged(path.name, "It is not a JSON object.")
    return value


def _load_anchor(folder: Path) -> r.Anchor | None:
    value = _load_json(folder / "anchor.json")
    if not value:
        return None
    try:
        return r.Anchor(
            str(value["origin"]),
            int(value["size"]),
            bytes.fromhex(value["root"]),
            bytes.fromhex(value.get("nonce", "")),
        )
    except (KeyError, ValueError, TypeError) as problem:
        raise _damaged("anchor.json", "It is not a checkpoint.") from problem


def _load_sync(folder: Path) -> Sync | None:
    value = _load_json(folder / "clock.json")
    if not value:
        return None
    try:
        return Sync(int(value["offset_ms"]), int(value["uncertainty_ms"]), int(value["synced_ms"]))
    except (KeyError, ValueError, TypeError) as problem:
        raise _damaged("clock.json", "It does not hold a clock measurement.") from problem
