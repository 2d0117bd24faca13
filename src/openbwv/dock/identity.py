"""Who this dock is: its key and certificate, the force's CA, where the server's door is.

Files in STORE/identity/: key.pem (0600, never leaves), chain.pem (leaf first), trust.pem, crl.pem, checkpoint (the
newest of the custody log), dock.json (name, door). They come from `./bwv dock enrol` with a one-time code that a fleet
manager made on the server.
"""

import json
from dataclasses import dataclass, replace
from pathlib import Path

import httpx
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from openbwv.custody import Checkpoint, CustodyError, open_note
from openbwv.dock.errors import NotADock
from openbwv.recording import certificates
from openbwv.recording.cose import SoftwareSigner
from openbwv.shared import agency, door, log_generation, renewal
from openbwv.shared.door_client import DoorClient, raise_for, unreachable
from openbwv.shared.durable import make_folder, write_durably
from openbwv.shared.revocation import Revocations, keep_newer
from openbwv.shared.tls import TlsIdentity

ENROL_PATH = "/fleet/enrol-dock"
ENROL_TIMEOUT_S = 30.0
FACTS = "dock.json"


@dataclass(frozen=True)
class DockIdentity:
    """A dock's own key, its certificate chain and what it trusts."""

    folder: Path
    name: str
    door_url: str | None
    signer: SoftwareSigner
    chain: tuple[bytes, ...]
    trust_pem: bytes

    @property
    def tls(self) -> TlsIdentity:
        """The files TLS needs."""
        return TlsIdentity(self.folder / "key.pem", self.folder / "chain.pem")

    @property
    def trust_file(self) -> Path:
        """The force's CA."""
        return self.folder / "trust.pem"

    @property
    def crl_file(self) -> Path:
        """The newest revocation list, if there is one."""
        return self.folder / "crl.pem"

    @property
    def checkpoint_file(self) -> Path:
        """The newest checkpoint of the custody log, signed; `./bwv restore --checkpoint` takes it."""
        return self.folder / "checkpoint"

    @property
    def spki(self) -> bytes:
        """The dock's public key, as its enrolment digits contain it."""
        return self.signer.public_der

    @property
    def door_name(self) -> str:
        """The name that its certificate gives it: the only one for which a camera signs a hello here."""
        facts = certificates.check_chain(self.chain, use=certificates.USE_DOCK)
        return (facts.san_uri or "").removeprefix(agency.Profile.DOCK.urn(""))

    def revocations(self) -> Revocations:
        """Return what the newest stored revocation list says."""
        return Revocations.load(self.crl_file, trust_pem=self.trust_pem)

    def keep_crl(self, crl: str) -> bool:
        """Store a newer revocation list; returns whether it was newer. Raises BadRevocationList."""
        return keep_newer(self.crl_file, crl.encode(), trust_pem=self.trust_pem)

    def renew(self, client: DoorClient, *, utc_ms: int) -> bool:
        """Renew this dock's certificate if it is due; returns whether it was. Raises DoorError, CertificateError."""
        trust = certificates.Trust.load(self.trust_pem)
        return renewal.renew(client, folder=self.folder, use=certificates.USE_DOCK, trust=trust, utc_ms=utc_ms)

    def read_again(self) -> "DockIdentity":
        """Return the same identity with the certificate that now lies in its folder."""
        chain = x509.load_pem_x509_certificates(self.tls.chain_file.read_bytes())
        return replace(self, chain=tuple(agency.to_der(each) for each in chain))

    def checkpoint(self, log_vkey: str) -> Checkpoint | None:
        """Return the newest checkpoint of the log with this key that was seen here, or None."""
        try:
            return open_note(self.checkpoint_file.read_text("utf-8"), log_vkey)
        except (OSError, CustodyError):
            return None  # none yet, or of the generation before: then it says nothing about this one

    def keep_checkpoint(self, note: str, log_vkey: str) -> bool:
        """Store the server's checkpoint if it does not contradict the one held; returns whether it may be handed on.

        Raises NoteRejected when the log's key did not sign it.
        """
        offered, held = open_note(note, log_vkey), self.checkpoint(log_vkey)
        if held is not None and (offered.size < held.size or (offered.size == held.size and offered != held)):
            return False
        if offered != held:
            write_durably(self.checkpoint_file, note.encode(), replace=True, mode=0o644)
        return True

    def newer_log_key(self, welcome: door.Welcome, *, pinned: str) -> str | None:
        """Pin the log key of a later generation and return it, None to stay; raises LogKeyRefused, NoteRejected."""
        newer = log_generation.newer_log_key(
            welcome.log_vkey,
            welcome.log_certificate,
            pinned=pinned,
            folder=self.folder,
            trust=certificates.Trust.load(self.trust_pem),
            revocations=self.revocations(),
            beginning=welcome.log_beginning,
            held=self.checkpoint(pinned),
        )
        if newer is not None:
            facts = json.loads((self.folder / FACTS).read_bytes()) | {"log_vkey": newer}
            write_durably(self.folder / FACTS, json.dumps(facts, indent=1).encode(), replace=True)
        return newer


def load_identity(store: Path) -> DockIdentity:
    """Read the identity of the dock in `store`; raises NotADock with what to do."""
    folder = store / "identity"
    try:
        facts = json.loads((folder / FACTS).read_bytes())
        key = serialization.load_pem_private_key((folder / "key.pem").read_bytes(), password=None)
        certificates_ = x509.load_pem_x509_certificates((folder / "chain.pem").read_bytes())
        trust_pem = (folder / "trust.pem").read_bytes()
        name, door_url = str(facts["name"]), facts.get("door")
    except (OSError, ValueError, KeyError) as problem:
        raise NotADock(
            what=f"There is no readable dock identity in {folder}: {problem}.",
            remedy="Run `./bwv dock enrol --server URL --code CODE --store DIR` with a code from the fleet manager.",
        ) from problem
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise NotADock(what=f"The key in {folder} is of the wrong kind.", remedy="Enrol this dock again.")
    chain = tuple(agency.to_der(each) for each in certificates_)
    signer = SoftwareSigner(key)
    _check(chain, trust_pem, signer)
    return DockIdentity(folder, name, door_url, signer, chain, trust_pem)


def log_vkey(identity: DockIdentity) -> str | None:
    """Return the key of the custody log, as enrolment said it."""
    value = json.loads((identity.folder / FACTS).read_bytes()).get("log_vkey")
    return value if isinstance(value, str) else None


def enrol(*, store: Path, server_url: str, code: str, name: str, hosts: list[str], trust: bytes | None) -> DockIdentity:
    """Make this dock's key, have it certified with the one-time `code`, and store everything; returns the identity.

    `trust` is the CA that the server's answer must carry, where the person has it already. Raises NotADock, DoorError.
    """
    folder = store / "identity"
    if (folder / FACTS).exists():
        raise NotADock(
            what=f"{folder} holds a dock's identity already.",
            remedy="Use another --store, or ask the fleet manager to revoke this dock and remove the folder.",
        )
    key = ec.generate_private_key(ec.SECP256R1())
    request = {"csr": door.to_base64(agency.make_csr(key, name)), "code": code, "hosts": hosts}
    try:
        answer = httpx.post(server_url.rstrip("/") + ENROL_PATH, json=request, timeout=ENROL_TIMEOUT_S, trust_env=False)
    except httpx.TransportError as problem:
        raise unreachable(server_url, problem) from problem
    raise_for(answer)
    value = door.read_json(answer.content, "dock enrolment")
    chain = tuple(door.from_base64(each, "dock enrolment") for each in value.get("chain") or [])
    trust_pem = str(value.get("trust", "")).encode()
    if trust is not None and trust_pem.split() != trust.split():
        raise NotADock(
            what="The server belongs to another force than the trust file you named.",
            remedy="Check the address with the fleet manager; nothing was stored.",
        )
    _check(chain, trust_pem, SoftwareSigner(key))
    make_folder(folder)
    write_durably(folder / "key.pem", agency.key_to_pem(key), replace=True)  # an enrolment cut short left one
    write_durably(folder / "chain.pem", agency.to_pem(map(x509.load_der_x509_certificate, chain)), replace=True)
    write_durably(folder / "trust.pem", trust_pem, replace=True, mode=0o644)
    facts = {"name": str(value.get("name") or name), "door": value.get("door"), "log_vkey": value.get("log_vkey")}
    if value.get("crl"):
        keep_newer(folder / "crl.pem", str(value["crl"]).encode(), trust_pem=trust_pem)
    write_durably(folder / FACTS, json.dumps(facts, indent=1).encode())  # last: its presence means "enrolled"
    return load_identity(store)


def _check(chain: tuple[bytes, ...], trust_pem: bytes, signer: SoftwareSigner) -> None:
    facts = certificates.check_chain(chain, use=certificates.USE_DOCK)
    if certificates.Trust.load(trust_pem).judge(facts) != "trusted" or facts.kid != signer.kid:
        raise NotADock(
            what="The dock's certificate is for another key or hangs under another CA.",
            remedy="Enrol this dock again with a new code from the fleet manager.",
        )
