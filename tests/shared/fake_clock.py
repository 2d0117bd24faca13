"""A clock service for tests: the wire of openbwv.shared.clock, in a thread."""

import contextlib
import socket
import threading


class FakeClockService:
    def __init__(self, path, utc_ms):
        self.path, self.utc_ms = str(path), utc_ms
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(self.path)
        self._listener.listen()
        self._connections = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self._connections.append(connection)
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        with contextlib.suppress(OSError), connection.makefile("rwb") as stream:
            for line in stream:
                stream.write(self._answer(line.decode().split()))
                stream.flush()

    def _answer(self, words):
        if words == ["now"]:
            return b"%d\n" % self.utc_ms
        asked = int(words[1])
        if asked < self.utc_ms:
            return b"error earlier\n"
        self.utc_ms = asked
        return b"%d\n" % asked

    def hang_up(self):
        """Cut every open connection, as a restart would."""
        for connection in self._connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()

    def close(self):
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.hang_up()
