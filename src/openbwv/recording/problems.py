"""Everything that can be wrong with a recording, one class a remedy, all of one family.

A reader that meets bad bytes raises one of these and nothing else, so that callers can keep the good part, name the
fault by its stable `code`, and never mistake a broken file for a broken program.
"""

from openbwv.recording.errors import EXIT_BAD_DATA, BwvError

COMPARE = "Compare with the copy on the camera, the dock or the evidence server; do not use this copy as evidence."


class FormatError(BwvError):
    """Bytes that do not follow the recording format."""

    code = "malformed"
    http_status = 400
    exit_code = EXIT_BAD_DATA
    default_remedy = COMPARE

    def __init__(self, what: str, remedy: str = "") -> None:
        super().__init__(what=what, remedy=remedy or self.default_remedy)


class Truncated(FormatError):
    """The bytes stop in the middle of an item."""

    code = "truncated"


class NotDeterministic(FormatError):
    """CBOR that says the same thing in another spelling (RFC 8949 section 4.2.1), which we refuse."""

    code = "not-deterministic"


class SignatureWrong(FormatError):
    """The ES256 signature does not hold over these bytes."""

    code = "signature-wrong"


class WrongKey(FormatError):
    """The entry or message names another key than the one expected."""

    code = "wrong-key"


class WrongType(FormatError):
    """A signed message of one kind was shown where another kind is expected."""

    code = "wrong-type"


class UncoveredBytes(FormatError):
    """Bytes that no signed entry covers."""

    code = "uncovered-bytes"
    default_remedy = (
        "A power cut before recovery looks the same: on the camera, `./bwv camera run` or `./bwv camera record --store`"
        " recovers the store first and sets such bytes aside in orphan.bin. Elsewhere, compare with the original."
    )


class ChainError(FormatError):
    """Entries that do not follow one another. A change of place, not of content: 409 at the door."""

    code = "chain-broken"
    http_status = 409


class SequenceGap(ChainError):
    """An entry is missing, doubled or out of order."""

    code = "sequence-gap"


class WrongRecording(ChainError):
    """An entry of another recording stands in this one."""

    code = "wrong-recording"


class OpenMissing(ChainError):
    """The first entry is not OPEN."""

    code = "open-missing"


class SecondOpen(ChainError):
    """OPEN may only stand first."""

    code = "second-open"


class EntryAfterClose(ChainError):
    """Nothing may follow CLOSE."""

    code = "entry-after-close"


class CloseCounts(ChainError):
    """CLOSE counts other fragments or ends than the entries before it."""

    code = "close-counts"


class TimeWentBack(ChainError):
    """The monotonic time of an entry is earlier than that of the entry before it."""

    code = "time-went-back"


class FragmentError(FormatError):
    """Media bytes that are not the signed ones."""

    code = "fragment-substituted"
    http_status = 409


class FragmentMissing(FragmentError):
    """The media file ends before the last signed fragment does."""

    code = "fragment-missing"


class SealError(FormatError):
    """A sealed fragment or sealed metadata does not open under this key, recording and number."""

    code = "seal-broken"


class KeyMismatch(FormatError):
    """A data key or commitment key is not the one that OPEN commits to."""

    code = "key-mismatch"


class WrapError(FormatError):
    """A wrapped key does not open: another recording, camera, epoch or damaged bytes."""

    code = "wrap-broken"


class CertificateError(FormatError):
    """A certificate chain that does not hold in itself."""

    code = "certificate-chain"


class CertificateUse(CertificateError):
    """The leaf certificate was not issued for this use."""

    code = "certificate-use"


class CertificateDates(CertificateError):
    """A certificate was not valid at the time of signing."""

    code = "certificate-dates"


class MediaError(FormatError):
    """A media stream that cannot be cut into fragments."""

    code = "media-malformed"
    default_remedy = "Use fragmented MP4 (one moof and mdat a fragment, key frame first)."


class OrderError(FormatError):
    """A builder was called out of order, for example a fragment after close."""

    code = "builder-order"
    default_remedy = "This is a fault of the program that writes the recording."
