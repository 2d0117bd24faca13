"""The keyring on disk: one sealed file that a passphrase or the recovery code opens.

File = CBOR map {"v": 1, "slots": [slot, …], "nonce": 12 B, "sealed": AES-256-GCM(master, content)}
slot = {"kind": "passphrase" | "recovery", "kdf": {"memory_kib", "iterations", "lanes"}, "salt": 16 B, "nonce": 12 B,
        "wrapped": AES-256-GCM(Argon2id(secret), master)}

The master key is random and new with every keyring; a slot is one way to it (as in LUKS). Argon2id: RFC 9106.
Proves: nobody without a secret of one slot read or changed the content. Does not prove: that it is the newest version;
an older copy of the file opens as well, which is why rotation replaces the copy kept elsewhere (docs/ref/keys.md).
"""

import os
import secrets
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cbor2
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from openbwv.server.vault.keyd.errors import KeyringDamaged, KeyringExists, KeyringOpenToOthers, PassphraseWrong
from openbwv.shared import durable

VERSION = 1
SLOT_LABEL = b"openbwv/keyring/slot/v1"
CONTENT_LABEL = b"openbwv/keyring/content/v1"
LIMIT_BYTES = 64 << 20
MEMORY_LIMIT_KIB = 1 << 20  # a file that asks for more is damaged or hostile


@dataclass(frozen=True)
class Cost:
    """What one guess costs: RFC 9106's second recommended choice by default."""

    memory_kib: int = 64 * 1024
    iterations: int = 3
    lanes: int = 4


@dataclass
class SealedFile:
    """An opened keyring file: its master key stays in this process, its slots are kept as they are."""

    path: Path
    slots: list[dict[str, Any]]
    master: bytes

    def write(self, content: bytes, *, replace: bool = True) -> None:
        """Seal `content` and put it on disk; raises DiskFull or WriteFailed, then the file is as it was.

        The blocks of the version it replaces are overwritten afterwards: on most disks that is all a file can do.
        """
        nonce = secrets.token_bytes(12)
        sealed = AESGCM(self.master).encrypt(nonce, content, CONTENT_LABEL)
        data = cbor2.dumps({"v": VERSION, "slots": self.slots, "nonce": nonce, "sealed": sealed})
        old = os.open(self.path, os.O_WRONLY | os.O_CLOEXEC) if replace and self.path.exists() else None
        try:
            durable.write_durably(self.path, data, replace=replace)
            if old is not None:
                _overwrite(old)
        finally:
            if old is not None:
                os.close(old)


def create(path: Path, content: bytes, *, passphrase: str, recovery_code: str, cost: Cost | None = None) -> SealedFile:
    """Make a keyring file that either secret opens; raises KeyringExists."""
    if path.exists():
        raise KeyringExists(
            what=f"There is a keyring at {path} already.", remedy="Use another --state; a keyring is never replaced."
        )
    master = secrets.token_bytes(32)
    chosen = cost or Cost()
    slots = [_slot(kind, secret, master, chosen) for kind, secret in _secrets(passphrase, recovery_code)]
    sealed = SealedFile(path=path, slots=slots, master=master)
    sealed.write(content, replace=False)
    return sealed


def read(path: Path, secret: str) -> tuple[SealedFile, bytes]:
    """Open the keyring with a passphrase or a recovery code; return it and its content.

    Raises PassphraseWrong, KeyringDamaged, KeyringOpenToOthers.
    """
    outer = _outer(path)
    master = None
    for slot in outer["slots"]:
        master = master or _try_slot(slot, secret)
    if master is None:
        raise PassphraseWrong(
            what="The passphrase does not open the keyring.",
            remedy="Type it again, or use the recovery code of the printed sheet in its place.",
        )
    try:
        content = AESGCM(master).decrypt(outer["nonce"], outer["sealed"], CONTENT_LABEL)
    except (InvalidTag, ValueError) as problem:
        raise _damaged(path) from problem
    return SealedFile(path=path, slots=outer["slots"], master=master), content


def normalise_recovery_code(code: str) -> str:
    """Return a recovery code as it is used: capitals, without spaces and dashes."""
    return "".join(code.split()).replace("-", "").upper()


def _secrets(passphrase: str, recovery_code: str) -> list[tuple[str, str]]:
    return [("passphrase", passphrase), ("recovery", normalise_recovery_code(recovery_code))]


def _slot(kind: str, secret: str, master: bytes, cost: Cost) -> dict[str, Any]:
    salt, nonce = secrets.token_bytes(16), secrets.token_bytes(12)
    kdf = {"memory_kib": cost.memory_kib, "iterations": cost.iterations, "lanes": cost.lanes}
    wrapped = AESGCM(_stretch(secret, salt, kdf)).encrypt(nonce, master, SLOT_LABEL)
    return {"kind": kind, "kdf": kdf, "salt": salt, "nonce": nonce, "wrapped": wrapped}


def _try_slot(slot: dict[str, Any], secret: str) -> bytes | None:
    candidate = normalise_recovery_code(secret) if slot["kind"] == "recovery" else secret
    try:
        return AESGCM(_stretch(candidate, slot["salt"], slot["kdf"])).decrypt(
            slot["nonce"], slot["wrapped"], SLOT_LABEL
        )
    except InvalidTag:
        return None  # this slot is not for this secret; the caller raises when none is


def _stretch(secret: str, salt: bytes, kdf: dict[str, int]) -> bytes:
    return Argon2id(
        salt=salt, length=32, iterations=kdf["iterations"], lanes=kdf["lanes"], memory_cost=kdf["memory_kib"]
    ).derive(secret.encode())


def _outer(path: Path) -> dict[str, Any]:
    try:
        mode = path.stat().st_mode
        if mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise KeyringOpenToOthers(
                what=f"{path} may be read by others (mode {stat.S_IMODE(mode):04o}).",
                remedy=f"Run: chmod 600 {path} and find out who could read it.",
            )
        with path.open("rb") as file:
            outer = cbor2.loads(file.read(LIMIT_BYTES))
        _check_shape(outer)
    except OSError as problem:
        raise KeyringDamaged(
            what=f"The keyring {path} cannot be read: {problem.strerror}.",
            remedy="Check --state; otherwise bring the keyring back from the place of `./bwv backup --keys`.",
        ) from problem
    except (cbor2.CBORDecodeError, KeyError, TypeError, ValueError) as problem:
        raise _damaged(path) from problem
    return dict(outer)


def _check_shape(outer: dict[str, Any]) -> None:
    if outer["v"] != VERSION or not isinstance(outer["sealed"], bytes) or len(outer["nonce"]) != 12:
        raise ValueError("not a keyring")
    for slot in outer["slots"]:
        kdf = slot["kdf"]
        if not (
            8 <= kdf["memory_kib"] <= MEMORY_LIMIT_KIB and 1 <= kdf["iterations"] <= 64 and 1 <= kdf["lanes"] <= 64
        ):
            raise ValueError("a cost out of bounds")
        if len(slot["salt"]) != 16 or len(slot["nonce"]) != 12 or len(slot["wrapped"]) != 48:
            raise ValueError("a slot of another size")


def _damaged(path: Path) -> KeyringDamaged:
    return KeyringDamaged(
        what=f"The keyring {path} is damaged.",
        remedy="Bring it back from the place of `./bwv backup --keys`, and find out who changed it.",
    )


def _overwrite(descriptor: int) -> None:
    length = os.fstat(descriptor).st_size
    os.pwrite(descriptor, secrets.token_bytes(length), 0)
    os.fsync(descriptor)
