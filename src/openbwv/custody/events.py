"""What the log says about an event: its kind, its second, a pseudonym, and a commitment to everything else.

    leaf = deterministic CBOR [1, type, t_s, subj (16), com (32)]
    com  = HMAC-SHA256(salt (32), deterministic CBOR of the event)

The leaf holds no personal data. Event and salt stay in the force's database; when both are destroyed the leaf is noise.
The pseudonym `subj` is random, one per recording (or camera, request, …), and kept off the log: whoever holds it can
show that no other event on that subject exists; nobody else can tell whom a leaf is about.
"""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from openbwv.custody.errors import LeafRejected
from openbwv.recording import cbor
from openbwv.recording.errors import BwvError

LEAF_VERSION = 1
SUBJECT_BYTES = 16
COMMITMENT_BYTES = 32
SALT_BYTES = 32
MAX_SECONDS = (1 << 40) - 1
MAX_INTEGER = (1 << 63) - 1


class EventType(IntEnum):
    """Every kind of event. Numbers are for ever; a kind that is no longer used keeps its number."""

    ENROL = 1
    REVOKE = 2
    KEM_EPOCH = 3
    INVENTORY = 4
    ASSIGN = 5
    MISSING = 7
    WRITE_OFF = 6
    INGEST = 10
    INGEST_UNCLOSED = 11
    ASIDE = 12
    CLASSIFY = 20
    HOLD = 21
    UNHOLD = 22
    VIEW = 30
    VIEWED = 31
    KEY_RELEASE = 32
    EXPORT = 33
    REQUEST = 34
    DECISION = 35
    RELEASE = 36
    DELETE_PROPOSED = 40
    DELETE_AUTHORISED = 41
    DELETE_CANCELLED = 42
    ERASED = 43
    KEK_ROTATED = 50
    KEK_DESTROYED = 51
    CONFIG = 60
    POLICY = 61
    ADMIN_LOGIN = 62
    ACCOUNT = 63
    REFUSED = 64
    SOFTWARE = 65
    LOG_GENERATION = 66
    BACKUP = 67
    RESTORE = 68
    TEXT_REMOVED = 69

    @property
    def slug(self) -> str:
        """The name in addresses, `--json` and documents."""
        return self.name.lower().replace("_", "-")

    @property
    def sentence(self) -> str:
        """One sentence that tells a reader what such an event means."""
        return SENTENCES[self]


SENTENCES: dict[EventType, str] = {
    EventType.ENROL: "A camera or dock was enrolled and given a certificate.",
    EventType.REVOKE: "A camera or dock was revoked and is refused from now on.",
    EventType.KEM_EPOCH: "A new key began for cameras to wrap their recordings' keys to, or an old one was destroyed.",
    EventType.INVENTORY: "A camera or dock said hello and listed what it holds.",
    EventType.ASSIGN: "A camera was given to a person, taken back, or claimed afterwards.",
    EventType.WRITE_OFF: "A camera's write-off was proposed, decided by a second person, ended or taken back.",
    EventType.MISSING: "A camera counted something that has not arrived, or what was missing arrived after all.",
    EventType.INGEST: "The server has stored and checked the whole recording.",
    EventType.INGEST_UNCLOSED: "The server has stored and checked the recording up to where it breaks off.",
    EventType.ASIDE: "Something that was sent could not be taken as evidence and is kept aside.",
    EventType.CLASSIFY: "Category, flag, matter or restriction of the recording was set or changed.",
    EventType.HOLD: "The recording is held: it cannot be deleted until the hold is released.",
    EventType.UNHOLD: "A hold on the recording was released.",
    EventType.VIEW: "A person began to watch the recording.",
    EventType.VIEWED: "Watching ended; the spans that were served are listed.",
    EventType.KEY_RELEASE: "A job was given the recording's key for one purpose.",
    EventType.EXPORT: "A copy of the recording was made to leave the system.",
    EventType.REQUEST: "A member of the public asked for footage, or the request changed.",
    EventType.DECISION: "A request was decided or its decision was checked by a second person.",
    EventType.RELEASE: "A released copy was handed to the person who asked.",
    EventType.DELETE_PROPOSED: "Deletion was proposed; the waiting time of 72 hours began.",
    EventType.DELETE_AUTHORISED: "Deletion was authorised by the approved policy or by two people.",
    EventType.DELETE_CANCELLED: "The proposed deletion was called off.",
    EventType.ERASED: "The recording and its key were erased from the server.",
    EventType.KEK_ROTATED: "The keys of the recordings that are kept were wrapped anew.",
    EventType.KEK_DESTROYED: "The old wrapping key was destroyed: what was erased before cannot be recovered.",
    EventType.CONFIG: "A setting of the system was changed.",
    EventType.POLICY: "A retention policy version was proposed, approved or refused.",
    EventType.ADMIN_LOGIN: "Somebody signed in with rights to change the system.",
    EventType.ACCOUNT: "A person's account, roles or unit was made or changed.",
    EventType.REFUSED: "Somebody asked for something they may not do; nothing was done.",
    EventType.SOFTWARE: "A release of the software began to run.",
    EventType.LOG_GENERATION: "A new log began after a restore; its first entry names the old log's size and root.",
    EventType.BACKUP: "A backup was written.",
    EventType.RESTORE: "A backup was brought back.",
    EventType.TEXT_REMOVED: "The words of old events were removed after the years of the policy; their entries stay.",
}


@dataclass(frozen=True)
class Leaf:
    """One entry of the log, read."""

    type: int
    t_s: int
    subj: bytes
    com: bytes

    @property
    def name(self) -> str:
        """The slug of the type, or `type-N` for one that this release does not know."""
        try:
            return EventType(self.type).slug
        except ValueError:
            return f"type-{self.type}"


def leaf(type_: int, t_s: int, subj: bytes, com: bytes) -> bytes:
    """Return the entry for an event of `type_` at `t_s` seconds since 1970 (UTC); raises LeafRejected."""
    if not 0 <= type_ <= 0xFFFF or not 0 <= t_s <= MAX_SECONDS:
        raise _rejected(f"Type {type_} at second {t_s} cannot be logged")
    if len(subj) != SUBJECT_BYTES or len(com) != COMMITMENT_BYTES:
        raise _rejected("Pseudonym or commitment has the wrong length")
    return cbor.encode([LEAF_VERSION, int(type_), t_s, subj, com])


def decode_leaf(entry: bytes) -> Leaf:
    """Read an entry of the log; raises LeafRejected when it is not exactly what `leaf` writes."""
    try:
        value = cbor.decode(entry)
    except BwvError as problem:
        raise _rejected(f"An entry is not deterministic CBOR: {problem.what}") from problem
    if not isinstance(value, list) or len(value) != 5 or value[0] != LEAF_VERSION:
        raise _rejected("An entry is not a leaf of version 1")
    _, type_, t_s, subj, com = value
    numbers = all(isinstance(each, int) and not isinstance(each, bool) for each in value[:3])
    if not numbers or not isinstance(subj, bytes) or not isinstance(com, bytes) or leaf(type_, t_s, subj, com) != entry:
        raise _rejected("An entry is not a leaf of version 1")
    return Leaf(type_, t_s, subj, com)


def commit_event(event: Mapping[str, Any], salt: bytes) -> bytes:
    """Return the commitment to `event` under a random salt of 32 bytes, used once; raises LeafRejected.

    Keys are text; values text, integers, bytes, booleans, None, lists and maps of these: never floats.
    """
    if len(salt) != SALT_BYTES:
        raise _rejected(f"A salt has {SALT_BYTES} bytes, not {len(salt)}")
    _check_value(event, "event")
    return hmac.new(salt, cbor.encode(_plain(event)), hashlib.sha256).digest()


def event_matches(entry: bytes, event: Mapping[str, Any], salt: bytes) -> bool:
    """Return whether the leaf `entry` commits to exactly this event and salt."""
    return hmac.compare_digest(decode_leaf(entry).com, commit_event(event, salt))


def _check_value(value: object, where: str) -> None:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if not isinstance(key, str):
                raise _rejected(f"{where} has a key that is not text")
            _check_value(inner, f"{where}.{key}")
    elif isinstance(value, list | tuple):
        for inner in value:
            _check_value(inner, where)
    elif isinstance(value, int) and not isinstance(value, bool):
        if abs(value) > MAX_INTEGER:
            raise _rejected(f"{where} is too large a number")
    elif value is not None and not isinstance(value, str | bytes | bool):
        raise _rejected(f"{where} is a {type(value).__name__}, which an event cannot hold")


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return int(value) if isinstance(value, IntEnum) else value


def _rejected(what: str) -> LeafRejected:
    return LeafRejected(what=what + ".", remedy="Nothing was logged or taken from it; correct the caller or the file.")
