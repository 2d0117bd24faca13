"""Sealing one fragment, or the metadata of one entry, under the recording's media key.

Rule: AES-256-GCM, nonce = u32be(domain) || u64be(seq), associated data = CBOR ["openbwv/seal/v1", rec_id, seq, domain];
domain 0 is media, 1 sealed metadata. A number is used once: a recording is never resumed after a restart.
Source: NIST SP 800-38D section 8.2.1 (deterministic construction); docs/ref/recording-format.md, "Sealing".
"""

import struct

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from openbwv.recording import cbor
from openbwv.recording.problems import SealError

SUITE_AES_256_GCM = 1
MEDIA, METADATA = 0, 1
TAG_BYTES = 16
MAX_FRAGMENT_BYTES = 16 * 1024 * 1024


def nonce(seq: int, domain: int) -> bytes:
    """Return the 12-byte nonce of entry `seq`."""
    return struct.pack(">IQ", domain, seq)


def associated_data(rec_id: bytes, seq: int, domain: int) -> bytes:
    """Return the associated data of entry `seq`."""
    return cbor.encode(["openbwv/seal/v1", rec_id, seq, domain])


def seal(key: bytes, rec_id: bytes, seq: int, domain: int, plaintext: bytes) -> bytes:
    """Return ciphertext || 16-byte tag."""
    return AESGCM(key).encrypt(nonce(seq, domain), plaintext, associated_data(rec_id, seq, domain))


def open_sealed(key: bytes, rec_id: bytes, seq: int, domain: int, sealed: bytes) -> bytes:
    """Return the plaintext; raises SealError when key, recording, number or bytes are not the sealed ones."""
    try:
        return AESGCM(key).decrypt(nonce(seq, domain), sealed, associated_data(rec_id, seq, domain))
    except (InvalidTag, ValueError) as error:
        raise SealError(f"Entry {seq} does not open under this key.") from error
