"""The fleet manager's pages: cameras, docks, enrolments, assignments, what was kept aside; and a dock's enrolment."""

import json
from typing import Any

from allauth.core import ratelimit

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from openbwv.recording.errors import BwvError
from openbwv.server.clock import clock
from openbwv.server.fleet import actions, queries
from openbwv.server.fleet.errors import BadName, NameTaken, TooManyTries
from openbwv.server.fleet.forms import InviteDockForm, RevokeForm, SettleForm
from openbwv.server.fleet.models import Assignment, Camera, Dock, Enrolment, NoCameraReport
from openbwv.server.fleet.revocation import revocation_list
from openbwv.server.ingest.actions import settle_aside
from openbwv.server.ingest.models import Aside
from openbwv.server.people.pages import page_for
from openbwv.server.people.paging import page_of
from openbwv.server.people.rights import may
from openbwv.server.vault.force import force
from openbwv.shared.door import BadAnswer, from_base64, to_base64

A_PAGE = 50
BODY_LIMIT_BYTES = 64 << 10


@page_for("see-cameras")
@require_GET
def fleet(request: HttpRequest) -> HttpResponse:
    """List cameras and docks, with who has what and what waits."""
    held = queries.current_assignments(clock())
    sought = request.GET.get("text", "").strip()
    listed = Camera.objects.select_related("unit").filter(name__icontains=sought)
    page = page_of(request, listed)
    return render(
        request,
        "fleet/fleet.html",
        {
            "page": page,
            "cameras": [(camera, held.get(camera.pk)) for camera in page],
            "sought": sought,
            "docks": page_of(request, Dock.objects.select_related("unit"), name="docks"),
            "asides": Aside.objects.filter(resolved_utc=None).count(),
            "may_manage": may(request.user, "confirm-camera").allowed,
        },
    )


@page_for("see-cameras")
@require_GET
def camera_page(request: HttpRequest, kid: str) -> HttpResponse:
    """Show one camera: its standing, who had it, what was kept aside from it."""
    return _device_page(request, get_object_or_404(Camera, kid=kid), "camera")


@page_for("see-cameras")
@require_GET
def dock_page(request: HttpRequest, kid: str) -> HttpResponse:
    """Show one dock."""
    return _device_page(request, get_object_or_404(Dock, kid=kid), "dock")


@page_for("confirm-camera")
@require_POST
def revoke(request: HttpRequest, kind: str, kid: str) -> HttpResponse:
    """Refuse a device from its next request on, or report it lost."""
    device = get_object_or_404(Camera if kind == "camera" else Dock, kid=kid)
    form = RevokeForm(request.POST)
    if not form.is_valid():
        return _device_page(request, device, kind, form, status=400)
    lost = form.cleaned_data["what"] == "lost"
    actions.revoke(device=device, lost=lost, actor=request.user, why=form.cleaned_data["reason"], clock=clock())
    messages.success(request, f"{device} is {'reported lost' if lost else 'revoked'}.")
    return redirect(kind, kid=kid)


@page_for("confirm-camera")
@require_http_methods(["GET", "POST"])
def invite(request: HttpRequest) -> HttpResponse:
    """Make the code with which one dock enrols itself; it is shown once."""
    form = InviteDockForm(request.POST or None)
    code = None
    if request.method == "POST" and form.is_valid():
        try:
            code = actions.invite_dock(**form.cleaned_data, actor=request.user, clock=clock())
        except (NameTaken, BadName) as error:
            form.add_error("name", f"{error.what} {error.remedy}")
    return render(request, "fleet/invite.html", {"form": form, "code": code, "address": request.get_host()})


@page_for("see-cameras")
@require_GET
def assignments(request: HttpRequest) -> HttpResponse:
    """List who had which camera, enrolments at docks, and who found no camera to take."""
    rows = Assignment.objects.select_related("camera", "person", "unit")
    return render(
        request,
        "fleet/assignments.html",
        {
            "page": page_of(request, rows),
            "enrolments": Enrolment.objects.select_related("dock", "confirmed_by")[:A_PAGE],
            "reports": NoCameraReport.objects.select_related("person", "unit")[:A_PAGE],
        },
    )


@page_for("see-cameras")
@require_GET
def asides(request: HttpRequest) -> HttpResponse:
    """List what the door kept aside, what is not settled first."""
    rows = Aside.objects.order_by("resolved_utc", "-at_utc").select_related("resolved_by")
    return render(
        request,
        "fleet/asides.html",
        {
            "page": page_of(request, rows),
            "form": SettleForm(),
            "may_manage": may(request.user, "confirm-camera").allowed,
        },
    )


@page_for("confirm-camera")
@require_POST
def settle(request: HttpRequest, aside_id: int) -> HttpResponse:
    """Note that something kept aside was looked at. It stays where it is."""
    aside = get_object_or_404(Aside, pk=aside_id)
    form = SettleForm(request.POST)
    if form.is_valid():
        settle_aside(aside=aside, actor=request.user, why=form.cleaned_data["reason"], clock=clock())
        messages.success(request, "Noted as settled.")
    else:
        messages.error(request, "Say what you found and did.")
    return redirect("asides")


@csrf_exempt
@require_POST
def enrol_dock(request: HttpRequest) -> JsonResponse:
    """Enrol the dock that shows a one-time code. JSON in, JSON out; no sign-in: the code is the permission."""
    try:
        if not ratelimit.consume(request, action="dock_enrol", dry_run=True):
            raise TooManyTries
        value = _json(request)
        dock = actions.enrol_dock(
            csr=from_base64(value.get("csr"), "enrolment"),
            code=str(value.get("code", "")),
            hosts=[str(host) for host in value.get("hosts", [])],
            clock=clock(),
        )
    except BwvError as refusal:
        if refusal.http_status == 403:
            ratelimit.consume(request, action="dock_enrol")
        status = 400 if isinstance(refusal, BadAnswer) else refusal.http_status
        return JsonResponse({"error": refusal.as_dict()}, status=status)
    answer = {
        "name": dock.name,
        "chain": [to_base64(der) for der in queries.chain_of(dock)],
        "trust": force().trust_pem.decode("ascii"),
        "door": force().door_url or None,
        "log_vkey": force().vkey,
        "crl": revocation_list(),
    }
    return JsonResponse(answer, status=201)


def _device_page(
    request: HttpRequest, device: Camera | Dock, kind: str, form: RevokeForm | None = None, status: int = 200
) -> HttpResponse:
    had = Assignment.objects.filter(camera=device).select_related("person")[:A_PAGE] if kind == "camera" else []
    return render(
        request,
        "fleet/device.html",
        {
            "device": device,
            "kind": kind,
            "assignments": had,
            "asides": Aside.objects.filter(device_kid=device.kid)[:A_PAGE],
            "form": form or RevokeForm(),
            "may_revoke": may(request.user, "confirm-camera").allowed and device.state != "revoked",
        },
        status=status,
    )


def _json(request: HttpRequest) -> dict[str, Any]:
    try:
        value = json.loads(request.body[:BODY_LIMIT_BYTES] or b"{}")
    except (ValueError, RecursionError) as problem:
        raise BadName(what="The body is not JSON.", remedy="Send one JSON object.") from problem
    if not isinstance(value, dict) or not isinstance(value.get("hosts", []), list):
        raise BadName(what="The body is not the agreed JSON object.", remedy="Send csr, code and hosts.")
    return value
