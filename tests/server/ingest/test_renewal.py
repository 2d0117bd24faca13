"""Certificates are renewed for devices that stand enrolled, and only when they are due."""

import base64
import time

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from openbwv.custody import EventType
from openbwv.server.fleet.models import DeviceState
from openbwv.server.trail.models import Event
from openbwv.shared import agency

pytestmark = pytest.mark.django_db
DAY_MS = 86_400_000


def ask(door, key, name="0417"):
    csr = base64.b64encode(agency.make_csr(key, name)).decode()
    return door.ask("POST", "/renewals", b'{"csr": "%s"}' % csr.encode())


def age(door, row, key, profile, *, left_days, hosts=()):
    """Give a device a certificate that has `left_days` left by the machine's clock."""
    days = left_days + (time.time_ns() // 1_000_000 - door.clock.utc_ms()) // DAY_MS
    ring = door.keyd.ring
    certificate = agency.issue(
        agency_key=ring.agency_key, agency=ring.agency_cert, public_key=key.public_key(), profile=profile,
        name=row.name, days=days, hosts=hosts,
    )  # fmt: skip
    row.certificate, row.serial = agency.to_pem([certificate]).decode(), f"{certificate.serial_number:x}"
    row.save()
    return certificate


def test_a_camera_that_is_due_gets_a_new_certificate_through_a_dock(door):
    old = age(door, door.camera_row, door.camera.key, agency.Profile.CAMERA, left_days=60)
    status, answer, _ = ask(door, door.camera.key)
    assert status == 200, answer
    new = x509.load_der_x509_certificate(base64.b64decode(answer["chain"][0]))
    assert new.public_key() == old.public_key()
    assert new.serial_number != old.serial_number
    door.camera_row.refresh_from_db()
    assert door.camera_row.serial == f"{new.serial_number:x}"
    event = Event.objects.filter(type=EventType.ENROL).latest("pk")
    assert (event.details["deed"], event.details["through"]) == ("renew-camera", "dock Lewisham-1")


def test_a_dock_renews_itself_and_keeps_its_addresses(door):
    hosts = ["127.0.0.1", "dock.example"]
    age(door, door.dock, door.dock_key, agency.Profile.DOCK, left_days=89, hosts=hosts)
    status, answer, _ = ask(door, door.dock_key, "Lewisham-1")
    assert status == 200, answer
    new = x509.load_der_x509_certificate(base64.b64decode(answer["chain"][0]))
    names = new.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["dock.example"]
    assert [str(each) for each in names.get_values_for_type(x509.IPAddress)] == ["127.0.0.1"]


def test_what_is_not_due_not_enrolled_not_known_or_not_ones_own_gets_none(door):
    age(door, door.camera_row, door.camera.key, agency.Profile.CAMERA, left_days=92)
    assert ask(door, door.camera.key)[:1] == (409,)
    age(door, door.camera_row, door.camera.key, agency.Profile.CAMERA, left_days=60)
    for state in (DeviceState.REVOKED, DeviceState.LOST):
        door.camera_row.state = state
        door.camera_row.save()
        assert ask(door, door.camera.key)[:1] == (403,)
    assert ask(door, ec.generate_private_key(ec.SECP256R1()))[:1] == (202,)
    assert door.ask("POST", "/renewals", b'{"csr": "AAAA"}')[0] == 400
    assert door.ask("POST", "/renewals", b'{"csr": "%"}')[0] == 400
    door.camera_row.state = DeviceState.ENROLLED
    door.camera_row.save()
    _, other = door.new_camera("0418")
    door.hello(other.key, other.chain)
    assert ask(door, door.camera.key)[:1] == (403,)
