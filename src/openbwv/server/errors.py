"""How a page fails: every error is a page that says what happened and what to do, with a stable code.

Django's own errors and ours (`BwvError`) end in the same template; nothing else is caught.
"""

from collections.abc import Callable

from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from openbwv.recording.errors import BwvError


class ErrorPages:
    """Middleware that turns a BwvError raised by a view into its page."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass the request on."""
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Return the page of a BwvError; leave anything else to Django, which logs it and shows `broken`."""
        if not isinstance(error, BwvError):
            return None
        return page(request, status=error.http_status, code=error.code, what=error.what, remedy=error.remedy)


def page(request: HttpRequest, *, status: int, code: str, what: str, remedy: str) -> HttpResponse:
    """Return the error page, which needs no database."""
    if not hasattr(request, "user"):
        request.user = AnonymousUser()
    return render(request, "error.html", {"code": code, "what": what, "remedy": remedy}, status=status)


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """400."""
    return page(
        request,
        status=400,
        code="bad-request",
        what="The server could not read this request.",
        remedy="Go back and try again.",
    )


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """403."""
    return page(
        request,
        status=403,
        code="not-permitted",
        what="You may not see this page.",
        remedy="If your work needs it, ask your supervisor.",
    )


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """404."""
    return page(
        request,
        status=404,
        code="not-found",
        what="There is no page at this address.",
        remedy="Check the address, or start from the home page.",
    )


def broken(request: HttpRequest) -> HttpResponse:
    """500."""
    return page(
        request,
        status=500,
        code="internal",
        what="Something went wrong on the server. Nothing you typed was saved.",
        remedy="Try again. If it happens again, tell whoever runs this system.",
    )


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403 for a form that was not sent from our own page, or after the sign-in changed."""
    return page(
        request,
        status=403,
        code="form-expired",
        what="This form was opened too long ago, or in another sign-in.",
        remedy="Go back, load the page again and send the form once more.",
    )
