"""The page on which somebody waits for the bundle they asked for, and fetches it."""

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from openbwv.recording.errors import BwvError
from openbwv.server.clock import clock
from openbwv.server.evidence.download import FETCH_WITHIN, fetch
from openbwv.server.evidence.models import Download, Recording
from openbwv.server.evidence.views.page import seen_recording
from openbwv.server.people.actions import NotPermitted
from openbwv.server.people.pages import log_refusal, page_for
from openbwv.server.streaming import body_for

HOURS = int(FETCH_WITHIN.total_seconds()) // 3600


@never_cache
@page_for("export")
@require_GET
def download_page(request: HttpRequest, reference: str, number: int) -> HttpResponse:
    """Say how far the bundle is; without a script the page loads itself again while it is being made."""
    recording = seen_recording(request, reference)
    return _page(request, recording, _own(request, recording, number))


@never_cache
@page_for("export")
@require_POST
def fetch_download(request: HttpRequest, reference: str, number: int) -> HttpResponseBase:
    """Send the bundle, once."""
    recording = seen_recording(request, reference)
    download = _own(request, recording, number)
    try:
        chunks = fetch(download=download, actor=request.user, clock=clock())
    except BwvError as problem:
        if problem.http_status == 403:
            log_refusal(request.user, problem, recording=recording, deed=request.path)
        download.refresh_from_db()
        return _page(request, recording, download, problem)
    answer = StreamingHttpResponse(body_for(request, chunks), content_type="application/zip")
    answer["Content-Disposition"] = f'attachment; filename="{recording.reference}.zip"'
    return answer


def _page(
    request: HttpRequest, recording: Recording, download: Download, problem: BwvError | None = None
) -> HttpResponse:
    context = {"recording": recording, "download": download, "problem": problem}
    context |= {"state": download.state_now, "hours": HOURS}
    return render(request, "evidence/download.html", context, status=problem.http_status if problem else 200)


def _own(request: HttpRequest, recording: Recording, number: int) -> Download:
    download = Download.objects.filter(pk=number, recording=recording, person=request.user).first()
    if download is None:
        raise NotPermitted(
            what="There is no download of yours at this address.", remedy="Ask for one on the recording's page."
        )
    return download
