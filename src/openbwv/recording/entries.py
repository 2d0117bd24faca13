"""One entry: a COSE_Sign1 by the camera's key over {type, rec_id, seq, prev, mono_ns, body}.

Rule: `prev` is SHA-256 of the Sig_structure of the entry before (32 zero bytes for the first), `tail` that of the last.
Only the first entry of a chain carries an x5chain. Source: docs/ref/recording-format.md, "Entry".
"""

from dataclasses import dataclass, field
from typing import Any

from openbwv.recording import cbor
from openbwv.recording.bodies import Body, CloseBody, EventBody, FragBody, JournalBody, OpenBody, TrackTime
from openbwv.recording.cose import Signed, Signer, sign1_with_hash, split1
from openbwv.recording.fields import Fields, decode_inner
from openbwv.recording.problems import FormatError, Truncated, WrongType
from openbwv.recording.registry import EntryType, FragFlag

ENTRY_TYPE = "application/vnd.openbwv.entry+cbor"
MAX_ENTRY_BYTES = 256 * 1024
ZERO_HASH = bytes(32)
READERS: dict[EntryType, Any] = {
    EntryType.OPEN: OpenBody,
    EntryType.FRAG: FragBody,
    EntryType.EVENT: EventBody,
    EntryType.CLOSE: CloseBody,
    EntryType.JOURNAL: JournalBody,
}


@dataclass(frozen=True)
class FragmentInfo:
    """Where one fragment lies in the media file: `offset` and `n` in bytes, and the SHA-256 of its sealed bytes."""

    seq: int
    n: int
    ct: bytes
    offset: int
    flags: FragFlag
    times: tuple[TrackTime, ...]
    pc: bytes


@dataclass(frozen=True)
class Entry:
    """One entry taken apart. Whether its signature holds is the reader's business, not this object's."""

    type: EntryType
    rec_id: bytes
    seq: int
    prev: bytes
    mono_ns: int
    body: Body
    kid: bytes
    sig_structure_sha256: bytes
    x5chain: tuple[bytes, ...]
    raw: bytes = field(repr=False)
    signed: Signed = field(repr=False)
    fragment: FragmentInfo | None = None


def sign_entry(
    kind: EntryType,
    *,
    rec_id: bytes,
    seq: int,
    prev: bytes,
    mono_ns: int,
    body: dict[int, Any],
    signer: Signer,
    chain: tuple[bytes, ...] = (),
) -> tuple[bytes, bytes]:
    """Return the bytes of a signed entry and the SHA-256 of its Sig_structure; raises FormatError.

    What no reader would take is not written: the body of a fragment, of which there is one a second for hours, is read
    as its reader will read it; of the others the finished entry is.
    """
    if kind == EntryType.FRAG:
        FragBody.decode(body)
    payload = cbor.encode({1: int(kind), 2: rec_id, 3: seq, 4: prev, 5: mono_ns, 6: body})
    entry, structure_sha256 = sign1_with_hash(payload, typ=ENTRY_TYPE, signer=signer, x5chain=chain)
    if len(entry) > MAX_ENTRY_BYTES:
        raise FormatError(f"The entry has {len(entry)} bytes, more than {MAX_ENTRY_BYTES}.")
    if kind != EntryType.FRAG:
        parse_entry(entry)
    return entry, structure_sha256


def parse_entry(data: bytes) -> Entry:
    """Return the one entry in `data`, its signature **not** checked; raises FormatError."""
    try:
        entry, end = entry_at(data, 0)
    except Truncated as error:
        raise FormatError("The entry is cut short.") from error
    if end != len(data):
        raise FormatError("Bytes follow the entry.")
    return entry


def entry_at(data: bytes | bytearray, position: int) -> tuple[Entry, int]:
    """Return (entry, end) at `position`; raises Truncated where more bytes are needed, FormatError otherwise."""
    # No more than the longest entry is looked at: of sixteen million empty arrays Python would make a gigabyte.
    with memoryview(data) as view, view[position : position + MAX_ENTRY_BYTES] as window:
        try:
            signed, length = split1(window)
        except Truncated:
            if len(window) < MAX_ENTRY_BYTES:
                raise
            raise FormatError(f"An entry has more than {MAX_ENTRY_BYTES} bytes.") from None
    end = position + length
    if signed.typ != ENTRY_TYPE:
        raise WrongType(f"The message is of kind {signed.typ!r}, not an entry.")
    f = Fields(decode_inner(signed.payload, "payload of an entry"), "payload of an entry")
    kind = f.code(1, EntryType)
    first = kind in (EntryType.OPEN, EntryType.JOURNAL)
    if bool(signed.x5chain) != first:
        raise FormatError("The certificate chain stands in the first entry of a chain and nowhere else.")
    entry = Entry(
        type=kind,
        rec_id=f.octets(2, 16),
        seq=f.uint(3),
        prev=f.octets(4, 32),
        mono_ns=f.uint(5),
        body=READERS[kind].decode(f.table(6)),
        kid=signed.kid,
        sig_structure_sha256=signed.sha256,
        x5chain=signed.x5chain,
        raw=bytes(data[position:end]),
        signed=signed,
    )
    f.done()
    return entry, end


def is_equivocation(one: Entry, other: Entry) -> bool:
    """Say whether one key signed two different entries for the same place: a cloned key (signatures checked before)."""
    same_place = (one.kid, one.rec_id, one.seq) == (other.kid, other.rec_id, other.seq)
    return same_place and one.sig_structure_sha256 != other.sig_structure_sha256
