"""A device that stands enrolled gets a new certificate for its own key before the old one runs out.

Who may ask: the device itself, or a dock for a camera that stands in it; the request is signed by the key it is for.
Dates are the system's, never a pretend clock's: TLS would not accept others.
"""

import time

from cryptography import x509

from django.db import transaction

from openbwv.custody import EventType
from openbwv.server.fleet.models import Camera, DeviceState, Dock
from openbwv.server.fleet.queries import chain_of
from openbwv.server.ingest.errors import NotDue, NotYours, Revoked, UnknownDevice
from openbwv.server.ingest.tokens import Peer, find_device
from openbwv.server.trail.actions import log_event
from openbwv.server.vault.keys import key_client
from openbwv.shared import agency
from openbwv.shared.clock import Clock
from openbwv.shared.renewal import is_due


def renew_certificate(csr: bytes, peer: Peer, clock: Clock) -> list[bytes]:
    """Return the new chain (DER) of the device whose key signed `csr`.

    Raises BadRequest, UnknownDevice, NotYours, Revoked, NotDue, KeydUnavailable.
    """
    kid = agency.kid_of(agency.read_csr(csr).public_key()).hex()  # type: ignore[arg-type]
    with transaction.atomic():
        device = find_device(kid)
        if device is None:
            raise UnknownDevice(kid)
        kind = type(device).__name__.lower()
        if kid != peer.kid and not (peer.is_dock and isinstance(device, Camera)):
            raise NotYours(what="This is another device's key.", remedy="Ask for your own.")
        if device.state != DeviceState.ENROLLED:
            raise Revoked(f"{kind.title()} {device.name}")
        old = x509.load_pem_x509_certificate(device.certificate.encode("ascii"))
        if not is_due(old, utc_ms=time.time_ns() // 1_000_000):
            raise NotDue(f"{kind.title()} {device.name}")
        der = key_client().issue(csr, profile=kind, name=_name(old), hosts=_hosts(old))
        _replace(device, x509.load_der_x509_certificate(der))
        details = {"deed": f"renew-{kind}", kind: device.name, "kid": kid, "through": peer.label}
        log_event(EventType.ENROL, actor_label="door", rule="renewal", details=details, clock=clock)
    return chain_of(device)


def _replace(device: Camera | Dock, certificate: x509.Certificate) -> None:
    device.certificate = agency.to_pem([certificate]).decode("ascii")
    device.serial = f"{certificate.serial_number:x}"
    device.save(update_fields=["certificate", "serial"])


def _names(certificate: x509.Certificate) -> x509.SubjectAlternativeName:
    return certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value


def _name(certificate: x509.Certificate) -> str:
    return _names(certificate).get_values_for_type(x509.UniformResourceIdentifier)[0].rpartition(":")[2]


def _hosts(certificate: x509.Certificate) -> list[str]:
    names = _names(certificate)
    addresses = [str(each) for each in names.get_values_for_type(x509.IPAddress)]
    return names.get_values_for_type(x509.DNSName) + addresses
