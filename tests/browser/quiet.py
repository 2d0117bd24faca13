"""A live server that can be brought to rest: nothing of it runs on while the next test's database is made.

A page asks on by itself, and what it asked for is worked on after its browser has gone. When the tables were emptied
meanwhile, such a request found rows in them that were leaving and put others beside them.
"""

import contextlib
import socket
import threading
import urllib.request

LIMIT_S = 120


class Conversations:
    """Knows the connections that a live server's threads are busy with."""

    def __init__(self, server):
        self._server = server
        self._open = set()
        self._changed = threading.Condition()
        httpd = server.thread.httpd
        self._begin, self._end = httpd.process_request, httpd.shutdown_request
        httpd.process_request, httpd.shutdown_request = self._begun, self._ended

    def _begun(self, wire, address):
        with self._changed:
            self._open.add(wire)
        self._begin(wire, address)

    def _ended(self, wire):
        self._end(wire)  # closes its thread's connection to the database, too
        with self._changed:
            self._open.discard(wire)
            self._changed.notify_all()

    def end(self):
        """Wait until every request that has been made is answered and its thread is done with the database."""
        with urllib.request.urlopen(f"{self._server.url}/static/openbwv/app.css", timeout=LIMIT_S) as answer:
            answer.read()  # connections are accepted in turn: all before this one have a thread now
        with self._changed:
            for wire in self._open:
                with contextlib.suppress(OSError):
                    wire.shutdown(socket.SHUT_RD)  # no further request; what has come is still answered
            assert self._changed.wait_for(lambda: not self._open, timeout=LIMIT_S), "a request never ends"
