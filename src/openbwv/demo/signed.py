"""Judge a signed message as a stranger would: cbor2 takes it apart, OpenSSL checks signature and chain.

Nothing here knows more than docs/ref/recording-format.md says: a COSE_Sign1 (RFC 9052) with ES256, whose chain travels
in the unprotected header 33 and counts only if its leaf has the signed key and is for messages of this kind.
"""

import base64
import hashlib
import ssl
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from openbwv.demo import judges

ARC = "2.25.338029168601376529075508475928103131891.1"
COSE_SIGN1, ES256 = 18, -7
ALG, KID, KIND, CHAIN = 1, 4, 16, 33
SIGNATURE_WRONG = "The signature does not hold."


@dataclass(frozen=True)
class Kind:
    """A kind of message: in words, its typ, and the use its signer's certificate must have."""

    words: str
    typ: str
    use: str


DESTRUCTION = Kind("a destruction certificate", "application/vnd.openbwv.destruction+cbor", f"{ARC}.5")
RECEIPT = Kind("an evidence receipt", "application/vnd.openbwv.receipt+cbor", f"{ARC}.3")


def body_of(message: bytes) -> dict[int, Any]:
    """Return the fields of a message by their numbers; nothing is checked. ValueError and its kin when it is none."""
    _, _, payload, _ = cbor2.loads(message).value
    return dict(cbor2.loads(payload))


def objection(message: bytes, trust: Path, kind: Kind, *, at_s: int) -> str:
    """Return why nobody should believe a message at a time in s since 1970, or "" when everything holds."""
    try:
        tagged = cbor2.loads(message)
        protected, unprotected, payload, signature = tagged.value
        header, chain = cbor2.loads(protected), unprotected[CHAIN]
    except (cbor2.CBORDecodeError, AttributeError, KeyError, TypeError, ValueError) as problem:
        return f"It is no COSE_Sign1 with a chain: {problem}"
    if tagged.tag != COSE_SIGN1 or header.get(ALG) != ES256 or header.get(KIND) != kind.typ or len(signature) != 64:
        return f"It is not {kind.words} signed with ES256."
    with tempfile.TemporaryDirectory(prefix="bwv-judge-") as name:
        folder = Path(name)
        pem = folder / "chain.pem"
        pem.write_text("".join(ssl.DER_cert_to_PEM_cert(each) for each in chain), encoding="ascii")
        if not judges.chain_holds(pem, trust, at_s=at_s):
            return "Its chain does not lead to the trust file."
        if kind.use not in judges.certificate_facts(pem):
            return "Its signer's certificate is for something else."
        public = folder / "public.pem"
        public.write_text(judges.public_key(pem), encoding="ascii")
        der = base64.b64decode("".join(public.read_text(encoding="ascii").split("-----")[2].split()))
        if hashlib.sha256(der).digest() != header.get(KID):
            return "The chain is another signer's."
        structure = cbor2.dumps(["Signature1", protected, b"", payload])
        return "" if _openssl_verifies(folder, public, signature, structure) else SIGNATURE_WRONG


def _openssl_verifies(folder: Path, public: Path, signature: bytes, data: bytes) -> bool:
    """Return what `openssl dgst -verify` says of r || s over `data`; OpenSSL wants the two numbers in DER."""
    numbers = (int.from_bytes(half, "big") for half in (signature[:32], signature[32:]))
    (folder / "signature.der").write_bytes(encode_dss_signature(*numbers))
    (folder / "data").write_bytes(data)
    command = ["openssl", "dgst", "-sha256", "-verify", public, "-signature", folder / "signature.der", folder / "data"]
    ended = subprocess.run(command, capture_output=True, timeout=judges.LIMIT_S, check=False)
    return ended.returncode == 0
