"""What the receiver makes of a connection: what is no plain request is answered once, at most, and ends it."""

import contextlib
import json
import select
import socket
import struct
import threading
import time

import pytest

from openbwv.server.ingest import inlet, receiver
from openbwv.server.ingest.http import JSON_LIMIT_BYTES, json_answer
from openbwv.server.ingest.inlet import HEAD_LIMIT_BYTES
from openbwv.server.ingest.places import Places
from openbwv.server.ingest.receiver import Receiver
from tests.server.ingest.conftest import converse, read_answer

HOST = b"host: door\r\n"


class Echo:
    """Answers with what was asked; `/unread` leaves the body alone, `/busy` refuses as a full door does."""

    def __init__(self):
        self.asked = []

    def __call__(self, request):
        self.asked.append(request.path)
        if request.path == "/unread":
            return json_answer({}, status=409)
        if request.path == "/huge":
            return json_answer({}, status=413)
        if request.body.length is None:
            return json_answer({"path": request.path})
        body = request.whole(limit=1 << 20)
        return json_answer({"path": request.path, "query": request.query, "body": body.hex()})


@pytest.fixture
def echo():
    return Echo()


def answers(echo, sent):
    """Return (status, value) of every answer to these bytes, sent over one connection that then ends."""
    left, found = converse(Receiver(None, echo, None), sent), []
    while left:
        status, value, headers, left = read_answer(left)
        found.append((status, value))
        if headers.get("connection") == "close":
            assert not left, "nothing may follow the answer that ends a connection"
    return found


def put(path, body, *more, length=None):
    length = len(body) if length is None else length
    head = b"PUT " + path + b" HTTP/1.1\r\n" + HOST + b"content-length: %d\r\n" % length
    return head + b"".join(line + b"\r\n" for line in more) + b"\r\n" + body


def refused(found, status, code):
    assert [(got, value["error"]["code"]) for got, value in found] == [(status, code)]


def test_requests_follow_one_another_on_a_connection_also_when_they_are_sent_ahead(echo):
    found = answers(echo, put(b"/a?x=1&x=2", b"one") + put(b"/b", b"") + put(b"/c", bytes(200_000)))
    assert [status for status, _ in found] == [200] * 3
    assert found[0][1] == {"path": "/a", "query": {"x": "2"}, "body": b"one".hex()}
    assert echo.asked == ["/a", "/b", "/c"]


def test_close_is_honoured(echo):
    assert len(answers(echo, put(b"/a", b"", b"Connection: keep-alive, Close") + put(b"/b", b""))) == 1
    assert echo.asked == ["/a"]


GARBAGE = {
    "noise": bytes(range(256)) * 4 + b"\r\n\r\n",
    "empty lines": b"\r\n\r\n",
    "a line before it": b"\r\n" + put(b"/a", b""),
    "another protocol": b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
    "no version": b"GET /hello\r\n\r\n",
    "NUL in the path": b"GET /he\x00llo HTTP/1.1\r\n" + HOST + b"\r\n",
    "space in the path": b"GET /he llo HTTP/1.1\r\n" + HOST + b"\r\n",
    "bytes beyond ASCII": "GET /hé HTTP/1.1\r\nhost: door\r\n\r\n".encode(),
    "NUL in a header": b"GET /a HTTP/1.1\r\n" + HOST + b"x: a\x00b\r\n\r\n",
    "no host": b"GET /a HTTP/1.1\r\n\r\n",
    "two hosts": b"GET /a HTTP/1.1\r\n" + HOST + HOST + b"\r\n",
    "a header twice": b"GET /a HTTP/1.1\r\n" + HOST + b"authorization: Bearer a\r\nAuthorization: Bearer b\r\n\r\n",
    "space before a colon": b"PUT /a HTTP/1.1\r\n" + HOST + b"content-length : 3\r\n\r\nabc",
    "folded header": b"GET /a HTTP/1.1\r\n" + HOST + b"x: a\r\n b\r\n\r\n",
    "bare line feed": b"GET /a HTTP/1.1\r\nhost: door\nx: a\r\n\r\n",
    "bare carriage return": b"GET /a HTTP/1.1\r\nhost: door\rx: a\r\n\r\n",
    "header without a name": b"GET /a HTTP/1.1\r\n" + HOST + b": a\r\n\r\n",
    "negative length": put(b"/a", b"abc", length=-3),
    "length with a sign": b"PUT /a HTTP/1.1\r\n" + HOST + b"content-length: +3\r\n\r\nabc",
    "length in hex": b"PUT /a HTTP/1.1\r\n" + HOST + b"content-length: 0x3\r\n\r\nabc",
    "length of many digits": b"PUT /a HTTP/1.1\r\n" + HOST + b"content-length: " + b"9" * 300 + b"\r\n\r\n",
    "two lengths": b"PUT /a HTTP/1.1\r\n" + HOST + b"content-length: 3\r\ncontent-length: 4\r\n\r\nabcd",
    "two lengths in one": b"PUT /a HTTP/1.1\r\n" + HOST + b"content-length: 3, 4\r\n\r\nabcd",
    "length and chunks": put(b"/a", b"0\r\n\r\n", b"Transfer-Encoding: chunked"),
    "length and another coding": put(b"/a", b"abc", b"Transfer-Encoding: identity"),
    "chunks hidden": put(b"/a", b"0\r\n\r\n", b"Transfer-Encoding: \x0bchunked"),
    "chunks twice": b"PUT /a HTTP/1.1\r\n" + HOST + b"transfer-encoding: chunked\r\n" * 2 + b"\r\n0\r\n\r\n",
    "too many parameters": b"GET /a?" + b"&".join(b"a=1" for _ in range(40)) + b" HTTP/1.1\r\n" + HOST + b"\r\n",
}


@pytest.mark.parametrize("name", GARBAGE)
def test_what_is_no_plain_head_is_refused_once_and_what_follows_it_is_not_read(echo, name):
    refused(answers(echo, GARBAGE[name] + put(b"/smuggled", b"")), 400, "bad-request")
    assert echo.asked == []


def test_chunks_are_not_taken(echo):
    sent = b"PUT /a HTTP/1.1\r\n" + HOST + b"transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
    refused(answers(echo, sent + put(b"/smuggled", b"")), 411, "length-required")
    assert echo.asked == []


@pytest.mark.parametrize("version", [b"1.0", b"2.0", b"0.9", b"1.2"])
def test_other_versions_are_refused(echo, version):
    found = answers(echo, b"PRI * HTTP/" + version + b"\r\n" + HOST + b"\r\n" + put(b"/smuggled", b""))
    refused(found, 505, "http-version")


def test_heads_are_bounded_in_bytes_and_in_headers(echo):
    refused(answers(echo, b"GET /" + b"a" * HEAD_LIMIT_BYTES), 431, "head-too-long")
    long = b"GET /a HTTP/1.1\r\n" + HOST + b"x: " + b"a" * HEAD_LIMIT_BYTES + b"\r\n\r\n"
    refused(answers(echo, long), 431, "head-too-long")
    many = b"".join(b"x-%d: 1\r\n" % n for n in range(65))
    refused(answers(echo, b"GET /a HTTP/1.1\r\n" + many + b"\r\n"), 431, "head-too-long")
    assert echo.asked == []


@pytest.mark.parametrize(
    "path", [b"/%00", b"/%2e%2e/hello", b"/..%2fhello", b"//hello", b"/hello%0d%0ax", b"http://x/a"]
)
def test_addresses_are_taken_as_they_are(echo, path):
    [(status, value)] = answers(echo, put(path, b""))
    assert (status, value["path"]) == (200, path.decode())


def test_a_body_left_unread_is_forgotten_and_never_taken_for_a_request(echo):
    inner = put(b"/smuggled", b"")
    found = answers(echo, put(b"/unread", inner * 5000) + put(b"/next", b"x"))
    assert [status for status, _ in found] == [409, 200]
    assert echo.asked == ["/unread", "/next"]


def test_a_body_too_long_to_be_forgotten_ends_the_connection(echo):
    assert [status for status, _ in answers(echo, put(b"/huge", put(b"/smuggled", b"")))] == [413]
    assert [status for status, _ in answers(echo, put(b"/unread", put(b"/smuggled", b""), length=1 << 40))] == [409]
    assert echo.asked == ["/huge", "/unread"]


def test_a_body_that_breaks_off_gets_no_answer(echo):
    assert answers(echo, put(b"/a", b"abc", length=4)) == []


def test_what_is_longer_than_a_body_announced_is_no_part_of_it(echo):
    found = answers(echo, put(b"/a", b"abc") + b"more")
    assert found == [(200, {"path": "/a", "query": {}, "body": b"abc".hex()})]


def test_other_methods_are_answered_and_end_the_connection(echo):
    sent = b"HEAD /a HTTP/1.1\r\n" + HOST + b"\r\n" + put(b"/b", b"")
    assert len(answers(echo, sent)) == 1


@pytest.fixture
def wire(echo):
    """Return the client's end of a connection that is answered in another thread."""
    ours, theirs = socket.socketpair()
    ours.settimeout(20)

    def serve():
        with theirs, contextlib.suppress(inlet.PeerGone):
            Receiver(None, echo, None).converse(theirs)

    thread = threading.Thread(target=serve)
    thread.start()
    yield ours
    ours.close()
    thread.join(20)
    assert not thread.is_alive()


def until_end(wire):
    data = b""
    with contextlib.suppress(ConnectionError):
        while more := wire.recv(1 << 16):
            data += more
    return data


def test_a_sender_that_asks_first_is_told_to_go_on_only_when_its_body_is_wanted(wire):
    wire.sendall(put(b"/a", b"", b"Expect: 100-continue", length=3))
    assert wire.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
    wire.sendall(b"abc")
    assert read_answer(wire.recv(1000))[0] == 200
    wire.sendall(put(b"/unread", b"", b"Expect: 100-continue", length=3))
    status, _, headers, rest = read_answer(until_end(wire))
    assert (status, headers["connection"], rest) == (409, "close", b"")


def drip(wire):
    """Send a byte now and then until something comes back, or the other side ends."""
    with contextlib.suppress(OSError):
        while not select.select([wire], [], [], 0.02)[0]:
            wire.sendall(b"x")


def test_a_head_that_drips_is_given_up(wire, monkeypatch):
    monkeypatch.setattr(inlet, "HEAD_S", 0.3)
    wire.sendall(b"GET /a")
    drip(wire)
    wire.shutdown(socket.SHUT_WR)
    status, value, _, _ = read_answer(until_end(wire))
    assert (status, value["error"]["code"]) == (408, "too-slow")


def test_a_connection_that_says_nothing_is_closed(wire, monkeypatch):
    monkeypatch.setattr(inlet, "IDLE_S", 0.05)
    wire.sendall(put(b"/a", b""))
    assert read_answer(until_end(wire))[0] == 200


def test_a_body_of_promises_takes_no_memory(wire):
    """What is announced is not set aside before it comes."""
    wire.sendall(put(b"/a", b"x", length=JSON_LIMIT_BYTES))
    wire.shutdown(socket.SHUT_WR)
    assert until_end(wire) == b""


class Served:
    """A receiver on a real port, without TLS."""

    def __init__(self, answer):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.address = self.listener.getsockname()
        self.receiver = Receiver(self.listener, answer, None)
        self.thread = threading.Thread(target=self.receiver.serve)
        self.thread.start()

    def connect(self):
        return socket.create_connection(self.address, timeout=20)

    def stop(self):
        self.receiver.stop()
        self.thread.join(30)
        assert not self.thread.is_alive()


@pytest.fixture
def served(echo):
    made = Served(echo)
    yield made
    made.stop()


def closed(wire):
    with contextlib.suppress(ConnectionError):
        return wire.recv(1000)
    return b""


def test_idle_connections_are_bounded_and_the_places_come_back(served, monkeypatch):
    most = receiver.MOST_CONNECTIONS_OF_ONE
    held = [served.connect() for _ in range(most)]
    for wire in held:
        wire.sendall(put(b"/a", b""))
        assert read_answer(wire.recv(1000))[0] == 200
    with served.connect() as one_more:
        status, value, headers, _ = read_answer(until_end(one_more))
        assert (status, value["error"]["code"], headers["retry-after"]) == (503, "busy", "1")
    for wire in held:
        wire.close()
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with served.connect() as wire:
            wire.sendall(put(b"/a", b"", b"Connection: close"))
            if read_answer(until_end(wire))[0] == 200:
                return
    raise AssertionError("no place came back")


def test_whoever_is_refused_a_place_and_has_left_already_breaks_nothing(served, monkeypatch):
    broken = []
    monkeypatch.setattr(threading, "excepthook", broken.append)
    refused = threading.Event()
    real = receiver.error_answer

    def too_late(problem):
        refused.set()
        left.wait(20)
        return real(problem)

    left = threading.Event()
    monkeypatch.setattr(receiver, "error_answer", too_late)
    served.receiver._devices = Places(most=0, most_of_one=0)
    before = set(threading.enumerate())
    wire = served.connect()
    assert refused.wait(20)
    (thread,) = set(threading.enumerate()) - before
    wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # reset
    wire.close()
    left.set()
    thread.join(20)
    assert not broken


def test_a_request_in_hand_is_finished_and_idle_connections_end_when_the_door_does(echo):
    begun, go_on = threading.Event(), threading.Event()

    def slow(request):
        begun.set()
        go_on.wait(20)
        return echo(request)

    served = Served(slow)
    with served.connect() as idle, served.connect() as busy:
        busy.sendall(put(b"/a", b"abc"))
        assert begun.wait(20)
        served.receiver.stop()
        assert closed(idle) == b""
        go_on.set()
        status, value, headers, _ = read_answer(until_end(busy))
        assert (status, json.dumps(value["body"]), headers["connection"]) == (200, f'"{b"abc".hex()}"', "close")
        served.thread.join(20)
        assert not served.thread.is_alive()
        with pytest.raises(OSError):
            served.connect()
