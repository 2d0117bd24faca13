"""The words that a running camera understands, from keys, socket or buttons, and what each does."""

from collections.abc import Callable
from typing import Any

from openbwv import recording as r
from openbwv.camera.app import Camera
from openbwv.camera.errors import BadOption, CannotNow
from openbwv.camera.gestures import Button, Gesture
from openbwv.camera.machine import OPEN_STATES, State

Answer = dict[str, Any]
REASONS = {reason.name.lower().replace("_", "-"): reason for reason in r.MuteReason}


class Deeds:
    """Turns words into deeds of one camera. `dock`, `undock` and `recover` belong to the run."""

    def __init__(
        self,
        camera: Camera,
        *,
        dock: Callable[[str], None],
        undock: Callable[[], None],
        recover: Callable[[], None],
        facts: Callable[[], Answer],
        mono_ns: Callable[[], int],
    ) -> None:
        self._camera, self._dock, self._undock, self._facts, self._mono_ns = camera, dock, undock, facts, mono_ns
        self._event_button, self._function_button = Button(), Button()
        self._words: dict[str, Callable[[str], None]] = {
            "start": lambda _: camera.must("start"),
            "stop": lambda _: self._stop(),
            "mute": self._mute,
            "unmute": lambda _: camera.must("unmute"),
            "marker": lambda _: camera.must("marker"),
            "told": lambda _: camera.must("told"),
            "category": lambda slug: self._label(category=_code(slug)),
            "flag": lambda _: self._label(evidential=True),
            "dock": self._dock_or_undock,
            "undock": lambda _: self._undock(),
            "recover": lambda _: recover(),
            "sleep": lambda _: camera.must("sleep"),
            "wake": lambda _: camera.must("wake"),
            "button": lambda edge: self._edge(self._event_button, edge),
            "function": lambda edge: self._edge(self._function_button, edge),
            "status": lambda _: None,
        }

    def do(self, name: str, argument: str) -> Answer:
        """Do what a word says and return the camera's facts; raises BadOption, CannotNow, StorageLow and others."""
        word = self._words.get(name)
        if word is None:
            raise BadOption(what=f"There is no command '{name}'.", remedy=f"Use {', '.join(self._words)} or quit.")
        word(argument)
        return self.status()

    def status(self) -> Answer:
        """Return what a display needs: state, folder, seconds, and what the run adds."""
        camera, deck = self._camera, self._camera.deck
        return {
            "state": str(camera.state),
            "recording": str(camera.last_folder) if camera.last_folder else None,
            "seconds": round(deck.recorded_s, 2) if deck is not None else 0.0,
            "buffer_s": round(deck.ring.length_s, 2) if deck is not None else 0.0,
            "told_ms": camera.told_ms,
            "failure": camera.failure.as_dict() if camera.failure else None,
            **self._facts(),
        }

    def tick(self) -> None:
        """Let time pass for the buttons."""
        self._gesture(self._event_button.tick(self._mono_ns()))
        if self._function_button.tick(self._mono_ns()) == Gesture.HOLD and self._camera.state in OPEN_STATES:
            self._mute("toggle")

    def _edge(self, button: Button, edge: str) -> None:
        if edge not in ("down", "up"):
            raise BadOption(what=f"A button does not go '{edge}'.", remedy="Use down or up.")
        if edge == "down":
            button.press(self._mono_ns())
            return
        gesture = button.release(self._mono_ns())
        if button is self._event_button:
            self._gesture(gesture)

    def _gesture(self, gesture: Gesture | None) -> None:
        state = self._camera.state
        if gesture == Gesture.DOUBLE and state not in OPEN_STATES:
            self._camera.must("start")
        elif gesture == Gesture.HOLD and state in OPEN_STATES:
            self._stop()
        elif gesture == Gesture.SINGLE and state in OPEN_STATES:
            self._camera.must("marker")

    def _stop(self) -> None:
        self._camera.must("stop")
        self._camera.finish()

    def _mute(self, reason: str) -> None:
        if reason == "toggle" and self._camera.state == State.MUTED:
            self._camera.must("unmute")
            return
        name = "privacy" if reason in ("", "toggle") else reason
        if name not in REASONS:
            raise BadOption(what=f"'{reason}' is no reason to mute.", remedy=f"Use one of: {', '.join(REASONS)}.")
        self._camera.mute(REASONS[name])

    def _label(self, *, category: int | None = None, evidential: bool | None = None) -> None:
        camera = self._camera
        if camera.state in OPEN_STATES:
            camera.label(category=category, evidential=evidential)
            return
        folder, deck = camera.last_folder, camera.deck
        if folder is None or deck is None:
            raise CannotNow(what="There is no recording to label.", remedy="Make one first.")
        deck.category = deck.category if category is None else category
        deck.evidential = deck.evidential if evidential is None else evidential
        public = {1: bytes.fromhex(folder.name), 2: deck.category, 3: deck.evidential}
        camera.parts.journal.event(r.EventKind.LABEL, public=public)

    def _dock_or_undock(self, url: str) -> None:
        if url == "toggle":
            url = ""
            if self._camera.state == State.DOCKED:
                self._undock()
                return
        self._dock(url)


def _code(slug: str) -> int:
    if slug not in r.CATEGORIES:
        raise BadOption(what=f"There is no category '{slug}'.", remedy=f"Use one of: {', '.join(r.CATEGORIES)}.")
    return r.CATEGORIES[slug].code
