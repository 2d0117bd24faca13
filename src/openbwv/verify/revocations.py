"""Whether and when the agency revoked a camera's certificate: part of the answer to "who signed".

Rule: a list counts when the root of the camera's own chain, which the trust file names, signed it; of several the one
with the highest number. A certificate revoked before the recording's signed time vouches for nothing, so the signer is
unknown (exit 2). One revoked after it changes nothing, and is said. Source: RFC 5280 section 5.
Does not prove: that the signed time is true. It is the camera's own word; the log says when the recording arrived.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from openbwv.recording import Reason, RecordingFacts, Trust, Verdict, Weight
from openbwv.verify.files import small

LIST_FILE = "revocations.pem"
WHERE = "entry 0"


@dataclass(frozen=True)
class RevocationList:
    """One list: its number, when it was signed, and since when each serial number is revoked."""

    number: int
    signed: datetime
    since: dict[int, datetime]


def read_list(pem: bytes, root: x509.Certificate) -> RevocationList | None:
    """Return what a PEM list says, None unless `root` signed it."""
    try:
        crl = x509.load_pem_x509_crl(pem)
        key = root.public_key()
        if crl.issuer != root.subject or not isinstance(key, ec.EllipticCurvePublicKey):
            return None
        key.verify(crl.signature, crl.tbs_certlist_bytes, ec.ECDSA(hashes.SHA256()))
        number = crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number
        since = {entry.serial_number: entry.revocation_date_utc for entry in crl}
    except (ValueError, TypeError, InvalidSignature, x509.ExtensionNotFound):
        return None
    return RevocationList(number, crl.last_update_utc, since)


def list_beside(path: Path) -> list[bytes]:
    """Return the list that lies beside `path` (a trust file, or a file of a bundle), if there is one."""
    pem = small(path.with_name(LIST_FILE))
    return [] if pem is None else [pem]


def with_revocation(verdict: Verdict, lists: Iterable[bytes], trust: Trust | None) -> Verdict:
    """Return the verdict with what the newest list that counts says of the recording's camera; else as it was."""
    facts = verdict.facts
    if facts is None or trust is None or verdict.signer != "trusted":
        return verdict
    roots = [
        root for root in trust.roots if sha256(root.public_bytes(Encoding.DER)).digest() == facts.chain.root_sha256
    ]
    known = [found for pem in lists for root in roots if (found := read_list(pem, root)) is not None]
    if not known:
        return verdict
    newest = max(known, key=lambda each: each.number)
    since = newest.since.get(facts.chain.leaf.serial_number)
    unseen = tuple(reason for reason in verdict.not_checked if reason.code != "revocation")
    verdict = replace(verdict, not_checked=unseen)
    if since is None:
        said = f"The agency had not revoked that key's certificate by {_day(newest.signed)} (list {newest.number})."
        return replace(verdict, proves=(*verdict.proves, said)) if verdict.proves else verdict
    return _revoked(verdict, facts, since)


def _revoked(verdict: Verdict, facts: RecordingFacts, since: datetime) -> Verdict:
    signed = None if facts.opened_at_ms is None else datetime.fromtimestamp(facts.opened_at_ms / 1000, UTC)
    if signed is not None and signed < since:
        what = (
            f"The camera's certificate was revoked on {_day(since)}, after this recording's signed time, "
            f"{_day(signed)}. That time is the camera's own word; the log says when the recording arrived."
        )
        return verdict.with_more(not_checked=(Reason("revoked-later", WHERE, what, Weight.NOTE),))
    when = "its clock was not set" if signed is None else f"before this recording's signed time, {_day(signed)}"
    what = f"The camera's certificate was revoked on {_day(since)}; {when}. Nobody vouches for what it signed then."
    return verdict.with_more(reasons=(Reason("signer-revoked", WHERE, what, Weight.CANNOT_TELL),)).unsigned()


def _day(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
