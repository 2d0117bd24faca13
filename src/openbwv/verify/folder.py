"""One recording in its folder: manifest.cbor, media.bin, and beside them key.cbor and perhaps orphan.bin."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

from openbwv.recording import Reason, Trust, Verdict, Weight, verify_recording
from openbwv.verify.files import open_or_empty, pieces
from openbwv.verify.revocations import with_revocation

MANIFEST, MEDIA, KEY, ORPHAN = "manifest.cbor", "media.bin", "key.cbor", "orphan.bin"
MOST_NAMED = 50
BESIDE = {
    KEY: "The wrapped key is not signed; only the key service can open it.",
    ORPHAN: "What recovery found after the last signed entry is nobody's word and is not evidence.",
}


def is_recording(folder: Path) -> bool:
    """Say whether a folder is one recording's, whole or damaged."""
    return any((folder / name).is_file() for name in (MANIFEST, MEDIA, KEY))


def is_torn_creation(folder: Path) -> bool:
    """Say whether the camera lost power while it made this folder: a key at most, nothing signed, nothing recorded."""
    return not any((folder / name).is_file() and (folder / name).stat().st_size for name in (MANIFEST, MEDIA))


def verify_folder(
    folder: Path,
    *,
    trust: Trust | None,
    revocations: Sequence[bytes] = (),
    commit_key: bytes | None = None,
    decrypted: Path | None = None,
) -> Verdict:
    """Judge one recording's folder; raises OSError only."""
    with ExitStack() as stack:
        media = stack.enter_context(open_or_empty(folder / MEDIA))
        plaintext = stack.enter_context(decrypted.open("rb")) if decrypted else None
        verdict = verify_recording(
            pieces(folder / MANIFEST), media, trust=trust, commit_key=commit_key, plaintext=plaintext
        )
    return with_revocation(verdict, revocations, trust).with_more(not_checked=tuple(_beside(folder)))


def _beside(folder: Path) -> Iterator[Reason]:
    """Name everything that the verdict does not cover, or a good recording would vouch for a film laid beside it."""
    for name, what in BESIDE.items():
        if (folder / name).is_file():
            yield Reason(name, name, what, Weight.NOTE)
    others = sorted(path.name for path in folder.iterdir() if path.name not in (MANIFEST, MEDIA, *BESIDE))
    for name in others[:MOST_NAMED]:
        yield Reason("beside", name, "This is not part of the recording, and nothing in it was looked at.", Weight.NOTE)
    if len(others) > MOST_NAMED:
        what = f"{len(others) - MOST_NAMED} more things that are not part of the recording lie in this folder."
        yield Reason("beside", folder.name, what, Weight.NOTE)
