"""Reads of `retention`: why a recording goes or stays, what deletion would do, what waits for a decision."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet
from django.utils import timezone

from openbwv.custody import EventType
from openbwv.server.clock import clock, from_ms, utc
from openbwv.server.evidence.models import Flag, Recording, State
from openbwv.server.people.templatetags.plain import day, day_and_time
from openbwv.server.retention import rules
from openbwv.server.retention.keeping import reasons_to_keep
from openbwv.server.retention.models import (
    GONE_STATES,
    OPEN_STATES,
    RUNNING_STATES,
    Alarm,
    Certificate,
    Deletion,
    DeletionCause,
    FlagRemoval,
    Hold,
)
from openbwv.server.retention.sweep import due_rows
from openbwv.server.trail.models import Event


@dataclass(frozen=True)
class Shown:
    """What a recording's page says about its deletion."""

    due_utc: datetime | None
    kept: bool
    sentence: str
    steps: list[str]
    deletion: Deletion | None = None
    certificate: Certificate | None = None


def explain(recording: Recording) -> Shown:
    """Return why and when `recording` is deleted, why it is kept, or how it was deleted."""
    if recording.state in (State.DELETING, State.ERASED):
        return _explain_gone(recording)
    kept = recording.due_explained
    due = from_ms(kept["utc_ms"]) if "utc_ms" in kept else recording.retain_until_utc
    steps = list(kept.get("steps", []))
    reasons = reasons_to_keep(recording, utc(clock()))
    running = recording.deletions.filter(state__in=RUNNING_STATES).first()
    if reasons:
        after = f" When nothing keeps it any more, it stays at least 7 days more{_until(due)}."
        return Shown(due, True, f"Kept because {_listed(reasons)}.{after}", steps, running)
    if due is None:
        waits = "It gets its date when all of it has been stored"
        given_up = f"{waits}, and that is no longer waited for: its camera was written off"
        return Shown(None, False, f"{given_up if recording.is_given_up else waits}.", steps)
    days = round((due - (recording.ended_utc or recording.started_utc)) / rules.DAY)
    why = _because(kept.get("rule", ""), days)
    if running:
        steps.append(
            f"Deletion was proposed {day_and_time(running.proposed_utc)} and is carried out between "
            f"{day_and_time(running.opens_utc)} and {day_and_time(running.due_utc)}. Until then it can be put on hold."
        )
    return Shown(due, False, f"Deletes on {day_and_time(due)} {why}.", steps, running)


def _explain_gone(recording: Recording) -> Shown:
    gone = recording.deletions.exclude(state="cancelled")
    deletion = gone.select_related("policy", "certificate", "removal").first()
    if deletion is None:
        return Shown(recording.retain_until_utc, False, "It has been deleted.", [])
    rule = f"policy version {deletion.policy.number}" if deletion.policy else "a decision of two people"
    steps = list(recording.due_explained.get("steps", []))
    steps.append(f"Proposed {day_and_time(deletion.proposed_utc)}.")
    if deletion.authorised_utc:
        steps.append(f"Authorised {day_and_time(deletion.authorised_utc)} by {rule}.")
    if deletion.erased_utc is None:
        return Shown(deletion.due_utc, False, "It is being deleted now.", steps, deletion)
    steps.append(f"Erased {day_and_time(deletion.erased_utc)}.")
    if deletion.irrecoverable_utc:
        steps.append(f"Irrecoverable since {day_and_time(deletion.irrecoverable_utc)}.")
    if deletion.removal:
        steps.append(f"{words_removed(deletion.removal)} Whose recording it was is no longer kept either.")
    sentence = f"Deleted on {day_and_time(deletion.erased_utc)} under {rule}."
    certificate = getattr(deletion, "certificate", None)
    return Shown(deletion.due_utc, False, sentence, steps, deletion, certificate)


def deletion_of(recording: Recording) -> Deletion | None:
    """Return the deletion that removed `recording`, or None."""
    return recording.deletions.filter(state__in=GONE_STATES).first()


def words_removed(removal: Event) -> str:
    """Return in a sentence when and under which rule the words of a trail were removed."""
    rule = f"the rule of {removal.details['years']} years"
    return f"The text of its trail was removed on {day(removal.at_utc)} under {rule}."


def removals() -> QuerySet[Event]:
    """Return the removals of words, the newest first."""
    return Event.objects.filter(type=EventType.TEXT_REMOVED).order_by("-id")


@dataclass(frozen=True)
class Line:
    """One line of the dry run: what, when, why, and what would be done."""

    recording: Recording
    deed: str
    due_utc: datetime
    rule: str
    because: str


def dry_run(now: datetime) -> list[Line]:
    """Return what a run of the deletion job at `now` would do, in the order it would be done. Changes nothing."""
    lines = []
    for recording in due_rows(now):
        kept = recording.due_explained
        reasons = reasons_to_keep(recording, now)
        deed = "keep" if reasons else "propose"
        window = rules.window_of(from_ms(kept["utc_ms"]), now)
        lines.append(Line(recording, deed, window.due_utc, kept.get("rule", ""), "; ".join(reasons)))
    running = Deletion.objects.filter(state__in=RUNNING_STATES).select_related("recording").order_by("opens_utc")
    for deletion in running:
        reasons = reasons_to_keep(deletion.recording, now)
        if reasons and deletion.state in OPEN_STATES:
            deed = "cancel"
        elif now < deletion.opens_utc or (deletion.cause == DeletionCause.EARLY and deletion.approved_by_id is None):
            deed = "wait"
        else:
            deed = "delete"
        lines.append(Line(deletion.recording, deed, deletion.due_utc, deletion.rule, "; ".join(reasons)))
    return lines


def removals_waiting() -> QuerySet[FlagRemoval]:
    """Return the removals of flags that the records manager has not decided."""
    return FlagRemoval.objects.filter(confirmed_utc=None).select_related("flag__recording", "flag__matter")


def releases_waiting() -> QuerySet[Hold]:
    """Return the holds whose release waits for a second person."""
    return Hold.objects.filter(released_utc=None, release_asked_by__isnull=False).select_related("recording")


def alarms_open() -> QuerySet[Alarm]:
    """Return the alarms that last."""
    return Alarm.objects.filter(cleared_utc=None).select_related("recording")


def kept_because_late() -> QuerySet[Recording]:
    """Return what stays beyond capture + 31 days only because it came late."""
    return Recording.objects.filter(state=State.STORED, held_count=0, due_explained__late=True)


def reviews_overdue(now: datetime) -> QuerySet[Flag]:
    """Return flags and their recordings that should be looked at: the review date has come, or never had one."""
    return Flag.objects.filter(removed_utc=None, review_date__lte=timezone.localdate(now), matter=None)


def hold_reviews_overdue(now: datetime) -> QuerySet[Hold]:
    """Return holds in force whose review date has come."""
    return Hold.objects.filter(released_utc=None, review_date__lte=timezone.localdate(now))


def _because(rule: str, days: int) -> str:
    return {
        "least-after-ingest": "because it was docked late and stays a week after that",
        "after-last-reason": "because what kept it has ended",
        "wait-after-ingest": "because it was docked late and its deletion waits 72 hours",
        "wait-after-proposal": "because its deletion was proposed late and waits 72 hours",
    }.get(rule, f"because that is {days} days after recording and nothing keeps it")


def _until(due: datetime | None) -> str:
    return f", and not less than until {day(due)}" if due else ""


def _listed(reasons: list[str]) -> str:
    return reasons[0] if len(reasons) == 1 else ", ".join(reasons[:-1]) + " and " + reasons[-1]
