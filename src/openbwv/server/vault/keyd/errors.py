"""What the key service refuses, and what to do about it."""

from openbwv.recording.errors import (
    EXIT_BAD_DATA,
    EXIT_CANNOT_CREATE,
    EXIT_CONFIG,
    EXIT_NOT_PERMITTED,
    EXIT_UNAVAILABLE,
    BwvError,
)


class PassphraseWrong(BwvError):
    """Neither the passphrase nor the recovery code opens the keyring."""

    code = "keyring-passphrase-wrong"
    http_status = 503
    exit_code = EXIT_CONFIG


class PassphraseMissing(BwvError):
    """There is no terminal to type a passphrase in, and no file that holds it."""

    code = "keyring-passphrase-missing"
    http_status = 503
    exit_code = EXIT_CONFIG


class KeyringDamaged(BwvError):
    """The keyring file cannot be read."""

    code = "keyring-damaged"
    http_status = 503
    exit_code = EXIT_BAD_DATA


class KeyringExists(BwvError):
    """A keyring is there already; making another would lose every key in it."""

    code = "keyring-exists"
    http_status = 409
    exit_code = EXIT_CANNOT_CREATE


class KeyringOpenToOthers(BwvError):
    """The keyring file may be read by others than its owner."""

    code = "keyring-open-to-others"
    http_status = 503
    exit_code = EXIT_CONFIG


class RequestWrong(BwvError):
    """A request to the key service that does not have the agreed shape."""

    code = "keyd-request-wrong"
    http_status = 400


class KeyUnknown(BwvError):
    """The key service has no key of that name."""

    code = "key-unknown"
    http_status = 404


class KeyDestroyed(BwvError):
    """The key was destroyed on purpose; nobody can bring it back."""

    code = "key-destroyed"
    http_status = 410


class EpochKeyDestroyed(KeyDestroyed):
    """The epoch key that a camera sealed to was destroyed, when nobody could need it any more."""

    code = "epoch-key-destroyed"


class KeyDoesNotOpen(BwvError):
    """A wrapped key does not open, or opens to another recording's key."""

    code = "key-does-not-open"
    http_status = 409


class ReleaseRefused(BwvError):
    """No key leaves without a fresh leaf in the log that says why."""

    code = "key-release-refused"
    http_status = 403
    exit_code = EXIT_NOT_PERMITTED


class DropRefused(BwvError):
    """No key is dropped without an authorisation in the log, or while a hold follows the proposal."""

    code = "key-drop-refused"
    http_status = 409


class RotationRefused(BwvError):
    """A retention key may only be destroyed when every live recording is wrapped under another."""

    code = "rotation-out-of-balance"
    http_status = 409


class KeydUnavailable(BwvError):
    """The key service does not answer."""

    code = "keyd-unavailable"
    http_status = 503
    exit_code = EXIT_UNAVAILABLE
