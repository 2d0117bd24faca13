"""Each row of the door's own table, asked by a device that has not said hello."""

import pytest

from openbwv.server.ingest.app import ROUTES
from tests.server.test_frankie import fill


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path.pattern}")
def test_without_a_token_an_address_answers_nothing_but_hello(door, route):
    path = fill(route.path.pattern)
    assert route.path.fullmatch(path)
    status, answer, _ = door.ask(route.method, path, token="none")
    if route.open:
        assert path == "/hello"
    else:
        assert (status, answer["error"]["code"]) == (401, "token-expired")
