"""Sending long answers a piece at a time, on either kind of server.

Under ASGI Django would gather a plain iterator whole in memory before the first byte leaves; an asynchronous one is
sent as it comes.
"""

import asyncio
from collections.abc import AsyncIterator, Generator

from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest


def body_for(
    request: HttpRequest, chunks: Generator[bytes, None, None]
) -> Generator[bytes, None, None] | AsyncIterator[bytes]:
    """Return `chunks` in the form that a StreamingHttpResponse to `request` sends piece by piece.

    However the answer ends, also when the reader goes away, the generator is closed.
    """
    return _in_threads(chunks) if isinstance(request, ASGIRequest) else chunks


async def _in_threads(chunks: Generator[bytes, None, None]) -> AsyncIterator[bytes]:
    """Give the chunks to an ASGI server without holding up its loop."""
    try:
        while (chunk := await asyncio.to_thread(next, chunks, None)) is not None:
            yield chunk
    finally:
        await asyncio.to_thread(chunks.close)
