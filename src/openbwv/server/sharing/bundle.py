"""Writing an offline bundle: everything a court or a defence needs to check one recording without this server.

Layout and what each file proves: docs/ref/bundle-format.md. The folder is made under another name beside its final one
and gets that name only when it is whole, sealed and logged: a bundle that is there is a bundle that was released.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bagit

from openbwv import recording as r
from openbwv.custody import LogReader, parse_tlog_proof
from openbwv.server.sharing import readme
from openbwv.server.sharing.view_copy import make_view_copy
from openbwv.shared.durable import write_durably

CHECKSUMS = ["sha256", "sha512"]
SEALED_TAGMANIFEST = "tagmanifest-sha256.txt"
READ_ME = "READ-ME-FIRST.html"


@dataclass(frozen=True)
class TrailLine:
    """One custody event with what opens its leaf, and its words for a reader."""

    index: int
    leaf: bytes
    event: dict[str, Any]
    salt: bytes
    words: dict[str, str]


@dataclass(frozen=True)
class Contents:
    """What goes into a bundle. Chunks are read once, in order; `commit_key` is None for a sealed bundle."""

    reference: str
    force: str
    chain: list[bytes]
    manifest: Iterable[bytes]
    media: Iterable[bytes]
    commit_key: bytes | None
    orphan: Iterable[bytes] | None
    receipt: bytes
    trail: list[TrailLine]
    log: LogReader
    log_chain: list[bytes]
    earlier_log_chain: list[bytes]  # of the log that took the ingest, where that was one before a restore; else empty
    facts: readme.Facts
    revocations: bytes | None = None  # the agency's newest list, PEM


def write_bundle(folder: Path, contents: Contents) -> bytes:
    """Fill the empty `folder` and return SHA-256 of its tag manifest, which the export key then signs.

    Raises NoViewCopy, LogDamaged, ProofRejected and, for a full disk, OSError; the caller removes the folder then.
    """
    _write(folder / "manifest.cbor", contents.manifest)
    sealed = contents.commit_key is None
    _write(folder / ("media.bin" if sealed else "master.mp4"), contents.media)
    if contents.commit_key is not None:
        (folder / "commit.key").write_text(contents.commit_key.hex() + "\n", encoding="ascii")
        make_view_copy(folder / "master.mp4", folder / "view.mp4")
    if contents.orphan is not None:
        _write(folder / "orphan.bin", contents.orphan)
    (folder / "device-chain.pem").write_bytes(r.to_pem(contents.chain))
    (folder / "receipt.cbor").write_bytes(contents.receipt)
    if contents.revocations is not None:
        (folder / "revocations.pem").write_bytes(contents.revocations)
    _write_trail(folder, contents)
    return _bag(folder, contents)


def seal_bundle(folder: Path, seal: r.BundleSeal, signer: r.Signer, chain: list[bytes]) -> None:
    """Sign the tag manifest, which lists every other file of the bundle."""
    write_durably(folder / f"{SEALED_TAGMANIFEST}.cose", seal.encode(signer, chain), mode=0o644)


def _write(path: Path, chunks: Iterable[bytes]) -> None:
    with path.open("xb") as file:
        for chunk in chunks:
            file.write(chunk)


def _write_trail(folder: Path, contents: Contents) -> None:
    proofs = folder / "proofs"
    proofs.mkdir()
    note = contents.log.note()
    for line in contents.trail:
        proof = contents.log.tlog_proof(line.index)
        if parse_tlog_proof(proof).note != note:
            raise AssertionError("a proof under another checkpoint")
        (proofs / f"{line.index}.tlog-proof").write_bytes(proof)
    (folder / "checkpoint").write_text(note, encoding="utf-8")
    (folder / "log.vkey").write_text(contents.log.vkey + "\n", encoding="utf-8")
    (folder / "log-chain.pem").write_bytes(r.to_pem(contents.log_chain))
    if contents.earlier_log_chain:
        (folder / "earlier-log-chain.pem").write_bytes(r.to_pem(contents.earlier_log_chain))
    with (folder / "custody.jsonl").open("x", encoding="utf-8") as file:
        for line in contents.trail:
            file.write(json.dumps(_row(line), ensure_ascii=False) + "\n")


def _row(line: TrailLine) -> dict[str, Any]:
    return line.words | {
        "index": line.index,
        "leaf": line.leaf.hex(),
        "event": r.cbor.encode(line.event).hex(),
        "salt": line.salt.hex(),
    }


def _bag(folder: Path, contents: Contents) -> bytes:
    bag = bagit.make_bag(
        str(folder),
        {"Source-Organization": contents.force, "External-Identifier": contents.reference},
        checksums=CHECKSUMS,
    )
    (folder / READ_ME).write_text(readme.page(contents.facts), encoding="utf-8")
    bag.save()  # the tag manifests now list the page too
    return hashlib.sha256((folder / SEALED_TAGMANIFEST).read_bytes()).digest()


def flatten(fragments: Iterable[tuple[int, bytes]]) -> Iterator[bytes]:
    """Yield only the bytes of (number, bytes) pairs."""
    for _, data in fragments:
        yield data
