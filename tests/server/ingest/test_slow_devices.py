"""Devices that drip, over real sockets: each upload must move, and slow ones keep nobody else out."""

import contextlib
import select
import socket
import threading
import time

import pytest

from openbwv.server.door import limits_of_settings
from openbwv.server.ingest.errors import Busy
from openbwv.server.ingest.http import error_answer, json_answer
from openbwv.server.ingest.pace import Limits, Pace
from openbwv.server.ingest.places import NoPlace, Places
from openbwv.server.ingest.receiver import Receiver
from tests.server.ingest.conftest import read_answer
from tests.server.ingest.test_receiver import put

LONG_S = 60
BODY = 1 << 20


class Door:
    """A receiver on a real port whose answer takes a whole body into one of few places; `x-device` says whose."""

    def __init__(self, limits, *, most=4, most_of_one=2, pause_s=0.0):
        self.places, self.pause_s = Places(most=most, most_of_one=most_of_one), pause_s
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.receiver = Receiver(self.listener, self.answer, None, limits=limits)
        self.thread = threading.Thread(target=self.receiver.serve)
        self.thread.start()

    def answer(self, request):
        try:
            with self.places.place(request.headers["x-device"], request.body):
                request.pour(lambda _block: time.sleep(self.pause_s))
                return json_answer({})
        except NoPlace:
            return error_answer(Busy(what="Enough run already.", remedy="Try again."))

    def connect(self, source="127.0.0.1"):
        return socket.create_connection(self.listener.getsockname(), timeout=LONG_S, source_address=(source, 0))

    def begin(self, device, length=BODY):
        """Announce an upload and send none of it."""
        wire = self.connect()
        wire.sendall(put(b"/a", b"", b"x-device: " + device, length=length))
        return wire

    def stop(self):
        self.receiver.stop()
        self.thread.join(LONG_S)
        assert not self.thread.is_alive()


@pytest.fixture
def opened():
    """Return a function that opens a door with some limits."""
    made = []

    def door(limits, **more):
        made.append(Door(limits, **more))
        return made[-1]

    yield door
    for each in made:
        each.stop()


def drip(wire, piece, every_s=0.02):
    """Send `piece` again and again until something comes back, or the other side ends."""
    with contextlib.suppress(OSError):
        while not select.select([wire], [], [], every_s)[0]:
            wire.sendall(piece)


def upload(door, device):
    """Send a whole body at once; return the answer's status."""
    with door.begin(device) as wire:
        with contextlib.suppress(OSError):
            wire.sendall(bytes(BODY))
        return read_answer(until_end(wire, until=b"\r\n\r\n"))[0]


def until_end(wire, until=None):
    data = b""
    with contextlib.suppress(ConnectionError):
        while more := wire.recv(1 << 16):
            data += more
            if until and until in data:
                break
    return data


@pytest.mark.parametrize("piece", [b"x", b""], ids=["drips", "stands"])
def test_a_body_slower_than_the_least_is_given_up_without_an_answer(opened, piece):
    door = opened(Limits(least_bytes_s=8 << 10, window_s=0.4))
    with door.begin(b"slow") as wire:
        drip(wire, piece)
        assert until_end(wire) == b""
    assert upload(door, b"slow") == 200


def test_one_above_the_least_is_taken_whole_when_there_is_room(opened):
    door = opened(Limits(least_bytes_s=1, easy_bytes_s=1 << 30, window_s=0.2))
    with door.begin(b"slow", length=3_000) as wire:
        for _ in range(30):
            wire.sendall(bytes(100))
            time.sleep(0.02)
        assert read_answer(until_end(wire, until=b"\r\n\r\n"))[0] == 200


def test_what_the_door_itself_takes_slows_nobody_down(opened):
    door = opened(Limits(least_bytes_s=1 << 10, window_s=0.1), pause_s=0.3)
    assert upload(door, b"fast") == 200


def test_devices_that_drip_in_every_place_keep_a_newcomer_out_for_a_window_at_most(opened):
    door = opened(Limits(least_bytes_s=16, easy_bytes_s=1 << 20, window_s=0.3))
    slow = [door.begin(device) for device in (b"one", b"one", b"two", b"two")]
    threads = [threading.Thread(target=drip, args=(wire, b"x" * 50)) for wire in slow]
    for thread in threads:
        thread.start()
    try:
        deadline = time.monotonic() + LONG_S
        while (status := upload(door, b"newcomer")) != 200:
            assert status == 503
            assert time.monotonic() < deadline
        while all(thread.is_alive() for thread in threads):
            assert time.monotonic() < deadline, "one of them was sent away"
            time.sleep(0.01)
    finally:
        for wire in slow:
            with contextlib.suppress(OSError):
                wire.shutdown(socket.SHUT_RDWR)
        for wire, thread in zip(slow, threads, strict=True):
            thread.join(LONG_S)
            wire.close()


def test_idle_connections_of_those_who_have_most_give_way(opened):
    door = opened(Limits())
    door.receiver._devices = Places(most=3, most_of_one=2)
    idle = [door.connect("127.0.0.1"), door.connect("127.0.0.1"), door.connect("127.0.0.2")]
    for wire in idle:
        wire.sendall(put(b"/a", b"", b"x-device: a"))
        assert read_answer(until_end(wire, until=b"\r\n\r\n"))[0] == 200
    deadline, status = time.monotonic() + LONG_S, 0
    while status != 200:  # each is idle only once its thread waits for the next request
        assert time.monotonic() < deadline
        with door.connect("127.0.0.3") as wire:
            wire.sendall(put(b"/a", b"", b"x-device: b"))
            status = read_answer(until_end(wire, until=b"\r\n\r\n"))[0]
    assert len(select.select(idle, [], [], LONG_S)[0]) == 1, "one was closed, and only one"
    for wire in idle:
        wire.close()


def test_a_pace_slides_over_waiting_alone():
    pace = Pace(Limits(least_bytes_s=100, easy_bytes_s=1000, window_s=10.0))
    assert not any(pace.is_too_slow(0, 1.0) for _ in range(9)), "not before a whole window was waited for"
    assert pace.slowness() == 0, "but it gives way before"
    assert pace.is_too_slow(0, 1.5)
    assert pace.is_too_slow(0, 2.0)
    assert not pace.is_too_slow(5_000, 2.0)
    assert pace.slowness() == pytest.approx(500, rel=0.3)
    assert not any(pace.is_too_slow(1 << 20, 0.0) for _ in range(100))
    assert not pace.is_too_slow(0, 9.0)
    assert pace.slowness() is None, "a megabyte is in the window"
    assert [pace.is_too_slow(0, 4.0) for _ in range(3)][-1], "and slides out of it"


def test_a_part_of_the_window_makes_one_give_way_also_who_sends_nothing_at_all():
    pace = Pace(Limits(least_bytes_s=100, easy_bytes_s=1000, window_s=8.0))
    pace.waits_since_s = 50.0
    assert [pace.slowness(now_s) for now_s in (50.0, 50.9, 51.0, 55.0)] == [None, None, 0, 0]
    pace.waits_since_s = None
    assert not pace.is_too_slow(400, 1.0)
    assert pace.slowness(60.0) == 400
    assert not pace.is_too_slow(9_000, 1.0)
    assert pace.slowness(60.0) is None, "it is fast enough"


def test_slow_ones_that_begin_again_before_each_window_is_over_keep_nobody_out():
    """Four certificates hold all places; each of their uploads ends after most of a window and begins anew at once."""
    places, window_s = Places(most=4, most_of_one=2), 32.0
    limits = Limits(window_s=window_s)

    def begin(device):
        pace = Pace(limits)
        return device, places.take(device, Dripping(pace)), pace

    held = [begin(device) for device in ("one", "one", "two", "two")]
    for _ in range(3):
        for _second in range(5):
            assert not any(pace.is_too_slow(100, 1.0) for _, _, pace in held), "none is refused so soon"
        place = places.take("newcomer", Dripping(Pace(limits)))  # raises NoPlace where none gives way
        places.leave(place)
        for number, (device, place, _) in enumerate(held):
            places.leave(place)
            held[number] = begin(device)


class Dripping:
    """An upload that nobody reads from."""

    def __init__(self, pace):
        self.slowness = pace.slowness

    def send_away(self):
        """Go."""


def test_the_limits_are_settings(settings):
    settings.DOOR_LEAST_BYTES_S, settings.DOOR_EASY_BYTES_S, settings.DOOR_WINDOW_S = 1, 2, 3
    assert limits_of_settings() == Limits(least_bytes_s=1, easy_bytes_s=2, window_s=3.0)
