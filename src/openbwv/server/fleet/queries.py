"""Reads about cameras and docks."""

from typing import Any

from cryptography import x509

from django.db.models import Exists, F, OuterRef, Q

from openbwv.server.clock import to_ms, utc
from openbwv.server.fleet.models import Assignment, Camera, DeviceState, Dock, WriteOff, WriteOffState
from openbwv.server.people.models import Person
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
    found = (
        Assignment.objects.filter(from_utc__lte=now, until_utc__gt=now)
        .select_related("person", "camera")
        .order_by("id")
    )
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


def cameras_of(person: Person, clock: Clock) -> list[Assignment]:
    """Return the assignments in force by which `person` has a camera now."""
    return [each for each in current_assignments(clock).values() if each.person_id == person.pk]


def not_brought_back(person: Person, clock: Clock) -> list[Assignment]:
    """Return the assignments of `person` that are over and whose camera has not been docked since it was taken.

    Only the newest assignment of a camera counts: whoever took it next answers for it.
    """
    over = Assignment.objects.filter(person=person, until_utc__lte=utc(clock), camera__state=DeviceState.ENROLLED)
    newer = Assignment.objects.filter(camera=OuterRef("camera"), from_utc__gt=OuterRef("from_utc"))
    away = Q(camera__last_docked_utc=None) | Q(camera__last_docked_utc__lt=F("from_utc"))
    return list(over.filter(away, ~Exists(newer)).select_related("camera").order_by("until_utc"))


def open_write_off(camera: Camera) -> WriteOff | None:
    """Return the camera's write-off that is proposed or confirmed, if there is one."""
    waiting = (WriteOffState.PROPOSED, WriteOffState.CONFIRMED)
    return camera.write_offs.filter(state__in=waiting).select_related("camera", "proposed_by", "decided_by").first()
