"""What the vault refuses, and what to do about it."""

from openbwv.recording.errors import EXIT_IO, EXIT_UNAVAILABLE, BwvError


class ObjectMissing(BwvError):
    """A file of the vault is not there, or is shorter than its row says."""

    code = "object-missing"
    http_status = 500
    exit_code = EXIT_IO


class VaultAway(BwvError):
    """A folder of stored bytes is not the force's own: the disk that belongs there is not mounted, or another one is.

    The door answers 503 and devices keep what they have; jobs fail; nothing is written, removed or certified.
    """

    code = "vault-away"
    http_status = 503
    exit_code = EXIT_UNAVAILABLE


class NotStored(BwvError):
    """The footage itself is not here: still on the camera, on its way, or deleted."""

    code = "not-stored"
    http_status = 409


class NotDerived(BwvError):
    """What was asked for has not been made from the recording."""

    code = "not-derived"
    http_status = 404


class ViewingClosed(BwvError):
    """A viewing ended: closed, ten minutes old, or silent for a minute."""

    code = "viewing-closed"
    http_status = 410


class NotYourViewing(BwvError):
    """Somebody asked for the parts of another person's viewing."""

    code = "not-your-viewing"
    http_status = 403


class KeyMissing(BwvError):
    """The recording is here, but its key has not been wrapped yet."""

    code = "key-not-ready"
    http_status = 503
    exit_code = EXIT_UNAVAILABLE


class SealBroken(BwvError):
    """Stored bytes do not open under the recording's own key."""

    code = "seal-broken"
    http_status = 500
    exit_code = EXIT_IO
