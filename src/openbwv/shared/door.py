"""The door protocol: what its answers look like and what can go wrong.

One protocol, spoken by a camera to a dock, by a dock to the server, and by a camera straight to the server; the
requests are listed in docs/ref/door.md. Bytes travel as base64 inside JSON, identifiers as lower-case hex.
`openbwv.shared.door_client` speaks it; `openbwv.shared.upload` decides what to send.
"""

import base64
import binascii
import json
from dataclasses import dataclass, field
from typing import Any, Self

from openbwv.recording.errors import EXIT_IO, EXIT_NOT_PERMITTED, EXIT_TRY_LATER, EXIT_UNAVAILABLE, BwvError

TOKEN_SECONDS = 900
PART_LIMIT_BYTES = 64 << 20
PART_TARGET_BYTES = 8 << 20
TYPE_ENTRIES = "application/cbor-seq"
TYPE_COSE = "application/cose"
TYPE_CBOR = "application/cbor"
TYPE_BYTES = "application/octet-stream"
CONTENT_DIGEST = "Content-Digest"  # RFC 9530


class DoorError(BwvError):
    """The other side refused, with its own code, words and remedy."""

    code = "door-refused"
    http_status = 502

    def __init__(
        self, *, what: str, remedy: str, status: int = 0, door_code: str = "", details: dict[str, Any] | None = None
    ) -> None:
        super().__init__(what=what, remedy=remedy)
        self.status = status
        self.door_code = door_code
        self.details = details or {}


class DoorUnreachable(DoorError):
    """No connection, or it broke off: ask what is held, then go on."""

    code = "door-unreachable"
    http_status = 503
    exit_code = EXIT_UNAVAILABLE


class DoorBusy(DoorError):
    """503, or 202 for something that is not ready: wait `retry_after_s`, then ask again."""

    code = "door-busy"
    http_status = 503
    exit_code = EXIT_TRY_LATER
    retry_after_s: float = 5.0


class DoorFull(DoorError):
    """507: the other side has no room."""

    code = "door-full"
    http_status = 507
    exit_code = EXIT_IO


class DoorForbids(DoorError):
    """401 or 403: this device is unknown or revoked, or a person may not do that."""

    code = "door-forbids"
    http_status = 403
    exit_code = EXIT_NOT_PERMITTED


class SetAside(DoorError):
    """202 at hello: the device is not enrolled here; what it sends is kept aside and no receipt follows."""

    code = "kept-aside"
    http_status = 202
    exit_code = EXIT_NOT_PERMITTED


class BadAnswer(DoorError):
    """The other side's answer has another shape than the protocol says."""

    code = "bad-answer"


def bad_answer(about: str) -> BadAnswer:
    """Return the error for an answer that cannot be read."""
    return BadAnswer(
        what=f"The answer about {about} cannot be read.",
        remedy="Check that camera, dock and server run releases that belong together.",
    )


def to_base64(data: bytes | None) -> str | None:
    """Return base64 text, or None for None."""
    return None if data is None else base64.b64encode(data).decode("ascii")


def from_base64(text: object, about: str) -> bytes:
    """Return the bytes of base64 text; raises BadAnswer."""
    if not isinstance(text, str):
        raise bad_answer(about)
    try:
        return base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error) as problem:
        raise bad_answer(about) from problem


def from_hex(text: object, about: str, *, length: int | None = None) -> bytes:
    """Return the bytes of hex text, `length` bytes long if given; raises BadAnswer."""
    try:
        data = bytes.fromhex(text) if isinstance(text, str) else None
    except ValueError as problem:
        raise bad_answer(about) from problem
    if data is None or (length is not None and len(data) != length):
        raise bad_answer(about)
    return data


def read_json(body: bytes, about: str) -> dict[str, Any]:
    """Return the JSON object in `body`; raises BadAnswer."""
    try:
        value = json.loads(body)
    except ValueError as problem:
        raise bad_answer(about) from problem
    if not isinstance(value, dict):
        raise bad_answer(about)
    return value


def _integer(value: object, about: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise bad_answer(about)
    return value


@dataclass(frozen=True)
class Hello:
    """Answer to GET /hello: the other side's time, a fresh nonce, its name, the newest checkpoint it knows."""

    time_ms: int
    nonce: bytes
    door: str
    checkpoint: str | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the JSON shape."""
        return {"time_ms": self.time_ms, "nonce": self.nonce.hex(), "door": self.door, "checkpoint": self.checkpoint}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """Read the JSON shape; raises BadAnswer."""
        return cls(
            time_ms=_integer(value.get("time_ms"), "hello"),
            nonce=from_hex(value.get("nonce"), "hello", length=32),
            door=str(value.get("door", "")),
            checkpoint=_text_or_none(value.get("checkpoint")),
        )


@dataclass(frozen=True)
class LogBeginning:
    """The first entry of the custody log as it is opened for a device: nothing in it is trusted until it is checked.

    `leaf` and the deterministic CBOR of its `event`, the `salt` of its commitment, and the text of its tlog-proof.
    """

    leaf: bytes
    event: bytes
    salt: bytes
    proof: bytes

    def as_json(self) -> dict[str, Any]:
        """Return the JSON shape."""
        return {name: to_base64(getattr(self, name)) for name in ("leaf", "event", "salt", "proof")}

    @classmethod
    def from_json(cls, value: object) -> Self | None:
        """Read the JSON shape, None for none; raises BadAnswer."""
        if not isinstance(value, dict):
            return None
        return cls(*(from_base64(value.get(name), "log beginning") for name in ("leaf", "event", "salt", "proof")))


@dataclass(frozen=True)
class Welcome:
    """Answer to POST /hello: the token, and everything a device takes home from a docking."""

    token: str
    expires_s: int = TOKEN_SECONDS
    profile: dict[str, Any] = field(default_factory=dict)
    epoch_key: bytes | None = None
    queue: tuple[bytes, ...] = ()
    revoked: frozenset[bytes] = frozenset()
    checkpoint: str | None = None
    consistency: tuple[bytes, ...] | None = None
    crl: str | None = None
    log_vkey: str | None = None
    log_certificate: tuple[bytes, ...] = ()
    log_beginning: LogBeginning | None = None
    assignment: bytes | None = None
    dock: str | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the JSON shape."""
        proof = None if self.consistency is None else {"proof": [to_base64(each) for each in self.consistency]}
        return {
            "token": self.token,
            "expires_s": self.expires_s,
            "profile": self.profile,
            "epoch_key": to_base64(self.epoch_key),
            "queue": [rec_id.hex() for rec_id in self.queue],
            "revoked": sorted(kid.hex() for kid in self.revoked),
            "checkpoint": self.checkpoint,
            "consistency": proof,
            "crl": self.crl,
            "log_vkey": self.log_vkey,
            "log_certificate": [to_base64(each) for each in self.log_certificate],
            "log_beginning": self.log_beginning.as_json() if self.log_beginning else None,
            "assignment": to_base64(self.assignment),
            "dock": self.dock,
        }

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """Read the JSON shape; raises BadAnswer."""
        proof = value.get("consistency")
        return cls(
            token=str(value.get("token", "")),
            expires_s=_integer(value.get("expires_s", TOKEN_SECONDS), "welcome"),
            profile=value.get("profile") if isinstance(value.get("profile"), dict) else {},
            epoch_key=_bytes_or_none(value.get("epoch_key")),
            queue=tuple(from_hex(each, "queue", length=16) for each in _list(value.get("queue"))),
            revoked=frozenset(from_hex(each, "revoked", length=32) for each in _list(value.get("revoked"))),
            checkpoint=_text_or_none(value.get("checkpoint")),
            consistency=_proof(proof) if isinstance(proof, dict) else None,
            crl=_text_or_none(value.get("crl")),
            log_vkey=_text_or_none(value.get("log_vkey")),
            log_certificate=tuple(from_base64(each, "welcome") for each in _list(value.get("log_certificate"))),
            log_beginning=LogBeginning.from_json(value.get("log_beginning")),
            assignment=_bytes_or_none(value.get("assignment")),
            dock=_text_or_none(value.get("dock")),
        )


@dataclass(frozen=True)
class HeldManifest:
    """How far the other side holds a manifest: the next sequence number it wants, and its tail."""

    next_seq: int
    tail: bytes | None

    def as_json(self) -> dict[str, Any]:
        """Return the JSON shape."""
        return {"next_seq": self.next_seq, "tail": None if self.tail is None else self.tail.hex()}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """Read the JSON shape; raises BadAnswer."""
        tail = value.get("tail")
        return cls(
            next_seq=_integer(value.get("next_seq"), "manifest"),
            tail=from_hex(tail, "manifest", length=32) if tail else None,
        )


@dataclass(frozen=True)
class HeldPart:
    """A run of fragments that the other side holds durably: first and last sequence number, length in bytes."""

    first: int
    last: int
    length: int

    def as_json(self) -> dict[str, int]:
        """Return the JSON shape."""
        return {"first": self.first, "last": self.last, "length": self.length}

    @classmethod
    def from_json(cls, value: object) -> Self:
        """Read the JSON shape; raises BadAnswer."""
        if not isinstance(value, dict):
            raise bad_answer("parts")
        return cls(*(_integer(value.get(name), "parts") for name in ("first", "last", "length")))


def error_json(error: BwvError, **details: Any) -> dict[str, Any]:
    """Return the JSON shape of a refusal."""
    return {"error": {**error.as_dict(), **details}}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _text_or_none(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _bytes_or_none(value: object) -> bytes | None:
    return from_base64(value, "welcome") if value else None


def _proof(value: dict[str, Any]) -> tuple[bytes, ...]:
    return tuple(from_base64(each, "consistency proof") for each in _list(value.get("proof")))
