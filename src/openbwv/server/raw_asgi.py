"""What a raw callable beside Django needs of ASGI: the headers that came, one answer that goes."""

from collections.abc import Awaitable, Callable
from typing import Any

from openbwv.server.ingest.http import Answer

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


def headers_of(scope: dict[str, Any]) -> dict[str, str]:
    """Return the headers of a request; of one that came twice the last counts."""
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}


async def send_answer(answer: Answer, send: Send) -> None:
    """Send `answer`."""
    pairs = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in answer.all_headers().items()]
    await send({"type": "http.response.start", "status": answer.status, "headers": pairs})
    await send({"type": "http.response.body", "body": answer.body})
