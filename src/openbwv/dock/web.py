"""What the dock's three listeners share: bodies with a limit, answers, refusals."""

import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from openbwv.dock.errors import BadCall, CutShort, LengthRequired, TooLarge
from openbwv.recording.errors import BwvError
from openbwv.shared.door import error_json

log = logging.getLogger("openbwv.dock")
JSON_LIMIT_BYTES = 64 << 10
Handler = Callable[[Request], Awaitable[Response]]


def answer(value: dict[str, Any], status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """Return a JSON answer that nobody may cache."""
    body = json.dumps(value).encode()
    return Response(body, status, {"Cache-Control": "no-store", **(headers or {})}, "application/json")


def refusals(handler: Handler) -> Handler:
    """Turn what a handler raises into the protocol's error shape; anything foreign is logged and answered with 500."""

    async def guarded(request: Request) -> Response:
        try:
            return await handler(request)
        except BwvError as error:
            details = {name: getattr(error, name) for name in ("next_seq", "missing") if hasattr(error, name)}
            headers = {"Retry-After": "2"} if error.http_status == 503 else {}
            log.info("refused %s %s: %s", request.method, request.url.path, error.code)
            return answer(error_json(error, **details), error.http_status, headers)
        except Exception:
            log.exception("internal error at %s %s", request.method, request.url.path)
            error = BwvError(what="The dock met an internal error.", remedy="Try again; report it if it repeats.")
            return answer(error_json(error), 500)

    return guarded


def content_length(request: Request, *, limit: int) -> int:
    """Return the Content-Length; raises LengthRequired, TooLarge."""
    text = request.headers.get("content-length", "")
    if not text.isdecimal():
        raise LengthRequired
    if int(text) > limit:
        raise TooLarge(limit)
    return int(text)


async def chunks(request: Request) -> AsyncIterator[bytes]:
    """Yield the body's pieces; raises CutShort when the other side goes away."""
    try:
        async for chunk in request.stream():
            if chunk:
                yield chunk
    except ClientDisconnect as problem:
        raise CutShort from problem


async def whole_body(request: Request, *, limit: int) -> bytes:
    """Return a body of at most `limit` bytes; raises LengthRequired, TooLarge, CutShort."""
    length = content_length(request, limit=limit)
    body = bytearray()
    async for chunk in chunks(request):
        body += chunk
    if len(body) != length:
        raise CutShort
    return bytes(body)


async def json_body(request: Request) -> dict[str, Any]:
    """Return a JSON object; raises BadCall."""
    try:
        value = json.loads(await whole_body(request, limit=JSON_LIMIT_BYTES))
    except ValueError as problem:
        raise BadCall("The body is not JSON.") from problem
    if not isinstance(value, dict):
        raise BadCall("The body is not a JSON object.")
    return value


def hex_bytes(text: object, what: str, length: int) -> bytes:
    """Return the bytes of lower- or upper-case hex of exactly `length` bytes; raises BadCall."""
    try:
        data = bytes.fromhex(text) if isinstance(text, str) else b""
    except ValueError:
        data = b""
    if len(data) != length:
        raise BadCall(f"The {what} is not {length} bytes in hex.")
    return data


def number(text: object, what: str) -> int:
    """Return a whole number of at most 18 digits; raises BadCall."""
    if isinstance(text, int) and not isinstance(text, bool) and text >= 0:
        return text
    if not isinstance(text, str) or not text.isascii() or not text.isdecimal() or len(text) > 18:
        raise BadCall(f"The {what} is not a whole number.")
    return int(text)
