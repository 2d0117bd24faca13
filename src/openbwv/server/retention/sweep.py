"""The deletion job: warn, propose, authorise, erase, certify. It may be cut between any two steps and run again.

Each step reads the rows' state anew and takes the recording's lock; what a step does and its event are one
transaction. Nothing is deleted while the clock is not believed, while no policy is in force, or while anything keeps
the recording.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime

from django.db import connection, transaction

from openbwv.custody import EventType
from openbwv.recording.errors import BwvError
from openbwv.server.clock import from_ms, to_ms, utc
from openbwv.server.evidence.models import Recording, State
from openbwv.server.evidence.queries import keeping_flags
from openbwv.server.retention import alarms, certifying, erasing, notices, rules
from openbwv.server.retention.actions.clock import cancel, restart_clock
from openbwv.server.retention.dates import policy_in_force
from openbwv.server.retention.errors import ClockNotBelieved
from openbwv.server.retention.keeping import reasons_to_keep
from openbwv.server.retention.models import (
    OPEN_STATES,
    RUNNING_STATES,
    AlarmKind,
    Deletion,
    DeletionCause,
    DeletionState,
    PolicyVersion,
    SweepClock,
)
from openbwv.server.trail.actions import log_event
from openbwv.server.vault import actions as vault
from openbwv.server.vault.errors import VaultAway
from openbwv.server.vault.store import vault_store
from openbwv.shared.clock import Clock

BATCH = 1000
STILL_READ = "Somebody still reads the database as it was before; it is emptied of what was erased in the next run."


@dataclass
class Swept:
    """What one run did."""

    warned: int = 0
    proposed: int = 0
    cancelled: int = 0
    authorised: int = 0
    erased: int = 0
    certified: int = 0
    irrecoverable: int = 0
    failed: int = 0


def sweep(clock: Clock) -> dict[str, int]:
    """Do everything that is due now and return the counts. Raises ClockNotBelieved, and does nothing, after a leap.

    Raises VaultAway, and destroys and certifies nothing, while the disk with the footage is not there.
    """
    believe_clock(clock)
    done = Swept()
    unpark(clock)
    done.warned = notices.give_notices(clock)
    done.proposed = propose_due(clock)
    for deletion in Deletion.objects.filter(state__in=OPEN_STATES, opens_utc__lte=utc(clock)).order_by("opens_utc"):
        done.authorised += authorise(deletion, clock=clock)
    _need_vault(clock)
    for deletion in Deletion.objects.filter(
        state__in=(DeletionState.AUTHORISED, DeletionState.DELETING), opens_utc__lte=utc(clock)
    ).order_by("opens_utc"):
        _carry_out(deletion, done, clock)
    vault.unlink_leaving()
    _certify(done, clock)
    _alarm_overdue(clock)
    return asdict(done)


# ── the clock ────────────────────────────────────────────────────────────────────────────────────────────────────
def believe_clock(clock: Clock) -> None:
    """Note the time of this look; raise ClockNotBelieved when the clock leapt by more than a day since the last."""
    now = utc(clock)
    row, _ = SweepClock.objects.get_or_create(id=1)
    if not rules.clock_leapt(row.last_utc, now):
        SweepClock.objects.filter(id=1).update(last_utc=now)
        return
    words = f"The clock went from {row.last_utc:%Y-%m-%d %H:%M} to {now:%Y-%m-%d %H:%M} UTC since the last look."
    alarms.raise_alarm(AlarmKind.CLOCK_LEAPT, words, clock=clock)
    raise ClockNotBelieved(
        what=f"{words} Nothing was deleted.",
        remedy="Look at the clock; if it is right, confirm it: ./bwv retention --confirm-clock, or the page Deletion.",
    )


# ── propose ──────────────────────────────────────────────────────────────────────────────────────────────────────
def due_rows(now: datetime) -> Iterator[Recording]:
    """Yield recordings whose deletion is to be proposed by `now` and that no hold keeps, the oldest date first."""
    last: datetime | None = None
    seen: set[object] = set()
    while True:
        rows = Recording.objects.filter(
            held_count=0, state=State.STORED, retain_until_utc__lte=now + rules.PROPOSE_BEFORE
        ).exclude(deletions__state__in=RUNNING_STATES)
        if last is not None:
            rows = rows.filter(retain_until_utc__gte=last)
        batch = [row for row in rows.order_by("retain_until_utc", "pk")[: BATCH + len(seen)] if row.pk not in seen]
        if not batch:
            return
        yield from batch
        last = batch[-1].retain_until_utc
        seen = {row.pk for row in batch}


def propose_due(clock: Clock) -> int:
    """Propose every deletion that is due to be proposed; park what a flag keeps. Returns how many were proposed."""
    return sum(_propose(row, clock) for row in due_rows(utc(clock)))


def _propose(row: Recording, clock: Clock) -> int:
    now = utc(clock)
    with transaction.atomic():
        recording = Recording.objects.select_for_update(of=("self",)).get(pk=row.pk)
        if recording.state != State.STORED or recording.held_count or recording.retain_until_utc is None:
            return 0
        if recording.deletions.filter(state__in=RUNNING_STATES).exists():
            return 0
        if reasons_to_keep(recording, now):
            # Kept by a flag: it leaves the sweep's index until the flag ends; its date stays in due_explained.
            Recording.objects.filter(pk=recording.pk).update(retain_until_utc=None)
            return 0
        begin_deletion(recording, cause=DeletionCause.POLICY, clock=clock)
    return 1


def begin_deletion(recording: Recording, *, cause: str, clock: Clock, **people: object) -> Deletion:
    """Open a deletion and start its wait. The caller holds the row's lock and has looked for reasons to keep it."""
    now = utc(clock)
    explained = _explanation(recording) if cause == DeletionCause.POLICY else None
    due = explained.utc if explained else now + rules.PROPOSE_BEFORE
    window = rules.window_of(due, now)
    if explained:
        late = rules.moved(explained, window)
        recording.retain_until_utc = late.utc
        recording.due_explained = recording.due_explained | {
            "utc_ms": to_ms(late.utc),
            "rule": late.rule,
            "steps": list(late.steps),
        }
        recording.save(update_fields=["retain_until_utc", "due_explained"])
    deletion = Deletion.objects.create(
        recording=recording,
        cause=cause,
        state=DeletionState.PROPOSED,
        rule=recording.due_explained["rule"] if explained else "two-people",
        due_utc=window.due_utc,
        opens_utc=window.opens_utc,
        proposed_utc=now,
        **people,
    )
    deletion.proposed_event = log_event(
        EventType.DELETE_PROPOSED,
        recording=recording,
        actor=deletion.proposed_by,
        actor_label="" if deletion.proposed_by else "retention",
        why=deletion.reason,
        rule=deletion.rule,
        details={
            "deletion": deletion.pk,
            "due_ms": to_ms(deletion.due_utc),
            "not_before_ms": to_ms(deletion.opens_utc),
            "steps": list(recording.due_explained.get("steps", [])),
        },
        clock=clock,
    )
    # The key service counts the wait from the leaf, which may say a moment later than `now`.
    deletion.opens_utc = max(deletion.opens_utc, deletion.proposed_event.at_utc + rules.WAIT)
    deletion.save()
    return deletion


def _explanation(recording: Recording) -> rules.Explanation:
    kept = recording.due_explained
    return rules.Explanation(from_ms(kept["utc_ms"]), kept["rule"], tuple(kept["steps"]))


def unpark(clock: Clock) -> int:
    """Restart the clock of recordings that nothing keeps any more and nobody restarted. Returns how many."""
    now = utc(clock)
    parked = Recording.objects.filter(
        state=State.STORED, retain_until_utc=None, held_count=0, due_explained__has_key="utc_ms"
    ).exclude(pk__in=keeping_flags().values("recording"))
    count = 0
    for pk in list(parked.values_list("pk", flat=True)):
        with transaction.atomic():
            recording = Recording.objects.select_for_update(of=("self",)).get(pk=pk)
            count += restart_clock(recording=recording, ended_utc=now, now=now)
    return count


# ── authorise ────────────────────────────────────────────────────────────────────────────────────────────────────
def authorise(deletion: Deletion, *, clock: Clock) -> int:
    """Authorise a deletion whose wait is over, or cancel it when something keeps the recording. Returns 0 or 1."""
    now = utc(clock)
    with transaction.atomic():
        recording = Recording.objects.select_for_update(of=("self",)).get(pk=deletion.recording_id)
        deletion = Deletion.objects.select_related("proposed_by", "approved_by").get(pk=deletion.pk)
        if deletion.state not in OPEN_STATES or now < deletion.opens_utc:
            return 0
        reasons = reasons_to_keep(recording, now)
        if reasons:
            cancel(deletion, because=reasons[0], actor=None, clock=clock)
            return 0
        if deletion.state != DeletionState.PROPOSED:
            return 0
        approvals, rule = _orders(deletion, clock)
        if not approvals:
            return 0
        deletion.state, deletion.authorised_utc = DeletionState.AUTHORISED, now
        deletion.authorised_event = log_event(
            EventType.DELETE_AUTHORISED,
            recording=recording,
            actor=deletion.approved_by,
            actor_label="" if deletion.approved_by else "retention",
            rule=rule,
            details={"deletion": deletion.pk, "approvals": approvals, "due_ms": to_ms(deletion.due_utc)},
            clock=clock,
        )
        deletion.save()
    return 1


def _orders(deletion: Deletion, clock: Clock) -> tuple[list[str], str]:
    """Return who ordered the deletion and by which rule; nobody while a second person or a policy is missing."""
    if deletion.cause == DeletionCause.EARLY:
        if deletion.approved_by is None or deletion.proposed_by is None:
            return [], ""
        return [deletion.proposed_by.username, deletion.approved_by.username], "two people, before its time"
    version: PolicyVersion | None = policy_in_force()
    if version is None:
        words = "No retention policy was approved by two people, so nothing is deleted."
        alarms.raise_alarm(AlarmKind.NO_POLICY, words, clock=clock)
        return [], ""
    alarms.clear_alarm(AlarmKind.NO_POLICY, clock=clock)
    deletion.policy = version
    return [version.proposed_by.username, version.approved_by.username], f"policy version {version.number}"


# ── erase and certify ────────────────────────────────────────────────────────────────────────────────────────────
def _need_vault(clock: Clock) -> None:
    """Raise an alarm and VaultAway when the disk with the footage is not mounted: its files would seem to be gone."""
    try:
        vault_store().require()
    except VaultAway as problem:
        alarms.raise_alarm(AlarmKind.FAILED, f"{problem.what} {problem.remedy}", clock=clock)
        raise
    alarms.clear_alarm(AlarmKind.FAILED, clock=clock)


def _carry_out(deletion: Deletion, done: Swept, clock: Clock) -> None:
    """Erase one recording; what goes wrong is an alarm on that recording and stops no other."""
    try:
        outcome = erasing.erase(deletion, clock=clock)
    except BwvError as problem:
        done.failed += 1
        Deletion.objects.filter(pk=deletion.pk).update(problem=problem.what[:300])
        alarms.raise_alarm(
            AlarmKind.FAILED,
            f"{deletion.recording.reference}: {problem.what} {problem.remedy}",
            recording=deletion.recording,
            clock=clock,
        )
        return
    done.erased += outcome == DeletionState.ERASED
    done.cancelled += outcome == DeletionState.CANCELLED
    for kind in (AlarmKind.FAILED, AlarmKind.OVERDUE):
        alarms.clear_alarm(kind, recording=deletion.recording, clock=clock)


def _certify(done: Swept, clock: Clock) -> None:
    """Sign what waits for a signature; a log or key service that is down leaves it for the next run.

    Not before the files are gone and the database's journal is empty: a run that was cut off may have left either.
    """
    waiting = Deletion.objects.filter(state=DeletionState.ERASED, certificate=None).order_by("erased_utc")
    if waiting.exists() and not truncate_journal():
        done.failed += waiting.update(problem=STILL_READ)
        waiting = waiting.none()
    for deletion in waiting:
        try:
            certifying.sign_phase_1(deletion, clock=clock)
        except BwvError as problem:
            done.failed += 1
            Deletion.objects.filter(pk=deletion.pk).update(problem=problem.what[:300])
            continue
        done.certified += 1
    done.irrecoverable = certifying.sign_phase_2_where_due(clock=clock)


def _alarm_overdue(clock: Clock) -> None:
    late = Deletion.objects.filter(state__in=RUNNING_STATES, due_utc__lt=utc(clock)).select_related("recording")
    for deletion in late:
        words = f"{deletion.recording.reference} was to be deleted by {deletion.due_utc:%Y-%m-%d %H:%M} UTC."
        alarms.raise_alarm(AlarmKind.OVERDUE, words, recording=deletion.recording, clock=clock)


def truncate_journal() -> bool:
    """Empty SQLite's write-ahead log, so that no erased row is left in it; say whether it is. Others need nothing."""
    if connection.vendor != "sqlite" or connection.in_atomic_block:
        return True
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        busy, *_ = cursor.fetchone()
    return not busy
