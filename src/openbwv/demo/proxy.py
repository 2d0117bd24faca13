"""A real TCP proxy between the dock and the evidence server's door, so that the network can fail for real.

`cut_after(n)` lets n more bytes towards the server pass and then resets every connection in the middle of whatever it
carried; until `mend` new connections are refused as well. It counts what passed.
"""

import contextlib
import selectors
import socket
import struct
import threading

CHUNK_BYTES = 65_536
NO_LINGER = struct.pack("ii", 1, 0)  # close() sends RST: the far side sees a broken network, not a polite end


class Proxy:
    """Forwards connections from a free local port to `target`, until `stop`."""

    def __init__(self, target: tuple[str, int]) -> None:
        self._target = target
        self._lock = threading.Lock()
        self._pairs: set[tuple[socket.socket, socket.socket]] = set()
        self._allowance: int | None = None
        self._stopped = False
        self.bytes_to_server = 0
        self.cuts = 0
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True, name="proxy").start()

    def cut_after(self, count_bytes: int) -> None:
        """Break the network after `count_bytes` more bytes have gone to the server."""
        with self._lock:
            self._allowance = count_bytes

    def is_cut(self) -> bool:
        """Return whether the network is broken at present."""
        with self._lock:
            return self._allowance is not None and self._allowance <= 0

    def mend(self) -> None:
        """Let everything pass again."""
        with self._lock:
            self._allowance = None

    def stop(self) -> None:
        """Close the port and every connection."""
        self._stopped = True
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._reset_all()

    def _accept(self) -> None:
        while not self._stopped:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if self.is_cut():
                _reset(client)
                continue
            try:
                server = socket.create_connection(self._target, timeout=5)
            except OSError:
                _reset(client)
                continue
            server.settimeout(None)
            pair = (client, server)
            with self._lock:
                self._pairs.add(pair)
            threading.Thread(target=self._pump, args=pair, daemon=True).start()

    def _pump(self, client: socket.socket, server: socket.socket) -> None:
        """Carry bytes both ways until one side ends, or the network is cut."""
        with selectors.DefaultSelector() as ready, contextlib.suppress(OSError, ValueError, KeyError):
            ready.register(client, selectors.EVENT_READ, server)
            ready.register(server, selectors.EVENT_READ, client)
            while True:
                for key, _ in ready.select():
                    source, sink = key.fileobj, key.data
                    data = source.recv(CHUNK_BYTES)  # type: ignore[union-attr]
                    if not data:
                        break
                    passed = self._take(len(data)) if source is client else len(data)
                    sink.sendall(data[:passed])
                    if passed < len(data):
                        self._reset_all()
                        return
                else:
                    continue
                break
        self._forget(client, server)

    def _take(self, wanted: int) -> int:
        """Return how many of `wanted` bytes may still pass to the server, and count them."""
        with self._lock:
            if self._allowance is None:
                passed = wanted
            else:
                passed = min(wanted, self._allowance)
                self.cuts += passed < wanted and self._allowance > 0
                self._allowance -= passed
                if passed < wanted:
                    self._allowance = 0
            self.bytes_to_server += passed
            return passed

    def _reset_all(self) -> None:
        with self._lock:
            pairs = list(self._pairs)
        for pair in pairs:
            self._forget(*pair)

    def _forget(self, client: socket.socket, server: socket.socket) -> None:
        with self._lock:
            self._pairs.discard((client, server))
        _reset(client)
        _reset(server)


def _reset(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)  # wakes a thread that waits on it; close alone does not
    connection.close()
