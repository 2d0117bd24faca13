"""Sealing what is derived from a recording: index, thumbnail, release copy, anything that shows or tells of it.

object = 16-byte random id || chunks; chunk = AES-256-GCM(K, nonce, up to 1 MiB, aad)
K      = HKDF-Expand-SHA256(derived key of the recording, "openbwv/derived/v1" || id, 32)
nonce  = u32be(1 for the last chunk, else 0) || u64be(chunk number), so chunks can be neither moved, cut off nor added
aad    = CBOR ["openbwv/derived/v1", rec_id, kind, name]
Source: RFC 5869; the STREAM construction (Hoang, Reyhanitabar, Rogaway, Vizár 2015).
The derived key dies with the recording's, so all of this dies with it (R7).
"""

import secrets
import struct
from collections.abc import Iterable, Iterator

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from openbwv.recording import cbor
from openbwv.server.vault.errors import SealBroken

LABEL = "openbwv/derived/v1"
ID_BYTES = 16
CHUNK_BYTES = 1 << 20
TAG_BYTES = 16


def seal_chunks(data: Iterable[bytes], *, key: bytes, rec_id: bytes, kind: str, name: str) -> Iterator[bytes]:
    """Yield the sealed object of `data`, which may come in pieces of any size."""
    object_id = secrets.token_bytes(ID_BYTES)
    cipher, aad = _cipher(key, object_id), _aad(rec_id, kind, name)
    yield object_id
    buffer = bytearray()
    number = 0
    for piece in data:
        buffer += piece
        while len(buffer) > CHUNK_BYTES:  # the last chunk is never empty unless everything is
            yield cipher.encrypt(_nonce(number, last=False), bytes(buffer[:CHUNK_BYTES]), aad)
            del buffer[:CHUNK_BYTES]
            number += 1
    yield cipher.encrypt(_nonce(number, last=True), bytes(buffer), aad)


def open_chunks(sealed: Iterable[bytes], *, key: bytes, rec_id: bytes, kind: str, name: str) -> Iterator[bytes]:
    """Yield the plaintext of a sealed object; raises SealBroken for another key, recording, kind or name, or damage."""
    pieces = iter(sealed)
    buffer = bytearray()
    for piece in pieces:
        buffer += piece
        if len(buffer) >= ID_BYTES:
            break
    cipher, aad = _cipher(key, bytes(buffer[:ID_BYTES])), _aad(rec_id, kind, name)
    del buffer[:ID_BYTES]
    number = 0
    step = CHUNK_BYTES + TAG_BYTES
    for piece in pieces:
        buffer += piece
        while len(buffer) > step:
            yield _open(cipher, bytes(buffer[:step]), aad, number, last=False)
            del buffer[:step]
            number += 1
    while len(buffer) > step:
        yield _open(cipher, bytes(buffer[:step]), aad, number, last=False)
        del buffer[:step]
        number += 1
    yield _open(cipher, bytes(buffer), aad, number, last=True)


def _open(cipher: AESGCM, chunk: bytes, aad: bytes, number: int, *, last: bool) -> bytes:
    try:
        return cipher.decrypt(_nonce(number, last=last), chunk, aad)
    except (InvalidTag, ValueError) as problem:
        raise SealBroken(
            what="A sealed object does not open under its recording's key.",
            remedy="Run `./bwv check`; what was made from a recording can be made again.",
        ) from problem


def _cipher(key: bytes, object_id: bytes) -> AESGCM:
    return AESGCM(HKDFExpand(hashes.SHA256(), 32, LABEL.encode() + object_id).derive(key))


def _nonce(number: int, *, last: bool) -> bytes:
    return struct.pack(">IQ", int(last), number)


def _aad(rec_id: bytes, kind: str, name: str) -> bytes:
    return cbor.encode([LABEL, rec_id, kind, name])
