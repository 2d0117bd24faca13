"""Reads about cameras and docks."""

from typing import Any

from cryptography import x509

from openbwv.server.clock import to_ms, utc
from openbwv.server.fleet.models import Assignment, Camera, DeviceState, Dock
from openbwv.server.vault.force import force
from openbwv.shared import agency
from openbwv.shared.clock import Clock


def chain_of(device: Camera | Dock) -> list[bytes]:
    """Return a device's certificate chain, DER: its own, then the agency CA."""
    leaf = x509.load_pem_x509_certificate(device.certificate.encode("ascii"))
    root = x509.load_pem_x509_certificate(force().trust_pem)
    return [agency.to_der(leaf), agency.to_der(root)]


def current_assignments(clock: Clock) -> dict[int, Assignment]:
    """Return the assignment in force of each camera that has one, by the camera's id; the newest counts."""
    now = utc(clock)
    found = Assignment.objects.filter(from_utc__lte=now, until_utc__gt=now).select_related("person").order_by("id")
    return {assignment.camera_id: assignment for assignment in found}


def who_has_which(clock: Clock) -> list[dict[str, Any]]:
    """Return every enrolled camera with who has it and until when, as a dock's page shows it."""
    held = current_assignments(clock)
    rows = []
    for camera in Camera.objects.filter(state=DeviceState.ENROLLED):
        assignment = held.get(camera.pk)
        rows.append(
            {
                "kid": camera.kid,
                "name": camera.name,
                "state": camera.state,
                "person": str(assignment.person) if assignment and assignment.person else None,
                "until_ms": to_ms(assignment.until_utc) if assignment else None,
            }
        )
    return rows
