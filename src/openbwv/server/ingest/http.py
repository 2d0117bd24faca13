"""Just enough HTTP for a raw ASGI callable: one request read in bounded steps, one answer.

A body is never longer than was announced, whatever the server in front makes of one that is also sent in chunks, and a
sender that falls silent in the middle is not waited for: both would let one device keep the others out.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

from openbwv.recording.errors import BwvError
from openbwv.server.ingest.errors import BadRequest, LengthRequired, TooLong

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
JSON_LIMIT_BYTES = 256 << 10
DRAIN_LIMIT_BYTES = 64 << 20
SILENCE_S = 30.0


class PeerGone(Exception):
    """The other side closed the connection or fell silent in the middle of its request; there is nobody to answer."""


class Patience:
    """Waits for one peer in one task, raising PeerGone after `limit_s` of silence.

    One timer that looks after the whole body, at most one pending: a timeout set and taken back for each of a body's
    many chunks was a tenth of the door's time.
    """

    def __init__(self, limit_s: float) -> None:
        self._limit_s = limit_s
        self._loop = asyncio.get_running_loop()
        self._task = asyncio.current_task()
        self._since: float | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._lost = False

    async def wait(self, receive: Receive) -> dict[str, Any]:
        """Return what `receive` gives; raises PeerGone."""
        self._since = self._loop.time()
        if self._timer is None:
            self._timer = self._loop.call_later(self._limit_s, self._look)
        try:
            return await receive()
        except asyncio.CancelledError:
            if not self._lost:
                raise  # somebody else's: the drain's own limit, or the server ends
            if self._task is not None:
                self._task.uncancel()
            raise PeerGone from None
        finally:
            self._since = None

    def _look(self) -> None:
        self._timer = None
        if self._since is None or self._task is None:
            return  # busy with what came, or done; the next wait sets the timer anew
        left_s = self._since + self._limit_s - self._loop.time()
        if left_s > 0:
            self._timer = self._loop.call_later(left_s, self._look)
        else:
            self._lost = True
            self._task.cancel()


@dataclass
class Request:
    """One request. `read_bytes` counts what was taken of its body, `announced` is how long that was said to be."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    receive: Receive
    read_bytes: int = 0
    announced: int | None = None
    ended: bool = False

    @classmethod
    def of(cls, scope: dict[str, Any], receive: Receive) -> "Request":
        """Return the request of an ASGI scope; repeated headers and parameters count once, the last."""
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        query = {name: values[-1] for name, values in parse_qs(scope["query_string"].decode("latin-1")).items()}
        return cls(scope["method"], scope["path"], query, headers, receive)

    def length(self, *, limit: int) -> int:
        """Return the announced length of the body; raises LengthRequired, TooLong."""
        text = self.headers.get("content-length", "")
        if not (text.isascii() and text.isdigit() and len(text) < 20):
            raise LengthRequired(
                what="The request does not say how long its body is.", remedy="Send a Content-Length header."
            )
        if int(text) > limit:
            raise TooLong(
                what=f"The body has {int(text)} bytes; at most {limit} are taken at once.",
                remedy="Send it in smaller runs of whole fragments or entries.",
                limit_bytes=limit,
            )
        self.announced = int(text)
        return self.announced

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield the body as it arrives; raises PeerGone when it breaks off or is silent, BadRequest past its length."""
        patience = Patience(SILENCE_S)
        while not self.ended:
            message = await patience.wait(self.receive)
            if message["type"] != "http.request":
                raise PeerGone
            self.ended = not message.get("more_body", False)
            chunk = message.get("body", b"")
            self.read_bytes += len(chunk)
            if self.announced is not None and self.read_bytes > self.announced:
                self.announced = None  # said once; what follows is only drained
                raise BadRequest(what="The body is longer than was announced.", remedy="Send its true length.")
            if chunk:
                yield chunk

    async def body(self, *, limit: int) -> bytes:
        """Return the whole body, at most `limit` bytes; raises LengthRequired, TooLong, PeerGone."""
        length = self.length(limit=limit)
        data = b"".join([chunk async for chunk in self.chunks()])
        if len(data) != length:
            raise BadRequest(what="The body is shorter than was announced.", remedy="Send it again, whole.")
        return data

    async def json(self) -> dict[str, Any]:
        """Return the JSON object in the body; raises BadRequest."""
        data = await self.body(limit=JSON_LIMIT_BYTES)
        try:
            value = json.loads(data or b"{}")
        except (ValueError, RecursionError) as problem:
            raise BadRequest(what="The body is not JSON.", remedy="Send one JSON object.") from problem
        if not isinstance(value, dict):
            raise BadRequest(what="The body is not a JSON object.", remedy="Send one JSON object.")
        return value

    async def drain(self) -> None:
        """Take in and forget what is left of the body, so that the other side can read the answer; bounded."""
        async for _ in self.chunks():
            if self.read_bytes > DRAIN_LIMIT_BYTES:
                return


@dataclass
class Answer:
    """What goes back."""

    status: int
    body: bytes = b""
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)

    async def send(self, send: Send) -> None:
        """Send it; every answer of ours is never to be cached or sniffed."""
        headers = {
            "content-type": self.content_type,
            "content-length": str(len(self.body)),
            "cache-control": "no-store",
            "x-content-type-options": "nosniff",
        } | self.headers
        pairs = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": self.status, "headers": pairs})
        await send({"type": "http.response.body", "body": self.body})


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
