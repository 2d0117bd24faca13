"""Judge the custody log as a stranger would: over HTTP, with OpenSSL for the signature and SHA-256 for the tree.

Formats: C2SP tlog-tiles, tlog-checkpoint and signed-note; the tree is that of RFC 6962 section 2.1.
"""

import base64
import hashlib
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

from openbwv.demo import judges

TILE = 256
HASH_BYTES = 32
ED25519 = b"\x01"
SPKI = bytes.fromhex("302a300506032b6570032100")  # RFC 8410 section 4: what stands before the 32 bytes of a public key
KEY_HASH_BYTES = 4


def note_is_signed(note: str, vkey: str) -> bool:
    """Return whether OpenSSL finds the text of a signed note signed by the key that `vkey` names."""
    text, _, lines = note.partition("\n\n")
    name, _, rest = vkey.strip().partition("+")
    key = base64.b64decode(rest.partition("+")[2])
    if key[:1] != ED25519:
        return False
    for line in lines.splitlines():
        dash, signer, blob = (*line.split(" "), "", "", "")[:3]
        if dash == "—" and signer == name:
            return _openssl_verifies(key[1:], base64.b64decode(blob)[KEY_HASH_BYTES:], f"{text}\n".encode())
    return False


def size_and_root(note: str) -> tuple[int, bytes]:
    """Return how many entries a checkpoint signs, and the root of their tree."""
    _, size, root = note.splitlines()[:3]
    return int(size), base64.b64decode(root)


def root_of(fetch: Callable[[str], bytes], size: int) -> bytes:
    """Return the root of the first `size` entries, from the tiles of hashes that `fetch` gets by their address."""
    hashes: list[bytes] = []
    for number in range(-(-size // TILE)):
        width = min(TILE, size - number * TILE)
        tile = fetch(f"/log/tile/0/{number:03d}" + (f".p/{width}" if width < TILE else ""))
        hashes += [tile[at : at + HASH_BYTES] for at in range(0, width * HASH_BYTES, HASH_BYTES)]
    return _tree(hashes)


def _tree(hashes: list[bytes]) -> bytes:
    if len(hashes) < 2:
        return hashes[0] if hashes else hashlib.sha256().digest()
    half = 1 << (len(hashes) - 1).bit_length() - 1
    return hashlib.sha256(b"\x01" + _tree(hashes[:half]) + _tree(hashes[half:])).digest()


def _openssl_verifies(key: bytes, signature: bytes, text: bytes) -> bool:
    with tempfile.TemporaryDirectory(prefix="bwv-judge-") as name:
        public, signed, said = (Path(name) / part for part in ("key.der", "signature", "text"))
        public.write_bytes(SPKI + key)
        signed.write_bytes(signature)
        said.write_bytes(text)
        command = ["openssl", "pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", public, "-rawin"]
        command += ["-in", said, "-sigfile", signed]
        ended = subprocess.run(command, capture_output=True, timeout=judges.LIMIT_S, check=False)
    return ended.returncode == 0
