"""Every private key of a force, in one place that only the key service opens.

Holds: the agency CA; the keys that sign receipts, records, exports, fleet messages (P-256) and the log (Ed25519);
the epoch keys that cameras wrap to (P-256); the retention keys (KEKs, AES-256) that wrap every recording's key.
`save` writes all of it durably before anything made with a new key leaves the process.
"""

import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cbor2
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from openbwv.custody import make_vkey
from openbwv.server.vault.keyd import sealed_file
from openbwv.server.vault.keyd.errors import EpochKeyDestroyed, KeyDestroyed, KeyringDamaged, KeyUnknown
from openbwv.shared import agency

VERSION = 1
SIGNING = {
    "receipt": agency.Profile.RECEIPT,
    "records": agency.Profile.RECORDS,
    "export": agency.Profile.EXPORT,
    "fleet": agency.Profile.FLEET,
}
SERVICE_DAYS = 3650  # receipts and certificates must be checkable for as long as the agency CA stands


@dataclass
class Epoch:
    """A key that cameras wrap to from `from_ms` on; `private` is None once destroyed."""

    id: str
    from_ms: int
    public: bytes
    private: ec.EllipticCurvePrivateKey | None


@dataclass
class RetentionKey:
    """A key that wraps the recordings' keys; `key` is None once destroyed."""

    id: str
    from_ms: int
    key: bytes | None


@dataclass
class Keyring:
    """The opened keyring. Not safe to share between threads: the service holds a lock around it."""

    file: sealed_file.SealedFile
    name: str
    origin: str
    agency_key: ec.EllipticCurvePrivateKey
    agency_cert: x509.Certificate
    signing: dict[str, tuple[ec.EllipticCurvePrivateKey, x509.Certificate]]
    log_key: ed25519.Ed25519PrivateKey
    log_cert: x509.Certificate
    epochs: list[Epoch] = field(default_factory=list)
    keks: list[RetentionKey] = field(default_factory=list)
    earlier_logs: dict[str, bytes] = field(default_factory=dict)  # origin -> certificate (DER) of a log that ended

    @property
    def vkey(self) -> str:
        """The log's verifier key as a line of text (C2SP signed-note)."""
        return make_vkey(self.origin, self.log_key.public_key().public_bytes_raw())

    @property
    def epoch(self) -> Epoch:
        """The epoch that cameras are given now."""
        return self.epochs[-1]

    @property
    def kek(self) -> RetentionKey:
        """The retention key that wraps now."""
        return self.keks[-1]

    def epoch_private(self, epoch_id: str) -> ec.EllipticCurvePrivateKey:
        """Return an epoch's private key; raises KeyUnknown, KeyDestroyed."""
        for epoch in self.epochs:
            if epoch.id == epoch_id:
                if epoch.private is None:
                    raise EpochKeyDestroyed(
                        what=f"The epoch key {epoch_id} was destroyed.", remedy="What was sealed to it stays sealed."
                    )
                return epoch.private
        raise _unknown(f"epoch key {epoch_id}")

    def kek_key(self, kek_id: str) -> bytes:
        """Return a retention key; raises KeyUnknown, KeyDestroyed."""
        for kek in self.keks:
            if kek.id == kek_id:
                if kek.key is None:
                    raise _destroyed(f"retention key {kek_id}")
                return kek.key
        raise _unknown(f"retention key {kek_id}")

    def is_destroyed(self, kek_id: str) -> bool:
        """Say whether this retention key was ours and is destroyed."""
        return any(kek.id == kek_id and kek.key is None for kek in self.keks)

    def add_epoch(self, *, utc_ms: int) -> Epoch:
        """Make the next epoch's key and save."""
        key = ec.generate_private_key(ec.SECP256R1())
        epoch = Epoch(id=_name("e", utc_ms), from_ms=utc_ms, public=_point(key.public_key()), private=key)
        self.epochs.append(epoch)
        self._save_or(self.epochs.pop)
        return epoch

    def add_kek(self, *, utc_ms: int) -> RetentionKey:
        """Make the next retention key and save."""
        kek = RetentionKey(id=_name("k", utc_ms), from_ms=utc_ms, key=secrets.token_bytes(32))
        self.keks.append(kek)
        self._save_or(self.keks.pop)
        return kek

    def destroy_kek(self, kek_id: str) -> None:
        """Forget a retention key for ever and save."""
        self.kek_key(kek_id)
        for kek in self.keks:
            if kek.id == kek_id:
                kept, kek.key = kek.key, None
                self._save_or(lambda kek=kek, kept=kept: setattr(kek, "key", kept))

    def destroy_epoch(self, epoch_id: str) -> None:
        """Forget an epoch's private key for ever and save."""
        self.epoch_private(epoch_id)
        for epoch in self.epochs:
            if epoch.id == epoch_id:
                kept, epoch.private = epoch.private, None
                self._save_or(lambda epoch=epoch, kept=kept: setattr(epoch, "private", kept))

    def renew_log(self, *, origin: str) -> None:
        """Take a new key and origin for a new generation of the log, certify it and save."""
        before = self.origin, self.log_key, self.log_cert
        self.earlier_logs[self.origin] = agency.to_der(self.log_cert)
        self.origin, self.log_key = origin, ed25519.Ed25519PrivateKey.generate()
        self.log_cert = _service_cert(self.agency_key, self.agency_cert, self.log_key, agency.Profile.LOG, "log")
        self._save_or(lambda: self._put_log_back(*before))

    def save(self) -> None:
        """Write everything durably."""
        self.file.write(_pack(self))

    def _put_log_back(self, origin: str, key: ed25519.Ed25519PrivateKey, certificate: x509.Certificate) -> None:
        self.origin, self.log_key, self.log_cert = origin, key, certificate
        del self.earlier_logs[origin]

    def _save_or(self, undo: Any) -> None:
        try:
            self.save()
        except BaseException:
            undo()
            raise


def create(
    path: Path,
    *,
    name: str,
    origin: str,
    passphrase: str,
    recovery_code: str,
    pretend: bool,
    utc_ms: int,
    cost: sealed_file.Cost | None = None,
) -> Keyring:
    """Make a force's keys and write its keyring; `pretend` goes into the agency CA for good. Raises KeyringExists."""
    agency_key, agency_cert = agency.make_agency(name, pretend=pretend)
    signing = {}
    for use, profile in SIGNING.items():
        key = ec.generate_private_key(ec.SECP256R1())
        signing[use] = (key, _service_cert(agency_key, agency_cert, key, profile, use))
    log_key = ed25519.Ed25519PrivateKey.generate()
    keyring = Keyring(
        file=sealed_file.SealedFile(path=path, slots=[], master=b""),
        name=name,
        origin=origin,
        agency_key=agency_key,
        agency_cert=agency_cert,
        signing=signing,
        log_key=log_key,
        log_cert=_service_cert(agency_key, agency_cert, log_key, agency.Profile.LOG, "log"),
    )
    epoch_key = ec.generate_private_key(ec.SECP256R1())
    keyring.epochs.append(Epoch(_name("e", utc_ms), utc_ms, _point(epoch_key.public_key()), epoch_key))
    keyring.keks.append(RetentionKey(_name("k", utc_ms), utc_ms, secrets.token_bytes(32)))
    keyring.file = sealed_file.create(
        path, _pack(keyring), passphrase=passphrase, recovery_code=recovery_code, cost=cost
    )
    return keyring


def load(path: Path, secret: str) -> Keyring:
    """Open the keyring at `path`; raises PassphraseWrong, KeyringDamaged, KeyringOpenToOthers."""
    file, content = sealed_file.read(path, secret)
    try:
        return _unpack(file, cbor2.loads(content))
    except (cbor2.CBORDecodeError, KeyError, TypeError, ValueError) as problem:
        raise KeyringDamaged(
            what=f"The keyring {path} opens, but what is in it cannot be read.",
            remedy="It was written by another version; use that version, or a copy from `./bwv backup --keys`.",
        ) from problem


def _pack(ring: Keyring) -> bytes:
    return cbor2.dumps(
        {
            "v": VERSION,
            "name": ring.name,
            "origin": ring.origin,
            "agency": [_private(ring.agency_key), agency.to_der(ring.agency_cert)],
            "signing": {use: [_private(key), agency.to_der(cert)] for use, (key, cert) in ring.signing.items()},
            "log": [ring.log_key.private_bytes_raw(), agency.to_der(ring.log_cert)],
            "earlier_logs": ring.earlier_logs,
            "epochs": [[e.id, e.from_ms, e.public, _private(e.private) if e.private else None] for e in ring.epochs],
            "keks": [[k.id, k.from_ms, k.key] for k in ring.keks],
        }
    )


def _unpack(file: sealed_file.SealedFile, content: dict[str, Any]) -> Keyring:
    if content["v"] != VERSION:
        raise ValueError("another version")
    agency_key, agency_cert = content["agency"]
    log_key, log_cert = content["log"]
    return Keyring(
        file=file,
        name=content["name"],
        origin=content["origin"],
        agency_key=_p256(agency_key),
        agency_cert=x509.load_der_x509_certificate(agency_cert),
        signing={
            use: (_p256(key), x509.load_der_x509_certificate(cert)) for use, (key, cert) in content["signing"].items()
        },
        log_key=ed25519.Ed25519PrivateKey.from_private_bytes(log_key),
        log_cert=x509.load_der_x509_certificate(log_cert),
        epochs=[Epoch(i, at, public, _p256(key) if key else None) for i, at, public, key in content["epochs"]],
        keks=[RetentionKey(i, at, key) for i, at, key in content["keks"]],
        earlier_logs=dict(content.get("earlier_logs", {})),
    )


def _service_cert(agency_key: Any, agency_cert: Any, key: Any, profile: agency.Profile, name: str) -> x509.Certificate:
    return agency.issue(
        agency_key=agency_key,
        agency=agency_cert,
        public_key=key.public_key(),
        profile=profile,
        name=name,
        days=SERVICE_DAYS,
    )


def _name(prefix: str, utc_ms: int) -> str:
    return f"{prefix}{utc_ms}-{secrets.token_hex(4)}"


def _private(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _p256(der: bytes) -> ec.EllipticCurvePrivateKey:
    key = serialization.load_der_private_key(der, password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ValueError("not a P-256 key")
    return key


def _point(public_key: ec.EllipticCurvePublicKey) -> bytes:
    return public_key.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)


def _unknown(what: str) -> KeyUnknown:
    return KeyUnknown(
        what=f"The keyring has no {what}.", remedy="It belongs to another force, or to a newer copy of the keyring."
    )


def _destroyed(what: str) -> KeyDestroyed:
    return KeyDestroyed(what=f"The {what} was destroyed.", remedy="What it wrapped cannot be opened again, by anybody.")
