"""Erase one recording whose deletion is authorised.

Order, each step its own transaction, so that the process may be killed between any two:
1. the DELETE_AUTHORISED leaf is in the log (the key service drops no key without it);
2. under the row's lock: nothing keeps it → the recording is marked as being deleted. From here a hold comes too late;
3. the key service drops the key, unless its own look at the log shows a hold: then step 2 is taken back;
4. under the row's lock: once more nothing keeps it → wrap, media, still, marks, free text and derived copies go, the
   tombstone stays, ERASED is logged.
"""

from django.db import transaction

from openbwv.custody import EventType
from openbwv.server.clock import utc
from openbwv.server.evidence.models import Flag, Mark, Recording, Restriction, State
from openbwv.server.retention import alarms
from openbwv.server.retention.actions.clock import cancel
from openbwv.server.retention.copies import copies_known
from openbwv.server.retention.errors import HoldAppeared
from openbwv.server.retention.keeping import reasons_to_keep
from openbwv.server.retention.models import AlarmKind, Deletion, DeletionState, FlagRemoval, Hold
from openbwv.server.trail.actions import log_event, wait_for_leaf
from openbwv.server.vault import actions as vault
from openbwv.server.vault.keyd.errors import DropRefused
from openbwv.server.vault.models import KeyWrap
from openbwv.shared.clock import Clock


def erase(deletion: Deletion, *, clock: Clock) -> str:
    """Take an authorised deletion as far as it can go and return its state: erased, cancelled, or unchanged.

    Raises LogNotRunning, KeydUnavailable (try again later) and HoldAppeared (a person must look). Idempotent.
    """
    deletion = Deletion.objects.select_related("recording", "authorised_event").get(pk=deletion.pk)
    if deletion.state == DeletionState.AUTHORISED:
        wait_for_leaf(deletion.authorised_event)
        deletion = mark_deleting(deletion, clock=clock)
    if deletion.state != DeletionState.DELETING:
        return deletion.state
    try:
        vault.drop_key(recording=deletion.recording, authorised=deletion.authorised_event, clock=clock)
    except DropRefused as refusal:
        return take_back(deletion, because=refusal.what, clock=clock).state
    return remove(deletion, clock=clock).state


def mark_deleting(deletion: Deletion, *, clock: Clock) -> Deletion:
    """Step 2: pass the point of no return, unless something keeps the recording; then the deletion is cancelled."""
    with transaction.atomic():
        recording = Recording.objects.select_for_update(of=("self",)).get(pk=deletion.recording_id)
        deletion = Deletion.objects.select_related("recording", "authorised_event").get(pk=deletion.pk)
        if deletion.state != DeletionState.AUTHORISED:
            return deletion
        reasons = reasons_to_keep(recording, utc(clock))
        if reasons or utc(clock) < deletion.opens_utc:
            cancel(deletion, because=reasons[0] if reasons else "the clock went back", actor=None, clock=clock)
            return deletion
        recording.state = State.DELETING
        recording.save(update_fields=["state"])
        deletion.state = DeletionState.DELETING
        deletion.save(update_fields=["state"])
        deletion.recording = recording
    return deletion


def take_back(deletion: Deletion, *, because: str, clock: Clock) -> Deletion:
    """Undo step 2: the key service kept the key, so nothing was lost."""
    with transaction.atomic():
        recording = Recording.objects.select_for_update(of=("self",)).get(pk=deletion.recording_id)
        deletion = Deletion.objects.select_related("recording").get(pk=deletion.pk)
        recording.state = State.STORED
        recording.save(update_fields=["state"])
        cancel(deletion, because=because, actor=None, clock=clock)
        alarms.raise_alarm(AlarmKind.REFUSED, f"{recording.reference}: {because}", recording=recording, clock=clock)
    return deletion


def remove(deletion: Deletion, *, clock: Clock) -> Deletion:
    """Step 4: remove everything but the tombstone, in the transaction that looks for holds once more."""
    with transaction.atomic():
        recording = Recording.objects.select_for_update(of=("self",)).get(pk=deletion.recording_id)
        deletion = Deletion.objects.select_related("recording").get(pk=deletion.pk)
        if deletion.state != DeletionState.DELETING:
            return deletion
        if recording.held_count or reasons_to_keep(recording, utc(clock)):
            raise HoldAppeared(
                what=f"Something keeps {recording.reference} though its key was dropped. Nothing was removed.",
                remedy="Look at its trail and its holds; this should not be possible.",
            )
        wrap = KeyWrap.objects.filter(recording=recording).first()
        deletion.kek_id = wrap.kek_id if wrap else ""
        deletion.copies_known = copies_known(recording)
        removed = vault.remove_recording_bytes(recording=recording)
        deletion.removed = [[item.kind, item.key_sha256.hex(), item.length] for item in removed]
        scrub(recording)
        deletion.state, deletion.erased_utc, deletion.problem = DeletionState.ERASED, utc(clock), ""
        deletion.erased_event = log_event(
            EventType.ERASED,
            recording=recording,
            actor_label="retention",
            rule=f"policy version {deletion.policy.number}" if deletion.policy else "two people, before its time",
            details={
                "deletion": deletion.pk,
                "kek": deletion.kek_id,
                "objects": len(removed),
                "bytes": sum(item.length for item in removed),
            },
            clock=clock,
        )
        deletion.save()
    return deletion


def scrub(recording: Recording) -> None:
    """Remove free text and marks and leave the tombstone: reference, times, officer, unit, camera, counts."""
    Mark.objects.filter(recording=recording).delete()
    Flag.objects.filter(recording=recording).update(note="", removed_reason="")
    FlagRemoval.objects.filter(flag__recording=recording).update(reason="", decision_reason="")
    Restriction.objects.filter(recording=recording).update(reason="", lifted_reason="")
    Hold.objects.filter(recording=recording).update(reason="", released_reason="")
    recording.state = State.ERASED
    recording.thumbnail = None
    recording.open_facts = {key: recording.open_facts[key] for key in ("dc",) if key in recording.open_facts}
    recording.save()
