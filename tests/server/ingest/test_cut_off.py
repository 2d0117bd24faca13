"""The door cut off between any two acts of an ingest: what was answered stands, what was not is done again, once."""

import pytest

from openbwv.server.evidence import arrival
from openbwv.server.evidence.models import Recording, State
from openbwv.server.ingest import complete, manifest, parts, side_objects
from openbwv.server.ingest.models import Receipt
from openbwv.server.trail.models import Event
from openbwv.server.vault import store as store_module
from openbwv.server.vault.keys import KeyClient
from openbwv.server.vault.models import KeyWrap, Part, PendingKey, StoredObject
from openbwv.server.vault.store import vault_store


class Killed(BaseException):
    """Stands for SIGKILL: nothing of ours may catch it."""


STEPS = {
    "entries written, no row": (manifest.ManifestPart.objects, "create"),
    "row of the recording, not of its chain": (manifest.ChainState.objects, "update_or_create"),
    "facts read, no row": (arrival, "take_entries"),
    "key": (side_objects, "_keep_key"),
    "part written, no row": (parts.Part.objects, "create"),
    "part's row, state not": (arrival, "mark_arriving"),
    "stored, not logged": (complete, "log_event"),
    "logged, no receipt's row": (Receipt.objects, "create"),
    "in the log, key not wrapped": (KeyClient, "rewrap"),
    "key wrapped, no row": (KeyWrap.objects, "get_or_create"),
    "receipt not signed": (KeyClient, "signer"),
}


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("when", ["before", "after"])
def test_whatever_is_cut_off_is_done_once_in_the_end(door, running_log, monkeypatch, step, when):
    place, name = STEPS[step]
    real = getattr(place, name)
    footage = door.camera.record(utc_ms=door.clock.utc_ms())
    deaths = []

    def cut(*arguments, **options):
        if when == "after":
            real(*arguments, **options)
        deaths.append(step)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(place, name, cut)
        with pytest.raises(Killed):
            door.upload(footage)
    assert deaths
    receipt = door.upload(footage)
    assert receipt == door.complete(footage)[1]
    recording = Recording.objects.get()
    assert recording.state == State.STORED
    assert Event.objects.filter(type=10).count() == 1
    assert KeyWrap.objects.count() == 1
    assert PendingKey.objects.count() == 0
    assert sum(part.length for part in Part.objects.all()) == len(footage.media)
    named = set(StoredObject.objects.values_list("key", flat=True))
    assert named <= set(vault_store().keys())


def test_a_file_without_a_row_is_noise_that_the_sweep_finds(door, monkeypatch):
    """The worst a kill leaves behind: the object's name is random and nothing points to it."""
    footage = door.camera.record(utc_ms=door.clock.utc_ms())
    door.announce(footage)

    def cut(*_arguments, **_options):
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(parts.Part.objects, "create", cut)
        patch.setattr(store_module.Store, "remove", lambda _self, _key: False)  # not even the tidying up ran
        with pytest.raises(Killed):
            door.send(footage)
    strays = set(vault_store().keys()) - set(StoredObject.objects.values_list("key", flat=True))
    assert len(strays) == 1
    assert door.ask("GET", f"/recordings/{footage.hex}/parts")[1]["parts"] == []
