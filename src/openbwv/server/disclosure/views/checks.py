"""The second person's pages: watch the copy, then say yes or no."""

from django.contrib import messages
from django.forms import Form
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from openbwv.recording.errors import BwvError
from openbwv.server.clock import clock
from openbwv.server.disclosure import forms
from openbwv.server.disclosure.actions.release import check_release, hand_over, may_leave, open_copy
from openbwv.server.disclosure.errors import DisclosureError
from openbwv.server.disclosure.models import Release, RequestState
from openbwv.server.disclosure.views.staff import find
from openbwv.server.people.actions import NotPermitted
from openbwv.server.people.pages import log_refusal, page_for
from openbwv.server.retention.second import session_of
from openbwv.server.streaming import body_for


@page_for("requests", "second-check")
@require_http_methods(["GET", "POST"])
def release_page(request: HttpRequest, reference: str, release_id: int) -> HttpResponse:
    """Show one copy's plan and state; the chosen checker decides here."""
    release = _release(request, reference, release_id)
    form = forms.CheckForm(request.POST or None)
    problem = None
    if request.method == "POST" and form.is_valid():
        try:
            done = check_release(
                release=release,
                agree=request.POST.get("decision") == "agree",
                note=form.cleaned_data["note"],
                actor=request.user,
                session=session_of(request),
                clock=clock(),
            )
        except BwvError as refused:
            problem = refused
            if refused.http_status == 403:
                log_refusal(request.user, refused, recording=release.match.recording, deed=request.path)
        else:
            messages.success(request, f"{done.get_state_display()}.")
            return redirect("requests")
    return _page(request, release, form=form, problem=problem)


def _page(
    request: HttpRequest,
    release: Release,
    *,
    form: Form | None = None,
    hand_form: Form | None = None,
    problem: BwvError | None = None,
    status: int = 200,
) -> HttpResponse:
    return render(
        request,
        "disclosure/release.html",
        {
            "release": release,
            "asked": release.match.request,
            "recording": release.match.recording,
            "form": form or forms.CheckForm(),
            "checking": release.checker_id == request.user.pk and release.state == "made",
            "handing": _may_hand_over(request, release),
            "hand_form": hand_form or forms.HandOverForm(auto_id="hand_%s"),
            "problem": problem,
        },
        status=problem.http_status if problem else status,
    )


def _may_hand_over(request: HttpRequest, release: Release) -> bool:
    asked = release.match.request
    return may_leave(release, asked) and asked.state == RequestState.DECIDED and asked.assigned_to_id == request.user.pk


@never_cache
@page_for("requests")
@require_POST
def hand_over_page(request: HttpRequest, reference: str, release_id: int) -> HttpResponse:
    """Give the copy to its officer for an asker who came for it; it is logged as handed out."""
    release = _release(request, reference, release_id)
    form = forms.HandOverForm(request.POST, auto_id="hand_%s")
    if not form.is_valid():
        return _page(request, release, hand_form=form, status=400)
    try:
        pieces = hand_over(
            request=release.match.request, release=release, actor=request.user, clock=clock(), **form.cleaned_data
        )
    except DisclosureError as problem:
        return _page(request, release, hand_form=form, problem=problem)
    name = f"{reference}-{release.pk}.mp4"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Content-Length": str(release.length)}
    return StreamingHttpResponse(body_for(request, pieces), content_type="video/mp4", headers=headers)


@never_cache
@page_for("requests", "second-check")
@require_GET
def copy(request: HttpRequest, reference: str, release_id: int) -> HttpResponse:
    """Send the copy to the officer or the checker; it is logged as watching."""
    release = _release(request, reference, release_id)
    pieces = open_copy(release=release, actor=request.user, session=session_of(request), clock=clock())
    headers = {"Content-Length": str(release.length), "Content-Disposition": "inline"}
    return StreamingHttpResponse(body_for(request, pieces), content_type="video/mp4", headers=headers)


def _release(request: HttpRequest, reference: str, release_id: int) -> Release:
    asked = find(request, reference)
    release = (
        Release.objects.select_related("match__request", "match__recording", "object", "planned_by", "checker")
        .filter(pk=release_id, match__request=asked)
        .first()
    )
    if release is None:
        raise NotPermitted(what="You may not see this copy, or there is none.", remedy="Check the address.")
    return release
