"""A bag's own checksums: everything listed is there and unchanged, and nothing was added.

Source: RFC 8493 (BagIt) sections 2.1.3 and 2.2.1. Proves completeness only; the seal over tagmanifest-sha256.txt proves
who made it. Files are hashed in pieces; links are refused, because what they lead to is not in the bag.
"""

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from openbwv.recording import Reason
from openbwv.verify.files import pieces, small

MANIFEST, TAGMANIFEST = "manifest-sha256.txt", "tagmanifest-sha256.txt"
LINE = re.compile(r"([0-9a-fA-F]{64})[ \t]+\*?(.+)")
MOST_LISTED_BYTES = 16 * 1024 * 1024


def check_bag(root: Path) -> list[Reason]:
    """Return everything about the bag at `root` that its SHA-256 manifests contradict; raises OSError only."""
    reasons: list[Reason] = []
    payload = _listed(root, MANIFEST, reasons)
    tags = _listed(root, TAGMANIFEST, reasons)
    for name in payload:
        if not name.startswith("data/"):
            reasons.append(Reason("bag-wrong", MANIFEST, f"The payload manifest lists {name}, which is outside data/."))
    for name in sorted(_present(root, reasons)):
        is_seal = name.startswith("tagmanifest-") and "/" not in name
        if not is_seal and name not in (payload if name.startswith("data/") else tags):
            reasons.append(Reason("bag-added", name, "This file is in the bundle, but its manifests do not list it."))
    for name, digest in (payload | tags).items():
        reasons += _compare(root, name, digest)
    return reasons


def _listed(root: Path, name: str, reasons: list[Reason]) -> dict[str, str]:
    data = small(root / name, MOST_LISTED_BYTES)
    if data is None:
        reasons.append(Reason("bag-missing", name, "The bundle's list of files is missing."))
        return {}
    listed: dict[str, str] = {}
    for line in data.decode("utf-8", errors="replace").splitlines():
        match = LINE.fullmatch(line)
        path = PurePosixPath(_unescape(match[2])) if match else PurePosixPath("/")
        if not match or path.is_absolute() or ".." in path.parts or str(path) in listed:
            reasons.append(Reason("bag-wrong", name, f"The line {line[:80]!r} is not a hash and a path of the bundle."))
        else:
            listed[str(path)] = match[1].lower()
    return listed


def _unescape(path: str) -> str:
    return path.replace("%0A", "\n").replace("%0D", "\r").replace("%25", "%")


def _present(root: Path, reasons: list[Reason]) -> Iterator[str]:
    for path in root.rglob("*"):
        name = path.relative_to(root).as_posix()
        if path.is_symlink():
            reasons.append(
                Reason("bag-added", name, "A link stands in the bundle; what it leads to is not part of it.")
            )
        elif path.is_file():
            yield name


def _compare(root: Path, name: str, digest: str) -> list[Reason]:
    path = root / name
    if not path.is_file() or path.is_symlink():
        return [Reason("bag-missing", name, "This file is listed, but is not in the bundle.")]
    found = hashlib.sha256()
    for piece in pieces(path):
        found.update(piece)
    if found.hexdigest() != digest:
        return [Reason("bag-changed", name, "This file is not the one that was put into the bundle.")]
    return []
