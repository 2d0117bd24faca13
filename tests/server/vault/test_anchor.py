"""A disk that is not mounted is not a vault that is empty: nothing is written there, and nothing counts as removed."""

import os
from pathlib import Path

import pytest

from django.conf import settings

from openbwv.server.checking import run_check
from openbwv.server.evidence.models import Recording, State
from openbwv.server.ingest import sweep as door_sweep
from openbwv.server.ingest.aside import aside_store
from openbwv.server.people.todo import todo_for
from openbwv.server.retention import sweep
from openbwv.server.retention.models import Alarm, AlarmKind, Certificate, Deletion, DeletionState
from openbwv.server.vault.actions import remove_recording_bytes, unlink_leaving
from openbwv.server.vault.backup import make_backup
from openbwv.server.vault.errors import VaultAway
from openbwv.server.vault.models import Part, StoredObject, leaving_objects
from openbwv.server.vault.store import ANCHOR_FILE, vault_store
from tests.server.retention.conftest import force, policy  # noqa: F401  fixtures


class Disk:
    """One of the force's folders, as a disk that can be taken away and put back."""

    def __init__(self, name="vault"):
        self.place = Path(settings.STATE) / name
        self.elsewhere = self.place.with_name(f"{name}-elsewhere")

    def unmount(self):
        self.place.rename(self.elsewhere)
        self.place.mkdir()

    def mount(self):
        assert list(self.place.iterdir()) == [], "nothing was written into the mount point"
        self.place.rmdir()
        self.elsewhere.rename(self.place)


@pytest.fixture
def stored(door, running_log):
    door.upload(door.camera.record(utc_ms=door.clock.utc_ms()))
    return Recording.objects.get()


def test_files_that_are_not_there_for_want_of_a_disk_are_not_gone(stored):
    disk, keys = Disk(), list(StoredObject.objects.values_list("key", flat=True))
    remove_recording_bytes(recording=stored)
    disk.unmount()
    with pytest.raises(VaultAway):
        unlink_leaving()
    assert {row.key for row in leaving_objects()} == set(keys)
    disk.mount()
    assert unlink_leaving() == len(keys)
    assert not leaving_objects().exists()
    assert not any(vault_store().path(key).exists() for key in keys)


def test_another_forces_vault_and_an_empty_folder_are_refused(stored):
    anchor = vault_store().folder / ANCHOR_FILE
    right = anchor.read_bytes()
    for wrong in (right.replace(b"vault", b"aside"), right[:-2] + b"0\n", b""):
        anchor.write_bytes(wrong)
        with pytest.raises(VaultAway):
            vault_store().put(b"x")
    anchor.unlink()
    for deed in (vault_store().new, vault_store().sweep, lambda: list(vault_store().keys())):
        with pytest.raises(VaultAway):
            deed()
    with pytest.raises(VaultAway):
        vault_store().read("0" * 32, length=1)


def test_the_door_takes_nothing_while_its_disk_is_away_and_forgets_nothing(door, running_log):
    disk, footage = Disk(), door.camera.record(utc_ms=door.clock.utc_ms())
    manifest = f"/recordings/{footage.hex}/manifest?from=0"
    assert door.ask("PUT", manifest, footage.manifest)[0] == 200
    disk.unmount()
    other = door.camera.record(utc_ms=door.clock.utc_ms())
    status, answer, headers = door.ask("PUT", f"/recordings/{other.hex}/manifest?from=0", other.manifest)
    assert (status, answer["error"]["code"]) == (503, "vault-away")
    assert int(headers["retry-after"]) >= 1
    disk.mount()
    door.upload(footage)
    Recording.objects.update(state=State.ARRIVING)
    parts = Part.objects.count()
    disk.unmount()
    for deed in (door_sweep.forget_lost_parts, door_sweep.sweep_at_start):
        with pytest.raises(VaultAway):
            deed()
    assert Part.objects.count() == parts
    disk.mount()
    assert door_sweep.forget_lost_parts() == 0


def test_what_would_be_kept_aside_waits_for_its_disk(door):
    disk = Disk("aside")
    disk.unmount()
    status, answer, _ = door.ask("PUT", f"/recordings/{'0' * 32}/manifest?from=0", b"junk")
    assert (status, answer["error"]["code"]) == (503, "vault-away")
    disk.mount()
    assert door.ask("PUT", f"/recordings/{'0' * 32}/manifest?from=0", b"junk")[0] == 400
    assert list(aside_store().keys())


def test_no_deletion_goes_on_and_none_is_certified_while_the_disk_is_away(force, lou):  # noqa: F811
    row, disk = force.dock(), Disk()
    force.wait(days=30)
    disk.unmount()
    with pytest.raises(VaultAway):
        force.wait(days=1)
    assert Deletion.objects.get().state in (DeletionState.PROPOSED, DeletionState.AUTHORISED)
    assert not Certificate.objects.exists()
    assert Alarm.objects.filter(kind=AlarmKind.FAILED, recording=None, cleared_utc=None).exists()
    assert any("not this force's" in line.words for line in todo_for(lou, force.clock))
    disk.mount()
    force.wait(hours=12)
    row.refresh_from_db()
    assert row.state == State.ERASED
    assert Certificate.objects.exists()
    assert not Alarm.objects.filter(cleared_utc=None).exists()


def test_a_disk_that_goes_between_removal_and_certificate_stops_the_certificate(force, monkeypatch):  # noqa: F811
    force.dock()
    force.wait(days=30)
    disk, real = Disk(), sweep.erasing.erase

    def erased_and_gone(deletion, *, clock):
        monkeypatch.setattr(sweep.vault.transaction, "on_commit", lambda _deed: None)  # killed before the files went
        state = real(deletion, clock=clock)
        monkeypatch.undo()
        disk.unmount()
        return state

    monkeypatch.setattr(sweep.erasing, "erase", erased_and_gone)
    with pytest.raises(VaultAway):
        force.wait(days=1)
    assert Deletion.objects.get().state == DeletionState.ERASED
    assert leaving_objects().exists()
    assert not Certificate.objects.exists()
    disk.mount()
    force.wait(hours=1, step_hours=1)
    assert Certificate.objects.exists()
    assert list(vault_store().keys()) == []


def test_check_says_it_once(stored, clock):
    disk = Disk()
    disk.unmount()
    found = run_check(clock=clock, only=["vault"]).disagreements
    assert [each.code for each in found] == ["vault-away"]
    disk.mount()
    assert run_check(clock=clock, only=["vault"]).disagreements == []


@pytest.mark.sqlite
def test_no_backup_is_made_of_a_disk_that_is_away(stored, clock, tmp_path):
    disk = Disk()
    disk.unmount()
    with pytest.raises(VaultAway):
        make_backup(to=tmp_path / "backup", clock=clock)
    assert "backup.json" not in os.listdir(tmp_path / "backup")
    disk.mount()
