"""The revocation list: every revoked device's certificate, signed by the agency CA, in STATE/tls/crl.pem.

The database decides: a revoked device is refused at its next request whatever the list says. The list travels with
every hello, so that docks and cameras refuse it as well, and the door's TLS reads it anew when it changes.
"""

from itertools import chain
from pathlib import Path

from cryptography import x509

from django.conf import settings
from django.db import transaction

from openbwv.server.clock import to_ms
from openbwv.server.fleet.models import Camera, DeviceState, Dock, RevocationList
from openbwv.server.vault.keys import key_client
from openbwv.shared.clock import Clock
from openbwv.shared.durable import write_durably

BESIDE_TRUST = "revocations.pem"  # beside the trust file, where `./bwv verify --trust` looks for it


def revocation_list() -> str | None:
    """Return the newest list, PEM, or None when there is none."""
    path = _path()
    return path.read_text(encoding="ascii") if path.is_file() else None


def publish_revocations(clock: Clock) -> bool:
    """Sign and write a new list if it would name others than the one there; return whether it did.

    Raises KeydUnavailable, DiskFull, WriteFailed; the worker tries again.
    """
    wanted = [(int(device.serial, 16), to_ms(device.revoked_utc)) for device in _revoked()]
    text = revocation_list()
    if text is not None:
        named = {entry.serial_number for entry in x509.load_pem_x509_crl(text.encode("ascii"))}
        if named == {serial for serial, _ in wanted}:
            return False
    with transaction.atomic():
        row, _ = RevocationList.objects.select_for_update().get_or_create(id=1)
        row.number += 1
        row.save()
        pem = key_client().crl(wanted, number=row.number)
        for path in (_path(), Path(settings.STATE) / BESIDE_TRUST):
            write_durably(path, pem, replace=True, mode=0o644)
    return True


def _revoked() -> list[Camera | Dock]:
    gone = {"state": DeviceState.REVOKED}
    return list(chain(Camera.objects.filter(**gone), Dock.objects.filter(**gone)))


def _path() -> Path:
    return Path(settings.STATE) / "tls" / "crl.pem"
