"""One request with its body read in bounded steps, one answer; plain values, whoever carries them."""

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from email.utils import formatdate
from http import HTTPStatus
from typing import Any

from openbwv.recording.errors import BwvError
from openbwv.server.ingest.errors import BadRequest, LengthRequired, TooLong
from openbwv.server.ingest.inlet import Body

JSON_LIMIT_BYTES = 256 << 10
BLOCK_BYTES = 512 << 10  # half of what a core's cache holds: it is hashed and written while it is in there
STEP_BYTES = 64 << 10


@dataclass
class Request:
    """One request; its body is read by whoever answers it, or not at all."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Body

    def length(self, *, limit: int) -> int:
        """Return the announced length of the body; raises LengthRequired, TooLong."""
        length = self.body.length
        if length is None:
            raise LengthRequired(
                what="The request does not say how long its body is.", remedy="Send a Content-Length header."
            )
        if length > limit:
            raise TooLong(
                what=f"The body has {length} bytes; at most {limit} are taken at once.",
                remedy="Send it in smaller runs of whole fragments or entries.",
                limit_bytes=limit,
            )
        return length

    def pour(self, take: Callable[[memoryview], None]) -> None:
        """Hand the body on in blocks of half a MiB; `take` must not keep them, the next one is put into the same place.

        Raises PeerGone when it breaks off.
        """
        buffer = _buffers.borrow()
        try:
            while count := self.body.read_into(buffer):
                take(buffer[:count])
        finally:
            _buffers.give_back(buffer)

    def whole(self, *, limit: int) -> bytes:
        """Return the whole body, at most `limit` bytes; raises LengthRequired, TooLong, PeerGone."""
        left = self.length(limit=limit)
        data, step = bytearray(), memoryview(bytearray(min(left, STEP_BYTES)))
        while count := self.body.read_into(step):
            data += step[:count]
        return bytes(data)

    def json(self) -> dict[str, Any]:
        """Return the JSON object in the body; raises BadRequest."""
        data = self.whole(limit=JSON_LIMIT_BYTES)
        try:
            value = json.loads(data or b"{}")
        except (ValueError, RecursionError) as problem:
            raise BadRequest(what="The body is not JSON.", remedy="Send one JSON object.") from problem
        if not isinstance(value, dict):
            raise BadRequest(what="The body is not a JSON object.", remedy="Send one JSON object.")
        return value


class Buffers:
    """Blocks that are used again and again: fresh memory costs more than what is done in it."""

    def __init__(self) -> None:
        self._free: list[memoryview] = []
        self._lock = threading.Lock()

    def borrow(self) -> memoryview:
        """Return a block that nobody uses."""
        with self._lock:
            return self._free.pop() if self._free else memoryview(bytearray(BLOCK_BYTES))

    def give_back(self, buffer: memoryview) -> None:
        """Take a block back; there are never more than bodies at once."""
        with self._lock:
            self._free.append(buffer)


_buffers = Buffers()


@dataclass
class Answer:
    """What goes back."""

    status: int
    body: bytes = b""
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)

    def all_headers(self) -> dict[str, str]:
        """Return its headers; no answer of ours is ever to be cached or sniffed."""
        return {
            "content-type": self.content_type,
            "content-length": str(len(self.body)),
            "cache-control": "no-store",
            "x-content-type-options": "nosniff",
        } | self.headers

    def encode(self, *, closes: bool) -> bytes:
        """Return it as HTTP/1.1 writes it; `closes` says that the connection ends with it."""
        headers = self.all_headers() | {"date": formatdate(usegmt=True)} | ({"connection": "close"} if closes else {})
        lines = [f"HTTP/1.1 {self.status} {HTTPStatus(self.status).phrase}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        return "\r\n".join([*lines, "", ""]).encode("latin-1") + self.body


def json_answer(value: dict[str, Any], *, status: int = 200, **headers: str) -> Answer:
    """Return a JSON answer."""
    return Answer(status, json.dumps(value).encode(), headers={k.replace("_", "-"): v for k, v in headers.items()})


def error_answer(error: BwvError) -> Answer:
    """Return the answer for a refusal: its own status, code, what and remedy, and the facts beside them."""
    facts = {**error.as_dict(), **getattr(error, "details", {})}
    value = (
        facts if error.http_status == 202 else {"error": facts}
    )  # kept aside, or not ready: no error, but no receipt
    waits = error.http_status in (202, 503)
    headers = {"retry_after": str(getattr(error, "details", {}).get("retry_after_s", 1))} if waits else {}
    return json_answer(value, status=error.http_status, **headers)


def hex_of(text: str, *, length: int, name: str) -> bytes:
    """Return the bytes of lower-case hex text of exactly `length` bytes; raises BadRequest."""
    try:
        data = bytes.fromhex(text)
    except ValueError:
        data = b""
    if len(data) != length or data.hex() != text:
        raise BadRequest(what=f"'{name}' is not {length} bytes in lower-case hex.", remedy="Correct the request.")
    return data


def number_of(value: object, *, name: str) -> int:
    """Return a whole number from 0 to 2^31 - 1, given as such or as digits; raises BadRequest."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 10:
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 1 << 31:
        raise BadRequest(what=f"'{name}' is not a whole number.", remedy="Correct the request.")
    return value
