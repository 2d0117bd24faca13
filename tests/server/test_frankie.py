"""Frankie, who has no right at all, at every address of the URL map: the routes are found by walking it."""

import re

import pytest

from django.urls import URLPattern, URLResolver, get_resolver

from openbwv.server.trail.models import Event
from tests.server import cast

# Addresses anybody may open, with why. A new public page must be added here by hand, on purpose.
FOR_EVERYBODY = {
    "fleet/enrol-dock": "a dock that holds an invitation's code enrols itself",
    "log/checkpoint": "the signed checkpoint is for everybody to keep",
    "log/tile/x": "hashes, without personal data",
    "account/login/": "sign-in",
    "account/logout/": "signing out",
    "account/inactive/": "says that the account is closed",
    "account/2fa/authenticate/": "second step of signing in",
    "account/2fa/webauthn/login/": "passkey sign-in",
    "account/password/reset/": "asks for the address, or says that an administrator gives a new password",
    "account/password/reset/done/": "says that a link is on its way if an account has the address",
    "account/password/reset/key/x-x/": "no such key",
    "account/password/reset/key/done/": "says done",
}
# Addresses that belong to whoever is signed in: their own account and an empty home page.
OWN = re.compile(r"^(account/.*|)$")
PUBLIC_PREFIXES = ("ask",)
SAMPLES = {
    "int": "1",
    "str": "BWV-2026-000001",
    "slug": "x",
    "uuid": "0" * 8 + "-0000-4000-8000-" + "0" * 12,
    "path": "x",
}


def routes(resolver=None, prefix=""):
    """Yield every address of the map, with sample values in place of its variables."""
    for entry in (resolver or get_resolver()).url_patterns:
        written = prefix + str(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from routes(entry, written)
        elif isinstance(entry, URLPattern):
            yield fill(written)


def fill(written):
    named = re.sub(r"\(\?P<\w+>((?:[^()]|\([^()]*\))*)\)", lambda match: sample_of(match[1]), written)
    filled = re.sub(r"<(?:(\w+):)?\w+>", lambda match: SAMPLES.get(match[1] or "str", "x"), named)
    return filled.replace("^", "").replace("$", "").replace("\\Z", "").replace("\\", "")


def sample_of(pattern):
    """Return something that a named group of an address matches."""
    candidates = ("x", "1", "0" * 64, "0" * 32, "x-x", *pattern.split("|"))
    return next(candidate for candidate in candidates if re.fullmatch(pattern, candidate))


ROUTES = sorted(set(routes()))


def is_public(route):
    return route in FOR_EVERYBODY or route.startswith(PUBLIC_PREFIXES)


def test_what_is_public_is_still_there():
    """An address that has gone must leave the list as well, or the next one of its name would be public unseen."""
    assert set(FOR_EVERYBODY) <= set(ROUTES)


def test_the_map_was_walked():
    assert len(ROUTES) > 30
    assert "recordings/BWV-2026-000001" in ROUTES


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("route", [route for route in ROUTES if not is_public(route)])
def test_signed_out_nothing_is_shown(client, db, clock, route, method):
    answer = getattr(client, method)(f"/{route}")
    assert answer.status_code in (302, 404, 405), route
    if answer.status_code == 302:
        assert answer["Location"].startswith("/account/login/"), answer["Location"]


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("route", [route for route in ROUTES if not is_public(route) and not OWN.match(route)])
def test_frankie_is_refused_and_it_is_on_record(as_person, frankie, avery, clock, route, method):
    recording = cast.recording(officer=avery, number=1)
    assert recording.reference == SAMPLES["str"]
    client = as_person(frankie)
    answer = getattr(client, method)(f"/{route}")
    if answer.status_code == 405:
        return  # the address does not take this method; the other one is tried as well
    assert answer.status_code == 403, (route, answer.status_code)
    assert b"PC Avery" not in answer.content
    assert Event.objects.filter(actor=frankie, outcome="refused").exists()
