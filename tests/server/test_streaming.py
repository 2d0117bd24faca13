"""Long answers leave piece by piece, and what made them is closed when the reader goes away."""

from django.core.handlers.asgi import ASGIRequest
from django.http import StreamingHttpResponse
from django.test import RequestFactory

from openbwv.server.streaming import body_for
from tests.loops import run_apart


def asgi_request():
    scope = {"type": "http", "method": "GET", "path": "/", "headers": [], "query_string": b""}
    return ASGIRequest(scope, None)


class Source:
    """Counts what was asked of it, and whether it was closed."""

    asked = 0
    closed = False

    def pieces(self):
        try:
            for number in range(1000):
                self.asked += 1
                yield bytes([number % 256])
        finally:
            self.closed = True


def test_under_asgi_the_first_piece_leaves_before_the_second_is_made():
    source = Source()
    answer = StreamingHttpResponse(body_for(asgi_request(), source.pieces()))
    assert answer.is_async

    async def read_one_and_leave():
        body = answer.streaming_content
        first = await anext(body)
        await body.aclose()
        return first

    assert run_apart(read_one_and_leave()) == b"\x00"
    assert source.asked == 1


def test_a_reader_that_goes_away_closes_the_source():
    source = Source()

    async def read_one_and_leave():
        body = body_for(asgi_request(), source.pieces())
        await anext(body)
        await body.aclose()

    run_apart(read_one_and_leave())
    assert source.closed


def test_under_wsgi_the_generator_itself_is_sent():
    source = Source()
    answer = StreamingHttpResponse(body_for(RequestFactory().get("/"), source.pieces()))
    assert not answer.is_async
    assert next(iter(answer)) == b"\x00"
    assert source.asked == 1
