"""A recording that has been irrecoverable for the policy's years: its trail's words, and whose it was, go.

What stays is the tombstone: reference, camera and its counter, times, length, size, when and by which policy version it
was deleted, and number and hash of its certificate. The signed certificate goes: it names the two who approved, and by
its places in the log the pseudonym. So does the receipt, which holds the event of its arrival with the salt.
"""

import hashlib
from collections import Counter

from django.db import transaction

from openbwv.server.disclosure.models import Match, Release
from openbwv.server.evidence.models import Flag, Recording, Restriction
from openbwv.server.forgetting.due import Cutoff, recordings_due
from openbwv.server.forgetting.words import remove_words
from openbwv.server.ingest.models import ChainState, Receipt
from openbwv.server.retention.models import Alarm, Certificate, Deletion, DeletionNotice, FlagRemoval, Hold
from openbwv.server.trail.models import Event
from openbwv.server.vault.models import ViewingSession
from openbwv.shared.clock import Clock

BATCH = 50


def forget_some(cutoff: Cutoff, *, clock: Clock) -> Counter[str]:
    """Take one batch, in one transaction under the rows' locks; return what went, empty when nothing is due."""
    with transaction.atomic():
        found = list(recordings_due(cutoff).values_list("recording", flat=True)[:BATCH])
        locked = list(Recording.objects.select_for_update(of=("self",)).filter(pk__in=found).order_by("pk"))
        # Another run, or a request, may have been here before the lock was ours.
        due = set(recordings_due(cutoff).filter(recording__in=locked).values_list("recording", flat=True))
        recordings = [recording for recording in locked if recording.pk in due]
        if not recordings:
            return Counter()
        removal, events = remove_words(
            Event.objects.filter(recording__in=recordings),
            cutoff,
            about="recordings",
            counts={"recordings": len(recordings)},
            clock=clock,
        )
        _empty(recordings, removal)
    return Counter(recordings=len(recordings), events=events)


def _empty(recordings: list[Recording], removal: Event) -> None:
    """Leave of `recordings` the tombstones alone."""
    theirs = {"recording__in": recordings}
    Release.objects.filter(match__recording__in=recordings).delete()
    FlagRemoval.objects.filter(flag__recording__in=recordings).delete()
    for model in (Match, Flag, Restriction, Hold, DeletionNotice, Alarm, ViewingSession, Receipt, ChainState):
        model.objects.filter(**theirs).delete()
    for certificate in Certificate.objects.filter(deletion__recording__in=recordings):
        _keep_hashes(certificate)
    Deletion.objects.filter(**theirs).update(
        proposed_by=None,
        proposed_session="",
        reason="",
        approved_by=None,
        cancelled_because="",
        copies_known=[],
        proposed_event=None,
        authorised_event=None,
        erased_event=None,
        removal=removal,
    )
    Recording.objects.filter(pk__in=[recording.pk for recording in recordings]).update(
        pseudonym=None, officer=None, unit=None, assignment=None
    )


def _keep_hashes(certificate: Certificate) -> None:
    """Put each phase's hash in its place: whoever was given a copy can still show that it is ours."""
    for phase in ("phase1", "phase2"):
        signed = getattr(certificate, phase)
        if signed is not None:
            setattr(certificate, f"{phase}_sha256", hashlib.sha256(bytes(signed)).digest())
            setattr(certificate, phase, None)
    certificate.save()
