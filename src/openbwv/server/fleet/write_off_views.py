"""The pages on which a camera is written off: what is given up stands above the button of either person."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from openbwv.server.clock import clock
from openbwv.server.fleet import write_offs as actions
from openbwv.server.fleet.forms import WhyForm, WriteOffForm
from openbwv.server.fleet.given_up import given_up_with
from openbwv.server.fleet.models import Camera, WriteOff, WriteOffState
from openbwv.server.fleet.queries import open_write_off
from openbwv.server.people.pages import page_for
from openbwv.server.people.paging import page_of
from openbwv.server.people.rights import may
from openbwv.server.retention.second import note_opened, session_of
from openbwv.server.vault.epochs import given_out_from
from openbwv.server.vault.keyd.errors import KeydUnavailable


@page_for("see-cameras")
@require_GET
def write_offs(request: HttpRequest) -> HttpResponse:
    """List the write-offs, the newest first, with what waits for whom."""
    actions.lapse_where_heard(clock())
    rows = WriteOff.objects.select_related("camera", "proposed_by", "decided_by")
    return render(request, "fleet/write_offs.html", {"page": page_of(request, rows)})


@page_for("see-cameras")
@require_GET
def write_off(request: HttpRequest, kid: str) -> HttpResponse:
    """Show what writing a camera off gives up, and let propose, decide, withdraw or take back who may."""
    actions.lapse_where_heard(clock())
    return _show(request, get_object_or_404(Camera, kid=kid))


@page_for("write-off-propose")
@require_POST
def propose(request: HttpRequest, kid: str) -> HttpResponse:
    """Propose to write a camera off."""
    camera = get_object_or_404(Camera, kid=kid)
    form = WriteOffForm(request.POST)
    if not form.is_valid():
        return _show(request, camera, propose_form=form)
    actions.propose_write_off(
        camera=camera, **form.cleaned_data, actor=request.user, session=session_of(request), clock=clock()
    )
    messages.success(request, f"Proposed. Until a records manager has decided, camera {camera} stays as it is.")
    return redirect("write_off", kid=kid)


@page_for("write-off-confirm")
@require_POST
def decide(request: HttpRequest, write_off_id: int) -> HttpResponse:
    """Confirm or refuse a write-off as the second person."""
    found, form = _found(write_off_id), WhyForm(request.POST)
    if not form.is_valid():
        return _show(request, found.camera, decide_form=form)
    confirmed = request.POST.get("decision") == "confirm"
    act = actions.confirm_write_off if confirmed else actions.refuse_write_off
    act(write_off=found, **form.cleaned_data, actor=request.user, session=session_of(request), clock=clock())
    words = "is written off" if confirmed else "stays as it is"
    messages.success(request, f"Camera {found.camera} {words}.")
    return redirect("write_off", kid=found.camera.kid)


@page_for("write-off-propose")
@require_POST
def withdraw(request: HttpRequest, write_off_id: int) -> HttpResponse:
    """Drop one's own proposal."""
    words = "Withdrawn. Camera {} stays as it is."
    return _end(request, write_off_id, "withdraw_form", actions.withdraw_write_off, words)


@page_for("write-off-propose")
@require_POST
def take_back(request: HttpRequest, write_off_id: int) -> HttpResponse:
    """Wait again for a camera that turned up."""
    words = "The write-off of camera {} is taken back."
    return _end(request, write_off_id, "take_back_form", actions.take_back_write_off, words)


def _end(request: HttpRequest, write_off_id: int, form_name: str, act: Callable[..., Any], words: str) -> HttpResponse:
    """Let one person end a write-off, with a reason; `words` say it and have a place for the camera."""
    found, form = _found(write_off_id), WhyForm(request.POST)
    if not form.is_valid():
        return _show(request, found.camera, **{form_name: form})
    act(write_off=found, **form.cleaned_data, actor=request.user, clock=clock())
    messages.success(request, words.format(found.camera))
    return redirect("write_off", kid=found.camera.kid)


def _found(write_off_id: int) -> WriteOff:
    return get_object_or_404(WriteOff.objects.select_related("camera", "proposed_by"), pk=write_off_id)


def _show(request: HttpRequest, camera: Camera, **bound: Any) -> HttpResponse:
    """Render the page; `bound` is a form that came back with errors. Whoever opens it may be the second person."""
    found = open_write_off(camera)
    context: dict[str, Any] = {
        "camera": camera,
        "found": found,
        "earlier": camera.write_offs.exclude(pk=found.pk if found else None).select_related(
            "proposed_by", "decided_by", "ended_by"
        ),
        "propose_form": WriteOffForm(auto_id="propose_%s"),
        "decide_form": WhyForm(auto_id="decide_%s"),
        "withdraw_form": WhyForm(auto_id="withdraw_%s"),
        "take_back_form": WhyForm(auto_id="take_back_%s"),
    }
    proposes, decides = (may(request.user, deed).allowed for deed in ("write-off-propose", "write-off-confirm"))
    try:
        if found is None or found.state == WriteOffState.PROPOSED:
            context |= _before(found, camera, request, proposes=proposes, decides=decides)
        else:
            there = actions.keys_are_there(found)
            context |= {"keys_there": there, "may_take_back": proposes and there}
    except KeydUnavailable as problem:
        context["problem"] = problem
    return render(request, "fleet/write_off.html", context | bound, status=400 if bound else 200)


def _before(
    found: WriteOff | None, camera: Camera, request: HttpRequest, *, proposes: bool, decides: bool
) -> dict[str, Any]:
    given_up = given_up_with(camera, clock())
    if found is not None:
        what = actions.what_is_opened(found)
        note_opened(what=what, person=request.user, session=session_of(request), clock=clock())
    mine = found is not None and found.proposed_by == request.user
    return {
        "given_up": given_up,
        "keys_to_go": [(epoch, given_out_from(epoch)) for epoch in given_up.keys.goes],
        "own_key_from": given_out_from(given_up.keys.own),
        "may_propose": found is None and proposes,
        "may_decide": found is not None and decides and not mine,
        "may_withdraw": mine and proposes,
    }
