"""What a dock refuses, each with its remedy."""

from openbwv.recording.errors import EXIT_CONFIG, EXIT_IO, EXIT_NOT_PERMITTED, EXIT_TRY_LATER, BwvError


class DockError(BwvError):
    """Base of the dock's errors."""

    code = "dock-error"


class NotADock(DockError):
    """The store has no dock identity in it."""

    code = "not-a-dock"
    exit_code = EXIT_CONFIG


class TokenWrong(DockError):
    """No token, or one that is unknown or over."""

    code = "token-expired"
    http_status = 401
    exit_code = EXIT_NOT_PERMITTED

    def __init__(self) -> None:
        super().__init__(what="The token is missing, unknown or over.", remedy="Say hello again, then go on.")


class Revoked(DockError):
    """The device's certificate was revoked."""

    code = "revoked"
    http_status = 403
    exit_code = EXIT_NOT_PERMITTED

    def __init__(self) -> None:
        super().__init__(
            what="This device's certificate was revoked.",
            remedy="Hand it to the fleet manager; what it holds is not lost.",
        )


class UnknownDevice(DockError):
    """The device does not prove that it belongs to this force."""

    code = "unknown-device"
    http_status = 403
    exit_code = EXIT_NOT_PERMITTED

    def __init__(self, why: str) -> None:
        super().__init__(
            what=f"This device does not prove that it belongs to this force: {why}",
            remedy="Enrol it at this dock, or ask the fleet manager.",
        )


class KeptAside(DockError):
    """A device that signs well and does not belong to this force; no error to it, but no token either."""

    code = "unknown-device"
    http_status = 202
    exit_code = EXIT_NOT_PERMITTED

    def __init__(self, name: str, kid: bytes) -> None:
        super().__init__(
            what=f"The device {name or 'without a name'}, key {kid.hex()[:16]}…, is not of this force. "
            "Its hello is kept aside; it gets no receipt.",
            remedy="Enrol it at this dock, or ask the fleet manager, who was told.",
        )


class BadHello(DockError):
    """The hello is stale, for another dock, or damaged."""

    code = "hello-refused"
    http_status = 403

    def __init__(self, why: str) -> None:
        super().__init__(
            what=f"The hello is refused: {why}", remedy="Fetch a new nonce with GET /hello, then sign that."
        )


class BadCall(DockError):
    """A request whose parameters or body cannot be read."""

    code = "bad-request"
    http_status = 400

    def __init__(self, what: str) -> None:
        super().__init__(what=what, remedy="See docs/ref/door.md for the shape of this request.")


class LengthRequired(DockError):
    """A body without Content-Length."""

    code = "length-required"
    http_status = 411

    def __init__(self) -> None:
        super().__init__(what="The request does not say how long its body is.", remedy="Send Content-Length.")


class TooLarge(DockError):
    """A body longer than the door takes."""

    code = "too-long"
    http_status = 413

    def __init__(self, limit: int) -> None:
        super().__init__(what=f"The body is longer than {limit} bytes.", remedy="Cut it into smaller parts.")


class CutShort(DockError):
    """The body ended before its Content-Length, or the device went away."""

    code = "cut-short"
    http_status = 400

    def __init__(self) -> None:
        super().__init__(what="The body ended too early; nothing of it was kept.", remedy="Send it again.")


class NoSuchRecording(DockError):
    """Nothing is known of this recording."""

    code = "no-such-recording"
    http_status = 404

    def __init__(self) -> None:
        super().__init__(what="Nothing is known of this recording.", remedy="Send its manifest first.")


class EntriesFirst(DockError):
    """Media or entries came before the entries they need."""

    code = "entries-first"
    http_status = 409

    def __init__(self, next_seq: int) -> None:
        super().__init__(
            what=f"Entry {next_seq} is the next one wanted here.",
            remedy="Send the entries from that number, then go on.",
        )
        self.next_seq = next_seq


class Equivocation(DockError):
    """Two different signed entries for one place: a copied key."""

    code = "equivocation"
    http_status = 409

    def __init__(self, seq: int) -> None:
        super().__init__(
            what=f"Another entry with number {seq} is held here. Both are kept.",
            remedy="Tell the fleet manager: this camera's key may have been copied.",
        )


class Conflict(DockError):
    """Other bytes than those held are offered for the same thing."""

    code = "conflict"
    http_status = 409

    def __init__(self, what: str) -> None:
        super().__init__(what=what, remedy="Nothing was replaced. Tell the fleet manager.")


class DigestWrong(DockError):
    """The body is not the one its Content-Digest names."""

    code = "digest-wrong"
    http_status = 409

    def __init__(self) -> None:
        super().__init__(what="The body was damaged on the way; nothing was kept.", remedy="Send it again.")


class NotOnAnEdge(DockError):
    """A part that does not begin and end with a fragment."""

    code = "not-on-a-fragment-edge"
    http_status = 409

    def __init__(self) -> None:
        super().__init__(
            what="The part does not begin and end with whole fragments.", remedy="Cut it where the manifest says."
        )


class NotSignedBytes(DockError):
    """A fragment differs from what its camera signed."""

    code = "not-the-signed-bytes"
    http_status = 409

    def __init__(self, *, aside: bool) -> None:
        kept = "It is kept aside as evidence of a conflict." if aside else "Nothing was kept."
        super().__init__(
            what=f"A fragment in this part differs from what its camera signed. {kept}",
            remedy="Send it again with a Content-Digest.",
        )


class NotComplete(DockError):
    """Something of the recording is still missing."""

    code = "incomplete"
    http_status = 409

    def __init__(self, what: str, missing: list[list[int]]) -> None:
        super().__init__(what=what, remedy="Ask what is held and send the rest, then ask again.")
        self.missing = missing


class SpoolFull(DockError):
    """The dock has no room; it stops accepting, loudly."""

    code = "spool-full"
    http_status = 507
    exit_code = EXIT_IO

    def __init__(self) -> None:
        super().__init__(
            what="This dock's spool is full; it takes nothing more.",
            remedy="Use another dock. This one takes recordings again when the server has received what it holds.",
        )


class DockBusy(DockError):
    """As many uploads run as the dock takes at once."""

    code = "busy"
    http_status = 503
    exit_code = EXIT_TRY_LATER

    def __init__(self, limit: int) -> None:
        super().__init__(what=f"{limit} uploads run here already.", remedy="It goes on by itself in a few seconds.")


class ServerAway(DockError):
    """A person asked for something that only the server can do."""

    code = "server-away"
    http_status = 503
    exit_code = EXIT_TRY_LATER

    def __init__(self, why: str) -> None:
        super().__init__(
            what=f"The evidence server cannot be reached: {why}", remedy="Copying goes on. Try this again in a minute."
        )
