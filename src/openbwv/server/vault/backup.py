"""Copying a force's state to another place, without anything that opens footage (ruling R13).

The place DIR holds: `server.sqlite3` without wrapped keys, camera wraps, sign-ins and passes; `key-table.cbor`, the
recordings' keys under the retention key; `log/` and the logs that a restore ended, `vault/`, `aside/` (never a camera's
key.cbor); the force's public facts; `backup.json`, written last. Vault objects never change, so a second backup copies
only what is new and removes what has been erased since. The keyring goes to KEYS, on another medium, as the one sealed
file it is, and each rotation replaces it there and the key table here: an older copy of either opens nothing that was
erased.
"""

import contextlib
import json
import os
import sqlite3
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import connection, transaction

from openbwv.custody import EventType
from openbwv.recording import cbor
from openbwv.recording.errors import EXIT_CONFIG, EXIT_USAGE, BwvError
from openbwv.server.ingest.models import Aside, AsideKind, Token
from openbwv.server.people.models import LimitCount
from openbwv.server.trail.actions import log_event
from openbwv.server.vault.backup_place import (
    DATABASE_FILE,
    FACTS_FILE,
    FORCE_FILES,
    KEY_TABLE_FILE,
    KEYRING_FILE,
    file_sha256,
)
from openbwv.server.vault.force import force, read_force
from openbwv.server.vault.keys import key_client
from openbwv.server.vault.models import KeyWrap, PendingKey, StoredObject, leaving_objects
from openbwv.server.vault.store import Store, store_of, vault_store
from openbwv.shared.clock import Clock
from openbwv.shared.durable import NewFile, make_folder, write_durably
from openbwv.shared.log_folder import ENDED

NOTE_FILE = "backup.json"  # in the state folder: where the last one went
CHUNK_BYTES = 1 << 20
NOT_COPIED = (KeyWrap, PendingKey, Token, Session, LimitCount)


class BadBackupPlace(BwvError):
    """The place for a backup cannot be used as one."""

    code = "bad-backup-place"
    http_status = 409
    exit_code = EXIT_USAGE


class NotHere(BwvError):
    """This force's database is not one that `backup` can copy."""

    code = "backup-not-here"
    http_status = 409
    exit_code = EXIT_CONFIG


@dataclass(frozen=True)
class Standing:
    """What is known of the last backup. `made_ms` is None when there never was one."""

    made_ms: int | None = None
    place: str = ""
    keys_place: str = ""
    kek_id: str = ""
    openable: bool = True


def standing(state: Path | None = None) -> Standing:
    """Return what STATE/backup.json says of the last backup."""
    with contextlib.suppress(FileNotFoundError):
        return Standing(**json.loads(((state or _state()) / NOTE_FILE).read_text(encoding="utf-8")))
    return Standing()


def make_backup(*, to: Path, keys: Path | None = None, actor: Any = None, reason: str = "", clock: Clock) -> Standing:
    """Copy the force to `to`, and its sealed keyring to `keys`.

    Raises BadBackupPlace, NotHere, VaultAway, DiskFull, WriteFailed.

    Killed at any moment it leaves the last whole backup's facts or none; running it again finishes it.
    """
    to, keys = _place(to, keys)
    vault_store().require()
    with transaction.atomic():
        log_event(
            EventType.BACKUP,
            actor=actor,
            actor_label="" if actor else "./bwv backup",
            why=reason,
            rule="R13",
            details={"with_keyring": keys is not None},
            clock=clock,
        )
    (to / FACTS_FILE).unlink(missing_ok=True)
    kek_id = key_client().public()["kek_id"]
    wraps = _copy_database(to / DATABASE_FILE)
    write_durably(to / KEY_TABLE_FILE, cbor.encode(wraps), replace=True)
    for source in [_state() / "log", *_state().glob(f"{ENDED}*")]:
        _copy_log(source, to / source.name)
    objects, size = _copy_objects(to)
    for name in FORCE_FILES:
        write_durably(to / name, (_state() / name).read_bytes(), replace=True, mode=0o644)
    made = Standing(clock.utc_ms(), str(to), str(keys or ""), kek_id)
    _write_facts(to, made, objects=objects, size=size)
    if keys is not None:
        _copy_keyring(keys)
    _note(made)
    return made


def after_rotation() -> Standing:
    """Bring the last backup up to the new retention key, or note that it can no longer be opened."""
    last = standing()
    if last.made_ms is None:
        return last
    place = Path(last.place)
    kek_id = key_client().public()["kek_id"]
    try:
        facts = json.loads((place / FACTS_FILE).read_text(encoding="utf-8"))
        rows = [_row(wrap) for wrap in KeyWrap.objects.order_by("pk").iterator()]
        write_durably(place / KEY_TABLE_FILE, cbor.encode(rows), replace=True)
        facts |= {"kek_id": kek_id, "key_table_sha256": file_sha256(place / KEY_TABLE_FILE)}
        write_durably(place / FACTS_FILE, json.dumps(facts, indent=1).encode(), replace=True)
        if last.keys_place:
            if _is_bare(Path(last.keys_place)):
                raise FileNotFoundError(last.keys_place)  # not mounted: a copy beside the footage helps nobody
            _copy_keyring(Path(last.keys_place))
        now = Standing(last.made_ms, last.place, last.keys_place, kek_id, True)
    except (OSError, BwvError, ValueError):
        now = Standing(last.made_ms, last.place, last.keys_place, last.kek_id, False)  # home says so
    _note(now)
    return now


def _place(to: Path, keys: Path | None) -> tuple[Path, Path | None]:
    """Check the two places and make them; an old backup of this force may be brought up to date, nothing else."""
    if connection.vendor != "sqlite":
        raise NotHere(
            what="This force's database is on a PostgreSQL server.",
            remedy="Back it up with pg_dump, without the tables vault_keywrap and vault_pendingkey; see the guide.",
        )
    to, keys = to.expanduser().absolute(), keys.expanduser().absolute() if keys else None
    state = _state()
    for place in filter(None, (to, keys)):
        if place == state or state in place.parents or place in state.parents:
            raise BadBackupPlace(what=f"{place} is inside the force's own state.", remedy="Name a place elsewhere.")
    if keys and (keys == to or to in keys.parents or keys in to.parents):
        raise BadBackupPlace(
            what="The keyring would lie with the footage it opens.", remedy="Name another medium with --keys."
        )
    for place, before in ((to, standing().place), (keys, standing().keys_place)):
        if place and str(place) == before and _is_bare(place):
            raise BadBackupPlace(
                what=f"{place} is empty, and the last backup went there: its disk is not mounted.",
                remedy="Mount that disk; to begin on a new one, name another folder.",
            )
    if to.exists() and any(to.iterdir()) and not _is_ours(to):
        raise BadBackupPlace(what=f"{to} holds something else.", remedy="Name an empty folder or this force's backup.")
    for place in filter(None, (to, keys)):
        make_folder(place)
    return to, keys


def _is_bare(place: Path) -> bool:
    """Say whether there is nothing at a place, nor a disk that is mounted right there."""
    return not os.path.ismount(place) and not (place.is_dir() and any(place.iterdir()))


def _is_ours(place: Path) -> bool:
    try:
        return read_force(place).fingerprint == force().fingerprint
    except BwvError:
        # A first try that broke off before the force's facts were written leaves only names of ours.
        names = {each.name for each in place.iterdir() if not each.name.startswith(ENDED)}
        return names <= {DATABASE_FILE, KEY_TABLE_FILE, "log", "vault", "aside"}


def _copy_database(target: Path) -> list[list[Any]]:
    """Write a consistent copy without what opens or signs in; return the key table as it stood in that copy."""
    work = target.with_name(f".{target.name}.tmp")
    work.unlink(missing_ok=True)
    with contextlib.closing(sqlite3.connect(work)) as copy:
        work.chmod(0o600)
        connection.ensure_connection()
        connection.connection.backup(copy, pages=1000)
        copy.execute("PRAGMA journal_mode=DELETE")
        copy.execute("PRAGMA secure_delete=ON")
        table = KeyWrap._meta.db_table
        rows = copy.execute(f"SELECT recording_id, kek_id, blob, derived_blob FROM {table} ORDER BY 1").fetchall()  # noqa: S608
        for model in NOT_COPIED:
            copy.execute(f"DELETE FROM {model._meta.db_table}")  # noqa: S608  a table's name, not data
        copy.commit()
        copy.execute("VACUUM")
        if copy.execute("PRAGMA quick_check").fetchone() != ("ok",):
            raise BadBackupPlace(
                what="The copy of the database is damaged.", remedy="Check both disks, then try again."
            )
    _sync(work)
    os.replace(work, target)
    return [[uuid.UUID(rec_id).bytes, kek_id, blob, derived_blob] for rec_id, kek_id, blob, derived_blob in rows]


def _row(wrap: KeyWrap) -> list[Any]:
    return [wrap.recording_id.bytes, wrap.kek_id, bytes(wrap.blob), bytes(wrap.derived_blob)]


def _copy_log(source: Path, target: Path) -> None:
    """Copy what is new, or a lone file; the checkpoint last, so that it never covers a file that is not there."""
    if source.is_file() and not target.exists():
        write_durably(target, source.read_bytes(), mode=0o644)
    if not source.is_dir():
        return
    files = sorted(path for path in source.rglob("*") if path.is_file() and not path.name.startswith("."))
    for path in sorted(files, key=lambda path: path.name == "checkpoint"):
        goal = target / path.relative_to(source)
        make_folder(goal.parent)
        replace = path.name == "checkpoint"
        with contextlib.suppress(FileNotFoundError):  # a partial tile goes once the full one is there
            if replace or not goal.exists():
                write_durably(goal, path.read_bytes(), replace=replace, mode=0o644)


def _copy_objects(to: Path) -> tuple[int, int]:
    """Copy sealed objects and what was kept aside, and remove those that are gone here; return count and bytes."""
    source, target, aside = vault_store(), Store(to / "vault"), store_of(_state(), "aside")
    aside.require()
    wanted = dict(StoredObject.objects.exclude(pk__in=leaving_objects()).values_list("key", "length"))
    for key in set(target.keys()) - wanted.keys():
        target.remove(key)
    for key, length in wanted.items():
        if not target.path(key).exists():
            _copy(source.chunks(key, length=length), target.path(key))
    for name in Aside.objects.exclude(kind=AsideKind.KEY).exclude(path="").values_list("path", flat=True):
        goal = Store(to / "aside").path(name)
        if not goal.exists():
            _copy(_chunks(aside.path(name)), goal)
    return len(wanted), sum(wanted.values())


def _copy(chunks: Iterator[bytes], goal: Path) -> None:
    make_folder(goal.parent)
    with NewFile(goal) as file:
        for chunk in chunks:
            file.write(chunk)
        file.commit()


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            yield chunk


def _copy_keyring(keys: Path) -> None:
    """Replace the sealed keyring at its other place; the version it replaces is overwritten, as far as a disk lets."""
    goal = keys / KEYRING_FILE
    old = os.open(goal, os.O_WRONLY | os.O_CLOEXEC) if goal.exists() else None
    try:
        write_durably(goal, (_state() / KEYRING_FILE).read_bytes(), replace=True)
        if old is not None:
            os.pwrite(old, os.urandom(os.fstat(old).st_size), 0)
            os.fsync(old)
    finally:
        if old is not None:
            os.close(old)


def _write_facts(to: Path, made: Standing, *, objects: int, size: int) -> None:
    facts = {
        "v": 1,
        "made_ms": made.made_ms,
        "fingerprint": force().fingerprint,
        "generation": force().generation,
        "kek_id": made.kek_id,
        "database_sha256": file_sha256(to / DATABASE_FILE),
        "key_table_sha256": file_sha256(to / KEY_TABLE_FILE),
        "objects": objects,
        "object_bytes": size,
    }
    write_durably(to / FACTS_FILE, json.dumps(facts, indent=1).encode(), replace=True)


def _note(made: Standing) -> None:
    write_durably(_state() / NOTE_FILE, json.dumps(vars(made)).encode(), replace=True)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _state() -> Path:
    return Path(settings.STATE)
