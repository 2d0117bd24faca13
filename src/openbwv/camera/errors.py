"""What can go wrong on a camera: one class a remedy."""

from openbwv.recording.errors import (
    EXIT_BAD_DATA,
    EXIT_CONFIG,
    EXIT_IO,
    EXIT_TRY_LATER,
    EXIT_UNAVAILABLE,
    EXIT_USAGE,
    BwvError,
)


class NotEnrolled(BwvError):
    """The camera belongs to no force yet."""

    code = "not-enrolled"
    http_status = 409
    exit_code = EXIT_CONFIG


class IdentityDamaged(BwvError):
    """A file of the camera's identity is missing, damaged or contradicts another."""

    code = "identity-damaged"
    http_status = 409
    exit_code = EXIT_CONFIG


class StoreBusy(BwvError):
    """Another process uses this store."""

    code = "store-busy"
    http_status = 503
    exit_code = EXIT_TRY_LATER


class StoreDamaged(BwvError):
    """A part of the camera's store cannot be read."""

    code = "store-damaged"
    http_status = 409
    exit_code = EXIT_IO


class StorageLow(BwvError):
    """Too little room is left to start a recording."""

    code = "storage-low"
    http_status = 507
    exit_code = EXIT_IO


class StorageTooSlow(BwvError):
    """The storage did not take the fragments as fast as they came."""

    code = "storage-too-slow"
    http_status = 503
    exit_code = EXIT_IO


class SourceMissing(BwvError):
    """The picture source cannot be opened."""

    code = "source-missing"
    http_status = 503
    exit_code = EXIT_UNAVAILABLE


class SourceEnded(BwvError):
    """The picture source stopped before there was anything to record."""

    code = "source-ended"
    http_status = 503
    exit_code = EXIT_UNAVAILABLE


class CannotNow(BwvError):
    """The camera is in a state in which this cannot be done."""

    code = "cannot-now"
    http_status = 409
    exit_code = EXIT_TRY_LATER


class BadOption(BwvError):
    """A value on the command line or the control socket makes no sense."""

    code = "bad-option"
    http_status = 400
    exit_code = EXIT_USAGE


class TrackUnreadable(BwvError):
    """The file of positions cannot be read."""

    code = "track-unreadable"
    http_status = 400
    exit_code = EXIT_BAD_DATA
