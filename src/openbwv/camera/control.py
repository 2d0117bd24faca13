"""The control socket of a running camera: a line in, a line of JSON out; and the keys of a terminal, as the same words.

Reachable only by whoever may open STORE/control.sock (mode 0600). Several may talk at once; deeds come one by one.
"""

import contextlib
import json
import os
import queue
import select
import socket
import sys
import termios
import threading
import tty
from pathlib import Path

from openbwv.camera.app import Command
from openbwv.recording.errors import BwvError

LINE_BYTES = 4096
KEYS = {"s": "start", "x": "stop", "m": "mute", " ": "marker", "t": "told", "f": "flag", "d": "dock", "q": "quit"}
HELP = "keys: s start · x stop · m mute · space marker · t people told · c category · f flag · d dock/undock · q quit"


class ControlSocket:
    """Listens on a Unix socket and puts every line as a Command into `commands`."""

    def __init__(self, path: Path, commands: "queue.Queue[Command]") -> None:
        self._path, self._commands = path, commands
        with contextlib.suppress(FileNotFoundError):  # a camera that was killed leaves its socket; the lock is ours now
            path.unlink()
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        mask = os.umask(0o177)
        try:
            self._listener.bind(str(path))
        finally:
            os.umask(mask)
        self._listener.listen(8)
        threading.Thread(target=self._accept, name="camera-control", daemon=True).start()

    def close(self) -> None:
        """Stop listening."""
        self._listener.close()
        with contextlib.suppress(FileNotFoundError):
            self._path.unlink()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return  # closed
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rw", encoding="utf-8", newline="\n") as stream:
            try:
                while line := stream.readline(LINE_BYTES):
                    name, _, argument = line.strip().partition(" ")
                    stream.write(json.dumps(ask(self._commands, name, argument.strip())) + "\n")
                    stream.flush()
            except (OSError, UnicodeDecodeError):
                return  # the other side went away or does not speak text; nothing was done for the half line


def ask(commands: "queue.Queue[Command]", name: str, argument: str) -> dict[str, object]:
    """Have the camera do something and wait for its answer, as a value for JSON."""
    command = Command(name, argument)
    commands.put(command)
    answer = command.answer.get()
    return {"error": answer.as_dict()} if isinstance(answer, BwvError) else {"ok": True, **answer}


class Keys:
    """Reads single keys from a terminal; nothing where standard input is none."""

    def __init__(self, commands: "queue.Queue[Command]", categories: list[str]) -> None:
        self._commands, self._categories = commands, categories
        self._choosing = False
        self._before: list[object] | None = None
        if sys.stdin.isatty():
            self._before = termios.tcgetattr(sys.stdin)
            tty.setcbreak(sys.stdin)

    def close(self) -> None:
        """Give the terminal back as it was."""
        if self._before is not None:
            termios.tcsetattr(sys.stdin, termios.TCSADRAIN, self._before)

    def poll(self) -> str:
        """Take a waiting key; returns a sentence to show, or an empty text."""
        if self._before is None or not select.select([sys.stdin], [], [], 0)[0]:
            return ""
        key = sys.stdin.read(1)
        if self._choosing:
            return self._choose(key)
        if key == "c":
            self._choosing = True
            return "category: " + "  ".join(f"{chr(97 + n)} {slug}" for n, slug in enumerate(self._categories))
        if key in KEYS:
            self._commands.put(Command(KEYS[key], "toggle" if key in "md" else ""))
            return ""
        return HELP

    def _choose(self, key: str) -> str:
        self._choosing = False
        number = ord(key[:1] or " ") - 97
        if not 0 <= number < len(self._categories):
            return "No category was given."
        self._commands.put(Command("category", self._categories[number]))
        return f"Category: {self._categories[number]}"
