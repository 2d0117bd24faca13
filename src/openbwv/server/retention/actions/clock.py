"""The deletion clock of one recording starts, stops and starts again. Each runs inside the caller's transaction."""

from datetime import datetime

from openbwv.custody import EventType
from openbwv.server.cases.models import Matter
from openbwv.server.clock import to_ms, utc
from openbwv.server.evidence.models import Flag, Recording, State
from openbwv.server.people.models import Person
from openbwv.server.retention.dates import checkpoint_time, set_due
from openbwv.server.retention.keeping import reasons_to_keep
from openbwv.server.retention.models import OPEN_STATES, Deletion, DeletionState
from openbwv.server.retention.rules import after_last_reason
from openbwv.server.trail.actions import log_event
from openbwv.shared.clock import Clock


def recording_ingested(recording: Recording, clock: Clock) -> None:
    """Give a recording that was just stored its date, and let the standing holds of requests look at it (R12)."""
    # Read here and not at the top: disclosure stands on retention.
    from openbwv.server.disclosure.actions import match_recording

    after = checkpoint_time(recording)
    recording.due_explained = recording.due_explained | {"after_ms": to_ms(after) if after else None}
    set_due(recording)
    match_recording(recording, clock)


def keep_again(*, recording: Recording, reason: str, actor: Person | None, clock: Clock) -> None:
    """Cancel a deletion that was proposed or authorised, because something keeps the recording now.

    The caller holds the row's lock. Nothing happens when no deletion is pending.
    """
    pending = Deletion.objects.select_for_update().filter(recording=recording, state__in=OPEN_STATES).first()
    if pending is not None:
        cancel(pending, because=reason, actor=actor, clock=clock)


def cancel(
    deletion: Deletion,
    *,
    because: str,
    actor: Person | None,
    rule: str = "a flag, hold or open matter cancels a deletion",
    clock: Clock,
) -> None:
    """Set a deletion that has removed nothing to cancelled, with its event."""
    deletion.state = DeletionState.CANCELLED
    deletion.cancelled_utc = utc(clock)
    deletion.cancelled_because = because[:300]
    deletion.save()
    log_event(
        EventType.DELETE_CANCELLED,
        recording=deletion.recording,
        actor=actor,
        actor_label="" if actor else "retention",
        why=because,
        rule=rule,
        details={"deletion": deletion.pk, "proposed_ms": to_ms(deletion.proposed_utc)},
        clock=clock,
    )


def restart_clock(*, recording: Recording, ended_utc: datetime, now: datetime) -> bool:
    """Give a recording that nothing keeps any more the later of its old date and seven days after `ended_utc`.

    Returns False, and changes nothing, while something still keeps it or it is not stored. The caller holds the lock.
    """
    if recording.state != State.STORED or reasons_to_keep(recording, now):
        return False
    set_due(recording, not_before=after_last_reason(ended_utc))
    return True


def matter_closed(*, matter: Matter, actor: Person, clock: Clock) -> int:
    """Restart the clocks of what only `matter` kept; return how many. Called in the transaction that closes it."""
    now = utc(clock)
    named = Flag.objects.filter(matter=matter, removed_utc=None).values("recording")
    recordings = Recording.objects.select_for_update(of=("self",)).filter(pk__in=named).order_by("pk")
    return sum(restart_clock(recording=recording, ended_utc=now, now=now) for recording in recordings)
