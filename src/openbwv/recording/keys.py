"""The keys of one recording: one random data key, and what is derived from and committed to it.

Rule: DEK = 32 random bytes a recording. K_x = HKDF-Expand-SHA256(DEK, "openbwv/v1/<x>" || rec_id, 32) for x = media,
commit, derived. AES-GCM does not commit to its key, so OPEN carries dc (of the DEK) and cc (of K_commit).
Source: RFC 5869; docs/ref/recording-format.md, "Keys".
Does not prove: that a key was forgotten. Python cannot overwrite `bytes`; a stolen camera's memory is out of scope.
"""

import hashlib
import hmac
from collections.abc import Callable

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from openbwv.recording.problems import FormatError

KEY_BYTES = 32


def new_dek(random: Callable[[int], bytes]) -> bytes:
    """Return a fresh data key; `random` is for example `secrets.token_bytes`."""
    dek = random(KEY_BYTES)
    _checked(dek, "data key", KEY_BYTES)
    return dek


def new_rec_id(utc_ms: int, random: Callable[[int], bytes]) -> bytes:
    """Return a recording id: UUIDv7 (RFC 9562 section 5.7), 16 bytes."""
    tail = bytearray(random(10))
    tail[0] = tail[0] & 0x0F | 0x70
    tail[2] = tail[2] & 0x3F | 0x80
    return max(0, utc_ms).to_bytes(6, "big") + bytes(tail)


def _checked(value: bytes, name: str, length: int) -> bytes:
    if len(value) != length:
        raise FormatError(f"The {name} has {len(value)} bytes, not {length}.")
    return value


def _expand(dek: bytes, label: bytes, rec_id: bytes) -> bytes:
    _checked(dek, "data key", KEY_BYTES)
    info = b"openbwv/v1/" + label + _checked(rec_id, "recording id", 16)
    return HKDFExpand(hashes.SHA256(), KEY_BYTES, info).derive(dek)


def media_key(dek: bytes, rec_id: bytes) -> bytes:
    """Return the key that seals fragments and sealed metadata."""
    return _expand(dek, b"media", rec_id)


def commit_key(dek: bytes, rec_id: bytes) -> bytes:
    """Return K_commit, which lets its holder compare decrypted video with the camera's signature, and nothing else."""
    return _expand(dek, b"commit", rec_id)


def derived_key(dek: bytes, rec_id: bytes) -> bytes:
    """Return the key that seals what is derived from a recording, for example its thumbnail."""
    return _expand(dek, b"derived", rec_id)


def dek_commitment(dek: bytes) -> bytes:
    """Return dc, which stands in OPEN."""
    return hashlib.sha256(b"openbwv/dek/v1" + _checked(dek, "data key", KEY_BYTES)).digest()


def commit_key_commitment(key: bytes) -> bytes:
    """Return cc, which stands in OPEN."""
    return hashlib.sha256(b"openbwv/ck/v1" + _checked(key, "commitment key", KEY_BYTES)).digest()


def plaintext_commitment(key: bytes, plaintext: bytes) -> bytes:
    """Return pc of one fragment: HMAC-SHA256(K_commit, plaintext)."""
    return hmac.digest(_checked(key, "commitment key", KEY_BYTES), plaintext, "sha256")
