"""Follow a request: status, additions, withdrawal, download. Reference and secret open it; a code lets a copy out."""

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from openbwv.recording.errors import BwvError
from openbwv.server.clock import clock
from openbwv.server.disclosure import forms
from openbwv.server.disclosure.actions.life import add_information, withdraw_request
from openbwv.server.disclosure.actions.release import hand_out, send_code
from openbwv.server.disclosure.errors import DisclosureError
from openbwv.server.disclosure.given import copies_given, withheld_grounds
from openbwv.server.disclosure.models import OutboxMessage, Release, Request, RequestState
from openbwv.server.disclosure.secrets import request_of
from openbwv.server.people.context import force_is_pretend
from openbwv.server.streaming import body_for

OPENED = "asked"
DONE = {
    "add": "We have added it to your request.",
    "withdraw": "Your request is withdrawn.",
    "code": "We have sent you a code. It is good for 10 minutes and one download.",
}


@never_cache
@require_http_methods(["GET", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    """Ask for reference and secret."""
    form = forms.SecretForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            _open(request, form.cleaned_data["reference"], form.cleaned_data["secret"])
        except DisclosureError as problem:
            form.add_error(None, f"{problem.what} {problem.remedy}")
            return render(request, "disclosure/sign_in.html", {"form": form}, status=problem.http_status)
        return redirect("ask_status")
    return render(request, "disclosure/sign_in.html", {"form": form}, status=400 if form.errors else 200)


@never_cache
@require_GET
def open_link(request: HttpRequest, reference: str, secret: str) -> HttpResponse:
    """Open a request by the link its asker kept; the address is left at once, so that it is not passed on."""
    _open(request, reference, secret)
    answer = redirect("ask_status")
    answer["Referrer-Policy"] = "no-referrer"
    return answer


@never_cache
@require_GET
def status(request: HttpRequest) -> HttpResponse:
    """Show how far the request is."""
    asked = _asked(request)
    if asked is None:
        return redirect("ask_sign_in")
    return _status(request, asked)


@never_cache
@require_POST
def deed(request: HttpRequest, what: str) -> HttpResponse:
    """Add something, withdraw, ask for a code."""
    asked = _asked(request)
    if asked is None:
        return redirect("ask_sign_in")
    if what not in ("add", "withdraw", "code", "leave"):
        raise Http404
    if what == "leave":
        request.session.pop(OPENED, None)
        return redirect("ask")
    try:
        if what == "add":
            add_information(request=asked, text=request.POST.get("text", ""), clock=clock())
        elif what == "withdraw":
            withdraw_request(request=asked, clock=clock())
        else:
            send_code(request=asked, address=_address(request), clock=clock())
    except BwvError as problem:
        return _status(request, asked, problem=problem)
    messages.success(request, DONE[what])
    return redirect("ask_status")


@never_cache
@require_POST
def download(request: HttpRequest, release_id: int) -> HttpResponse:
    """Give a copy out for a one-time code."""
    asked = _asked(request)
    if asked is None:
        return redirect("ask_sign_in")
    release = get_object_or_404(
        Release.objects.select_related("match__recording", "object"), pk=release_id, match__request=asked
    )
    try:
        pieces = hand_out(
            request=asked,
            release=release,
            digits=request.POST.get("code", ""),
            address=_address(request),
            clock=clock(),
        )
    except DisclosureError as problem:
        return _status(request, asked, problem=problem)
    name = f"{asked.reference}-{release.pk}.mp4"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Content-Length": str(release.length)}
    return StreamingHttpResponse(body_for(request, pieces), content_type="video/mp4", headers=headers)


@never_cache
@require_GET
def outbox(request: HttpRequest) -> HttpResponse:
    """Show the letters of a pretend force, where no mail leaves; on any other force there is no such page."""
    if not force_is_pretend() or settings.EMAIL_URL:
        raise Http404
    return render(request, "disclosure/outbox.html", {"letters": OutboxMessage.objects.all()[:50]})


def _status(request: HttpRequest, asked: Request, problem: BwvError | None = None) -> HttpResponse:
    decided = asked.state == RequestState.DECIDED
    return render(
        request,
        "disclosure/status.html",
        {
            "asked": asked,
            "decided": decided,
            "copies": copies_given(asked) if decided else (),
            "withheld": withheld_grounds(asked) if decided else (),
            "notes": asked.notes.all(),
            "pauses": asked.pauses.all(),
            "add_form": forms.AddForm(),
            "code_form": forms.CodeForm(),
            "problem": problem,
        },
        status=problem.http_status if problem else 200,
    )


def _open(request: HttpRequest, reference: str, secret: str) -> None:
    found = request_of(reference, secret, address=_address(request), now=timezone.now())
    request.session.cycle_key()
    request.session[OPENED] = found.pk


def _asked(request: HttpRequest) -> Request | None:
    return Request.objects.filter(pk=request.session.get(OPENED)).first()


def _address(request: HttpRequest) -> str:
    return request.META.get("REMOTE_ADDR", "")
