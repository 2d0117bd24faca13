"""A camera or a dock has its certificate renewed before it runs out.

Rule: the key stays, so recordings, assignments and standing stay whose they were; only the dates are new. Asked for
when under 90 of the 397 days are left; the server decides by its own clock, and only for a device that stands enrolled.
What comes back replaces the certificate held only if it is for the same key, name and use under the pinned agency, and
lasts longer. Source: docs/ref/door.md.
"""

from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from openbwv import recording as r
from openbwv.recording.certificates import ChainFacts
from openbwv.shared import agency, door
from openbwv.shared.door_client import DoorClient
from openbwv.shared.durable import write_durably

DUE_DAYS = 90
DAY_MS = 86_400_000


def is_due(leaf: x509.Certificate, *, utc_ms: int) -> bool:
    """Return whether a certificate has under 90 days left."""
    return leaf.not_valid_after_utc.timestamp() * 1000 - utc_ms < DUE_DAYS * DAY_MS


def renew(client: DoorClient, *, folder: Path, use: x509.ObjectIdentifier, trust: r.Trust, utc_ms: int) -> bool:
    """Renew the certificate in an identity folder if it is due; return whether there is a new one.

    Raises DoorError, CertificateError; the one held stays then.
    """
    path = folder / "chain.pem"
    held = r.check_chain(r.from_pem(path.read_bytes()), use=use)
    if not is_due(held.leaf, utc_ms=utc_ms):
        return False
    key = serialization.load_pem_private_key((folder / "key.pem").read_bytes(), password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise r.CertificateError(f"The key in {folder} is of the wrong kind.")
    csr = agency.make_csr(key, str(held.san_uri).rpartition(":")[2])
    answer = client.post("/renewals", {"csr": door.to_base64(csr)})
    chain = [door.from_base64(each, "renewal") for each in answer.get("chain") or []]
    _check(r.check_chain(chain, use=use), held, trust)
    write_durably(path, r.to_pem(chain), replace=True)
    return True


def _check(new: ChainFacts, held: ChainFacts, trust: r.Trust) -> None:
    same = (new.kid, new.san_uri) == (held.kid, held.san_uri)
    longer = new.leaf.not_valid_after_utc > held.leaf.not_valid_after_utc
    if not same or not longer or trust.judge(new) != "trusted":
        raise door.bad_answer("the renewal, which is no longer certificate for this device,")
