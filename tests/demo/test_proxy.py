"""The proxy breaks the network where it was told to, for both sides, and mends it again."""

import socket
import threading

import pytest

from openbwv.demo.proxy import Proxy


class Collector:
    """A server that keeps what it gets and says `ok` at the end of each connection."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.received = []
        self.ended = threading.Semaphore(0)
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            data = bytearray()
            try:
                while piece := connection.recv(65_536):
                    data += piece
                    if data.endswith(b"end"):
                        connection.sendall(b"ok")
            except ConnectionError:
                pass
            self.received.append(bytes(data))
            connection.close()
            self.ended.release()


@pytest.fixture
def far():
    collector = Collector()
    yield collector
    collector.listener.close()


@pytest.fixture
def proxy(far):
    proxy = Proxy(far.listener.getsockname())
    yield proxy
    proxy.stop()


def talk(port, data):
    """Send and return the answer; an end without an answer is a broken network, as a reset is."""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(data)
        answer = connection.recv(16)
        if not answer:
            raise ConnectionError("ended without an answer")
        return answer


def test_it_carries_both_ways(proxy, far):
    assert talk(proxy.port, b"x" * 300_000 + b"end") == b"ok"
    assert proxy.bytes_to_server == 300_003


def test_a_cut_lets_exactly_so_many_bytes_through_and_breaks_both_sides(proxy, far):
    proxy.cut_after(100_000)
    with pytest.raises(ConnectionError):
        talk(proxy.port, b"x" * 5_000_000 + b"end")
    assert far.ended.acquire(timeout=5)
    assert len(far.received[0]) <= 100_000
    assert proxy.bytes_to_server == 100_000
    assert proxy.is_cut()
    assert proxy.cuts == 1


def test_while_cut_new_connections_are_refused_and_mending_helps(proxy):
    proxy.cut_after(0)
    with pytest.raises(ConnectionError):
        talk(proxy.port, b"hello end")
    proxy.mend()
    assert talk(proxy.port, b"hello end") == b"ok"


def test_a_server_that_is_not_there_is_a_broken_connection():
    with socket.create_server(("127.0.0.1", 0)) as gone:
        target = gone.getsockname()
    proxy = Proxy(target)
    try:
        with pytest.raises(ConnectionError):
            talk(proxy.port, b"end")
    finally:
        proxy.stop()
