"""key.cbor: the data key sealed to the force's epoch key, a side object that is never part of the manifest.

Rule: key.cbor = [{1: wrap suite, 2: epoch id, 3: enc || ct}, ...]; HPKE base mode, one shot,
info = CBOR ["openbwv/wrap/v1", rec_id, kid, dc], so a wrap moved to another recording does not open; dc is compared
after every opening. Wrap suite 1 is DHKEM(P-256, HKDF-SHA256), HKDF-SHA256, AES-256-GCM. Other numbers are reserved.
Source: RFC 9180 sections 5.1.1 and 6.1. Why apart from the manifest: docs/ref/recording-format.md, "Wrapped key".
"""

import hmac
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from openbwv.recording import cbor
from openbwv.recording.keys import dek_commitment
from openbwv.recording.problems import FormatError, KeyMismatch, Truncated, WrapError, WrongKey

WRAP_P256 = 1
SUITE = Suite(KEM.P256, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
MAX_KEY_CBOR_BYTES = 8192


@dataclass(frozen=True)
class WrappedKey:
    """One sealed copy of a data key: for which epoch, under which suite."""

    suite: int
    epoch_id: str
    sealed: bytes


def _info(rec_id: bytes, kid: bytes, dc: bytes) -> bytes:
    return cbor.encode(["openbwv/wrap/v1", rec_id, kid, dc])


def load_point(point: bytes) -> ec.EllipticCurvePublicKey:
    """Return the P-256 key of an uncompressed point (65 bytes, SEC 1); raises WrongKey."""
    try:
        if len(point) != 65:
            raise ValueError("length")
        return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
    except ValueError as error:
        raise WrongKey("The epoch key is not an uncompressed point on P-256 (65 bytes).") from error


def wrap_dek(dek: bytes, *, epoch_id: str, epoch_public: bytes, rec_id: bytes, kid: bytes) -> bytes:
    """Return key.cbor: `dek` sealed to the epoch key, bound to this recording and camera."""
    sealed = SUITE.encrypt(dek, load_point(epoch_public), info=_info(rec_id, kid, dek_commitment(dek)))
    return cbor.encode([{1: WRAP_P256, 2: epoch_id, 3: sealed}])


def read_key_cbor(data: bytes) -> list[WrappedKey]:
    """Return the sealed copies in key.cbor; raises FormatError."""
    if len(data) > MAX_KEY_CBOR_BYTES:
        raise FormatError(f"key.cbor has {len(data)} bytes, more than {MAX_KEY_CBOR_BYTES}.")
    try:
        items = cbor.decode(data)
    except Truncated as error:
        raise FormatError("key.cbor is cut short.") from error
    if not isinstance(items, list) or not items:
        raise FormatError("key.cbor is not a list of wrapped keys.")
    return [_wrapped(item) for item in items]


def _wrapped(item: Any) -> WrappedKey:
    match item:
        case {1: int(suite), 2: str(epoch_id), 3: bytes(sealed)} if all(key in (1, 2, 3) or key >= 64 for key in item):
            return WrappedKey(suite, epoch_id, sealed)
    raise FormatError("A wrapped key is {1: suite, 2: epoch id, 3: sealed bytes}.")


def unwrap_dek(
    key_cbor: bytes,
    *,
    epoch_private: ec.EllipticCurvePrivateKey,
    rec_id: bytes,
    kid: bytes,
    dc: bytes,
    epoch_id: str = "",
) -> bytes:
    """Return the data key, compared with `dc`; raises WrapError or KeyMismatch. `epoch_id` "" tries every copy."""
    for wrapped in read_key_cbor(key_cbor):
        if wrapped.suite != WRAP_P256 or (epoch_id and wrapped.epoch_id != epoch_id):
            continue
        try:
            dek = SUITE.decrypt(wrapped.sealed, epoch_private, info=_info(rec_id, kid, dc))
        except (InvalidTag, ValueError):
            continue  # perhaps another copy in the list is ours; none left is an error below
        if len(dek) != 32 or not hmac.compare_digest(dek_commitment(dek), dc):
            raise KeyMismatch("The wrapped key opens, but is not the key that OPEN commits to.")
        return dek
    raise WrapError("No wrapped key opens for this recording, camera and epoch key.")
