"""The tree hash of the custody log.

Rule: a leaf is SHA-256(0x00 || entry), a node is SHA-256(0x01 || left || right), so no entry can pass for a node.
Source: RFC 6962, section 2.1 (the same in RFC 9162). Storage is an argument elsewhere; nothing here opens a file.
Proves: this entry is in the tree with this root.
Does not prove: that the entry is true, nor that everyone was shown the same tree.
"""

import hashlib
from collections.abc import Sequence

HASH_BYTES = 32
EMPTY_ROOT = hashlib.sha256(b"").digest()


def leaf_hash(entry: bytes) -> bytes:
    """Return the hash of one entry as a leaf."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of the node over two hashes."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def perfect_root(hashes: Sequence[bytes]) -> bytes:
    """Return the root over 1, 2, 4, 8 … hashes; another number of them is a ValueError."""
    count = len(hashes)
    if count == 0 or count & (count - 1):
        raise ValueError("a perfect tree has 1, 2, 4, 8 … hashes below it")
    row = list(hashes)
    while len(row) > 1:
        row = [node_hash(row[i], row[i + 1]) for i in range(0, len(row), 2)]
    return row[0]


def split_hashes(data: bytes) -> list[bytes]:
    """Cut a row of 32-byte hashes; a length that is no multiple of 32 is a ValueError."""
    if len(data) % HASH_BYTES:
        raise ValueError("not a whole number of hashes")
    return [data[i : i + HASH_BYTES] for i in range(0, len(data), HASH_BYTES)]


def split_point(size: int) -> int:
    """Return the largest power of two below `size` (RFC 6962's k); `size` is at least 2."""
    return 1 << ((size - 1).bit_length() - 1)
