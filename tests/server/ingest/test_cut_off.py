"""The door cut off between any two acts of an ingest: what was answered stands, what was not is done again, once."""

import base64
import contextlib
import os
from types import SimpleNamespace

import pytest

from django.db import OperationalError, transaction

from openbwv.recording import JournalBody, JournalBuilder
from openbwv.server.evidence import arrival
from openbwv.server.evidence.models import Recording, State
from openbwv.server.ingest import complete, journal, manifest, parts, side_objects
from openbwv.server.ingest.models import Receipt
from openbwv.server.trail.models import Event
from openbwv.server.vault import store as store_module
from openbwv.server.vault.keys import KeyClient
from openbwv.server.vault.models import KeyWrap, Part, PendingKey, StoredObject
from openbwv.server.vault.store import vault_store
from tests.server.footage import sha256


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


@pytest.mark.parametrize("how", ["gone", "short"])
def test_no_receipt_for_a_part_whose_file_the_disk_has_lost(door, running_log, how):
    footage = door.camera.record(utc_ms=door.clock.utc_ms())
    door.announce(footage)
    door.send(footage)
    [part] = Part.objects.select_related("object")[:1]
    path = vault_store().path(part.object.key)
    path.unlink() if how == "gone" else os.truncate(path, part.object.length - 1)
    status, answer, *_ = door.complete(footage)
    assert (status, answer["error"]["code"], answer["error"]["missing"]) == (409, "incomplete", "parts")
    assert answer["error"]["seqs"] == list(range(part.first_seq, part.last_seq + 1))
    assert door.upload(footage) == door.complete(footage)[1]


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


@pytest.mark.parametrize("place", [manifest, parts, side_objects, journal], ids=lambda place: place.__name__[20:])
def test_a_commit_whose_answer_was_lost_loses_no_file(door, monkeypatch, place):
    """The database was restarted just then: it has the row, and a receipt may be given for it. The file must stay."""
    footage = door.camera.record(utc_ms=door.clock.utc_ms())
    if place in (parts, side_objects):
        door.announce(footage)
    before = StoredObject.objects.count()

    @contextlib.contextmanager
    def lost():
        with transaction.atomic():
            yield
        raise OperationalError("server closed the connection unexpectedly")

    with monkeypatch.context() as patch:
        patch.setattr(place, "transaction", SimpleNamespace(atomic=lost))
        assert send_to(door, place, footage)[0] == 500
    rows = set(StoredObject.objects.values_list("key", flat=True))
    assert len(rows) == before + 1
    assert rows <= set(vault_store().keys())
    assert send_to(door, place, footage)[0] == 200  # it is here already
    assert StoredObject.objects.count() == before + 1


def send_to(door, place, footage):
    address = f"/recordings/{footage.hex}"
    if place is manifest:
        return door.ask("PUT", f"{address}/manifest?from=0", footage.manifest)
    if place is parts:
        seq, data = footage.part(0, 2)
        return door.ask("PUT", f"{address}/parts/{seq}", data)
    if place is side_objects:
        digest = base64.b64encode(sha256(b"orphan")).decode()
        return door.ask("PUT", f"{address}/orphan", b"orphan", headers={"content-digest": f"sha-256=:{digest}:"})
    builder = JournalBuilder(chain_id=b"j" * 16, signer=door.camera.signer, chain=door.camera.chain)
    return door.ask("PUT", f"/journal?from=0&camera={door.camera_row.kid}", builder.open(JournalBody(bt=1), mono_ns=1))
