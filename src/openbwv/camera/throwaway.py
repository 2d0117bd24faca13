"""A throw-away identity: its recordings verify against their own trust file, and no force accepts them."""

import secrets
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from openbwv import recording as r
from openbwv.camera.identity import TEST_MARK, URN
from openbwv.shared.agency import key_to_pem
from openbwv.shared.durable import make_folder, write_durably

ORGANISATION = "OpenBWV test identity (accepted by no force)"
EPOCH_ID = "test-epoch"


def make_test_identity(store: Path, *, name: str, utc_ms: int) -> None:
    """Make key, own CA, certificate and epoch key below `store`/identity and `store`/trust.pem; raises WriteFailed.

    The CA's key is forgotten at once. The epoch's private half stays in identity/test-epoch.pem, so that a developer
    can open what was recorded: footage under this identity is sealed, but not secret.
    """
    folder = store / "identity"
    if (folder / TEST_MARK).exists():
        return
    make_folder(folder)
    ca_key, camera_key, fleet_key, epoch_key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(4))
    root = r.make_root(ca_key, organisation=ORGANISATION, serial=_serial(), from_utc_ms=utc_ms - 3_600_000)

    def certify(key: ec.EllipticCurvePrivateKey, use: x509.ObjectIdentifier, common_name: str, uri: str) -> bytes:
        return r.issue(
            key.public_key(),
            root_der=root,
            root_key=ca_key,
            use=use,
            common_name=common_name,
            serial=_serial(),
            from_utc_ms=utc_ms - 3_600_000,
            days=397,
            san=[x509.UniformResourceIdentifier(uri)],
        )

    camera = certify(camera_key, r.USE_CAMERA, name, URN + name)
    fleet = certify(fleet_key, r.USE_FLEET, "fleet", "urn:bwv:fleet:test")
    public = epoch_key.public_key().public_bytes(
        serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
    )
    epoch = r.EpochKey(EPOCH_ID, public, utc_ms).encode(r.SoftwareSigner(fleet_key), [fleet, root])
    files = {
        "key.pem": key_to_pem(camera_key),
        "chain.pem": r.to_pem([camera, root]),
        "trust.pem": r.to_pem([root]),
        "epoch.cbor": epoch,
        "test-epoch.pem": key_to_pem(epoch_key),
        TEST_MARK: b"",
    }
    for file_name, data in files.items():
        write_durably(folder / file_name, data, replace=True)
    write_durably(store / "trust.pem", files["trust.pem"], replace=True, mode=0o644)


def _serial() -> int:
    return int.from_bytes(secrets.token_bytes(16), "big") >> 1 | 1
