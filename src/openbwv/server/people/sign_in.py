"""Addresses of signing in. What allauth offers to everybody and we offer to nobody answers with one page."""

from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, URLResolver, include, path

from openbwv.server.errors import page

# Sign-up, changing one's e-mail address and resetting a password by e-mail: an administrator does these.
CLOSED = (
    "signup/",
    "signup/passkey/",
    "email/",
    "password/reset/",
    "password/reset/done/",
    "password/set/",
    "login/code/",
)


def ask_an_administrator(request: HttpRequest) -> HttpResponse:
    """Say who does this."""
    return page(
        request,
        status=404,
        code="ask-administrator",
        what="This is done by an administrator.",
        remedy="Ask yours for an account, another e-mail address or a new password.",
    )


urlpatterns: list[URLPattern | URLResolver] = [
    *(path(address, ask_an_administrator) for address in CLOSED),
    path("", include("allauth.urls")),
]
