"""Running the door: its socket, its TLS, its receiver, until a signal ends it."""

import gc
import signal
import socket
from collections.abc import Callable
from types import FrameType

from django.conf import settings

from openbwv.recording.errors import EXIT_CONFIG, BwvError
from openbwv.server.ingest.app import answer_to
from openbwv.server.ingest.pace import Limits
from openbwv.server.ingest.receiver import BACKLOG, Receiver
from openbwv.server.ingest.sweep import sweep_at_start
from openbwv.server.ingest.tls import DoorTls


class CannotListen(BwvError):
    """The address to listen on is taken, or is none of this machine's."""

    code = "cannot-listen"
    http_status = 500
    exit_code = EXIT_CONFIG

    def __init__(self, host: str, port: int, problem: OSError) -> None:
        super().__init__(
            what=f"The door cannot listen on {host} port {port}: {problem.strerror or problem}.",
            remedy="Choose another --port, or end what listens there.",
        )


def limits_of_settings() -> Limits:
    """Return what `BWV_DOOR_…` says of slow uploads."""
    return Limits(
        least_bytes_s=settings.DOOR_LEAST_BYTES_S,
        easy_bytes_s=settings.DOOR_EASY_BYTES_S,
        window_s=float(settings.DOOR_WINDOW_S),
    )


def run_door(host: str, port: int, tls: DoorTls | None, *, listening: Callable[[], None]) -> None:
    """Serve the door until SIGTERM or SIGINT; `listening` is called once it does. Raises CannotListen.

    Without `tls` (only for measuring beside something that has none either) everybody gets in.
    """
    sweep_at_start()
    with _listener(host, port) as listener:
        receiver = Receiver(listener, answer_to, tls, limits=limits_of_settings())

        def end(_signal: int, _frame: FrameType | None) -> None:
            receiver.stop()

        for each in (signal.SIGTERM, signal.SIGINT):
            signal.signal(each, end)
        gc.collect()
        gc.freeze()  # what is loaded now lives as long as the process: no collection need walk over it again
        listening()
        receiver.serve()


def _listener(host: str, port: int) -> socket.socket:
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as problem:
        raise CannotListen(host, port, problem) from problem
