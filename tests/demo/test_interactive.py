"""The interactive demo in a terminal of its own, as somebody sees it who starts it for the first time."""

import contextlib
import os
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from datetime import datetime, timedelta
from pathlib import Path

import httpx
import pytest

START_LIMIT_S = 900  # a minute and a half on two quiet cores
LIMIT_S = 180
CTRL_C = b"\x03"
# A terminal is one's own only when one takes it as such, and pytest's threads forbid doing so between fork and exec.
AT_THE_TERMINAL = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""
PORT = re.compile(r"--(?:\w+-)?port\0(\d+)")
REFERENCE = re.compile(r"/recordings/(BWV-\d{4}-\d{6})")
CLOCK = re.compile(r"It is \w{3} (\d+ \w{3} \d{4}, \d\d:\d\d) by the pretended clock")


class Terminal:
    """`./bwv demo` at a pseudo-terminal: what it prints, what is typed, and every process below it."""

    def __init__(self, folder, *arguments):
        self.folder = folder
        self.seen = ""
        self._open = True
        self._master, slave = os.openpty()
        command = ["-m", "openbwv", "demo", "--state", str(folder / "demo"), *arguments]
        self.process = subprocess.Popen(
            [sys.executable, "-c", AT_THE_TERMINAL, *command],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            cwd=folder,
            start_new_session=True,
        )
        os.close(slave)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        with contextlib.suppress(OSError):  # EIO: nobody has the other end any more
            while self._open:
                if select.select([self._master], [], [], 0.1)[0]:
                    self.seen += os.read(self._master, 65_536).decode(errors="replace").replace("\r\n", "\n")

    def type(self, data):
        os.write(self._master, data)

    def wait_for(self, pattern, limit_s=LIMIT_S):
        """Return the match of `pattern` in what was printed, once it is there."""
        self.wait_until(lambda: re.search(pattern, self.seen) or self.process.poll() is not None, pattern, limit_s)
        found = re.search(pattern, self.seen)
        assert found, f"it ended without {pattern}:\n{self.seen}"
        return found

    def wait_until(self, condition, what, limit_s=LIMIT_S):
        deadline = time.monotonic() + limit_s
        while not condition():
            assert time.monotonic() < deadline, f"{what} did not happen within {limit_s} s:\n{self.seen}"
            time.sleep(0.1)

    def commands(self):
        """Return the command line of every process that has something to do with the folder, by its number."""
        found = {}
        for entry in Path("/proc").iterdir():
            with contextlib.suppress(OSError):
                line = (entry / "cmdline").read_text(errors="replace") if entry.name.isdigit() else ""
                if str(self.folder) in line:
                    found[int(entry.name)] = line
        return found

    def hang_up(self):
        """Close the terminal's window."""
        self._open = False
        self._reader.join(LIMIT_S)  # a descriptor that somebody reads from stays open
        os.close(self._master)

    def end(self):
        for number in self.commands():
            with contextlib.suppress(ProcessLookupError):
                os.kill(number, signal.SIGKILL)
        self.process.wait(LIMIT_S)
        shutil.rmtree(self.folder, ignore_errors=True)


@pytest.fixture
def terminal():
    """Return a function that starts the demo; whatever it leaves behind is removed afterwards."""
    started = []

    def start(*arguments):
        folder = Path(tempfile.mkdtemp(prefix="bwv-tty-"))  # short, for the sockets below it
        started.append(Terminal(folder, *arguments))
        return started[-1]

    yield start
    for each in started:
        each.end()


def is_open(port):
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=5):
        return True
    return False


def signed_in(site, username, password):
    """Return a browser of that person, by nothing but HTTP."""
    http = httpx.Client(base_url=site, follow_redirects=True, timeout=60, trust_env=False)
    page = http.get("/account/login/").text
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)[1]
    data = {"csrfmiddlewaretoken": token, "login": username, "password": password}
    answer = http.post("/account/login/", data=data, headers={"Referer": f"{site}/account/login/"})
    assert answer.url.path == "/", answer.text
    return http


def pretend_time(http):
    return datetime.strptime(CLOCK.search(http.get("/").text)[1], "%d %b %Y, %H:%M")


@pytest.mark.long
@pytest.mark.timeout(START_LIMIT_S + 6 * LIMIT_S)
def test_somebody_looks_around_moves_the_clock_and_leaves_nothing_behind(terminal):
    demo = terminal()
    demo.wait_for("Ctrl-C ends everything", START_LIMIT_S)
    site = demo.wait_for(r"The pages +(http://127\.0\.0\.1:\d+) ")[1]
    dock = demo.wait_for(r"The dock +(http://127\.0\.0\.1:\d+) ")[1]
    passwords = dict(re.findall(r"^  (\w+) +([a-z2-9]{4}(?:-[a-z2-9]{4}){3}) ", demo.seen, re.M))
    assert len(passwords) == 11
    for address in (dock, f"{site}/ask/", f"{site}/ask/outbox"):
        assert httpx.get(address, trust_env=False, timeout=60).status_code == 200

    with contextlib.closing(signed_in(site, "gale", passwords["gale"])) as gale:
        kept = re.search(r"watch (BWV-\d{4}-\d{6}), which is evidence", demo.seen)[1]
        found = set(REFERENCE.findall(gale.get("/recordings/").text))
        assert len(found) == 3
        assert kept in found
        before = pretend_time(gale)
        demo.type(b"6\n")
        demo.wait_for(r"It is .* in this force, day 0\.[2-9]", START_LIMIT_S)
        assert timedelta(hours=6) <= pretend_time(gale) - before < timedelta(hours=8)
        demo.type(b"soon\n\n-1\n")
        demo.wait_for(r"(?s)Please type hours.*Please type hours")
    with contextlib.closing(signed_in(site, "avery", passwords["avery"])) as avery:
        assert len(set(REFERENCE.findall(avery.get("/recordings/").text))) == 2
    with contextlib.closing(signed_in(site, "frankie", passwords["frankie"])) as frankie:
        assert frankie.get(f"/recordings/{kept}").status_code == 403

    running = demo.commands()
    ports = {int(port) for line in running.values() for port in PORT.findall(line)}
    assert len(ports) == 5
    assert all(map(is_open, ports))
    demo.type(CTRL_C)
    assert demo.process.wait(LIMIT_S) == 0
    demo.wait_until(lambda: not demo.commands(), "the end of every process")
    assert not any(map(is_open, ports))
    assert "Traceback" not in demo.seen


@pytest.mark.timeout(4 * LIMIT_S)
@pytest.mark.parametrize("leave", ["ctrl-c", pytest.param("closed window", marks=pytest.mark.long)])
def test_nothing_is_left_when_somebody_leaves_while_it_starts(terminal, leave):
    demo = terminal("--source", "testsrc2")
    demo.wait_until(
        lambda: any("\0keyd\0" in line for line in demo.commands().values()), "the start of the key service"
    )
    if leave == "ctrl-c":
        demo.type(CTRL_C + CTRL_C)
    else:
        demo.hang_up()
    assert demo.process.wait(LIMIT_S) == 0
    demo.wait_until(lambda: not demo.commands(), "the end of every process")
