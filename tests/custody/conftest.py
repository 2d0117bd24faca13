"""A log of a force, its key, and a hand that fails when told."""

from dataclasses import dataclass, field

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from openbwv.custody import Log, MemoryPlace, MemoryStorage, create_log, make_vkey, open_log

ORIGIN = "force.example/log"


@dataclass
class Force:
    """One force's log in memory: files, outside place and key."""

    key: Ed25519PrivateKey = field(default_factory=lambda: Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
    storage: MemoryStorage = field(default_factory=MemoryStorage)
    place: MemoryPlace = field(default_factory=MemoryPlace)
    name: str = ORIGIN

    @property
    def vkey(self) -> str:
        return make_vkey(self.name, self.key.public_key().public_bytes_raw())

    def create(self) -> Log:
        return create_log(self.storage, vkey=self.vkey, sign=self.key.sign, outside=self.place)

    def open(self, storage=None, place=None) -> Log:
        return open_log(storage or self.storage, vkey=self.vkey, sign=self.key.sign, outside=place or self.place)

    def grown(self, size: int, batch: int = 256) -> Log:
        """Return a new log with the entries `entries(size)`."""
        log = self.create()
        every = entries(size)
        for start in range(0, size, batch):
            log.append(every[start : start + batch])
        return log


def entries(size: int) -> list[bytes]:
    return [b"entry %d" % number for number in range(size)]


@pytest.fixture
def force() -> Force:
    return Force()
