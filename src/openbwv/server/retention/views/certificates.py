"""The destruction certificate of one recording: in words, and as the signed file."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from openbwv.recording import DestructionCertificate
from openbwv.server.clock import from_ms
from openbwv.server.evidence.models import Recording
from openbwv.server.evidence.views.page import seen_recording
from openbwv.server.people.pages import page_for
from openbwv.server.retention.models import Certificate
from openbwv.server.retention.queries import deletion_of


@page_for("see")
@require_GET
def certificate(request: HttpRequest, reference: str) -> HttpResponse:
    """Show what was destroyed, when, under which rule, and what that cannot prove."""
    recording, signed = _certificate(request, reference)
    if signed.phase1 is None:
        return _hashes(request, recording, signed)
    body = DestructionCertificate.decode(bytes(signed.phase2 or signed.phase1), trust=None).body
    return render(
        request,
        "retention/certificate.html",
        {
            "recording": recording,
            "certificate": signed,
            "deletion": signed.deletion,
            "body": body,
            "number": body.cert_id.hex(),
            "erased_utc": from_ms(body.erased_at_ms),
            "irrecoverable_utc": from_ms(body.kek_destroyed_at_ms) if body.phase == 2 else None,
        },
    )


@page_for("see")
@require_GET
def certificate_file(request: HttpRequest, reference: str, phase: int) -> HttpResponse:
    """Send one phase of the certificate as signed."""
    _, signed = _certificate(request, reference)
    data = {1: signed.phase1, 2: signed.phase2}.get(phase)
    if not data:
        raise Http404
    name = f"{reference}-destruction-phase{phase}.cbor"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse(bytes(data), content_type="application/cose", headers=headers)


def _hashes(request: HttpRequest, recording: Recording, signed: Certificate) -> HttpResponse:
    """Show what is left of a certificate that was removed with the words of the trail: its number, dates and hashes."""
    phases = [(1, signed.phase1_utc, signed.phase1_sha256), (2, signed.phase2_utc, signed.phase2_sha256)]
    return render(
        request,
        "retention/certificate_removed.html",
        {
            "recording": recording,
            "deletion": signed.deletion,
            "number": bytes(signed.cert_id).hex(),
            "phases": [(phase, at, bytes(digest).hex()) for phase, at, digest in phases if digest is not None],
            "removal": signed.deletion.removal,
        },
    )


def _certificate(request: HttpRequest, reference: str) -> tuple[Recording, Certificate]:
    recording = seen_recording(request, reference)
    signed = getattr(deletion_of(recording), "certificate", None)
    if signed is None:
        raise Http404
    return recording, signed
