"""What a raw callable beside Django needs of ASGI: the cookies that came, one answer that goes."""

from collections.abc import Awaitable, Callable
from typing import Any

from openbwv.server.ingest.http import Answer

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


def cookies_of(scope: dict[str, Any]) -> str:
    """Return the Cookie header of a request; HTTP/2 may bring it in several (RFC 9113 section 8.2.3)."""
    return "; ".join([value.decode("latin-1") for name, value in scope["headers"] if name == b"cookie"])


async def send_answer(answer: Answer, send: Send) -> None:
    """Send `answer`."""
    pairs = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in answer.all_headers().items()]
    await send({"type": "http.response.start", "status": answer.status, "headers": pairs})
    await send({"type": "http.response.body", "body": answer.body})
