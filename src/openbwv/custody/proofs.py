"""Inclusion and consistency proofs: making them from any source of subtree hashes, and checking them.

Source: RFC 6962 sections 2.1.1 and 2.1.2; checking as in RFC 9162 sections 2.1.3.2 and 2.1.4.2.
Proves: this leaf is number `index` of the tree with this root; the larger tree begins with the smaller one.
Does not prove: that nothing was left out before it was logged.
"""

from collections.abc import Callable, Sequence

from openbwv.custody.errors import ProofRejected
from openbwv.custody.hashes import EMPTY_ROOT, HASH_BYTES, node_hash, split_point

# Returns MTH(D[low:high]) for a perfect, aligned range: high - low is a power of two that divides low.
PerfectHash = Callable[[int, int], bytes]

PROOF_LIMIT = 63


def range_hash(hashes: PerfectHash, low: int, high: int) -> bytes:
    """Return the hash over the entries `low` to `high` (exclusive), as the recursion of RFC 6962 splits them."""
    width = high - low
    if width == 0:
        return EMPTY_ROOT
    if width & (width - 1) == 0 and low % width == 0:
        return hashes(low, high)
    middle = low + split_point(width)
    return node_hash(range_hash(hashes, low, middle), range_hash(hashes, middle, high))


def make_inclusion(hashes: PerfectHash, index: int, size: int) -> list[bytes]:
    """Return the audit path of entry `index` in the tree of `size` entries, from the leaf's sibling up to the root."""
    if not 0 <= index < size:
        raise _rejected(f"There is no entry {index} in a tree of {size}", "Ask for an entry below the size.")
    path: list[bytes] = []
    low, high = 0, size
    while high - low > 1:
        middle = low + split_point(high - low)
        if index < middle:
            path.append(range_hash(hashes, middle, high))
            high = middle
        else:
            path.append(range_hash(hashes, low, middle))
            low = middle
    return path[::-1]


def make_consistency(hashes: PerfectHash, old: int, new: int) -> list[bytes]:
    """Return the proof that the tree of `new` entries begins with the tree of `old` entries."""
    if not 0 <= old <= new:
        raise _rejected(f"{old} entries cannot come before {new}", "Give the smaller size first.")
    if old in (0, new):
        return []
    path: list[bytes] = []
    low, high, whole = 0, new, True
    while old != high:
        middle = low + split_point(high - low)
        if old <= middle:
            path.append(range_hash(hashes, middle, high))
            high = middle
        else:
            path.append(range_hash(hashes, low, middle))
            low, whole = middle, False
    if not whole:
        path.append(range_hash(hashes, low, high))
    return path[::-1]


def verify_inclusion(*, leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """Check that the leaf hash `leaf` is number `index` of the tree of `size` entries under `root`; ProofRejected."""
    if not 0 <= index < size or len(proof) > PROOF_LIMIT:
        raise _rejected(f"There is no entry {index} in a tree of {size}", "The proof is not of this checkpoint.")
    place, last, value = index, size - 1, leaf
    for step in proof:
        if last == 0 or len(step) != HASH_BYTES:
            raise _rejected("The inclusion proof has the wrong length", "Fetch the proof again.")
        if place & 1 or place == last:
            value = node_hash(step, value)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            value = node_hash(value, step)
        place, last = place >> 1, last >> 1
    if last or value != root:
        raise _rejected(
            "The inclusion proof does not lead to the checkpoint's root",
            "Fetch the proof again; if it stays so, entry, proof or checkpoint was altered.",
        )


def verify_consistency(*, old: int, old_root: bytes, new: int, new_root: bytes, proof: Sequence[bytes]) -> None:
    """Check that the tree (`new`, `new_root`) begins with the tree (`old`, `old_root`); raises ProofRejected."""
    if not 0 <= old <= new or len(proof) > PROOF_LIMIT + 1:
        raise _rejected("The trees are in the wrong order", "Give the smaller tree first.")
    if old in (0, new):
        expected = EMPTY_ROOT if old == 0 else new_root
        if proof or old_root != expected:
            raise _inconsistent(old, new)
        return
    path = [old_root, *proof] if old & (old - 1) == 0 else list(proof)
    if not path or any(len(step) != HASH_BYTES for step in path):
        raise _inconsistent(old, new)
    place, last = old - 1, new - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    first = second = path[0]
    for step in path[1:]:
        if last == 0:
            raise _inconsistent(old, new)
        if place & 1 or place == last:
            first, second = node_hash(step, first), node_hash(step, second)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            second = node_hash(second, step)
        place, last = place >> 1, last >> 1
    if last or first != old_root or second != new_root:
        raise _inconsistent(old, new)


def _inconsistent(old: int, new: int) -> ProofRejected:
    return _rejected(
        f"The log of {new} entries is not shown to begin with the log of {old}",
        "Fetch the proof again; if it stays so, the log was rewritten: keep both checkpoints.",
    )


def _rejected(what: str, remedy: str) -> ProofRejected:
    return ProofRejected(what=what + ".", remedy=remedy)
