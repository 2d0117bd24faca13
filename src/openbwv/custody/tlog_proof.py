"""The proof that is handed out: one text with index, inclusion proof and signed checkpoint, checkable offline.

Source: C2SP tlog-proof v1 (https://c2sp.org/tlog-proof). File extension `.tlog-proof`.
"""

import base64
import binascii
import re
from collections.abc import Sequence
from dataclasses import dataclass

from openbwv.custody.errors import ProofRejected
from openbwv.custody.hashes import HASH_BYTES, leaf_hash
from openbwv.custody.notes import MAX_SIZE, Checkpoint, open_note
from openbwv.custody.proofs import PROOF_LIMIT, verify_inclusion

HEADER = "c2sp.org/tlog-proof@v1"
TEXT_LIMIT_BYTES = 200_000


@dataclass(frozen=True)
class TlogProof:
    """What such a text says; nothing in it is trusted until `check_tlog_proof` has looked."""

    index: int
    hashes: tuple[bytes, ...]
    note: str
    extra: bytes | None = None


def encode_tlog_proof(*, index: int, hashes: Sequence[bytes], note: str) -> bytes:
    """Return the text of a proof, UTF-8."""
    lines = [HEADER, f"index {index}", *(base64.b64encode(step).decode("ascii") for step in hashes), "", note]
    return "\n".join(lines).encode()


def parse_tlog_proof(proof: bytes) -> TlogProof:
    """Read the text of a proof; raises ProofRejected when it is malformed."""
    if len(proof) > TEXT_LIMIT_BYTES:
        raise _malformed("it is too long")
    try:
        head, found, note = proof.decode("utf-8").partition("\n\n")
    except UnicodeDecodeError:
        raise _malformed("it is not UTF-8") from None
    lines = head.split("\n")
    if not found or lines[0] != HEADER:
        raise _malformed("its first line or its checkpoint is missing")
    lines = lines[1:]
    extra = None
    if lines and lines[0].startswith("extra "):
        extra = _unb64(lines.pop(0).removeprefix("extra "))
    if not lines or not re.fullmatch(r"index (0|[1-9][0-9]{0,18})", lines[0]):
        raise _malformed("its index line is missing")
    hashes = tuple(_unb64(line) for line in lines[1:])
    index = int(lines[0].removeprefix("index "))
    if len(hashes) > PROOF_LIMIT or any(len(step) != HASH_BYTES for step in hashes) or index > MAX_SIZE:
        raise _malformed("a line is not a hash")
    return TlogProof(index, hashes, note, extra)


def check_tlog_proof(proof: bytes, entry: bytes, vkey: str) -> Checkpoint:
    """Return the checkpoint that `proof` shows `entry` (the leaf's own bytes) to be under.

    Raises ProofRejected or NoteRejected when text, path or signature does not hold under `vkey`.
    """
    parsed = parse_tlog_proof(proof)
    checkpoint = open_note(parsed.note, vkey)
    verify_inclusion(
        leaf=leaf_hash(entry), index=parsed.index, size=checkpoint.size, proof=parsed.hashes, root=checkpoint.root
    )
    return checkpoint


def _unb64(text: str) -> bytes:
    try:
        data = base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        raise _malformed("a line is not base64") from None
    if base64.b64encode(data).decode("ascii") != text:
        raise _malformed("a line is not base64 in its one spelling")
    return data


def _malformed(why: str) -> ProofRejected:
    return ProofRejected(what=f"The log proof cannot be read: {why}.", remedy="Fetch the proof again, byte for byte.")
