"""Start, watch and stop the parts of the pretend force: each is a process of its own, with a log file."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

START_LIMIT_S = 180.0  # on a machine that is busy with other things; a quiet one needs seconds
STOP_LIMIT_S = 10.0
COMMAND_LIMIT_S = 300.0
TAIL_LINES = 15


class StepFailed(Exception):
    """Something of the story did not happen as told; `what` is one sentence, `detail` what was seen."""

    def __init__(self, what: str, detail: str = "") -> None:
        super().__init__(f"{what}\n{detail}".strip())
        self.what = what
        self.detail = detail


@dataclass(frozen=True)
class Done:
    """A command that has ended."""

    argv: list[str]
    code: int
    out: str
    err: str

    def json(self) -> Any:
        """Return standard output as JSON: the whole of it, or its last line."""
        for text in (self.out, self.out.strip().rpartition("\n")[2]):
            with contextlib.suppress(json.JSONDecodeError):
                return json.loads(text)
        raise StepFailed(f"`{' '.join(self.argv)}` did not print JSON.", self.out[-800:] + self.err[-800:])


@dataclass
class Runner:
    """Runs `./bwv` commands in the pretend force's environment and keeps what it started, to stop it again."""

    logs: Path
    environment: dict[str, str] = field(default_factory=dict)
    _children: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)
    _closed: bool = False

    def run(
        self, *arguments: object, expect: int | None = 0, limit_s: float = COMMAND_LIMIT_S, typed: str = ""
    ) -> Done:
        """Run `./bwv ARGUMENTS` to its end, with `typed` on standard input.

        Any other exit code than `expect` (None: whatever) is StepFailed.
        """
        self._must_be_open()
        words = [str(argument) for argument in arguments]
        try:
            ended = subprocess.run(
                self._argv(words),
                env=self._env(),
                input=typed,
                capture_output=True,
                text=True,
                timeout=limit_s,
                check=False,
            )
        except subprocess.TimeoutExpired as late:
            raise StepFailed(
                f"`./bwv {' '.join(words)}` did not end within {limit_s:.0f} s.", str(late.stderr)
            ) from late
        done = Done(["./bwv", *words], ended.returncode, ended.stdout, ended.stderr)
        if expect is not None and done.code != expect:
            detail = (done.err or done.out)[-1500:]
            raise StepFailed(f"`{' '.join(done.argv)}` ended with {done.code}, not {expect}.", detail)
        return done

    def start(self, name: str, *arguments: object) -> None:
        """Start `./bwv ARGUMENTS` in the background; its output goes to NAME.log."""
        self._must_be_open()
        words = [str(argument) for argument in arguments]
        with (self.logs / f"{name}.log").open("ab") as log:
            self._children[name] = subprocess.Popen(
                self._argv(words),
                env=self._env(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def is_running(self, name: str) -> bool:
        """Return whether the process called NAME was started and has not ended."""
        child = self._children.get(name)
        return child is not None and child.poll() is None

    def wait_for_port(self, name: str, port: int) -> None:
        """Wait until NAME answers on a local port; StepFailed with the end of its log when it does not."""
        self.wait_until(name, lambda: _answers(port), f"{name} does not answer on port {port}")

    def wait_for_file(self, name: str, path: Path) -> None:
        """Wait until NAME has made `path`, such as its socket."""
        self.wait_until(name, path.exists, f"{name} did not make {path.name}")

    def wait_until(self, name: str, condition: Any, otherwise: str, limit_s: float = START_LIMIT_S) -> None:
        """Wait until `condition()` holds while NAME runs; else StepFailed with the end of its log."""
        deadline = time.monotonic() + limit_s
        while not condition():
            if not self.is_running(name):
                raise StepFailed(f"{name} ended early.", self.tail(name))
            if time.monotonic() > deadline:
                raise StepFailed(f"{otherwise} within {limit_s:.0f} s.", self.tail(name))
            time.sleep(0.05)

    def wait_for_end(self, name: str, limit_s: float = COMMAND_LIMIT_S) -> int:
        """Wait until the process called NAME ends and return its exit code."""
        try:
            return self._children[name].wait(limit_s)
        except subprocess.TimeoutExpired as late:
            raise StepFailed(f"{name} did not end within {limit_s:.0f} s.", self.tail(name)) from late

    def kill(self, name: str) -> None:
        """SIGKILL, as a battery that falls out; waits for the end."""
        child = self._children.pop(name)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()

    def stop(self, name: str) -> None:
        """Ask NAME to end, and make it end if it does not within ten seconds."""
        child = self._children.pop(name, None)
        if child is None or child.poll() is not None:
            return
        child.terminate()
        try:
            child.wait(STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            child.wait()

    def close(self) -> None:
        """Start nothing any more: whoever tries, in whatever thread, gets StepFailed."""
        self._closed = True

    def _must_be_open(self) -> None:
        if self._closed:
            raise StepFailed("The demo is ending.")

    def stop_all(self) -> None:
        """Stop everything, last started first."""
        for name in reversed(list(self._children)):
            self.stop(name)

    def tail(self, name: str) -> str:
        """Return the last lines of NAME's log."""
        path = self.logs / f"{name}.log"
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines() if path.exists() else []
        return "\n".join(lines[-TAIL_LINES:])

    def _argv(self, words: list[str]) -> list[str]:
        return [sys.executable, "-m", "openbwv", *words]

    def _env(self) -> dict[str, str]:
        """Return our environment without what is meant for a real force: its database, its settings."""
        ours = {name: value for name, value in os.environ.items() if name != "DATABASE_URL" and name[:4] != "BWV_"}
        return ours | {"PYTHONUNBUFFERED": "1"} | self.environment


def free_port() -> int:
    """Return a local TCP port that nobody listens on at this moment."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
