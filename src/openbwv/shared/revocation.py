"""Which certificates of the agency are no longer good.

Rule: a list counts when the agency CA signed it, and replaces another only with a higher CRL number, so a list held
back makes us late but an old one cannot bring a revoked key back. Its dates are not judged: a device may have been in a
drawer. Source: RFC 5280 section 5.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from openbwv.recording.errors import BwvError
from openbwv.shared.durable import write_durably


class BadRevocationList(BwvError):
    """A revocation list that the agency CA did not sign, or that is damaged."""

    code = "bad-crl"
    http_status = 400

    def __init__(self) -> None:
        super().__init__(
            what="The revocation list is damaged or was not signed by this force's agency CA.",
            remedy="Nothing was changed. Ask the fleet manager whether the dock belongs to this force.",
        )


@dataclass(frozen=True)
class Revocations:
    """The serial numbers of revoked certificates, as of the list with `number`; -1 when there is none yet."""

    number: int = -1
    serials: frozenset[int] = field(default_factory=frozenset)

    @classmethod
    def read(cls, pem: bytes, *, trust_pem: bytes) -> Self:
        """Return what a PEM list says after checking its signature; raises BadRevocationList."""
        agency = x509.load_pem_x509_certificate(trust_pem)
        try:
            crl = x509.load_pem_x509_crl(pem)
            key = agency.public_key()
            if crl.issuer != agency.subject or not isinstance(key, ec.EllipticCurvePublicKey):
                raise BadRevocationList
            key.verify(crl.signature, crl.tbs_certlist_bytes, ec.ECDSA(hashes.SHA256()))
            number = crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number
        except (ValueError, InvalidSignature, x509.ExtensionNotFound) as problem:
            raise BadRevocationList from problem
        return cls(number, frozenset(entry.serial_number for entry in crl))

    @classmethod
    def load(cls, path: Path, *, trust_pem: bytes) -> Self:
        """Return the list kept at `path`, or the empty one when there is no such file; raises BadRevocationList."""
        return cls.read(path.read_bytes(), trust_pem=trust_pem) if path.is_file() else cls()

    def names(self, certificate: x509.Certificate) -> bool:
        """Return whether `certificate` is revoked."""
        return certificate.serial_number in self.serials


def keep_newer(path: Path, pem: bytes, *, trust_pem: bytes) -> bool:
    """Store `pem` at `path` when its number is higher than that of the list there; return whether it was stored.

    Raises BadRevocationList when the agency did not sign it.
    """
    offered = Revocations.read(pem, trust_pem=trust_pem)
    if offered.number <= Revocations.load(path, trust_pem=trust_pem).number:
        return False
    write_durably(path, pem, replace=True)
    return True
