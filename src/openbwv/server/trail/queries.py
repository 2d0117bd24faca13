"""Reading the trail. Who may see a recording's trail is who may see the recording (R3); callers have asked that."""

import re
from dataclasses import dataclass
from datetime import UTC
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone

from openbwv.custody import ShownEvent
from openbwv.server.evidence.models import Recording
from openbwv.server.trail.actions import event_map
from openbwv.server.trail.models import Event, Outcome
from openbwv.server.trail.words import by_which_rule, what_was_done, who_did_it

SHOWN = 100
DIGEST = re.compile(r"[0-9a-f]{40,}")


@dataclass(frozen=True)
class TrailLine:
    """One event as a reader sees it."""

    id: int
    what: str
    slug: str
    who: str
    local: str
    why: str
    rule: str
    outcome: str
    raw: list[tuple[str, str]]
    leaf_index: int | None

    @property
    def state(self) -> str:
        """Return in words whether the log has it."""
        return "waiting for the log" if self.leaf_index is None else f"in the log, entry {self.leaf_index}"


def events_of(recording: Recording) -> QuerySet[Event]:
    """Return the recording's events, newest first."""
    return Event.objects.filter(recording=recording).select_related("actor").order_by("-id")


def why_empty(recording: Recording) -> str:
    """Return why a recording has no trail: since when its words are removed and under which rule, or none as yet."""
    from openbwv.server.retention.queries import deletion_of, words_removed  # it stands on the trail itself

    removal = getattr(deletion_of(recording), "removal", None)
    if removal is None:
        return "Nothing has happened to this recording yet."
    return f"{words_removed(removal)} Its entries in the custody log stay; which they are is no longer kept."


def trail_of(recording: Recording, *, limit: int | None = SHOWN) -> list[TrailLine]:
    """Return the recording's trail, newest first; `limit` None for all of it, with keys and hashes."""
    return [line_of(event, digests=limit is None) for event in events_of(recording)[:limit]]


def line_of(event: Event, *, digests: bool = True) -> TrailLine:
    """Return one event in words; `raw` is what it committed to, with its keys and hashes or, for a glance, without."""
    local = timezone.localtime(event.at_utc)
    return TrailLine(
        id=event.pk,
        what=what_was_done(event),
        slug=event.slug,
        who=who_did_it(event),
        local=f"{local:%a} {local.day} {local:%b %Y}, {local:%H:%M:%S %Z}",
        why=event.why,
        rule=by_which_rule(event),
        outcome="" if event.outcome == Outcome.DONE else Outcome(event.outcome).label,
        raw=_raw(event, event.details if digests else without_digests(event.details)),
        leaf_index=event.leaf_index,
    )


def _raw(event: Event, details: dict[str, Any]) -> list[tuple[str, str]]:
    """Return name and value of what the event committed to, as it stands there."""
    named = {name.replace("_", " "): in_words(value) for name, value in details.items()}
    rows = {
        "kind": event.slug,
        "UTC": f"{event.at_utc.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC",
        "by": event.actor_label,
        "rule": event.rule,
        **{f"kind of {event.slug}" if name == "kind" else name: value for name, value in named.items()},
    }
    return [(name, value) for name, value in rows.items() if value]


def shown_events(recording: Recording) -> dict[int, ShownEvent]:
    """Return what completeness is checked with: every logged event of the newest log, by its leaf's index."""
    logged = events_of(recording).filter(leaf_index__isnull=False, salt__isnull=False)
    newest = logged.order_by("-log_generation").values_list("log_generation", flat=True).first()
    return {
        event.leaf_index: ShownEvent(event_map(event), bytes(event.salt))
        for event in logged.filter(log_generation=newest)
    }


def waiting_count() -> int:
    """Return how many events the log does not have yet."""
    return Event.objects.filter(leaf_index=None).count()


def without_digests(details: dict[str, Any]) -> dict[str, Any]:
    """Return the details without keys and hashes: they fill a column and tell a person nothing."""
    return {name: value for name, value in details.items() if not DIGEST.fullmatch(str(value))}


def in_words(value: Any) -> str:
    """Return a value of an event's details as text: `0 10 20 30` for spans, `yes`, or `hold 3, kind person`."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return " ".join(in_words(each) for each in value)
    if isinstance(value, dict):
        told = {name.replace("_", " "): in_words(each) for name, each in value.items()}
        return ", ".join(f"{name} {each}" for name, each in told.items() if each)
    return str(value)
