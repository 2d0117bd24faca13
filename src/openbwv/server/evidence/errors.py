"""What can be wrong with a deed done to a recording."""

from openbwv.recording.errors import EXIT_USAGE, BwvError
from openbwv.server.evidence.models import Recording, State


class EvidenceError(BwvError):
    """A deed on a recording cannot be done as asked."""

    code = "evidence-problem"
    exit_code = EXIT_USAGE


class CategoryUnknown(EvidenceError):
    """There is no such category."""

    code = "category-unknown"


class DownloadOver(EvidenceError):
    """A bundle cannot be fetched: it was already, or its time is over."""

    code = "download-over"
    http_status = 410


class FlagNeedsEnd(EvidenceError):
    """A flag would have nothing that ever closes it."""

    code = "flag-needs-end"


class MatterClosed(EvidenceError):
    """A flag names a matter that has been closed."""

    code = "matter-closed"
    http_status = 409


class AlreadyRestricted(EvidenceError):
    """It is restricted already, or is not restricted when a restriction is to be lifted."""

    code = "restriction-unchanged"
    http_status = 409


class RecordingGone(EvidenceError):
    """The recording is being deleted or has been deleted."""

    code = "recording-gone"
    http_status = 410


def lock(recording: Recording) -> Recording:
    """Return `recording` read again under its row's lock. Raises RecordingGone when it is deleted or being deleted.

    Call inside a transaction. On SQLite the transaction holds the only write lock already.
    """
    fresh = Recording.objects.select_for_update(of=("self",)).get(pk=recording.pk)
    if fresh.state in (State.DELETING, State.ERASED):
        raise RecordingGone(
            what=f"{fresh.reference} has been deleted, or is being deleted.",
            remedy="Its page shows the certificate, which says when and under which rule.",
        )
    return fresh
