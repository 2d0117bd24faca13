"""What the frame round every page needs: navigation for this person, the PRETEND banner, when the session ends."""

import functools
from pathlib import Path

from cryptography import x509

from django.conf import settings
from django.http import HttpRequest
from django.urls import Resolver404, resolve

from openbwv.recording import PRETEND_OID
from openbwv.server.people.rules import TABLE

# address, words, roles that see it (none = everybody signed in). A link leads only where its reader may go.
NAVIGATION = (
    ("/", "Home", ()),
    ("/recordings/", "Recordings", tuple(TABLE["see"])),
    ("/matters/", "Matters", tuple(TABLE["flag"])),
    ("/requests/", "Requests", ("disclosure", "supervisor", "records")),
    ("/retention/", "Deletion", tuple(TABLE["see-retention"])),
    ("/fleet/", "Cameras", tuple(TABLE["see-cameras"])),
    ("/people/", "People", tuple(TABLE["manage-people"])),
    ("/jobs/", "Jobs", (*TABLE["see-log"], *TABLE["see-accounts"])),
)


@functools.cache
def _is_pretend(trust: Path, _changed_ns: int) -> bool:
    certificate = x509.load_pem_x509_certificates(trust.read_bytes())[0]
    oid = x509.ObjectIdentifier(str(getattr(PRETEND_OID, "dotted_string", PRETEND_OID)))
    return any(extension.oid == oid for extension in certificate.extensions)


def force_is_pretend() -> bool:
    """Say whether the agency CA carries the PRETEND extension (R11)."""
    trust = Path(settings.STATE) / "trust.pem"
    return trust.exists() and _is_pretend(trust, trust.stat().st_mtime_ns)


@functools.cache
def _is_there(address: str) -> bool:
    """Say whether this installation has the page: apps may be left out of OUR_APPS."""
    try:
        resolve(address)
    except Resolver404:
        return False
    return True


def page_frame(request: HttpRequest) -> dict[str, object]:
    """Return the variables of base.html."""
    person = getattr(request, "user", None)
    signed_in = bool(person and person.is_authenticated)
    links = []
    if signed_in:
        for address, words, roles in NAVIGATION:
            if _is_there(address) and (not roles or person.has_role(*roles)):
                here = request.path == address if address == "/" else request.path.startswith(address)
                links.append({"address": address, "words": words, "here": here})
    return {
        "navigation": links,
        "pretend_force": force_is_pretend(),
        "session_seconds": settings.SESSION_COOKIE_AGE if signed_in else 0,
    }
