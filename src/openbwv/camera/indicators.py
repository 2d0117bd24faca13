"""What the camera shows and sounds, so that people around it can tell.

One call says the state, others make a sound. Drivers: a terminal, and one that remembers (tests, and `--json`).
While it records: a red circle that flashes once a second; two beeps at the start and every interval, a long tone at
the stop.
"""

import os
from dataclasses import dataclass, field
from typing import IO, Protocol

from openbwv.camera.machine import State

RED, GREEN, AMBER, BLUE, WHITE, PLAIN = "\x1b[31;1m", "\x1b[32m", "\x1b[33m", "\x1b[34;1m", "\x1b[37m", "\x1b[0m"
FACES: dict[State, tuple[str, str]] = {
    State.OFF: (PLAIN, "OFF"),
    State.BOOT: (WHITE, "STARTING"),
    State.STANDBY: (GREEN, "STANDBY - not recording, microphone closed"),
    State.SLEEP: (PLAIN, "ASLEEP"),
    State.RECORDING: (RED, "RECORDING"),
    State.MUTED: (RED, "RECORDING - SOUND MUTED"),
    State.STOPPING: (RED, "STOPPING"),
    State.DOCKED: (AMBER, "DOCKED"),
    State.ERROR: (RED, "ERROR - not recording"),
}
CIRCLE = ("  ▄██████▄  ", " ██████████ ", " ██████████ ", "  ▀██████▀  ")
FLASHING = {State.RECORDING, State.MUTED}


class Indicator(Protocol):
    """What every driver can do. `lit` is the phase of the flash."""

    def show(self, state: State, *, lit: bool, line: str) -> None:
        """Show a state, and one line of facts."""
        ...

    def sound(self, name: str) -> None:
        """Make a sound: beep-twice, long-tone or alarm."""
        ...

    def say(self, sentence: str) -> None:
        """Tell the officer something."""
        ...


@dataclass
class Remembering:
    """Keeps what would have been shown."""

    shown: list[tuple[State, bool]] = field(default_factory=list)
    sounds: list[str] = field(default_factory=list)
    sentences: list[str] = field(default_factory=list)

    def show(self, state: State, *, lit: bool, line: str) -> None:
        """Keep a state when it changes, or its flash does."""
        if not self.shown or self.shown[-1] != (state, lit):
            self.shown.append((state, lit))

    def sound(self, name: str) -> None:
        """Keep a sound."""
        self.sounds.append(name)

    def say(self, sentence: str) -> None:
        """Keep a sentence."""
        self.sentences.append(sentence)


class Terminal:
    """Draws on a terminal, large and plain; on anything else writes a line per change."""

    SOUNDS = {"beep-twice": "BEEP BEEP", "long-tone": "BEEEEEP", "alarm": "ALARM"}

    def __init__(self, out: IO[str]) -> None:
        self._out = out
        self._draws = out.isatty() and os.environ.get("TERM", "dumb") != "dumb"
        self._last: tuple[State, bool, str] | None = None
        self._sentence = ""
        self._sounded = ""

    def show(self, state: State, *, lit: bool, line: str) -> None:
        """Draw the state; off a terminal only when it changes."""
        now = (state, lit, line)
        if now == self._last:
            return
        changed = self._last is None or self._last[0] != state
        self._last = now
        if self._draws:
            self._draw()
        elif changed:
            self._write(f"[{FACES[state][1]}] {line}\n")

    def sound(self, name: str) -> None:
        """Ring the bell and write the sound out, for those who cannot hear it."""
        self._sounded = self.SOUNDS.get(name, name)
        self._write("\a" if self._draws else f"{self._sounded}\n")
        if self._draws and self._last:
            self._draw()

    def say(self, sentence: str) -> None:
        """Show a sentence until the next one."""
        self._sentence = sentence
        self._write("" if self._draws and self._last else f"{sentence}\n")

    def _draw(self) -> None:
        state, lit, line = self._last or (State.OFF, False, "")
        colour, title = FACES[state]
        circle = CIRCLE if state in FLASHING and lit else ("",) * len(CIRCLE)
        rows = [*circle, title, "", line, self._sounded, self._sentence]
        body = "".join(
            f"\x1b[2K  {colour if number <= len(CIRCLE) else PLAIN}{row}{PLAIN}\r\n" for number, row in enumerate(rows)
        )
        self._write(f"\x1b[H{body}\x1b[J")

    def _write(self, text: str) -> None:
        self._out.write(text)
        self._out.flush()
