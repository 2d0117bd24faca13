"""What the door refuses. `details` travels inside the answer's error object; docs/ref/door.md lists every row."""

from typing import Any

from openbwv.recording.errors import BwvError


class DoorRefusal(BwvError):
    """A refusal with facts beside it, such as the number of the entry that is wanted."""

    code = "refused"
    http_status = 409

    def __init__(self, *, what: str, remedy: str, **details: Any) -> None:
        super().__init__(what=what, remedy=remedy)
        self.details = details


class BadRequest(DoorRefusal):
    """A request that does not have the agreed shape."""

    code = "bad-request"
    http_status = 400


class HeadTooLong(DoorRefusal):
    """A request with more, or longer, headers than the door reads."""

    code = "head-too-long"
    http_status = 431


class HttpVersion(DoorRefusal):
    """A request in another version of HTTP than 1.1."""

    code = "http-version"
    http_status = 505

    def __init__(self) -> None:
        super().__init__(what="The door speaks HTTP/1.1 alone.", remedy="Use that version.")


class TooSlow(DoorRefusal):
    """A request whose head was begun and not sent within the time for it."""

    code = "too-slow"
    http_status = 408

    def __init__(self) -> None:
        super().__init__(what="The request's head did not arrive in time.", remedy="Send it again, in one go.")


class NoSuchAddress(DoorRefusal):
    """An address or method that the door does not have."""

    code = "no-such-address"
    http_status = 404


class LengthRequired(DoorRefusal):
    """A body without Content-Length."""

    code = "length-required"
    http_status = 411


class TooLong(DoorRefusal):
    """A body longer than the limit."""

    code = "too-long"
    http_status = 413


class TokenExpired(DoorRefusal):
    """No token, an unknown one, or one that ran out."""

    code = "token-expired"
    http_status = 401

    def __init__(self) -> None:
        super().__init__(what="There is no valid token with this request.", remedy="Say hello again for a new one.")


class Revoked(DoorRefusal):
    """A device whose certificate was revoked."""

    code = "revoked"
    http_status = 403

    def __init__(self, who: str) -> None:
        super().__init__(
            what=f"{who} was revoked; nothing it sends is taken as evidence.",
            remedy="Bring it to the fleet manager, with whatever is on it.",
        )


class UnknownDevice(DoorRefusal):
    """A key that was never enrolled here: what it signed is kept aside, without receipt; a to-do of the fleet."""

    code = "unknown-device"
    http_status = 202

    def __init__(self, kid: str = "") -> None:
        super().__init__(
            what=f"The device {f'with key {kid[:16]}… ' if kid else 'that signed this '}is not enrolled here. "
            "What it sends is kept aside, without a receipt.",
            remedy="Enrol it, or look at what is kept aside on the fleet manager's page.",
            aside=True,
        )


class NotDue(DoorRefusal):
    """A certificate that is good for a while yet."""

    code = "not-due"
    http_status = 409

    def __init__(self, label: str) -> None:
        super().__init__(
            what=f"{label} has a certificate for 90 days and more.", remedy="Ask again when under 90 days are left."
        )


class HelloRefused(DoorRefusal):
    """An inventory for another door, or with a nonce that is not ours, too old or used."""

    code = "hello-refused"
    http_status = 403


class NotYours(DoorRefusal):
    """A camera that sends or asks for what another camera recorded."""

    code = "not-your-recording"
    http_status = 403


class EntriesFirst(DoorRefusal):
    """Media, or the end, of a recording whose entries are not all here."""

    code = "entries-first"


class Equivocation(DoorRefusal):
    """One key signed two different entries for one place: it was cloned, or its camera is broken. Both are kept."""

    code = "equivocation"


class EntryRefused(DoorRefusal):
    """An entry that is not what the chain so far asks for."""

    code = "entry-refused"


class NotOnEdge(DoorRefusal):
    """A part that does not begin and end where fragments do."""

    code = "not-on-a-fragment-edge"


class DigestWrong(DoorRefusal):
    """A body that is not the one its Content-Digest names: damaged on the way."""

    code = "digest-wrong"


class NotSignedBytes(DoorRefusal):
    """A part that holds other bytes than the signed ones."""

    code = "not-the-signed-bytes"


class Incomplete(DoorRefusal):
    """`complete` for a recording of which something is missing."""

    code = "incomplete"


class KeyRefused(DoorRefusal):
    """A wrapped key that differs from the one held, or is none."""

    code = "key-refused"


class Busy(DoorRefusal):
    """More uploads at once than this door takes."""

    code = "busy"
    http_status = 503


class NotReady(DoorRefusal):
    """Everything is here, but the receipt is not signed yet."""

    code = "not-ready"
    http_status = 202
