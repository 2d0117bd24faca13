"""Are a log's entries and the database's events the same, one for one?"""

from collections.abc import Iterator

from openbwv.custody import event_matches
from openbwv.recording.errors import BwvError
from openbwv.server.checking.result import Context, Disagreement
from openbwv.server.trail.actions import event_map
from openbwv.server.trail.models import Event

KEEP = "Keep the files as they are and find out who changed them; bring the right ones back from a copy."
RESTORE = "Restore the newest database and log together: `./bwv restore`."


class Comparison:
    """Compares entries, as the auditor passes them, with events in the order of their leaves."""

    def __init__(
        self, size_known: int, generation: int, context: Context, *, told: frozenset[int] = frozenset()
    ) -> None:
        """`told`: numbers of entries of which a restore has said that their events are not in the database."""
        self.found: list[Disagreement] = []
        self._told = told
        self._size_known = size_known
        self._context = context
        events = Event.objects.filter(log_generation=generation, leaf_index__isnull=False)
        self._events = events.select_related("recording").order_by("leaf_index").iterator(chunk_size=500)
        self._next = next(self._events, None)

    def visit(self, index: int, entry: bytes) -> None:
        """Compare entry `index` with the event that claims it."""
        self._context.looked_at["log entries"] += 1
        event = self._next
        if event is None or event.leaf_index != index:
            if (
                index < self._size_known and index not in self._told
            ):  # later entries may be on their way into the database at this moment
                what = "the log has this entry and the database has no event for it: an event was removed"
                self._add("leaf-without-event", f"entry {index}", what, RESTORE)
            return
        self._next = next(self._events, None)
        self._context.looked_at["events"] += 1
        where = f"event {event.pk}, entry {index}"
        if bytes(event.leaf) != entry:
            self._add("event-other-leaf", where, "the event's leaf is not the entry in the log", KEEP)
        elif event.salt is not None and not _commits(entry, event):
            self._add("event-altered", where, "the event was changed after it was logged", KEEP)
        if event.recording is not None and bytes(event.subject) != bytes(event.recording.pseudonym or b""):
            self._add("event-other-subject", where, "the event does not carry its recording's pseudonym", KEEP)

    def rest(self) -> Iterator[Disagreement]:
        """Yield the events that claim entries which the log does not have; call it when all entries were passed.

        An event is marked as logged after its entry was published, and the events were asked for before the auditor
        read what is published: so no event that is on its way at this moment is among them.
        """
        while self._next is not None:
            event, self._next = self._next, next(self._events, None)
            what = f"the event claims entry {event.leaf_index}, which the log does not have"
            yield Disagreement("event-beyond-log", f"event {event.pk}", what, RESTORE)

    def _add(self, code: str, where: str, what: str, remedy: str) -> None:
        self.found.append(Disagreement(code, where, what, remedy))


def _commits(entry: bytes, event: Event) -> bool:
    try:
        return event_matches(entry, event_map(event), bytes(event.salt))
    except BwvError:
        return False
