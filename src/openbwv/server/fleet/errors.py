"""What the fleet refuses, and what to do about it."""

from openbwv.recording.errors import EXIT_NOT_PERMITTED, EXIT_USAGE, BwvError


class SignInFailed(BwvError):
    """User name and password do not belong together; one answer for every cause."""

    code = "sign-in-failed"
    http_status = 403
    exit_code = EXIT_NOT_PERMITTED

    def __init__(self) -> None:
        super().__init__(what="User name or password is wrong.", remedy="Type both again.")


class TooManyTries(BwvError):
    """Too many wrong sign-ins or codes."""

    code = "too-many-tries"
    http_status = 429

    def __init__(self) -> None:
        super().__init__(what="That was tried too often.", remedy="Wait five minutes, then try again.")


class CodeUnknown(BwvError):
    """A dock's code is unknown, used or too old; one answer for all three."""

    code = "code-unknown"
    http_status = 403

    def __init__(self) -> None:
        super().__init__(
            what="This code does not enrol a dock: it is unknown, was used, or is more than an hour old.",
            remedy="Ask the fleet manager for a new one.",
        )


class EnrolmentOver(BwvError):
    """An enrolment that is unknown, over, or another dock's."""

    code = "expired"
    http_status = 410

    def __init__(self) -> None:
        super().__init__(what="This enrolment is over.", remedy="Start it again on the camera; it gets new digits.")


class NameTaken(BwvError):
    """A device of that name is in use."""

    code = "name-taken"
    http_status = 409


class BadName(BwvError):
    """A name that cannot stand in a certificate."""

    code = "bad-name"
    http_status = 400
    exit_code = EXIT_USAGE


class NoSuchDevice(BwvError):
    """There is no camera or dock of that name or key."""

    code = "no-such-device"
    http_status = 404
    exit_code = EXIT_USAGE


class DeviceRevoked(BwvError):
    """A device that was revoked cannot be used or enrolled again with the same key."""

    code = "device-revoked"
    http_status = 409


class WriteOffPending(BwvError):
    """A camera is to be written off already, or is."""

    code = "write-off-pending"
    http_status = 409


class WriteOffOver(BwvError):
    """This write-off was decided, withdrawn or taken back, or the camera docked since it was proposed."""

    code = "write-off-over"
    http_status = 409


class KeysGone(BwvError):
    """A write-off cannot be taken back: the keys that the camera sealed to were destroyed."""

    code = "write-off-keys-gone"
    http_status = 410
