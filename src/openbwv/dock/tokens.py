"""Nonces of hellos and the tokens they earn.

Rule: a nonce is good once and for two minutes; a token for fifteen, bound to the key that signed the hello, and kept
only as its SHA-256. Both live in memory: after a restart every camera says hello again. No header is ever identity.
"""

import hashlib
import threading
from collections.abc import Callable
from dataclasses import dataclass

from openbwv.dock.errors import BadHello, TokenWrong
from openbwv.shared.door import TOKEN_SECONDS

NONCE_SECONDS = 120
MOST_NONCES = 1024
NS = 1_000_000_000


@dataclass(frozen=True)
class Visitor:
    """A device that has proved who it is: its key, and the name in its certificate."""

    kid: bytes
    name: str


class Tokens:
    """Hands out nonces and tokens; safe to share between threads."""

    def __init__(self, *, random: Callable[[int], bytes], mono_ns: Callable[[], int]) -> None:
        self._random = random
        self._mono_ns = mono_ns
        self._lock = threading.Lock()
        self._nonces: dict[bytes, int] = {}
        self._tokens: dict[bytes, tuple[int, Visitor]] = {}

    def new_nonce(self) -> bytes:
        """Return a fresh nonce; the oldest is forgotten when there are too many."""
        nonce = self._random(32)
        with self._lock:
            while len(self._nonces) >= MOST_NONCES:
                self._nonces.pop(next(iter(self._nonces)))
            self._nonces[nonce] = self._mono_ns() + NONCE_SECONDS * NS
        return nonce

    def use_nonce(self, nonce: bytes) -> None:
        """Use up a nonce; raises BadHello when it is unknown, used or over."""
        with self._lock:
            good_until = self._nonces.pop(nonce, 0)
        if self._mono_ns() > good_until:
            raise BadHello("its nonce is unknown, was used before or is more than two minutes old.")

    def issue(self, visitor: Visitor) -> str:
        """Return a new token for a device that has proved itself."""
        token = self._random(32).hex()
        now = self._mono_ns()
        with self._lock:
            self._tokens = {key: value for key, value in self._tokens.items() if value[0] > now}
            self._tokens[_hash(token)] = (now + TOKEN_SECONDS * NS, visitor)
        return token

    def check(self, authorization: str) -> Visitor:
        """Return whose token an Authorization header carries; raises TokenWrong."""
        scheme, _, token = authorization.partition(" ")
        with self._lock:
            good_until, visitor = self._tokens.get(_hash(token.strip()), (0, None))
        if scheme.lower() != "bearer" or visitor is None or self._mono_ns() > good_until:
            raise TokenWrong
        return visitor

    def revoke(self, kids: frozenset[bytes]) -> None:
        """Forget every token of these keys."""
        with self._lock:
            self._tokens = {key: value for key, value in self._tokens.items() if value[1].kid not in kids}


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
