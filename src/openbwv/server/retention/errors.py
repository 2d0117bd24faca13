"""What can be wrong with keeping and deleting, and what to do about it."""

from openbwv.recording.errors import EXIT_CONFIG, EXIT_TRY_LATER, EXIT_USAGE, BwvError
from openbwv.server.people.actions import NotPermitted


class RetentionError(BwvError):
    """A deed of keeping or deleting cannot be done as asked."""

    code = "retention-problem"
    http_status = 409
    exit_code = EXIT_USAGE


class HoldTooLate(RetentionError):
    """A hold was asked for after the point of no return; the page shows the certificate."""

    code = "hold-too-late"
    http_status = 410


class HoldOver(RetentionError):
    """The hold has been released already."""

    code = "hold-over"


class HoldProblem(RetentionError):
    """A hold cannot be placed as asked."""

    code = "hold-problem"
    http_status = 400


class SecondPersonNeeded(NotPermitted):
    """A deed for two: the second is another account, in another session, who has opened what they approve."""

    code = "second-person-needed"


class RemovalPending(RetentionError):
    """Somebody has already asked to take this flag off."""

    code = "flag-removal-pending"


class RemovalOver(RetentionError):
    """This removal of a flag has been decided, or the flag is off already."""

    code = "flag-removal-over"


class PolicyWrong(RetentionError):
    """A policy version cannot have these numbers."""

    code = "policy-wrong"
    http_status = 400


class PolicyOver(RetentionError):
    """This policy version is in force, or was withdrawn."""

    code = "policy-over"


class PolicyUnknown(RetentionError):
    """There is no policy version of this number."""

    code = "policy-unknown"
    http_status = 404


class NoPolicy(RetentionError):
    """Two people have approved no policy version, so nothing may be deleted."""

    code = "no-policy"
    exit_code = EXIT_CONFIG


class ClockNotBelieved(RetentionError):
    """The clock leapt ahead since the last look; a person must confirm it before anything is deleted."""

    code = "clock-not-believed"
    exit_code = EXIT_TRY_LATER


class NotDeletable(RetentionError):
    """The recording is kept, is not here yet, or its deletion runs already."""

    code = "not-deletable"


class HoldAppeared(RetentionError):
    """Something keeps the recording after the point of no return: nothing was removed, and a person must look."""

    code = "hold-appeared"


class StillRead(RetentionError):
    """Words were removed from the tables, but a reader keeps SQLite's journal from being emptied of them."""

    code = "still-read"
    http_status = 503
    exit_code = EXIT_TRY_LATER
