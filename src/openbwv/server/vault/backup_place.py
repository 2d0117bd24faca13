"""The names in a backup's folder, shared by making one and bringing it back. No Django here."""

import hashlib
from pathlib import Path

from openbwv.server.vault.force import FORCE_FILE, TRUST_FILE, VKEY_FILE

FACTS_FILE, DATABASE_FILE, KEY_TABLE_FILE, KEYRING_FILE = "backup.json", "server.sqlite3", "key-table.cbor", "keyring"
FORCE_FILES = (FORCE_FILE, TRUST_FILE, VKEY_FILE)


def file_sha256(path: Path) -> str:
    """Return SHA-256 of a file as hex; raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
