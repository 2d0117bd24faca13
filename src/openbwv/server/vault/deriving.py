"""The job that makes index and still of newly stored recordings (R7: one KEY_RELEASE for each purpose)."""

import logging

from openbwv.custody import EventType
from openbwv.recording import FragFlag
from openbwv.server.evidence.arrival import set_thumbnail
from openbwv.server.evidence.models import Recording, State
from openbwv.server.trail.models import Event
from openbwv.server.vault.door import THUMBNAIL, open_for_job
from openbwv.server.vault.errors import NotStored
from openbwv.server.vault.indexing import CannotIndex, presentation_times, still
from openbwv.server.vault.models import ObjectKind, StoredObject
from openbwv.server.vault.opened import OpenedRecording
from openbwv.shared.clock import Clock

INDEX = "index"
MOST_AT_ONCE = 20
TRIES = 3
logger = logging.getLogger(__name__)


def derive_waiting(clock: Clock) -> int:
    """Make what is missing for up to twenty recordings; return how many were done.

    What a decoder cannot read is tried three times, then left. Without log or key service the job fails and runs again.
    """
    done = 0
    stored = Recording.objects.filter(state=State.STORED, key_wrap__isnull=False)
    made = StoredObject.objects.filter(kind=ObjectKind.DERIVED)
    for purpose, name in ((INDEX, INDEX), (THUMBNAIL, THUMBNAIL)):
        waiting = stored.exclude(pk__in=made.filter(name=name).values("recording")).order_by("ingest_utc")
        for recording in waiting[:MOST_AT_ONCE]:
            if _tries(recording, purpose) >= TRIES:
                continue
            _derive(recording, purpose, clock)
            done += 1
    return done


def _derive(recording: Recording, purpose: str, clock: Clock) -> None:
    try:
        with open_for_job(recording=recording, purpose=purpose, clock=clock) as opened:
            if purpose == INDEX:
                _make_index(opened)
            else:
                _make_still(opened)
    except (CannotIndex, NotStored) as problem:
        logger.warning("%s of %s: %s", purpose, recording.reference, problem.what)


def _make_index(opened: OpenedRecording) -> None:
    init = _init(opened)
    timed = ((info.seq, opened.fragment(info)) for info in opened.table.fragments if info.times)
    opened.put_derived(ObjectKind.DERIVED, INDEX, presentation_times(init, timed))


def _make_still(opened: OpenedRecording) -> None:
    """Take the first picture after the press, or the first there is."""
    timed = [info for info in opened.table.fragments if info.times]
    if not timed:
        raise CannotIndex(what="There is no picture in it.", remedy="It was stopped before the first second.")
    chosen = next((info for info in timed if not info.flags & FragFlag.PRE), timed[0])
    row = opened.put_derived(ObjectKind.DERIVED, THUMBNAIL, still(_init(opened), opened.fragment(chosen)))
    set_thumbnail(recording=opened.recording, stored_object=row)


def _init(opened: OpenedRecording) -> bytes:
    for info in opened.table.fragments:
        if info.flags & FragFlag.INIT:
            return opened.fragment(info)
    raise CannotIndex(what="There is no init unit.", remedy="Verify the recording.")


def _tries(recording: Recording, purpose: str) -> int:
    events = Event.objects.filter(recording=recording, type=EventType.KEY_RELEASE)
    return sum(1 for event in events if event.details.get("purpose") == purpose)
