"""What every state folder holds from its first moment: folders, Django's secret, the door's TLS key."""

import secrets
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec

from openbwv.server.vault.keyd import keyring
from openbwv.server.vault.store import ANCHOR_FILE, anchor_of
from openbwv.shared import agency
from openbwv.shared.durable import make_folder, write_durably

FOLDERS = ("run", "tls", "vault", "aside")
STORES = ("vault", "aside")  # may be disks of their own


def lay_folders(state: Path) -> None:
    """Make the folders of a new state and its secret key."""
    for name in FOLDERS:
        make_folder(state / name)
    write_durably(state / "secret_key", secrets.token_urlsafe(48).encode())


def lay_anchors(state: Path, fingerprint: str) -> None:
    """Put into each new store what proves that it is this force's, and mounted; raises AlreadyThere."""
    for name in STORES:
        write_durably(state / name / ANCHOR_FILE, anchor_of(name, fingerprint))


def write_door(state: Path, ring: keyring.Keyring, hosts: list[str] | None) -> None:
    """Give the door its own TLS key (TLS reads files only, so it is not in the keyring) and an empty CRL."""
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = agency.issue(
        agency_key=ring.agency_key,
        agency=ring.agency_cert,
        public_key=key.public_key(),
        profile=agency.Profile.DOOR,
        name="door",
        hosts=hosts or ["localhost", "127.0.0.1"],
        days=keyring.SERVICE_DAYS,
    )
    tls = state / "tls"
    write_durably(tls / "door.key", agency.key_to_pem(key))
    write_durably(tls / "door.pem", agency.to_pem([certificate, ring.agency_cert]), mode=0o644)
    crl = agency.make_crl(agency_key=ring.agency_key, agency=ring.agency_cert, revoked=[], number=0)
    write_durably(tls / "crl.pem", crl, mode=0o644)
