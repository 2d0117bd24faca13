"""The words of events go, and an event says so, naming the places of theirs in the log."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.db.models import QuerySet

from openbwv.custody import EventType
from openbwv.server.forgetting.due import Cutoff
from openbwv.server.trail.actions import log_event
from openbwv.server.trail.models import Event
from openbwv.shared.clock import Clock

ACTOR = "retention"
AT_ONCE = 5000
NO_WORDS: dict[str, Any] = {
    "recording": None, "actor": None, "actor_label": "", "why": "", "rule": "", "details": {}, "salt": None
}  # fmt: skip
Places = dict[str, list[list[int]]]


def remove_words(
    events: QuerySet[Event], cutoff: Cutoff, *, about: str, counts: Mapping[str, int], clock: Clock
) -> tuple[Event, int]:
    """Write the removal's event, then take from `events` all but kind, moment, pseudonym, leaf and place in the log.

    In the caller's transaction, which holds the locks. `about`: recordings, requests or nothing; `counts`: what else
    goes in the same transaction. Returns the removal's event and how many events lost their words.
    """
    rows = list(events.order_by().values_list("pk", "log_generation", "leaf_index"))
    details: dict[str, Any] = {
        **cutoff.facts,
        "about": about,
        **counts,
        "events": len(rows),
        "entries": spans_of((generation, index) for _, generation, index in rows),
    }
    removal = log_event(EventType.TEXT_REMOVED, actor_label=ACTOR, rule=cutoff.rule, details=details, clock=clock)
    for start in range(0, len(rows), AT_ONCE):
        some = [pk for pk, _, _ in rows[start : start + AT_ONCE]]
        Event.objects.filter(pk__in=some).update(**NO_WORDS, removal=removal)
    return removal, len(rows)


def spans_of(places: Iterable[tuple[int, int]]) -> Places:
    """Return the runs of leaf indexes, first and last included, by the number of their log as text."""
    spans: Places = {}
    for generation, index in sorted(places):
        runs = spans.setdefault(str(generation), [])
        if runs and runs[-1][1] + 1 == index:
            runs[-1][1] = index
        else:
            runs.append([index, index])
    return spans


def is_among(spans: Places, generation: int, index: int) -> bool:
    """Say whether a place in a log is in `spans`."""
    return any(first <= index <= last for first, last in spans.get(str(generation), ()))
