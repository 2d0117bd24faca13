"""Where the pretend force lives: its folder, which one demo at a time may use, its source and its port."""

import contextlib
import fcntl
import shutil
import socket
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TextIO

from openbwv.demo import judges

CHECKOUT = Path(__file__).resolve().parents[3]
MARKER = "made-by-the-demo"
USUAL_PORT = 8000
LONGEST_SOCKET = 107  # unix(7): sun_path has 108 bytes with the zero at its end
TEST_PATTERN = "testsrc2"
EXIT_USAGE = 64
EXIT_UNAVAILABLE = 69
EXIT_CANNOT_CREATE = 73


class CannotStart(Exception):
    """The demo cannot begin; `exit_code` follows sysexits.h, the text says why and what to do."""

    def __init__(self, what: str, remedy: str, exit_code: int) -> None:
        super().__init__(f"{what}\n{remedy}")
        self.exit_code = exit_code


@contextlib.contextmanager
def folder_for(state: str, *, once: bool, told: Callable[[str], None]) -> Iterator[Path]:
    """Yield an empty folder that no other demo uses: `state`, or `.demo`; of its own and removed after `--once`.

    What an earlier demo left in it is removed. Raises CannotStart when it holds something else, or is in use.
    """
    if once and not state:
        # short: the path of a Unix socket below it may have 107 characters at most
        with tempfile.TemporaryDirectory(prefix="bwv-demo-") as name:
            yield Path(name)
        return
    folder = Path(state or CHECKOUT / ".demo").expanduser().absolute()
    _fits(folder)
    try:
        held = _take(folder)
    except OSError as problem:
        raise CannotStart(
            f"{folder} cannot be used: {problem.strerror}.", "Name another with --state.", EXIT_CANNOT_CREATE
        ) from problem
    with held:
        _empty(folder, told)
        yield folder


def _take(folder: Path) -> TextIO:
    """Return the folder's marker, open and locked: who closes it, or ends, leaves the folder to others."""
    marker = folder / MARKER
    if folder.exists() and any(folder.iterdir()) and not marker.exists():
        raise CannotStart(
            f"{folder} holds something else.", "Name an empty folder, or one a demo made.", EXIT_CANNOT_CREATE
        )
    folder.mkdir(parents=True, exist_ok=True)
    held = marker.open("a", encoding="ascii")
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as busy:
        held.close()
        raise CannotStart(
            f"Another demo is running in {folder}.",
            "End it with Ctrl-C where it runs, or name another folder with --state.",
            EXIT_UNAVAILABLE,
        ) from busy
    held.truncate(0)
    held.write("A pretend force. Delete this folder whenever you like.\n")
    held.flush()
    return held


def _fits(folder: Path) -> None:
    longest = folder / "forged" / "state" / "run" / "clock.sock"
    if len(str(longest).encode()) > LONGEST_SOCKET:
        raise CannotStart(
            f"The path {folder} is too long: the sockets below it may have {LONGEST_SOCKET} characters.",
            "Name a shorter one with --state.",
            EXIT_CANNOT_CREATE,
        )


def _empty(folder: Path, told: Callable[[str], None]) -> None:
    """Remove what an earlier demo left; the marker stays, for it holds the lock."""
    left = [path for path in folder.iterdir() if path.name != MARKER]
    if left:
        told(f"Removing the pretend force that an earlier demo left in {folder}")
    for path in left:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def check_judges() -> None:
    """Raise CannotStart when a program that judges the story is not on this machine."""
    absent = judges.missing()
    if absent:
        raise CannotStart(
            f"This machine lacks {', '.join(absent)}, which judge what the demo shows.",
            "As root: apt-get install ffmpeg openssl. Then start it again.",
            EXIT_UNAVAILABLE,
        )


def check_source(source: str) -> None:
    """Raise CannotStart when `source` is neither a film, a device, the test pattern nor empty."""
    if not source or source == TEST_PATTERN:
        return
    path, remedy = Path(source), "Name a film or a video device, or leave out --source."
    if not path.exists():
        raise CannotStart(f"There is no {source}.", remedy, EXIT_USAGE)
    if path.is_char_device():
        return  # the camera opens it, and says so when it cannot
    if not path.is_file() or not judges.has_picture(path):
        raise CannotStart(f"{source} is no film.", remedy, EXIT_USAGE)


def page_port(wanted: int, *, once: bool, told: Callable[[str], None]) -> int:
    """Return the port for the pages: the one that is `wanted`, else 8000; 0, for any free one, when that is taken.

    Raises CannotStart when the wanted one cannot be had.
    """
    if once and not wanted:
        return 0
    problem = _port_problem(wanted or USUAL_PORT)
    if not problem:
        return wanted or USUAL_PORT
    if wanted:
        raise CannotStart(
            f"Port {wanted} cannot be had: {problem}.", "Name another with --port, or leave it out.", EXIT_UNAVAILABLE
        )
    told(f"Port {USUAL_PORT} is taken; another is used")
    return 0


def _port_problem(port: int) -> str:
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError as problem:
        return problem.strerror
    return ""
