"""Was every deed that changed what is kept put on record, and does nothing stay that should have gone?"""

from collections.abc import Iterator
from datetime import timedelta

from django.db.models import Count, Exists, F, OuterRef, Q

from openbwv.custody import EventType
from openbwv.server.checking.result import Context, Disagreement
from openbwv.server.clock import from_ms
from openbwv.server.evidence.models import Recording, State
from openbwv.server.fleet.models import Camera, WriteOff, WriteOffState
from openbwv.server.retention.keeping import reasons_to_keep
from openbwv.server.retention.models import Deletion, DeletionState
from openbwv.server.trail.models import Event, Outcome

CERTIFICATE_WITHIN = timedelta(days=1)
WRITTEN_WITHIN = timedelta(minutes=5)  # an event is written in its deed's transaction
LOOK = "Look at the recording's trail and at the database's backups: a row was changed without its event."
WORKER = "Start `./bwv worker`, or run `./bwv retention` to see what it would do and why it does not."
EVENTS_OF_STATE = {
    State.STORED: (EventType.INGEST, EventType.INGEST_UNCLOSED),
    State.ERASED: (EventType.ERASED,),
}


def walk_deeds(context: Context) -> Iterator[Disagreement]:
    """Compare each recording's state, holds and due date with events, holds and deletions; cameras with write-offs."""
    for state, kinds in EVENTS_OF_STATE.items():
        event = Event.objects.filter(recording=OuterRef("pk"), type__in=kinds, outcome=Outcome.DONE)
        rows = Recording.objects.filter(state=state)
        context.looked_at[f"{state} recordings"] += rows.count()
        # One without a pseudonym has no trail any more; the walk of removals says whether that is as it should be.
        for recording in rows.filter(pseudonym__isnull=False).exclude(Exists(event)):
            what = f"it is {state}, but its trail has no event that says so"
            yield Disagreement("state-without-event", recording.reference, what, LOOK)
    yield from _holds()
    yield from _deletions(context)
    yield from _write_offs()


def _write_offs() -> Iterator[Disagreement]:
    """No epoch key is kept for a camera that is written off, so nothing but the decision of two people may say so."""
    confirmed = WriteOff.objects.filter(state=WriteOffState.CONFIRMED).select_related("camera")
    for camera in Camera.objects.filter(written_off_utc__isnull=False).exclude(pk__in=confirmed.values("camera")):
        what = "it counts as written off, but no two people have decided that"
        yield Disagreement("written-off-undecided", f"camera {camera.name}", what, LOOK)
    for each in confirmed:
        # One whose words were removed names nobody; the walk of removals says whether that is as it should be.
        theirs = Q(actor=each.decided_by) | Q(removal__isnull=False)
        written = Event.objects.filter(theirs, type=EventType.WRITE_OFF, outcome=Outcome.DONE)
        if not written.filter(at_utc__range=(each.decided_utc, each.decided_utc + WRITTEN_WITHIN)).exists():
            what = "it was written off, but no event says so"
            yield Disagreement("state-without-event", f"camera {each.camera.name}", what, LOOK)


def _holds() -> Iterator[Disagreement]:
    counted = Recording.objects.annotate(in_force=Count("holds", filter=Q(holds__released_utc=None)))
    for recording in counted.exclude(in_force=F("held_count")):
        what = f"its row counts {recording.held_count} holds, {recording.in_force} are in force"
        yield Disagreement("holds-miscounted", recording.reference, what, LOOK)


def _deletions(context: Context) -> Iterator[Disagreement]:
    now = from_ms(context.clock_utc_ms)
    due = Recording.objects.filter(state=State.STORED, held_count=0, retain_until_utc__lt=now)
    for recording in due:
        if not reasons_to_keep(recording, now):
            what = f"it was to be deleted by {recording.retain_until_utc:%Y-%m-%d %H:%M} UTC and nothing keeps it"
            yield Disagreement("deletion-overdue", recording.reference, what, WORKER)
    done = Deletion.objects.filter(state__in=(DeletionState.ERASED, DeletionState.IRRECOVERABLE))
    for deletion in done.filter(certificate=None, erased_utc__lt=now - CERTIFICATE_WITHIN).select_related("recording"):
        what = "it was erased more than a day ago and has no certificate"
        yield Disagreement("certificate-missing", deletion.recording.reference, what, WORKER)
