"""The client of the key service. It imports no Django but where the state folder comes from (`key_client`)."""

import socket
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from openbwv.recording.errors import BwvError
from openbwv.server.vault.keyd import errors
from openbwv.server.vault.keyd.service import read_frame, write_frame

ANSWER_TIMEOUT_S = 30.0


class KeydRefused(BwvError):
    """The key service refused, with its own code, words and remedy."""

    code = "keyd-refused"


_ERRORS = {
    error.code: error
    for error in vars(errors).values()
    if isinstance(error, type) and issubclass(error, BwvError) and error is not BwvError
}


@dataclass(frozen=True)
class Wrap:
    """A recording's key as the key table holds it."""

    kek_id: str
    blob: bytes
    derived_blob: bytes


@dataclass(frozen=True)
class Shown:
    """What is shown to the key service: a leaf of the log, the event it commits to, its salt, and the leaf's proof."""

    leaf: bytes
    event: dict[str, Any]
    salt: bytes
    proof: bytes


class KeyClient:
    """Speaks to the key service; may be shared by threads. Every call raises KeydUnavailable when it is not there."""

    def __init__(self, path: Path | str) -> None:
        self._path = str(path)
        self._local = threading.local()

    def public(self) -> dict[str, Any]:
        """Return the certificates (DER), the log's name and key, the current epoch and retention key."""
        return self._ask("public")

    def sign(self, key: str, message: bytes) -> bytes:
        """Return the 64-byte signature of `message`: Ed25519 for "log", raw ES256 for the others."""
        return bytes(self._ask("sign", key=key, message=message)["signature"])

    def signer(self, key: str) -> "KeydSigner":
        """Return a recording.Signer for "receipt", "records", "export" or "fleet"."""
        certificates = self.public()["certificates"]
        return KeydSigner(client=self, key=key, chain=[certificates[key], certificates["agency"]])

    def issue(self, csr: bytes, *, profile: str, name: str, hosts: list[str] | tuple[str, ...] = ()) -> bytes:
        """Return the DER certificate for a request; profile "camera" or "dock"."""
        return bytes(self._ask("issue", csr=csr, profile=profile, name=name, hosts=list(hosts))["certificate"])

    def crl(self, revoked: list[tuple[int, int]], *, number: int) -> bytes:
        """Return the PEM revocation list of (serial, since utc_ms)."""
        return bytes(self._ask("crl", revoked=[list(each) for each in revoked], number=number)["pem"])

    def rewrap(self, key_cbor: bytes, *, rec_id: bytes, kid: bytes, dc: bytes) -> Wrap:
        """Have the camera's wrap opened, checked and wrapped under the retention key; raises KeyDoesNotOpen."""
        return Wrap(**self._ask("rewrap", key_cbor=key_cbor, rec_id=rec_id, kid=kid, dc=dc))

    def release(self, wrap: Wrap, *, rec_id: bytes, shown: "Shown") -> bytes:
        """Return a recording's key for a fresh VIEW or KEY_RELEASE leaf; raises ReleaseRefused, KeyDestroyed."""
        answer = self._ask("release", kek_id=wrap.kek_id, blob=wrap.blob, rec_id=rec_id, **vars(shown))
        return bytes(answer["key"])

    def release_derived(self, wrap: Wrap, *, rec_id: bytes) -> bytes:
        """Return the key of what was made from a recording; it opens no footage."""
        answer = self._ask("release_derived", kek_id=wrap.kek_id, blob=wrap.derived_blob, rec_id=rec_id)
        return bytes(answer["key"])

    def drop(self, rec_id: bytes, *, shown: "Shown") -> None:
        """Have the key refused for ever; raises DropRefused while the log does not allow it. Idempotent."""
        self._ask("drop", rec_id=rec_id, **vars(shown))

    def new_kek(self) -> str:
        """Return the name of a new retention key."""
        return str(self._ask("new_kek")["kek_id"])

    def wrap_anew(self, wraps: list[tuple[bytes, Wrap]]) -> list[Wrap]:
        """Return the same keys under the newest retention key, in the same order."""
        return [Wrap(**each) for each in self._ask("wrap_anew", entries=_rows(wraps))["wraps"]]

    def confirm(self, wraps: list[tuple[bytes, Wrap]], *, leaving: str) -> None:
        """Show that these keys open without the retention key `leaving`; raises RotationRefused."""
        self._ask("confirm", leaving=leaving, entries=_rows(wraps))

    def destroy_kek(self, kek_id: str) -> None:
        """Destroy a retention key; raises RotationRefused while a live recording was not confirmed."""
        self._ask("destroy_kek", kek_id=kek_id)

    def new_epoch(self) -> str:
        """Return the name of a new epoch key."""
        return str(self._ask("new_epoch")["id"])

    def destroy_epoch(self, epoch_id: str) -> None:
        """Destroy an old epoch's private key."""
        self._ask("destroy_epoch", epoch_id=epoch_id)

    def _ask(self, op: str, **arguments: Any) -> dict[str, Any]:
        for attempt in (1, 2):  # keyd may have been restarted since the last request: one new connection, then give up
            try:
                connection = self._connection()
                write_frame(connection, {"op": op, **arguments})
                answer = read_frame(connection)
                if answer is None:
                    raise ConnectionError("it hung up")
                break
            except (OSError, ConnectionError) as problem:
                fresh = self._forget()
                if attempt == 2 or fresh:
                    raise errors.KeydUnavailable(
                        what=f"The key service does not answer ({problem}).",
                        remedy="Start it: ./bwv keyd --state STATE. Nothing is lost; what waits goes on by itself.",
                    ) from problem
        if "error" in answer:
            raise _as_error(answer["error"])
        self._local.used = True
        return dict(answer["ok"])

    def _connection(self) -> socket.socket:
        found: socket.socket | None = getattr(self._local, "connection", None)
        if found is None:
            found = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            found.settimeout(ANSWER_TIMEOUT_S)
            self._local.connection, self._local.used = found, False
            found.connect(self._path)
        return found

    def _forget(self) -> bool:
        """Close this thread's connection; return whether it had never carried an answer."""
        connection: socket.socket | None = getattr(self._local, "connection", None)
        if connection is not None:
            connection.close()
        self._local.connection = None
        return not getattr(self._local, "used", False)


@dataclass(frozen=True)
class KeydSigner:
    """A recording.Signer whose private key stays in the key service."""

    client: KeyClient
    key: str
    chain: list[bytes]

    @property
    def public_der(self) -> bytes:
        """The key's SubjectPublicKeyInfo, DER."""
        from cryptography import x509

        from openbwv.shared.agency import spki_of

        return spki_of(x509.load_der_x509_certificate(self.chain[0]).public_key())  # type: ignore[arg-type]

    @property
    def kid(self) -> bytes:
        """The key's identifier: SHA-256 of its SubjectPublicKeyInfo."""
        import hashlib

        return hashlib.sha256(self.public_der).digest()

    def sign(self, data: bytes) -> bytes:
        """Return the raw ES256 signature (r || s, 64 bytes) of `data`."""
        return self.client.sign(self.key, data)


def key_client() -> KeyClient:
    """Return the client of this force's key service."""
    from django.conf import settings

    return _client_at(str(Path(settings.STATE) / "run" / "keyd.sock"))


_clients: dict[str, KeyClient] = {}


def _client_at(path: str) -> KeyClient:
    return _clients.setdefault(path, KeyClient(path))


def _rows(wraps: list[tuple[bytes, Wrap]]) -> list[list[Any]]:
    return [[rec_id, each.kek_id, each.blob, each.derived_blob] for rec_id, each in wraps]


def _as_error(value: dict[str, Any]) -> BwvError:
    known = _ERRORS.get(str(value.get("code")))
    error = (known or KeydRefused)(what=str(value.get("what")), remedy=str(value.get("remedy")))
    if known is None:
        error.code = str(value.get("code"))  # a refusal of another room (a bad proof, a full disk) keeps its own code
        error.http_status = int(value.get("status", 500))
    return error
