"""Disk full at each write of an ingest, a locked database, log or key service away: said so, and made good later."""

import contextlib
import errno
import os
import sqlite3

import pytest

from django.db import OperationalError, connection, transaction

from openbwv.recording import EvidenceReceipt
from openbwv.server.evidence.models import Recording
from openbwv.server.ingest import complete
from openbwv.server.ingest.models import Aside, Receipt, Token
from openbwv.server.ingest.receipts import finish_waiting
from openbwv.server.trail.models import Event
from openbwv.server.vault import keys
from openbwv.server.vault.keyd.ledger import Ledger
from openbwv.server.vault.models import KeyWrap, Part, PendingKey, StoredObject
from openbwv.server.vault.store import vault_store
from openbwv.shared.durable import DiskFull
from tests.server.footage import sha256
from tests.server.ingest.test_journal import journal
from tests.server.ingest.test_upload import digest

FULL, LOCKED = "database or disk is full", "database is locked"
ORPHAN = b"behind the last entry"
TABLES = (Recording, StoredObject, Part, PendingKey, KeyWrap, Receipt, Event, Aside, Token)


class Acts:
    """Every request of an upload that writes, in its order."""

    def __init__(self, door):
        self.door = door
        self.footage = door.camera.record(utc_ms=door.clock.utc_ms())
        self.answer = None

    def ask(self, method, path, body, **more):
        status, self.answer, _ = self.door.ask(method, path, body, **more)
        return status

    def of_it(self, rest, body, **more):
        return self.ask("PUT", f"/recordings/{self.footage.hex}/{rest}", body, **more)

    def hello(self):
        status, self.answer = self.door.hello_dock()
        return status

    def manifest(self):
        return self.of_it("manifest?from=0", self.footage.manifest)

    def key(self):
        return self.of_it("key", self.footage.key_cbor)

    def part(self):
        seq, data = self.footage.part(0, 99)
        return self.of_it(f"parts/{seq}", data)

    def orphan(self):
        return self.of_it("orphan", ORPHAN, headers=digest(ORPHAN))

    def journal(self):
        kid = self.door.camera.kid.hex()
        return self.ask("PUT", f"/journal?camera={kid}&from=0", b"".join(journal(self.door.camera)[1]))

    def complete(self):
        more = {"orphan_length": len(ORPHAN), "orphan_sha256": sha256(ORPHAN).hex()}
        status, self.answer, _ = self.door.complete(self.footage, **more)
        return status


ORDER = ("hello", "manifest", "key", "part", "orphan", "journal", "complete")
FILES = ("manifest", "part", "orphan", "journal")


@contextlib.contextmanager
def no_room_for_files(monkeypatch, call):
    """No file of the vault can be written: the given system call says that the disk is full."""

    def full(*_arguments, **_keywords):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        for name in ("write", "writev") if call == "write" else (call,):
            patch.setattr(os, name, full)
        yield


def database_says(words):
    """Have every statement that writes fail with these words; what undoes a transaction still works."""

    def refuse(execute, sql, parameters, many, context):
        if sql.split(maxsplit=1)[0] in ("INSERT", "UPDATE", "DELETE"):
            raise OperationalError(words)
        return execute(sql, parameters, many, context)

    return connection.execute_wrapper(refuse)


def everything():
    return [model.objects.count() for model in TABLES], set(vault_store().keys())


def refused(acts, act, status, code):
    """Ask, and see that it is refused with words and leaves nothing behind."""
    before = everything()
    with transaction.atomic():  # what fails inside the test's own transaction would end that
        found = getattr(acts, act)()
    assert found == status, acts.answer
    error = acts.answer["error"]
    assert (error["code"], bool(error["what"]), bool(error["remedy"])) == (code, True, True)
    assert everything() == before


def the_rest(acts, start):
    """Ask everything from `start` on again; the end is a receipt."""
    for act in ORDER[ORDER.index(start) :]:
        assert getattr(acts, act)() in (200, 201), acts.answer
    assert EvidenceReceipt.decode(acts.answer).body.tail == acts.footage.tail
    assert Part.objects.get().length == len(acts.footage.media)
    assert Event.objects.filter(type=10).count() == 1


def up_to(acts, act):
    """Do what comes before `act`."""
    for earlier in ORDER[: ORDER.index(act)]:
        getattr(acts, earlier)()


@pytest.mark.parametrize("act", FILES)
@pytest.mark.parametrize("call", ["write", "fdatasync", "link"])
def test_no_room_for_a_file_is_507_and_nothing_is_half_there(door, running_log, monkeypatch, act, call):
    acts = Acts(door)
    up_to(acts, act)
    with no_room_for_files(monkeypatch, call):
        refused(acts, act, 507, "disk-full")
    assert not list(vault_store().folder.rglob("*.tmp"))
    the_rest(acts, act)


@pytest.mark.parametrize("act", ORDER)
@pytest.mark.parametrize(("words", "status", "code"), [(FULL, 507, "disk-full"), (LOCKED, 503, "busy")])
def test_a_database_that_cannot_write_is_named_and_nothing_is_half_there(door, running_log, act, words, status, code):
    acts = Acts(door)
    up_to(acts, act)
    with database_says(words):
        refused(acts, act, status, code)
    the_rest(acts, act)


def test_these_are_the_words_of_sqlite(tmp_path):
    """Judged by SQLite itself, that the tests above do not invent them."""
    one = sqlite3.connect(tmp_path / "full", isolation_level=None)
    one.execute("PRAGMA max_page_count = 2")
    one.execute("CREATE TABLE t (x)")
    with pytest.raises(sqlite3.OperationalError, match=FULL):
        one.execute("INSERT INTO t VALUES (?)", (bytes(100_000),))
    one.execute("BEGIN IMMEDIATE")
    other = sqlite3.connect(tmp_path / "full", timeout=0)
    with pytest.raises(sqlite3.OperationalError, match=LOCKED):
        other.execute("INSERT INTO t VALUES (1)")


def test_no_room_for_the_key_services_ledger_gives_no_receipt_until_there_is(door, running_log, monkeypatch):
    acts = Acts(door)
    up_to(acts, "complete")

    def full(*_arguments):
        raise DiskFull(what="The disk is full.", remedy="Free some space.")

    with monkeypatch.context() as patch:
        patch.setattr(Ledger, "wrapped", full)
        assert acts.complete() == 507
        assert acts.answer["error"]["code"] == "disk-full"
    assert KeyWrap.objects.count() == 0
    assert finish_waiting(door.clock) == 1
    assert acts.complete() == 200


def test_the_key_services_absence_delays_nothing_but_the_receipt(door, running_log, keyd, monkeypatch):
    acts = Acts(door)
    running_log.drain()
    keyd.server.shutdown()
    keyd.server.server_close()
    monkeypatch.setattr(keys, "_clients", {})  # this process had a connection to it
    monkeypatch.setattr(complete, "wait_for_leaf", lambda *_, **__: b"the proof, as if the log had been signed for")
    for act in ORDER[:-1]:
        assert getattr(acts, act)() in (200, 201), act
    assert acts.complete() == 202
    assert acts.answer["code"] == "not-ready"
    assert "key service" in acts.answer["what"]
    assert Receipt.objects.get().signed is None


def test_without_a_worker_everything_is_taken_and_the_receipt_waits(door):
    acts = Acts(door)
    for act in ORDER[:-1]:
        assert getattr(acts, act)() in (200, 201), act
    for _ in range(2):
        assert acts.complete() == 202
        assert "log" in acts.answer["what"]
    assert Event.objects.filter(type=10, leaf_index=None).count() == 1
