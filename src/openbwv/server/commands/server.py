"""`./bwv server`: the pages and the media beside them; `./bwv server door`: the door for docks and cameras."""

import argparse
import json
import os
import socket
import threading
import time
from pathlib import Path

from openbwv.command import Parser
from openbwv.recording.errors import EXIT_CONFIG, BwvError
from openbwv.server.boot import add_state, boot
from openbwv.server.vault.force import read_force

EXAMPLES = """  ./bwv server --state /srv/bwv --port 8000
  ./bwv server door --state /srv/bwv --host 0.0.0.0 --port 8443
"""
PAGES = "openbwv.server.asgi:application"
LOCAL = ("127.0.0.1", "::1", "localhost")
STARTUP_S = 60.0
# A sealed fragment is about a MiB: without these, half of the time goes into page faults of malloc (measured; the
# environment must be set before the worker process begins).
MALLOC = {
    "MALLOC_MMAP_THRESHOLD_": "67108864",
    "MALLOC_TRIM_THRESHOLD_": "268435456",
    "MALLOC_TOP_PAD_": "16777216",
}


class PretendStaysHome(BwvError):
    """A pretend force may be reached from this machine alone."""

    code = "pretend-stays-home"
    exit_code = EXIT_CONFIG


def main(argv: list[str]) -> int:
    """Serve pages or the door until a signal ends it."""
    arguments = _parser().parse_args(argv)
    state = boot(arguments.state)
    force = read_force(state)
    if force.pretend and arguments.host not in LOCAL:
        raise PretendStaysHome(
            what=f"{force.name} is a pretend force and may not listen on {arguments.host}.",
            remedy="Use --host 127.0.0.1, or make a real force.",
        )
    is_door = arguments.which == "door"
    port = arguments.port or (8443 if is_door else 8000)
    _check_clock()
    scheme = "https" if is_door else "http"
    url = f"{scheme}://{arguments.host}:{port}"
    line = json.dumps({arguments.which: url}) if arguments.json else f"listening {url}"
    if is_door:
        _serve_door(arguments.host, port, state, line)
    else:
        _serve_pages(arguments.host, port, line)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="./bwv server",
        description="Serve the pages and the media (default), or the door for docks and cameras.",
        examples=EXAMPLES,
    )
    parser.add_argument("which", nargs="?", choices=("pages", "door"), default="pages", help="what to serve")
    add_state(parser)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: 127.0.0.1)")
    parser.add_argument("--port", type=int, help="port to listen on (default: pages 8000, door 8443)")
    parser.add_argument("--json", action="store_true", help="print one line of JSON when listening")
    return parser


def _check_clock() -> None:
    """Refuse a movable clock on a force that is not pretend before anything listens."""
    from openbwv.server.clock import clock

    clock()


def _serve_door(host: str, port: int, state: Path, line: str) -> None:
    from openbwv.server.door import run_door
    from openbwv.server.ingest.tls import DoorTls

    run_door(host, port, DoorTls(state), listening=lambda: print(line, flush=True))


def _serve_pages(host: str, port: int, line: str) -> None:
    from granian import Granian
    from granian.constants import Interfaces, Loops

    for name, value in MALLOC.items():
        os.environ.setdefault(name, value)
    threading.Thread(target=_tell, args=(host, port, line), daemon=True).start()
    Granian(
        PAGES,
        address=host,
        port=port,
        interface=Interfaces.ASGI,
        loop=Loops.asyncio,
        workers=1,  # released keys live in this one process's memory
        websockets=False,
        log_enabled=False,
        workers_kill_timeout=10,
    ).serve()


def _tell(host: str, port: int, line: str) -> None:
    """Print `line` once the port answers."""
    deadline = time.monotonic() + STARTUP_S
    while time.monotonic() < deadline:
        try:
            with socket.create_connection((host, port), timeout=1):
                print(line, flush=True)
                return
        except OSError:
            time.sleep(0.1)
