"""Presses of the buttons, and what they mean; the clock is an argument.

Event button: two presses within half a second start; held three seconds stops; a single press is a marker, said only
when no second press has followed. Function button: held three seconds toggles mute. Contacts bounce for 20 ms.
"""

from dataclasses import dataclass
from enum import StrEnum

MS = 1_000_000
DOUBLE_NS = 500 * MS
HOLD_NS = 3_000 * MS
BOUNCE_NS = 20 * MS


class Gesture(StrEnum):
    """What a person did with a button."""

    SINGLE = "single"
    DOUBLE = "double"
    HOLD = "hold"


@dataclass
class Button:
    """Decodes one button. Feed edges with their monotonic time, and `tick` at least every 50 ms."""

    down_ns: int | None = None
    first_ns: int | None = None
    edge_ns: int = -(10**12)
    held: bool = False

    def press(self, at_ns: int) -> None:
        """Take the edge down."""
        if at_ns - self.edge_ns >= BOUNCE_NS and self.down_ns is None:
            self.down_ns, self.held = at_ns, False
        self.edge_ns = at_ns

    def release(self, at_ns: int) -> Gesture | None:
        """Take the edge up; a second press within the window is DOUBLE."""
        bounced = at_ns - self.edge_ns < BOUNCE_NS
        self.edge_ns = at_ns
        if self.down_ns is None or bounced:
            return None
        pressed_ns, self.down_ns = self.down_ns, None
        if self.held:
            return None
        if self.first_ns is not None and pressed_ns - self.first_ns <= DOUBLE_NS:
            self.first_ns = None
            return Gesture.DOUBLE
        self.first_ns = pressed_ns
        return None

    def tick(self, now_ns: int) -> Gesture | None:
        """Let time pass: HOLD while still down, SINGLE when the window for a second press is over."""
        if self.down_ns is not None and not self.held and now_ns - self.down_ns >= HOLD_NS:
            self.held, self.first_ns = True, None
            return Gesture.HOLD
        if self.first_ns is not None and self.down_ns is None and now_ns - self.first_ns > DOUBLE_NS:
            self.first_ns = None
            return Gesture.SINGLE
        return None
