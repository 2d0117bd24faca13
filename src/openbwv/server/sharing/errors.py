"""What can go wrong on the way out of the force."""

from openbwv.recording.errors import EXIT_CANNOT_CREATE, EXIT_TRY_LATER, BwvError


class NotExportable(BwvError):
    """The recording is not whole here, or not here any more."""

    code = "not-exportable"
    http_status = 409
    exit_code = EXIT_TRY_LATER


class TargetExists(BwvError):
    """The folder for the bundle is there already."""

    code = "target-exists"
    http_status = 409
    exit_code = EXIT_CANNOT_CREATE


class NoViewCopy(BwvError):
    """The camera's file cannot be laid out for ordinary players."""

    code = "no-view-copy"
    http_status = 422
