"""Reading the trail. Who may see a recording's trail is who may see the recording (R3); callers have asked that."""

import re
from dataclasses import dataclass
from datetime import UTC
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone

from openbwv.custody import EventType, ShownEvent
from openbwv.server.evidence.models import Recording
from openbwv.server.trail.actions import event_map
from openbwv.server.trail.models import Event, Outcome

SHOWN = 100
DIGEST = re.compile(r"[0-9a-f]{40,}")
SENTENCES = {
    "category": "Its category was set.",
    "claim": "It was said who had the camera.",
    "flag": "It was flagged as evidence.",
    "flag-removal-proposed": "Somebody asked to take a flag off.",
    "flag-removal-declined": "A flag was to be taken off; a second person said no.",
    "flag-removed": "A flag was taken off.",
    "label": "Its category was set on the camera.",
    "release-asked": "Somebody asked to release a hold.",
    "restrict": "It was restricted to a team.",
    "unrestrict": "Its restriction was lifted.",
}


@dataclass(frozen=True)
class TrailLine:
    """One event as a reader sees it."""

    id: int
    what: str
    slug: str
    who: str
    local: str
    utc: str
    why: str
    rule: str
    outcome: str
    facts: str
    leaf_index: int | None

    @property
    def state(self) -> str:
        """Return in words whether the log has it."""
        return "waiting for the log" if self.leaf_index is None else f"in the log, entry {self.leaf_index}"


def events_of(recording: Recording) -> QuerySet[Event]:
    """Return the recording's events, newest first."""
    return Event.objects.filter(recording=recording).select_related("actor").order_by("-id")


def trail_of(recording: Recording, *, limit: int | None = SHOWN) -> list[TrailLine]:
    """Return the recording's trail, newest first; `limit` None for all of it, with keys and hashes."""
    return [line_of(event, digests=limit is None) for event in events_of(recording)[:limit]]


def line_of(event: Event, *, digests: bool = True) -> TrailLine:
    """Return one event in words, with its keys and hashes or, for a glance, without."""
    details = event.details if digests else without_digests(event.details)
    local = timezone.localtime(event.at_utc)
    return TrailLine(
        id=event.pk,
        what=_sentence(event),
        slug=event.slug,
        who=_who(event),
        local=f"{local:%a} {local.day} {local:%b %Y}, {local:%H:%M:%S}",
        utc=f"{event.at_utc.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC",
        why=event.why,
        rule=event.rule,
        outcome="" if event.outcome == Outcome.DONE else Outcome(event.outcome).label,
        facts=facts_in_words(details),
        leaf_index=event.leaf_index,
    )


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


def facts_in_words(details: dict[str, Any]) -> str:
    """Return an event's details as one short line: `deed flag, matter M-12`; what is empty is left out."""
    return ", ".join(
        f"{name.replace('_', ' ')} {_in_words(value)}" for name, value in details.items() if value not in (None, "", [])
    )


def _in_words(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return " ".join(_in_words(each) for each in value)
    if isinstance(value, dict):
        return f"({facts_in_words(value)})"
    return str(value)


def _sentence(event: Event) -> str:
    """Return what was done; where one type stands for several deeds, which of them."""
    deed = event.details.get("deed") if event.type == EventType.CLASSIFY else None
    return SENTENCES.get(deed, event.sentence)


def _who(event: Event) -> str:
    if event.actor is None:
        return event.actor_label or "the system"
    name = str(event.actor)
    return name if event.actor_label in ("", event.actor.get_username()) else f"{name} ({event.actor_label})"
