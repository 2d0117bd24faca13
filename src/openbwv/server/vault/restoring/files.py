"""Checking a backup and laying it out as a state folder under an unfinished name. No Django here."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

from openbwv.server.vault.backup_place import (
    DATABASE_FILE,
    FACTS_FILE,
    FORCE_FILES,
    KEY_TABLE_FILE,
    KEYRING_FILE,
    file_sha256,
)
from openbwv.server.vault.folders import lay_anchors, lay_folders
from openbwv.server.vault.force import read_force
from openbwv.server.vault.restoring.errors import BackupDamaged, RestoreTargetExists
from openbwv.shared.durable import NewFile, make_folder, move_durably
from openbwv.shared.log_folder import ENDED, ENDED_VKEY

UNFINISHED = ".restoring"
CHUNK_BYTES = 1 << 20


def lay_out(backup: Path, keyring: Path, state: Path) -> Path:
    """Copy the backup and the keyring into an unfinished folder beside `state` and return that folder.

    Raises BackupDamaged, RestoreTargetExists, DiskFull, WriteFailed. What a broken-off restore left is removed first.
    """
    check_backup(backup)
    if state.exists() and any(state.iterdir()):
        raise RestoreTargetExists(what=f"{state} is not empty.", remedy="Restore into a new folder, then compare.")
    work = state.with_name(f".{state.name}{UNFINISHED}")
    shutil.rmtree(work, ignore_errors=True)
    make_folder(work)
    lay_folders(work)
    for path in _files(backup):
        _copy(path, work / path.relative_to(backup))
    _copy(keyring / KEYRING_FILE if keyring.is_dir() else keyring, work / KEYRING_FILE)
    for name in FORCE_FILES:
        (work / name).chmod(0o644)
    lay_anchors(work, read_force(work).fingerprint)
    return work


def check_backup(backup: Path) -> None:
    """Raise BackupDamaged unless the folder is a whole backup."""
    try:
        facts = json.loads((backup / FACTS_FILE).read_text(encoding="utf-8"))
        bad = [
            name
            for name, fact in ((DATABASE_FILE, "database_sha256"), (KEY_TABLE_FILE, "key_table_sha256"))
            if file_sha256(backup / name) != facts[fact]
        ]
        found = sum(1 for path in (backup / "vault").rglob("*") if path.is_file() and not path.name.startswith("."))
        if found < facts["objects"]:
            bad.append(f"vault ({found} of {facts['objects']} objects)")
    except (OSError, ValueError, KeyError, TypeError) as problem:
        raise BackupDamaged(
            what=f"{backup} is not a whole backup: {problem}.",
            remedy="Name the folder that `./bwv backup --to` wrote; if that one broke off, run it again.",
        ) from problem
    if bad:
        raise BackupDamaged(
            what=f"The backup is not what it says it is: {', '.join(bad)}.", remedy="Take another copy of the backup."
        )


def _files(backup: Path) -> Iterator[Path]:
    """Yield what belongs into a state folder; the key table and the facts are read, not copied."""
    yield backup / DATABASE_FILE
    yield from (backup / name for name in FORCE_FILES)
    yield from (path for path in backup.glob(f"{ENDED}*{ENDED_VKEY}") if path.is_file())
    for folder in (*(backup / name for name in ("log", "vault", "aside")), *backup.glob(f"{ENDED}*")):
        yield from (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


def _copy(source: Path, goal: Path) -> None:
    make_folder(goal.parent)
    try:
        with source.open("rb") as file, NewFile(goal) as copy:
            while chunk := file.read(CHUNK_BYTES):
                copy.write(chunk)
            copy.commit()
    except FileNotFoundError as problem:
        raise BackupDamaged(what=f"{source} is not there.", remedy="Name the right folder or keyring.") from problem


def give_name(work: Path, state: Path) -> None:
    """Give the finished folder its name; an empty folder of that name makes way."""
    if state.exists():
        state.rmdir()
    move_durably(work, state)
