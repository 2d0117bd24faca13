"""A backup opens nothing; a restore revives nothing that was erased and rolls no log back."""

import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from openbwv.custody import EventType, LogReader, open_note
from openbwv.recording import cbor
from openbwv.server.trail.actions import log_event
from openbwv.server.vault import backup as backing
from openbwv.server.vault.models import KeyWrap, PendingKey
from openbwv.server.vault.store import ANCHOR_FILE
from openbwv.shared.log_folder import log_folder
from tests.server.commands.test_upgrade import undo_newest_table_of_people
from tests.server.vault.force_fixture import PASSPHRASE

# A database that is being written to cannot be copied from inside the same transaction.
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.sqlite]

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def places(tmp_path):
    return tmp_path / "backup", tmp_path / "usb"


@pytest.fixture
def backed_up(stored, places, clock, running_log):
    to, keys = places
    running_log.drain()
    made = backing.make_backup(to=to, keys=keys, clock=clock)
    running_log.drain()
    return made


def restore(places, state: Path, tmp_path, *more: str, code: int = 0) -> dict:
    """Run the command in a process of its own, as a person would."""
    to, keys = places
    secret = tmp_path / "passphrase"
    secret.write_text(PASSPHRASE)
    secret.chmod(0o600)
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("BWV_", "DJANGO", "DATABASE"))
    }
    command = [sys.executable, "-m", "openbwv", "restore", "--from", str(to), "--keyring", str(keys)]
    done = subprocess.run(
        [*command, "--state", str(state), "--json", *more],
        env=environment
        | {
            "BWV_KEYRING_PASSPHRASE_FILE": str(secret),
            "BWV_CHECKPOINT_PLACE": str(tmp_path / "new-outside"),
            "PYTHONPATH": str(ROOT / "src"),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code, done.stderr
    return json.loads(done.stdout)


def rows(state: Path, query: str) -> list[tuple]:
    with sqlite3.connect(state / "server.sqlite3") as database:
        return database.execute(query).fetchall()


def test_no_file_of_a_backup_holds_a_key(backed_up, footage, places):
    wrap = KeyWrap.objects.get()
    everything = {path: path.read_bytes() for path in places[0].rglob("*") if path.is_file()}
    assert len(everything) > 5
    for path, data in everything.items():
        assert footage.dek not in data, path
        assert footage.key_cbor not in data, path
        assert path.name == backing.KEY_TABLE_FILE or bytes(wrap.blob) not in data, path
    assert not list(places[0].rglob("keyring*"))


def test_a_wrap_from_a_camera_is_never_copied(backed_up, footage, stored, places, clock):
    PendingKey.objects.create(recording=stored, key_cbor=footage.key_cbor)
    backing.make_backup(to=places[0], keys=places[1], clock=clock)
    assert all(footage.key_cbor not in path.read_bytes() for path in places[0].rglob("*") if path.is_file())


def test_it_comes_back_whole(backed_up, footage, stored, places, tmp_path):
    report = restore(places, tmp_path / "new", tmp_path)
    assert report["keys"] == 1
    assert report["generation"] == 1
    assert report["unknown_leaves"] == []
    assert rows(tmp_path / "new", "SELECT reference, state FROM evidence_recording") == [(stored.reference, "stored")]
    held = rows(tmp_path / "new", "SELECT key FROM vault_storedobject WHERE kind = 'media' ORDER BY id")
    media = b"".join((tmp_path / "new/vault" / key[:2] / key[2:4] / key).read_bytes() for (key,) in held)
    assert media == footage.media


def test_a_second_backup_drops_what_was_erased_since(backed_up, stored, places, clock):
    from django.db import transaction

    from openbwv.server.vault.actions import remove_recording_bytes

    before = len(list((places[0] / "vault").rglob("*")))
    with transaction.atomic():
        remove_recording_bytes(recording=stored)
    backing.make_backup(to=places[0], keys=places[1], clock=clock)
    assert cbor.decode((places[0] / backing.KEY_TABLE_FILE).read_bytes()) == []
    assert len([path for path in (places[0] / "vault").rglob("*") if path.is_file()]) < before


def test_what_the_newer_log_says_is_erased_does_not_come_back(
    backed_up, stored, state, places, tmp_path, clock, running_log
):
    log_event(EventType.ERASED, recording=stored, actor_label="job", clock=clock)
    running_log.drain()
    report = restore(places, tmp_path / "new", tmp_path, "--log", str(state / "log"))
    assert report["erased"] == [stored.reference]
    assert report["keys"] == 0
    assert rows(tmp_path / "new", "SELECT count(*) FROM vault_keywrap") == [(0,)]
    assert rows(tmp_path / "new", "SELECT state FROM evidence_recording") == [("erased",)]
    ledger = (tmp_path / "new/keyring.ledger").read_bytes()
    assert ledger == b"\x00" + stored.rec_id


def test_a_newer_checkpoint_begins_a_new_generation(backed_up, state, places, tmp_path, clock, running_log):
    log_event(EventType.CONFIG, actor_label="lou", clock=clock)
    running_log.drain()
    report = restore(places, tmp_path / "new", tmp_path, "--checkpoint", str(state / "log/checkpoint"))
    assert report["generation"] == 2
    assert report["newest_known_size"] > report["log_size"]
    assert (tmp_path / "new/log-generation-1/checkpoint").exists()
    assert not (tmp_path / "new/log").exists()
    force = json.loads((tmp_path / "new/force.json").read_text())
    assert force["origin"].endswith("/generation-2")
    waiting = rows(tmp_path / "new", "SELECT type FROM trail_event WHERE leaf_index IS NULL ORDER BY id")
    assert waiting[0] == (int(EventType.LOG_GENERATION),)


def test_the_log_that_a_restore_ended_is_still_checked(backed_up, state, places, tmp_path, clock, running_log):
    log_event(EventType.CONFIG, actor_label="lou", clock=clock)
    running_log.drain()
    new = tmp_path / "new"
    restore(places, new, tmp_path, "--checkpoint", str(state / "log/checkpoint"))
    assert sorted(path.name for path in new.glob("log-generation-1*")) == ["log-generation-1", "log-generation-1.vkey"]
    report = check(new, tmp_path, "log", "receipts")
    assert codes_of(report) <= {"log-not-begun", "events-waiting"}, "the next log has not begun"
    assert report["looked_at"]["log entries"] == report["looked_at"]["events"] >= 3
    assert report["looked_at"]["receipts"] == 1
    assert not any("not checked" in each for each in report["looked_at"])
    tile = max(path for path in (new / "log-generation-1/tile/entries").rglob("*") if path.is_file())
    data = tile.read_bytes()
    tile.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    assert "root-mismatch" in codes_of(check(new, tmp_path, "log"))
    tile.write_bytes(data)
    with sqlite3.connect(new / "server.sqlite3") as database:
        database.execute("UPDATE trail_event SET why = 'another' WHERE leaf_index = 0 AND log_generation = 1")
        database.execute("UPDATE trail_event SET leaf_index = 9999 WHERE leaf_index = 1 AND log_generation = 1")
    assert {"event-altered", "leaf-without-event"} <= codes_of(check(new, tmp_path, "log"))
    (new / "log-generation-1.vkey").unlink()
    assert "earlier-log-missing" in codes_of(check(new, tmp_path, "log"))


def test_a_backup_carries_the_logs_that_a_restore_ended(backed_up, state, places, clock):
    shutil.copytree(state / "log", state / "log-generation-1")
    (state / "log-generation-1.vkey").write_text(running_log_vkey(state))
    backing.make_backup(to=places[0], keys=places[1], clock=clock)
    copied = {path.relative_to(places[0]) for path in places[0].rglob("*") if path.is_file()}
    ended = {path.relative_to(state) for path in state.glob("log-generation-1*/**/*") if path.is_file()}
    assert len(ended) > 1
    assert ended | {Path("log-generation-1.vkey")} <= copied
    assert backing.make_backup(to=places[0], keys=places[1], clock=clock).openable


def check(state: Path, tmp_path, *rooms: str) -> dict:
    """Run `./bwv check` on a restored force, in a process of its own."""
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("BWV_", "DJANGO", "DATABASE"))
    }
    only = [word for room in rooms for word in ("--only", room)]
    done = subprocess.run(
        [sys.executable, "-m", "openbwv", "check", "--state", str(state), "--json", *only],
        env=environment | {"BWV_CHECKPOINT_PLACE": str(tmp_path / "new-outside"), "PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout, done.stderr
    return json.loads(done.stdout)


def codes_of(report: dict) -> set[str]:
    return {each["code"] for each in report["disagreements"]}


def test_events_newer_than_the_backup_are_listed(backed_up, state, places, tmp_path, clock, running_log):
    log_event(EventType.CONFIG, actor_label="lou", clock=clock)
    running_log.drain()
    report = restore(places, tmp_path / "new", tmp_path, "--log", str(state / "log"))
    assert report["generation"] == 1
    size = open_note(LogReader(log_folder(state), vkey=running_log_vkey(state)).note(), running_log_vkey(state)).size
    assert report["unknown_leaves"][-1]["index"] == size - 1


def running_log_vkey(state: Path) -> str:
    return (state / "log.vkey").read_text().strip()


def test_a_key_that_a_rotation_destroyed_is_named_not_revived(backed_up, stored, places, tmp_path, clock):
    from openbwv.server.vault.actions import rotate_retention_key

    old_table = (places[0] / backing.KEY_TABLE_FILE).read_bytes()
    rotate_retention_key(clock=clock)
    assert backing.after_rotation().openable
    assert (places[0] / backing.KEY_TABLE_FILE).read_bytes() != old_table
    assert restore(places, tmp_path / "fresh", tmp_path)["keys"] == 1

    (places[0] / backing.KEY_TABLE_FILE).write_bytes(old_table)
    facts = json.loads((places[0] / backing.FACTS_FILE).read_text())
    facts["key_table_sha256"] = backing.file_sha256(places[0] / backing.KEY_TABLE_FILE)
    (places[0] / backing.FACTS_FILE).write_text(json.dumps(facts))
    (tmp_path / "new-outside").unlink()
    report = restore(places, tmp_path / "old", tmp_path)
    assert report["keys"] == 0
    assert report["keys_that_no_longer_open"] == [stored.reference]


def test_when_the_backup_place_is_gone_at_a_rotation_home_can_say_so(backed_up, places, clock):
    from openbwv.server.vault.actions import rotate_retention_key

    shutil.rmtree(places[0])
    rotate_retention_key(clock=clock)
    backing.after_rotation()
    assert backing.standing().openable is False


def test_the_job_that_rotates_writes_a_fresh_key_table_to_the_last_place(backed_up, places, tmp_path, clock):
    from openbwv.server.vault.housekeeping import rotate_if_due

    table = places[0] / backing.KEY_TABLE_FILE
    before = table.read_bytes()
    clock.advance(8 * 86_400_000)
    assert rotate_if_due(clock)
    assert table.read_bytes() != before
    assert backing.standing().openable
    assert restore(places, tmp_path / "new", tmp_path)["keys"] == 1


@pytest.mark.parametrize("where", ["inside", "around", "full", "keys-inside"])
def test_a_bad_place_is_refused(where, stored, state, tmp_path, clock):
    (tmp_path / "full").mkdir()
    (tmp_path / "full/holiday.jpg").write_bytes(b"x")
    to, keys = {
        "inside": (state / "backup", None),
        "around": (state.parent, None),
        "full": (tmp_path / "full", None),
        "keys-inside": (tmp_path / "b", tmp_path / "b/keys"),
    }[where]
    with pytest.raises(backing.BadBackupPlace):
        backing.make_backup(to=to, keys=keys, clock=clock)


def test_a_damaged_backup_is_refused(backed_up, places, tmp_path):
    table = places[0] / backing.KEY_TABLE_FILE
    data = table.read_bytes()
    table.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    assert restore(places, tmp_path / "new", tmp_path, code=65)["error"]["code"] == "backup-damaged"
    assert not (tmp_path / "new").exists()


def test_a_backup_of_an_earlier_version_comes_back_as_one_of_this(backed_up, footage, places, tmp_path):
    to, _ = places
    undo_newest_table_of_people(to)
    facts = json.loads((to / backing.FACTS_FILE).read_text())
    facts["database_sha256"] = hashlib.sha256((to / backing.DATABASE_FILE).read_bytes()).hexdigest()
    (to / backing.FACTS_FILE).write_text(json.dumps(facts))
    assert restore(places, tmp_path / "new", tmp_path)["keys"] == 1
    assert rows(tmp_path / "new", "SELECT count(*) FROM people_passwordlink") == [(0,)]


def test_what_was_kept_aside_is_copied_and_comes_back(stored, places, tmp_path, clock, running_log):
    from openbwv.server.ingest.aside import aside_store, keep_aside
    from openbwv.server.ingest.errors import UnknownDevice
    from openbwv.server.ingest.models import AsideKind

    kept = keep_aside(b"an inventory", kind=AsideKind.HELLO, why=UnknownDevice(), sender_kid="00", clock=clock)
    running_log.drain()
    backing.make_backup(to=places[0], keys=places[1], clock=clock)
    restore(places, tmp_path / "new", tmp_path)
    below = aside_store().path(kept.path).relative_to(aside_store().folder)
    assert (tmp_path / "new/aside" / below).read_bytes() == b"an inventory"
    for name in ("vault", "aside"):
        assert name in (tmp_path / "new" / name / ANCHOR_FILE).read_text()


@pytest.mark.parametrize("which", [0, 1])
def test_a_place_whose_disk_is_away_is_no_new_place(backed_up, places, clock, which):
    place, elsewhere = places[which], places[which].with_name("elsewhere")
    place.rename(elsewhere)
    for made in (False, True):
        if made:
            place.mkdir()
        with pytest.raises(backing.BadBackupPlace, match="not mounted"):
            backing.make_backup(to=places[0], keys=places[1], clock=clock)
    assert list(place.iterdir()) == []
    assert not backing.after_rotation().openable
    assert list(place.iterdir()) == []
    place.rmdir()
    elsewhere.rename(place)
    assert backing.make_backup(to=places[0], keys=places[1], clock=clock).openable
