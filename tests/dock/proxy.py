"""Real TCP proxies: one that cuts its connections after so many bytes from the client, one that holds them up."""

import contextlib
import socket
import threading
import time


class CuttingProxy:
    """Forwards to `target`; once `budget` bytes have gone to it, everything open is cut. None = never."""

    def __init__(self, target_port):
        self.target_port, self.budget, self.cuts, self.passed = target_port, None, 0, 0
        self._lock = threading.Lock()
        self._open = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"https://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def cut_after(self, count):
        with self._lock:
            self.budget = count

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                try:
                    line = Line(client, socket.create_connection(("127.0.0.1", self.target_port)))
                except OSError:
                    client.close()
                    continue
                with self._lock:
                    self._open.append(line)
                threading.Thread(target=self._pump, args=(line, line.client, line.target, True), daemon=True).start()
                threading.Thread(target=self._pump, args=(line, line.target, line.client, False), daemon=True).start()

    def _pump(self, line, source, sink, counted):
        with contextlib.suppress(OSError):
            while data := source.recv(16384):
                if counted and not self._allow(len(data)):
                    self.cut()
                    break
                sink.sendall(data)
        line.end()

    def _allow(self, count):
        with self._lock:
            self.passed += count
            if self.budget is None:
                return True
            self.budget -= count
            return self.budget >= 0

    def cut(self):
        """Cut everything now, hard, and let new connections through again."""
        with self._lock:
            self.cuts += 1
            self.budget = None
            victims, self._open = self._open, []
        for each in victims:
            each.cut()

    def close(self):
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()


class Line:
    """One connection through the proxy, both its ends.

    Only the second of its two pumps closes them. A socket closed under a thread that is about to use it gives its
    number away, and on a busy machine that thread then ends the next connection in its place.
    """

    def __init__(self, client, target):
        self.client, self.target = client, target
        self._pumps = 2
        self._lock = threading.Lock()

    def cut(self):
        for each in (self.client, self.target):
            with contextlib.suppress(OSError):
                each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def end(self):
        """Say that one pump has ended: the other one wakes and ends as well."""
        with self._lock:
            self._pumps -= 1
            for each in (self.client, self.target):
                with contextlib.suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)
                if not self._pumps:
                    each.close()


class HoldingProxy(CuttingProxy):
    """Lets so many more bytes through to the target, then nothing until told again. None = everything."""

    def hold_after(self, count):
        with self._lock:
            self.budget = None if count is None else self.passed + count

    def _allow(self, count):
        while True:
            with self._lock:
                if self.budget is None or self.passed + count <= self.budget:
                    self.passed += count
                    return True
            time.sleep(0.01)
