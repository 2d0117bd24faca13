"""Downloading a bundle: asked for on a page, made by a job, fetched once by who asked, gone when its time is over.

The ZIP waits sealed under a key that dies with the recording's (R7), so a deletion in between takes it along. Its time
is the system's (R11). The EXPORT event is in the log before the ZIP is kept, and another one before its first byte
leaves.
"""

from collections.abc import Iterator
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from openbwv.custody import EventType
from openbwv.recording.errors import BwvError
from openbwv.server.evidence.bundle_zip import place_for, zipped
from openbwv.server.evidence.errors import DownloadOver
from openbwv.server.evidence.models import Download, DownloadState, Recording, State
from openbwv.server.people.actions import NotPermitted
from openbwv.server.people.models import Person
from openbwv.server.people.rights import require
from openbwv.server.sharing.actions import check_exportable, export_recording
from openbwv.server.trail.actions import log_event, wait_for_leaf
from openbwv.server.vault import door
from openbwv.server.vault.actions import remove_derived
from openbwv.shared.clock import Clock

FETCH_WITHIN = timedelta(hours=12)
MAKE_WITHIN = timedelta(hours=2)
TRY_AGAIN_STATUS = 503  # what a log or key service that is down says of itself
DISK_FULL_STATUS = 507


def ask_download(*, recording: Recording, actor: Person, reason: str, clock: Clock) -> Download:
    """Have the bundle of `recording` made for `actor`. Raises NotPermitted, ReasonMissing, NotExportable."""
    from openbwv.server.evidence.jobs import make_bundle

    require(actor, "export", recording, reason=reason)
    check_exportable(recording)
    with transaction.atomic():
        made = Download.objects.create(recording=recording, person=actor, reason=reason.strip(), asked=timezone.now())
        make_bundle.enqueue(made.pk)
    return made


def make_download(download: Download, *, clock: Clock) -> Download:
    """Make the bundle and keep it sealed. Idempotent. What cannot be made is FAILED with its reason.

    A log or key service that is down, or a full disk, raises: the page says so and the task is tried again.
    """
    download = Download.objects.select_related("recording", "person").get(pk=download.pk)
    if download.state != DownloadState.WAITING:
        return download
    recording, name = download.recording, f"bundle-{download.pk}"
    asked = {"actor": download.person, "reason": download.reason}
    try:
        with place_for(download.pk) as place:
            folder = export_recording(recording=recording, to=place / recording.reference, clock=clock, **asked)
            stored = door.keep_bundle(recording, name, zipped(folder))
    except BwvError as problem:
        again = problem.http_status in (TRY_AGAIN_STATUS, DISK_FULL_STATUS)
        changes = {} if again else {"state": DownloadState.FAILED, "reason": ""}
        _change(download, problem=problem.what[:300], **changes)
        if again:
            raise
        return download
    with transaction.atomic():  # an erasing that began meanwhile took the object along
        locked = Recording.objects.select_for_update(of=("self",)).get(pk=recording.pk)
        ready = {"state": DownloadState.READY, "object": stored, "expires": timezone.now() + FETCH_WITHIN}
        done = ready if locked.state == State.STORED else {"state": DownloadState.OVER}
        _change(download, reason="", problem="", **done)
    return download


def fetch(*, download: Download, actor: Person, clock: Clock) -> Iterator[bytes]:
    """Give the bundle to who asked for it, once. Raises NotPermitted, DownloadOver, LogNotRunning.

    The event that it leaves is in the log before the first byte, and so is its end here: only the answer still has it.
    """
    if download.person_id != actor.pk:
        raise NotPermitted(what="This is not your download.", remedy="Ask for one of your own.", rule="own-download")
    rule = require(actor, "export", download.recording, reason="to fetch a bundle").rule
    with transaction.atomic():
        row = Download.objects.select_for_update(of=("self",)).select_related("object", "recording").get(pk=download.pk)
        if row.state_now != DownloadState.READY:
            raise DownloadOver(what="This bundle was fetched, or its time is over.", remedy="Ask for it again.")
        row.state = DownloadState.FETCHED
        row.save(update_fields=["state"])
        event = log_event(
            EventType.EXPORT,
            recording=row.recording,
            actor=actor,
            rule=rule,
            details={"deed": "fetched", "download": row.pk},
            clock=clock,
        )
    try:
        wait_for_leaf(event)
        chunks = door.bundle_chunks(row.object)
    except BwvError:
        _change(row, state=DownloadState.READY)  # nothing has left
        raise
    remove_derived(row.object)
    return chunks


def tidy_downloads(_clock: Clock) -> int:
    """Remove what was fetched or has run out of time; say of what was never made that it was not; return how many."""
    now, count = timezone.now(), 0
    kept = Download.objects.filter(state__in=(DownloadState.READY, DownloadState.FETCHED), expires__lte=now)
    for row in kept.select_related("object"):  # what was fetched is still there only if the process died just then
        if row.state == DownloadState.READY:
            _change(row, state=DownloadState.OVER)
            count += 1
        if row.object is not None:
            remove_derived(row.object)
    for row in Download.objects.filter(state=DownloadState.WAITING, asked__lte=now - MAKE_WITHIN):
        _change(row, state=DownloadState.FAILED, reason="", problem=row.problem or "It took too long.")
        count += 1
    return count


def _change(row: Download, **values: object) -> None:
    Download.objects.filter(pk=row.pk).update(**values)
    row.refresh_from_db()
