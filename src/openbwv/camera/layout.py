"""Where things lie in a camera's store.

    rec/<UTC date>/<rec_id>/   key.cbor  manifest.cbor  media.bin  [orphan.bin]     one folder a recording
    receipts/<rec_id>.cbor     the server's evidence receipt; <rec_id>.wiped.cbor the camera's tombstone
    identity/                  keys, certificates, profile, assignment (identity.py)
    journal.cbor               the device journal; journal.orphan, journal.<n>.cbor what recovery set aside
    counters.cbor              starts and recordings counted; lock; reserve; control.sock while `camera run` runs

The date folder is a convenience, not evidence.
"""

from datetime import UTC, datetime
from pathlib import Path

KEY, MANIFEST, MEDIA, ORPHAN = "key.cbor", "manifest.cbor", "media.bin", "orphan.bin"
IDENTITY, RECEIPTS, RECORDINGS = "identity", "receipts", "rec"
JOURNAL, COUNTERS, LOCK, RESERVE, SOCKET = "journal.cbor", "counters.cbor", "lock", "reserve", "control.sock"
REC_ID_DIGITS = 32


def recording_folder(store: Path, rec_id: bytes, utc_ms: int) -> Path:
    """Return the folder of a recording that is opened at `utc_ms`."""
    date = datetime.fromtimestamp(utc_ms / 1000, UTC).date().isoformat()
    return store / RECORDINGS / date / rec_id.hex()


def recording_folders(store: Path) -> list[Path]:
    """Return the folders of all recordings, oldest first (ids begin with the time)."""
    found = [path for path in (store / RECORDINGS).glob("*/*") if path.is_dir() and is_rec_id(path.name)]
    return sorted(found, key=lambda path: path.name)


def is_rec_id(name: str) -> bool:
    """Say whether a folder's name is that of a recording."""
    return len(name) == REC_ID_DIGITS and all(digit in "0123456789abcdef" for digit in name)
