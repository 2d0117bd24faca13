"""Who is speaking: a nonce answered by a signature, then a token bound to that key. No header is ever identity (R4).

A nonce is time (8 bytes, ms) || random (8) || HMAC(secret, both)[:16]: any process of this door can check it, it ends
after two minutes, and each is taken once by each process. A token is 256 random bits, kept hashed, looked up with every
request together with its device's standing, so a revoked device is refused at its very next request.
"""

import hashlib
import hmac
import secrets
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.conf import settings

from openbwv.server.fleet.models import Camera, DeviceState, Dock
from openbwv.server.ingest import quick
from openbwv.server.ingest.errors import HelloRefused, Revoked, TokenExpired
from openbwv.server.ingest.models import Token
from openbwv.shared.door import TOKEN_SECONDS

NONCE_SECONDS = 120
MOST_NONCES = 100_000
TOKENS_OF_ONE_KEY = 64
MOST_TOKENS_KNOWN = 4096


@dataclass(frozen=True)
class Peer:
    """A device that proved its key: a camera, or a dock that brings what cameras recorded."""

    kind: str
    kid: str
    device: Camera | Dock

    @property
    def is_dock(self) -> bool:
        """Say whether it is a dock."""
        return self.kind == "dock"

    @property
    def label(self) -> str:
        """Return how events name it."""
        return f"{self.kind} {self.device.name}"


_known: dict[str, tuple[Peer, datetime]] = {}


class Nonces:
    """Makes nonces and takes each once."""

    def __init__(self) -> None:
        self._used: OrderedDict[bytes, None] = OrderedDict()
        self._lock = threading.Lock()

    def make(self) -> bytes:
        """Return a fresh nonce, 32 bytes."""
        head = time.time_ns().to_bytes(8, "big") + secrets.token_bytes(8)
        return head + _mac(head)

    def take(self, nonce: bytes) -> None:
        """Use a nonce up; raises HelloRefused when it is not ours, too old or used."""
        age_s = (time.time_ns() - int.from_bytes(nonce[:8], "big")) / 1e9
        good = len(nonce) == 32 and hmac.compare_digest(nonce[16:], _mac(nonce[:16])) and 0 <= age_s <= NONCE_SECONDS
        with self._lock:
            if not good or nonce in self._used:
                raise HelloRefused(
                    what="The inventory answers a nonce that is not this door's, is too old, or was used.",
                    remedy="Ask for a new one with GET /hello and sign again.",
                )
            self._used[nonce] = None
            while len(self._used) > MOST_NONCES:
                self._used.popitem(last=False)


def find_device(kid: str) -> Camera | Dock | None:
    """Return the camera or dock with this key, whatever its standing."""
    return Camera.objects.filter(kid=kid).first() or Dock.objects.filter(kid=kid).first()


def check_standing(device: Camera | Dock) -> None:
    """Raise Revoked for a revoked device. A lost camera that comes back is heard: it brings evidence."""
    if device.state == DeviceState.REVOKED:
        raise Revoked(f"{type(device).__name__} {device.name}")


def issue_token(device: Camera | Dock) -> str:
    """Return a new token bound to the device's key; old ones of the same key go when there are too many."""
    token = secrets.token_urlsafe(32)
    now = datetime.now(UTC)
    kind = "dock" if isinstance(device, Dock) else "camera"
    Token.objects.filter(expires__lt=now).delete()
    kept = Token.objects.filter(kid=device.kid).order_by("-expires").values_list("pk", flat=True)
    Token.objects.filter(pk__in=list(kept[TOKENS_OF_ONE_KEY - 1 :])).delete()
    Token.objects.create(
        token_hash=_hash(token), kid=device.kid, kind=kind, expires=now + timedelta(seconds=TOKEN_SECONDS)
    )
    return token


def who_asks(authorization: str) -> Peer:
    """Return the device behind an Authorization header; raises TokenExpired, Revoked.

    What a token says is remembered until it ends; that it is still good, and how its device stands, is asked anew with
    every request.
    """
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise TokenExpired
    token_hash = _hash(token.strip())
    peer, expires = _known.get(token_hash) or _look_up(token_hash)
    state = quick.standing_of(peer.kind, token_hash)
    if state is None or expires < datetime.now(UTC):
        _known.pop(token_hash, None)
        raise TokenExpired
    if state == DeviceState.REVOKED:
        raise Revoked(f"{type(peer.device).__name__} {peer.device.name}")
    return peer


def _look_up(token_hash: str) -> tuple[Peer, datetime]:
    row = Token.objects.filter(token_hash=token_hash).first()
    model = Dock if row is not None and row.kind == "dock" else Camera
    device = model.objects.filter(kid=row.kid).first() if row else None
    if row is None or device is None:
        raise TokenExpired
    if len(_known) >= MOST_TOKENS_KNOWN:
        _known.clear()
    return _known.setdefault(token_hash, (Peer(row.kind, row.kid, device), row.expires))


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _mac(head: bytes) -> bytes:
    key = hashlib.sha256(b"openbwv/door-nonce/v1" + settings.SECRET_KEY.encode()).digest()
    return hmac.digest(key, head, "sha256")[:16]
