"""How each enrolment at this dock ended, until its camera has asked; nothing in it is secret."""

import threading
from collections.abc import Callable
from typing import Any

KEEP_SECONDS = 600


class Packages:
    """Answers for cameras that are being enrolled; safe to share between threads."""

    def __init__(self, *, mono_ns: Callable[[], int]) -> None:
        self._mono_ns = mono_ns
        self._lock = threading.Lock()
        self._answers: dict[str, tuple[int, dict[str, Any]]] = {}

    def put(self, session: str, answer: dict[str, Any]) -> None:
        """Keep how a session ended."""
        now = self._mono_ns()
        with self._lock:
            self._answers = {key: value for key, value in self._answers.items() if value[0] > now}
            self._answers[session] = (now + KEEP_SECONDS * 1_000_000_000, answer)

    def get(self, session: str) -> dict[str, Any] | None:
        """Return how a session ended, or None."""
        with self._lock:
            until, answer = self._answers.get(session, (0, None))
        return answer if self._mono_ns() < until else None
