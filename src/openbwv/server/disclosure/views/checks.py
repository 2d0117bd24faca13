"""The second person's pages: watch the copy, then say yes or no."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from openbwv.recording.errors import BwvError
from openbwv.server.clock import clock
from openbwv.server.disclosure import forms
from openbwv.server.disclosure.actions.release import check_release, open_copy
from openbwv.server.disclosure.models import Release
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
    return render(
        request,
        "disclosure/release.html",
        {
            "release": release,
            "asked": release.match.request,
            "recording": release.match.recording,
            "form": form,
            "checking": release.checker_id == request.user.pk and release.state == "made",
            "problem": problem,
        },
        status=problem.http_status if problem else 200,
    )


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
