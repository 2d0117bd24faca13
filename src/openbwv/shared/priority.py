"""Which recording goes first: flagged, evidential or started by a signal; then marked; then the oldest.

All of it is read from the public part of the entries, so a dock, which can open nothing, orders its queue as well.
"""

from collections.abc import Iterable

from openbwv.recording.bodies import EventBody, OpenBody
from openbwv.recording.entries import Entry
from openbwv.recording.registry import CATEGORIES, EventKind, Trigger

URGENT, MARKED, ORDINARY = 0, 1, 2
CATEGORY_CODE, CATEGORY_EVIDENTIAL = 1, 2  # keys in the public part of a CATEGORY event
SENSITIVE = {category.code for category in CATEGORIES.values() if category.restricted}


class Rank:
    """Learns a recording's urgency entry by entry; `started_ms` is its start by the camera's own clock, UTC."""

    def __init__(self) -> None:
        self.counter = 0
        self.started_ms = 0
        self.evidential = False
        self.signalled = False
        self.marked = False

    def learn(self, entries: Iterable[Entry]) -> None:
        """Take in entries as they arrive; the last category event counts."""
        for entry in entries:
            body = entry.body
            if isinstance(body, OpenBody):
                self.counter = body.rc
                self.started_ms = body.clock.utc_ms
                self.signalled = body.trigger == Trigger.SIGNAL
            elif isinstance(body, EventBody) and body.kind == EventKind.MARKER:
                self.marked = True
            elif isinstance(body, EventBody) and body.kind == EventKind.SIGNAL:
                self.signalled = True
            elif isinstance(body, EventBody) and body.kind == EventKind.CATEGORY:
                code = body.public.get(CATEGORY_CODE)
                self.evidential = bool(body.public.get(CATEGORY_EVIDENTIAL)) or code in SENSITIVE

    @property
    def level(self) -> int:
        """URGENT, MARKED or ORDINARY."""
        if self.evidential or self.signalled:
            return URGENT
        return MARKED if self.marked else ORDINARY

    @property
    def key(self) -> tuple[int, int]:
        """What to sort by: level, then the camera's recording counter."""
        return self.level, self.counter
