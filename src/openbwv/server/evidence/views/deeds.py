"""What is posted from a recording's page. Each view reads a form, calls one action, and goes back to the page.

A refusal or a problem raises, the deed's transaction is rolled back, and `deed` below shows it on the page; a refusal
is written to the log in a transaction of its own.
"""

import functools
from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

from openbwv.recording.errors import BwvError
from openbwv.server.clock import clock
from openbwv.server.disclosure.queries import checking_of
from openbwv.server.evidence import actions, forms
from openbwv.server.evidence.download import ask_download
from openbwv.server.evidence.errors import EvidenceError
from openbwv.server.evidence.models import Flag, Recording
from openbwv.server.evidence.views.page import seen_recording, show
from openbwv.server.people.models import Person
from openbwv.server.people.pages import log_refusal, page_for
from openbwv.server.people.rights import require
from openbwv.server.people.second_person import second_person_in_words
from openbwv.server.retention import actions as retention
from openbwv.server.retention.models import Hold
from openbwv.server.retention.second import session_of
from openbwv.server.vault import actions as vault
from openbwv.server.vault.models import ViewingSession


class NoSuchOfficer(EvidenceError):
    """A claim names nobody."""

    code = "no-such-officer"


def deed(name: str, form_class: type) -> Callable:
    """Make a view of a function `(request, recording, data) -> words or response`, with its form and its failures."""

    def wrap(act: Callable[[HttpRequest, Recording, dict[str, Any]], str | HttpResponseBase]) -> Callable:
        @page_for("see")
        @require_POST
        @functools.wraps(act)
        def view(request: HttpRequest, reference: str, **kwargs: Any) -> HttpResponseBase:
            recording = seen_recording(request, reference)
            form = form_class(request.POST, auto_id=f"{name}_%s")
            if not form.is_valid():
                return show(request, recording, bound={name: form})
            try:
                answer = act(request, recording, form.cleaned_data | kwargs)
            except BwvError as error:
                if error.http_status == 403:
                    log_refusal(request.user, error, recording=recording, deed=request.path)
                return show(request, recording, problem=error, bound={name: form})
            if not isinstance(answer, str):
                return answer
            messages.success(request, answer)
            return redirect(recording)

        return view

    return wrap


class NothingAsked(forms.forms.Form):
    """A deed whose form is only its button, or whose reason may be empty."""

    reason = forms.forms.CharField(label="Give a reason to watch", required=False, max_length=300)


@deed("watch", NothingAsked)
def watch(request, recording, data):
    """Start a viewing: the event is in the log before the key is asked for (R7)."""
    decision = require(request.user, "watch", recording, reason=data["reason"])
    checking = checking_of(request.user, recording) if decision.rule == "watch-to-check" else None
    session = vault.start_viewing(
        recording=recording,
        person=request.user,
        reason=data["reason"],
        rule=decision.rule,
        clock=clock(),
        from_ms=checking.from_ms if checking else None,
        to_ms=checking.to_ms if checking else None,
        request=checking.request if checking else None,
    )
    return redirect(f"{recording.get_absolute_url()}?viewing={session.pk}#player")


@page_for("see")
@require_POST
def leave(request: HttpRequest, reference: str, viewing: str) -> HttpResponse:
    """End a viewing; the page sends this when it is left."""
    session = get_object_or_404(ViewingSession, pk=viewing, person=request.user, recording__reference=reference)
    vault.close_viewing(session=session, clock=clock(), why="left")
    return HttpResponse(status=204)


@deed("category", forms.CategoryForm)
def category(request, recording, data):
    """Set the category."""
    actions.set_category(recording=recording, category=data["category"], actor=request.user, clock=clock())
    return "The category is saved."


@deed("flag", forms.FlagForm)
def flag(request, recording, data):
    """Keep it as evidence."""
    actions.place_flag(recording=recording, actor=request.user, clock=clock(), **data)
    return "Flagged as evidence. It is kept while the flag stands."


@deed("remove_flag", forms.ReasonForm)
def remove_flag(request, recording, data):
    """Propose that a flag is taken off; the records manager confirms."""
    require(request.user, "remove-flag-propose", recording)
    chosen = get_object_or_404(Flag, pk=data["flag_id"], recording=recording, removed_utc=None)
    retention.propose_flag_removal(
        flag=chosen, reason=data["reason"], actor=request.user, session=session_of(request), clock=clock()
    )
    return f"Asked for. {second_person_in_words('remove-flag-confirm', request.user)}"


@deed("hold", forms.HoldForm)
def hold(request, recording, data):
    """Put it on hold."""
    require(request.user, "hold", recording)
    retention.place_hold(
        recording=recording,
        kind="person",
        reason=data["reason"],
        review_date=data["review_date"],
        actor=request.user,
        clock=clock(),
    )
    return "On hold. It cannot be deleted until the hold is released."


@deed("release_hold", forms.ReasonForm)
def release_hold(request, recording, data):
    """Release one hold."""
    chosen = get_object_or_404(Hold, pk=data["hold_id"], recording=recording)
    require(request.user, "release-hold", chosen)
    released = retention.release_hold(
        hold=chosen, reason=data["reason"], actor=request.user, session=session_of(request), clock=clock()
    )
    if released.released_utc:
        return "The hold is released."
    return f"Asked for. {second_person_in_words('second-check', request.user)}"


@deed("restrict", forms.ReasonForm)
def restrict(request, recording, data):
    """Close it to all but its team, or open it again when it is restricted."""
    act = actions.unrestrict if recording.restricted else actions.restrict
    act(recording=recording, reason=data["reason"], actor=request.user, clock=clock())
    return "The restriction is lifted." if recording.restricted else "Restricted. Only its team may watch it now."


@deed("claim", forms.ClaimForm)
def claim(request, recording, data):
    """Name the officer of an unassigned camera's recording."""
    officer = Person.objects.filter(username__iexact=data["username"], is_active=True).first()
    if officer is None:
        raise NoSuchOfficer(what=f"There is no account {data['username']}.", remedy="Check the user name.")
    actions.claim_recording(
        recording=recording, officer=officer, reason=data["reason"], actor=request.user, clock=clock()
    )
    return f"The officer is {officer}."


@deed("export", forms.ReasonForm)
def export(request, recording, data):
    """Have an offline bundle made, and show the page on which it is waited for."""
    return redirect(ask_download(recording=recording, actor=request.user, reason=data["reason"], clock=clock()))
