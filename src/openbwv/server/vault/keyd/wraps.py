"""How a recording's key lies in the key table: sealed by the retention key, bound to the recording and its use.

blob = 12-byte random nonce || AES-256-GCM(KEK, key, aad = CBOR ["openbwv/kek/v1", use, rec_id])
`use` is "data" for the recording's own key and "derived" for the key of what is made from it (thumbnail, index, release
copy), so one can never be handed out for the other. Random nonces: one KEK seals far fewer than 2^32 keys.
"""

import secrets

import cbor2
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from openbwv.server.vault.keyd.errors import KeyDoesNotOpen

DATA, DERIVED = "data", "derived"
NONCE_BYTES = 12


def wrap(kek: bytes, key: bytes, *, rec_id: bytes, use: str) -> bytes:
    """Seal `key` (32 bytes) of the recording `rec_id` for `use` under `kek`."""
    nonce = secrets.token_bytes(NONCE_BYTES)
    return nonce + AESGCM(kek).encrypt(nonce, key, _aad(rec_id, use))


def unwrap(kek: bytes, blob: bytes, *, rec_id: bytes, use: str) -> bytes:
    """Open what `wrap` made; raises KeyDoesNotOpen for another key, recording or use, or damage."""
    try:
        return AESGCM(kek).decrypt(blob[:NONCE_BYTES], blob[NONCE_BYTES:], _aad(rec_id, use))
    except (InvalidTag, ValueError) as problem:
        raise KeyDoesNotOpen(
            what=f"The wrapped key of recording {rec_id.hex()} does not open.",
            remedy="Run `./bwv check`; the key table was changed, or belongs to another keyring.",
        ) from problem


def _aad(rec_id: bytes, use: str) -> bytes:
    return cbor2.dumps(["openbwv/kek/v1", use, rec_id], canonical=True)
