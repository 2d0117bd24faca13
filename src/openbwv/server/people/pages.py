"""The guard of every page: signed in, then the right, and a refusal that is itself on record."""

import functools
from collections.abc import Callable
from typing import Any

from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse

from openbwv.custody import EventType
from openbwv.recording.errors import BwvError
from openbwv.server.clock import clock
from openbwv.server.errors import page
from openbwv.server.people.actions import NotPermitted
from openbwv.server.people.rights import may_at_all, refused
from openbwv.server.trail.actions import log_event

View = Callable[..., HttpResponse]


def page_for(*deeds: str) -> Callable[[View], View]:
    """Guard a view: sign-in, then any one of `deeds`; what the view refuses itself is logged the same way."""

    def wrap(view: View) -> View:
        @login_required
        @functools.wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            try:
                _require_any(request.user, deeds)
                return view(request, *args, **kwargs)
            except NotPermitted as error:
                return refusal(request, error)

        return guarded

    return wrap


def _require_any(person: Any, deeds: tuple[str, ...]) -> None:
    decisions = [may_at_all(person, deed) for deed in deeds]
    if not any(decision.allowed for decision in decisions):
        raise refused(decisions[0])


def refusal(request: HttpRequest, error: BwvError, recording: Any = None) -> HttpResponse:
    """Write the REFUSED event in a transaction of its own and return the error's page.

    The deed's own transaction has been rolled back by the error, so this is the only trace of the attempt.
    """
    log_refusal(request.user, error, recording=recording, deed=request.path)
    return page(request, status=error.http_status, code=error.code, what=error.what, remedy=error.remedy)


def log_refusal(person: Any, error: BwvError, *, recording: Any = None, deed: str) -> None:
    """Write the REFUSED event of `deed` (an address or a command)."""
    with transaction.atomic():
        log_event(
            EventType.REFUSED,
            recording=recording,
            actor=person if getattr(person, "is_authenticated", False) else None,
            actor_label="" if getattr(person, "is_authenticated", False) else "not signed in",
            rule=getattr(error, "rule", ""),
            outcome="refused",
            details={"deed": deed, "code": error.code, "what": error.what},
            clock=clock(),
        )
