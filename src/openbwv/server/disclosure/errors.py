"""What can be wrong with requests for footage."""

from openbwv.recording.errors import BwvError


class DisclosureError(BwvError):
    """A request cannot be handled as asked."""

    code = "request-problem"
    http_status = 409


class WrongAnswers(DisclosureError):
    """A request lacks something or contradicts itself."""

    code = "request-incomplete"
    http_status = 400


class NotYours(DisclosureError):
    """Reference and secret do not belong together, or there is no such request: both are told alike."""

    code = "not-your-request"
    http_status = 404


class TooMany(DisclosureError):
    """Too many tries from one place; the right ones are refused as well for a while."""

    code = "too-many-tries"
    http_status = 429


class CodeWrong(DisclosureError):
    """A one-time code is wrong, used, or ran out."""

    code = "code-wrong"
    http_status = 403


class RequestOver(DisclosureError):
    """The request has been answered or withdrawn."""

    code = "request-over"


class NotDecidable(DisclosureError):
    """Something must be done first: matches to decide, a copy to make, a second person's check."""

    code = "request-not-decidable"


class NotReleasable(DisclosureError):
    """A copy may not be handed out: not checked, not answered, or gone."""

    code = "not-releasable"
