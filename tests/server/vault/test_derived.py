"""What is made from a recording does not outlive it: nothing is kept of one whose erasing has begun meanwhile."""

import pytest

from openbwv.server.evidence.models import Recording, State
from openbwv.server.vault.door import open_for_job
from openbwv.server.vault.errors import NotStored
from openbwv.server.vault.models import ObjectKind, StoredObject
from openbwv.server.vault.store import vault_store


@pytest.fixture
def stored(door, running_log):
    door.upload(door.camera.record(utc_ms=door.clock.utc_ms()))
    return Recording.objects.get()


def derived(recording):
    return StoredObject.objects.filter(recording=recording, kind=ObjectKind.DERIVED)


@pytest.mark.parametrize("erasing", [State.DELETING, State.ERASED])
def test_nothing_derived_is_kept_once_erasing_has_begun(stored, door, erasing):
    files = set(vault_store().keys())
    with open_for_job(recording=stored, purpose="index", clock=door.clock) as opened:
        Recording.objects.filter(pk=stored.pk).update(state=erasing)
        with pytest.raises(NotStored):
            opened.put_derived(ObjectKind.DERIVED, "index", b"made too late")
    assert not derived(stored).exists()
    assert set(vault_store().keys()) == files


def test_one_of_a_name_takes_the_place_of_the_other_and_its_file(stored, door, django_capture_on_commit_callbacks):
    files = set(vault_store().keys())
    with open_for_job(recording=stored, purpose="index", clock=door.clock) as opened:
        with django_capture_on_commit_callbacks(execute=True):
            opened.put_derived(ObjectKind.DERIVED, "index", b"first")
            row = opened.put_derived(ObjectKind.DERIVED, "index", b"second")
        assert opened.get_derived("index") == b"second"
    assert [each.key for each in derived(stored)] == [row.key]
    assert set(vault_store().keys()) == files | {row.key}
