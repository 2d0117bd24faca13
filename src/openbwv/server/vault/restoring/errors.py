"""What can stop a restore before it has made anything."""

from openbwv.recording.errors import EXIT_BAD_DATA, EXIT_CANNOT_CREATE, EXIT_CONFIG, BwvError


class BackupDamaged(BwvError):
    """The backup is not whole, or not what its facts say."""

    code = "backup-damaged"
    exit_code = EXIT_BAD_DATA


class WrongKeyring(BwvError):
    """The keyring belongs to another force."""

    code = "wrong-keyring"
    exit_code = EXIT_BAD_DATA


class RestoreTargetExists(BwvError):
    """The new state folder is there already."""

    code = "restore-target-exists"
    http_status = 409
    exit_code = EXIT_CANNOT_CREATE


class OtherDatabase(BwvError):
    """DATABASE_URL is set, and the backup's database would not be the one that is used."""

    code = "restore-other-database"
    http_status = 409
    exit_code = EXIT_CONFIG
