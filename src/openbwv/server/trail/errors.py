"""What can go wrong between the database and the log."""

from openbwv.recording.errors import EXIT_CONFIG, EXIT_TRY_LATER, BwvError


class LogNotRunning(BwvError):
    """An event had to be in the log before the deed could go on, and it was not in time."""

    code = "log-not-running"
    http_status = 503
    exit_code = EXIT_TRY_LATER


class WorkerRunning(BwvError):
    """Another process writes this force's log already."""

    code = "worker-running"
    http_status = 409
    exit_code = EXIT_TRY_LATER


class DatabaseBehindLog(BwvError):
    """The log holds entries that the database does not know: an older database was put back."""

    code = "database-behind-log"
    http_status = 500
    exit_code = EXIT_CONFIG


class LogBehindDatabase(BwvError):
    """The database has seen more of the log than its files hold: an older log was put back."""

    code = "log-behind-database"
    http_status = 500
    exit_code = EXIT_CONFIG


class NoVerifierKey(BwvError):
    """The state folder does not say which key the log is signed with."""

    code = "no-log-key"
    http_status = 500
    exit_code = EXIT_CONFIG
