"""Signed notes and the checkpoints written in them.

Source: C2SP signed-note and tlog-checkpoint. Only Ed25519 (type 0x01) is made and accepted; lines under other keys,
a witness's for instance, are carried along and ignored, as the specification asks.
Proves: the holder of the log's key signed this size and this root. Does not prove: that it signed no other.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from openbwv.custody.errors import NoteRejected
from openbwv.custody.hashes import HASH_BYTES

ED25519 = 0x01
DASH = "\u2014 "
KEY_ID_BYTES = 4
NOTE_LIMIT_BYTES = 100_000
MAX_SIZE = (1 << 63) - 1

Sign = Callable[[bytes], bytes]


@dataclass(frozen=True)
class Checkpoint:
    """One state of one log: its name, how many entries it has and their root hash."""

    origin: str
    size: int
    root: bytes

    def text(self) -> str:
        """Return the three lines that are signed."""
        return f"{self.origin}\n{self.size}\n{_b64(self.root)}\n"


@dataclass(frozen=True)
class VerifierKey:
    """A log's name and Ed25519 public key, as `make_vkey` writes them in one line."""

    name: str
    key_id: bytes
    public: bytes


def make_vkey(name: str, public: bytes) -> str:
    """Return the verifier key line of a log called `name` with the 32-byte Ed25519 key; raises NoteRejected."""
    if not _good_name(name):
        raise _rejected(
            f"{name!r} cannot name a log", "Choose a name without spaces or '+', such as force.example/log."
        )
    if len(public) != 32:
        raise _rejected(f"An Ed25519 public key has 32 bytes, not {len(public)}", "Pass the raw public key.")
    return f"{name}+{key_id(name, public).hex()}+{_b64(bytes([ED25519]) + public)}"


def key_id(name: str, public: bytes) -> bytes:
    """Return the four bytes that name a key in a signature line."""
    return hashlib.sha256(name.encode() + b"\n" + bytes([ED25519]) + public).digest()[:KEY_ID_BYTES]


def parse_vkey(vkey: str) -> VerifierKey:
    """Read what `make_vkey` wrote; raises NoteRejected."""
    remedy = "Pass the log's verifier key as the force publishes it: name+hex+base64."
    parts = vkey.strip().split("+", 2)
    if len(parts) != 3 or not _good_name(parts[0]):
        raise _rejected("The log's verifier key is malformed", remedy)
    key = _unb64(parts[2])
    if key is None or len(key) != 33 or key[0] != ED25519 or parts[1] != key_id(parts[0], key[1:]).hex():
        raise _rejected("The log's verifier key is malformed or not an Ed25519 key", remedy)
    return VerifierKey(parts[0], key_id(parts[0], key[1:]), key[1:])


def sign_checkpoint(checkpoint: Checkpoint, *, sign: Sign, vkey: str) -> str:
    """Return `checkpoint` as a signed note. `sign` gives the raw 64-byte Ed25519 signature of the bytes passed.

    What `sign` returned is checked before anybody sees it; raises NoteRejected when it does not hold.
    """
    key = parse_vkey(vkey)
    if checkpoint.origin != key.name:
        raise _rejected(f"The log is called {checkpoint.origin!r}, its key {key.name!r}", "Use one name for both.")
    text = checkpoint.text()
    note = f"{text}\n{DASH}{key.name} {_b64(key.key_id + sign(text.encode()))}\n"
    open_note(note, vkey)
    return note


def open_note(note: str | bytes, vkey: str) -> Checkpoint:
    """Return the checkpoint in a signed note after checking the log's signature; raises NoteRejected.

    `note` is the whole text; `vkey` the verifier key of the log it must come from.
    """
    key = parse_vkey(vkey)
    text, lines = _split(_as_text(note))
    good = 0
    for line in lines:
        name, number, signature = _parse_line(line)
        if name != key.name or number != key.key_id:
            continue
        try:
            Ed25519PublicKey.from_public_bytes(key.public).verify(signature, text.encode())
        except InvalidSignature:
            raise _rejected(
                "The log's signature on the checkpoint does not hold",
                "Fetch the checkpoint again; if it stays so, it was altered or is not this log's.",
            ) from None
        good += 1
    if not good:
        raise _rejected(
            f"The checkpoint is not signed by the key of {key.name}", "Check that log and verifier key belong together."
        )
    checkpoint = parse_checkpoint(text)
    if checkpoint.origin != key.name:
        raise _rejected(f"The checkpoint is of {checkpoint.origin!r}, not of {key.name!r}", "Use that log's key.")
    return checkpoint


def parse_checkpoint(text: str) -> Checkpoint:
    """Read the signed lines of a checkpoint (name, size, root, then lines of later extensions); raises NoteRejected."""
    lines = text.split("\n")
    remedy = "Fetch the checkpoint again; its first three lines are name, size and base64 root."
    if len(lines) < 4 or lines[-1] != "" or not lines[0] or "" in lines[:-1]:
        raise _rejected("The checkpoint does not have the lines it needs", remedy)
    root = _unb64(lines[2])
    if not re.fullmatch(r"0|[1-9][0-9]{0,18}", lines[1]) or int(lines[1]) > MAX_SIZE:
        raise _rejected("The checkpoint's size is not a plain number", remedy)
    if root is None or len(root) != HASH_BYTES:
        raise _rejected("The checkpoint's root is not the base64 of 32 bytes", remedy)
    return Checkpoint(lines[0], int(lines[1]), root)


def unverified_size(note: str | bytes) -> int:
    """Return the size a note claims, without judging its signature; only for showing and naming. NoteRejected."""
    return parse_checkpoint(_split(_as_text(note))[0]).size


def _as_text(note: str | bytes) -> str:
    if len(note) > NOTE_LIMIT_BYTES:
        raise _rejected("The note is too long", f"A checkpoint has at most {NOTE_LIMIT_BYTES} bytes.")
    try:
        text = note.decode("utf-8") if isinstance(note, bytes) else note
        text.encode("utf-8")
    except UnicodeError:
        raise _rejected("The note is not UTF-8", "Fetch it again, byte for byte.") from None
    if any(ord(letter) < 0x20 and letter != "\n" for letter in text):
        raise _rejected("The note holds control characters", "Fetch it again, byte for byte.")
    return text


def _split(note: str) -> tuple[str, list[str]]:
    text, found, signatures = note.rpartition("\n\n")
    if not found or not signatures.endswith("\n") or not text:
        raise _rejected("The note has no signature lines", "Fetch it again, whole.")
    return text + "\n", signatures[:-1].split("\n")


def _parse_line(line: str) -> tuple[str, bytes, bytes]:
    name, _, encoded = line.removeprefix(DASH).partition(" ")
    data = _unb64(encoded)
    if not line.startswith(DASH) or not _good_name(name) or data is None or len(data) <= KEY_ID_BYTES:
        raise _rejected("A signature line of the note is malformed", "Fetch the note again, byte for byte.")
    return name, data[:KEY_ID_BYTES], data[KEY_ID_BYTES:]


def _good_name(name: str) -> bool:
    return bool(name) and "+" not in name and not any(letter.isspace() or ord(letter) < 0x20 for letter in name)


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _unb64(text: str) -> bytes | None:
    """Decode strictly: one spelling for one value, or None."""
    try:
        data = base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        return None
    return data if _b64(data) == text else None


def _rejected(what: str, remedy: str) -> NoteRejected:
    return NoteRejected(what=what + ".", remedy=remedy)
