"""A request's head, read strictly: HTTP/1.1 as RFC 9112 writes it, and less than it allows.

h11 parses; here stands what it lets pass and we do not. Two readers of one stream must never disagree about where a
request ends (RFC 9112 section 11.2), so whatever could be read in two ways is refused and the connection closed: bare
line feeds, folded lines, a header twice, Transfer-Encoding of any kind. Addresses are taken as they are, without
percent-decoding: none of ours needs it, so one that has a percent sign is no address of ours.
"""

from dataclasses import dataclass
from urllib.parse import parse_qs

import h11

from openbwv.server.ingest.errors import BadRequest, HeadTooLong, HttpVersion, LengthRequired

END = b"\r\n\r\n"
MOST_HEADERS = 64
MOST_PARAMETERS = 16


@dataclass(frozen=True)
class Head:
    """What a request says before its body. `length` is None when it announces no body."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    length: int | None
    closes: bool
    expects_continue: bool


def parse_head(raw: bytes) -> Head:
    """Return the head in `raw`, which ends with its blank line.

    Raises BadRequest, HeadTooLong (too many headers), HttpVersion, LengthRequired.
    """
    if raw.count(b"\n") != raw.count(b"\r\n") or b"\n " in raw or b"\n\t" in raw:
        raise _bad("has bare or folded lines")
    if raw.count(b"\n") > MOST_HEADERS + 2:
        raise HeadTooLong(what=f"The head has more than {MOST_HEADERS} headers.", remedy="Send fewer.")
    event = _parsed(raw)
    if event.http_version != b"1.1":
        raise HttpVersion
    headers = {name.decode("ascii"): value.decode("latin-1") for name, value in event.headers}
    if len(headers) != len(event.headers):
        raise _bad("has a header twice")
    if "transfer-encoding" in headers:
        if "content-length" in headers:
            raise _bad("says in two ways how long its body is")
        raise LengthRequired(what="The door takes no body in chunks.", remedy="Send a Content-Length header.")
    path, _, query = event.target.decode("ascii").partition("?")
    return Head(
        method=event.method.decode("ascii"),
        path=path,
        query=_parameters(query),
        headers=headers,
        length=int(headers["content-length"]) if "content-length" in headers else None,
        closes="close" in _options(headers, "connection"),
        expects_continue="100-continue" in _options(headers, "expect"),
    )


def _parsed(raw: bytes) -> h11.Request:
    parser = h11.Connection(h11.SERVER, max_incomplete_event_size=len(raw))
    parser.receive_data(raw)
    try:
        event = parser.next_event()
    except h11.RemoteProtocolError as problem:
        raise _bad(f"is no head of HTTP/1.1 ({problem})") from problem
    if not isinstance(event, h11.Request):
        raise _bad("is empty")
    return event


def _parameters(query: str) -> dict[str, str]:
    """Return the parameters; of one that is given twice the last counts."""
    try:
        return {name: values[-1] for name, values in parse_qs(query, max_num_fields=MOST_PARAMETERS).items()}
    except ValueError as problem:
        raise _bad("has too many parameters") from problem


def _options(headers: dict[str, str], name: str) -> list[str]:
    return [option.strip().lower() for option in headers.get(name, "").split(",")]


def _bad(what: str) -> BadRequest:
    return BadRequest(what=f"The request {what}.", remedy="Speak plain HTTP/1.1; docs/ref/door.md says how.")
