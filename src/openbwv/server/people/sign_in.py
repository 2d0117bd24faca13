"""Addresses of signing in. What allauth offers to everybody and we offer to nobody answers with one page."""

from allauth.account import views as allauth_views

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, URLResolver, include, path
from django.views.decorators.http import require_http_methods

from openbwv.server.errors import page

# Sign-up, changing one's e-mail address, signing in by a code that is mailed: an administrator does these, or nobody.
CLOSED = (
    "signup/",
    "signup/passkey/",
    "email/",
    "confirm-email/",
    "confirm-email/<str:key>/",
    "password/set/",
    "login/code/",
    "login/code/confirm/",
)


def ask_an_administrator(request: HttpRequest, key: str = "") -> HttpResponse:
    """Say who does this."""
    return page(
        request,
        status=404,
        code="ask-administrator",
        what="This is done by an administrator.",
        remedy="Ask yours for an account, another e-mail address or a new password.",
    )


@require_http_methods(["GET", "POST"])
def forgotten_password(request: HttpRequest) -> HttpResponse:
    """Send a link by e-mail where BWV_EMAIL_URL names a mail server; otherwise say that an administrator does it."""
    if settings.EMAIL_URL:
        return allauth_views.password_reset(request)
    return render(request, "account/password_by_administrator.html")


urlpatterns: list[URLPattern | URLResolver] = [
    *(path(address, ask_an_administrator) for address in CLOSED),
    path("password/reset/", forgotten_password),
    path("", include("allauth.urls")),
]
