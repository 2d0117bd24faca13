"""A dock hands on journals: none is taken for handed on because the server was busy, and a new one follows the old."""

import os
from types import SimpleNamespace

import pytest

from openbwv import recording as r
from openbwv.dock.spool import Spool
from openbwv.dock.uplink import Uplink
from openbwv.shared.clock import SystemClock
from openbwv.shared.door import DoorBusy, DoorError, HeldManifest


class Server:
    """Holds one camera's newest journal, as the real one does; `answers` are raised first, one a request to put."""

    def __init__(self):
        self.entries, self.answers, self.puts = [], [], 0

    def journal_state(self, _kid):
        reader = r.JournalReader()
        reader.feed(b"".join(self.entries))
        return HeldManifest(len(self.entries), reader.tail if self.entries else None)

    def put_journal(self, _kid, *, from_seq, entries):
        self.puts += 1
        if self.answers:
            raise self.answers.pop(0)
        reader = r.JournalReader()
        if from_seq:
            reader.feed(b"".join(self.entries))
            try:
                good = reader.feed(entries)
            except r.BwvError as problem:
                raise refusal() from problem
        else:
            good, self.entries = reader.feed(entries), []
        self.entries += [entry.raw for entry in good]


def refusal():
    return DoorError(what="It does not follow.", remedy="", status=409, door_code="wrong-chain")


def busy():
    return DoorBusy(what="There are uploads enough.", remedy="", status=503)


@pytest.fixture
def camera(force):
    return force.camera("0417")


@pytest.fixture
def uplink(force, tmp_path):
    hall = SimpleNamespace(spool=Spool(tmp_path / "spool", trust=r.Trust.load(force.trust_pem)), clock=SystemClock())
    return Uplink(hall, log_vkey=None)


def brought(uplink, camera, count):
    """Let the dock hold a new journal of `count` entries; return them."""
    journal = r.JournalBuilder(chain_id=os.urandom(16), signer=camera.signer, chain=list(camera.chain))
    entries = [journal.open(r.JournalBody(bt=1), mono_ns=1)]
    entries += [journal.event(r.EventKind.HEARTBEAT, mono_ns=n, public={1: 0}) for n in range(2, count + 1)]
    uplink.hall.spool.meet(camera.kid, "camera:0417")
    uplink.hall.spool.journals.add(camera.kid, b"".join(entries), from_seq=0)
    return entries


def test_a_busy_server_gets_the_journal_at_the_next_look(uplink, camera):
    server, entries = Server(), brought(uplink, camera, 5)
    server.answers = [busy()]
    uplink._forward_journals(server)
    assert server.entries == []
    uplink._forward_journals(server)
    assert server.entries == entries
    uplink._forward_journals(server)
    assert server.puts == 2, "what is there is not sent again"


def test_what_was_refused_is_not_sent_over_and_over(uplink, camera):
    server = Server()
    brought(uplink, camera, 5)
    server.answers = [refusal()] * 9
    for _ in range(3):
        uplink._forward_journals(server)
    assert server.puts == 1


@pytest.mark.parametrize("count", [3, 7, 12])
def test_a_journal_that_begins_anew_follows_the_old_one(uplink, camera, count):
    server = Server()
    brought(uplink, camera, 7)
    uplink._forward_journals(server)
    assert len(server.entries) == 7
    anew = brought(uplink, camera, count)
    uplink._forward_journals(server)
    assert server.entries == anew
