"""The key service's socket: one length and one CBOR map each way, for processes of the same user alone.

Frame = u32be length || CBOR map. Request {"op": name, …}; answer {"ok": {…}} or {"error": {code, what, remedy}}.
The socket has mode 0600 and the peer's user id is checked again (SO_PEERCRED): this is the whole access control, so
keyd runs as the server's user, or as one of its own with the socket handed to the server's group by the unit file.
"""

import os
import socket
import socketserver
import struct
import sys
import threading
import traceback
from pathlib import Path
from typing import Any

import cbor2

from openbwv.recording.errors import BwvError
from openbwv.server.vault.keyd.operations import Operations

FRAME_LIMIT_BYTES = 8 << 20
IDLE_SECONDS = 300.0
HEADER = struct.Struct(">I")


def read_frame(connection: socket.socket) -> dict[str, Any] | None:
    """Return the next map of a connection, or None at its end; raises ConnectionError for anything else."""
    head = _read_exactly(connection, HEADER.size, may_end=True)
    if not head:
        return None
    (length,) = HEADER.unpack(head)
    if length > FRAME_LIMIT_BYTES:
        raise ConnectionError("a frame is too long")
    try:
        value = cbor2.loads(_read_exactly(connection, length))
    except cbor2.CBORDecodeError as problem:
        raise ConnectionError("a frame is not CBOR") from problem
    if not isinstance(value, dict):
        raise ConnectionError("a frame is not a map")
    return value


def write_frame(connection: socket.socket, value: dict[str, Any]) -> None:
    """Send one map."""
    data = cbor2.dumps(value)
    if len(data) > FRAME_LIMIT_BYTES:
        raise ConnectionError("a frame is too long")
    connection.sendall(HEADER.pack(len(data)) + data)


class _Handler(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        connection: socket.socket = self.request
        connection.settimeout(IDLE_SECONDS)
        if not _same_user(connection):
            return
        try:
            while (request := read_frame(connection)) is not None:
                write_frame(connection, self._answer(request))
        except (OSError, ConnectionError):
            return  # the other side went away or spoke nonsense: it learns nothing more

    def _answer(self, request: dict[str, Any]) -> dict[str, Any]:
        operations: Operations = self.server.operations  # type: ignore[attr-defined]
        try:
            return {"ok": operations.perform(request)}
        except BwvError as error:
            return {"error": error.as_dict() | {"status": error.http_status}}
        except Exception:  # noqa: BLE001  a bug in one request must not take the key service down; it is printed
            traceback.print_exc(file=sys.stderr)
            what, remedy = "The key service failed inside.", "Look at its output; nothing was released."
            return {"error": {"code": "internal", "what": what, "remedy": remedy, "status": 500}}


class KeyServer(socketserver.ThreadingUnixStreamServer):
    """The listening key service."""

    daemon_threads = True

    def __init__(self, path: Path, operations: Operations) -> None:
        self.operations = operations
        path.parent.mkdir(mode=0o700, exist_ok=True)
        path.unlink(missing_ok=True)
        before = os.umask(0o177)
        try:
            super().__init__(str(path), _Handler)
        finally:
            os.umask(before)
        self._path = path

    def server_close(self) -> None:
        """Stop listening and remove the socket."""
        super().server_close()
        self._path.unlink(missing_ok=True)


def serve_in_thread(path: Path, operations: Operations) -> KeyServer:
    """Start serving in a thread of this process; call `shutdown` and `server_close` to end. For tests and tools."""
    server = KeyServer(path, operations)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    return server


def _same_user(connection: socket.socket) -> bool:
    _, uid, _ = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
    return uid in (os.getuid(), 0)


def _read_exactly(connection: socket.socket, length: int, *, may_end: bool = False) -> bytes:
    data = bytearray()
    while len(data) < length:
        piece = connection.recv(min(length - len(data), 1 << 16))
        if not piece:
            if may_end and not data:
                return b""
            raise ConnectionError("the connection ended in a frame")
        data += piece
    return bytes(data)
