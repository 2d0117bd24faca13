"""A camera's signed counters on their way through the dock: kept until the server has them, never made or changed."""

from dataclasses import replace

import pytest

from openbwv import recording as r
from openbwv.dock.counts import MOST_OF_ONE
from openbwv.dock.uplink import Uplink
from openbwv.shared.door import DoorBusy, DoorError, DoorUnreachable
from tests.dock.devices import make_dock_store, wait_for
from tests.dock.force import Force, make_recording
from tests.dock.test_camera_port import Port, refused
from tests.dock.test_offload import folder, party, visit  # noqa: F401  fixtures
from tests.dock.test_offload import put as put_in_store

SET = r.ClockState(1_800_000_000_000, 20, r.ClockSource.DOCK, 0)
ONE = r.CountStatement(3, 13, SET, b"j" * 16, 70, b"t" * 32)
LATER = replace(ONE, starts=4, next_rc=15, journal_next_seq=90)
OTHER = replace(ONE, starts=5, next_rc=12, journal_next_seq=99)


@pytest.fixture
def port(force, tmp_path):
    make_dock_store(force, tmp_path / "dock")
    port = Port(force, tmp_path / "dock", force.camera())
    assert port.hello().status_code == 200
    return port


def put(port, statement, camera=None, *, kid=None):
    camera = camera or port.party
    data = statement if isinstance(statement, bytes) else statement.encode(camera.signer, camera.chain)
    return port("PUT", f"/counts?camera={(kid or camera.kid).hex()}", content=data)


def waiting(port):
    return [r.CountStatement.decode(each.data).body for each in port.hall.spool.counts.waiting(port.party.kid)]


class Server:
    """What the uplink speaks to: takes what comes, or answers with the error given."""

    def __init__(self, problem=None):
        self.problem, self.counts, self.entries = problem, [], []

    def put_counts(self, kid, statement):
        if self.problem is not None:
            raise self.problem
        self.counts.append(r.CountStatement.decode(statement).body)

    def put_manifest(self, rec_id, *, from_seq, entries):
        if self.problem is not None:
            raise self.problem
        self.entries.append((rec_id, from_seq, entries))


def forward(port, server, what="_forward_counts"):
    getattr(Uplink(port.hall, log_vkey=None), what)(server)


def problem(status, code=""):
    return DoorError(what="No.", remedy="-", status=status, door_code=code)


def test_the_newest_waits_over_a_restart_and_goes_once_the_server_has_it(port):
    assert [put(port, each).status_code for each in (ONE, ONE, LATER, ONE)] == [201, 200, 201, 200]
    assert waiting(port) == [LATER]
    port.restart().hello()
    assert waiting(port) == [LATER]
    for away in (DoorUnreachable(what="gone", remedy="-"), DoorBusy(what="busy", remedy="-")):
        with pytest.raises(type(away)):
            forward(port, Server(away))
    forward(port, Server(problem(404)))  # a server of an older release
    assert waiting(port) == [LATER]
    server = Server()
    forward(port, server)
    forward(port, server)
    assert (server.counts, waiting(port)) == ([LATER], [])


@pytest.mark.parametrize("status", [202, 403, 409])
def test_what_the_server_keeps_aside_it_has(port, status):
    put(port, ONE)
    forward(port, Server(problem(status)))
    assert waiting(port) == []


def test_two_that_contradict_each_other_are_both_handed_on_and_many_are_bounded(port):
    assert put(port, ONE).status_code == 201
    assert put(port, OTHER).status_code == 201
    server = Server()
    forward(port, server)
    assert {each.next_rc for each in server.counts} == {12, 13}
    for number in range(MOST_OF_ONE):
        assert put(port, replace(ONE, starts=10 + number, next_rc=90 - number)).status_code == 201
    assert put(port, replace(ONE, starts=99, next_rc=2)).status_code == 507
    assert len(waiting(port)) == MOST_OF_ONE


def test_forged_altered_and_foreign_ones_are_not_kept(force, port):
    good = ONE.encode(port.party.signer, port.party.chain)
    altered = bytearray(good)
    altered[-1] ^= 1
    refused(put(port, bytes(altered)), 400, "signature-wrong")
    dock = port.hall.identity
    assert put(port, LATER.encode(dock.signer, dock.chain)).status_code == 400  # the dock has no key that could
    foreign = Force().camera()
    assert put(port, LATER, foreign, kid=port.party.kid).status_code in (400, 403)
    other = force.camera("0500")
    refused(put(port, LATER, other, kid=port.party.kid), 400, "bad-request")
    refused(put(port, LATER, other), 400, "bad-request")
    assert waiting(port) == []


def test_a_statement_that_this_disk_damaged_holds_up_nothing(port):
    put(port, ONE)
    [path] = (port.store / "spool").glob("*/counts/*.cbor")
    path.write_bytes(b"damaged")
    assert put(port.restart(), LATER).status_code == 401
    port.hello()
    assert put(port, LATER).status_code == 201
    assert waiting(port) == [LATER]
    assert len(list((port.store / "spool").glob("*/aside/counts-*"))) == 1


def test_a_second_entry_for_one_place_is_told_to_the_server_once_its_recording_is_there(force, port):
    recording = make_recording(force, port.party)
    port.announce(recording)
    entry = r.parse_entry(recording.entries[2])
    other = r.sign1(
        r.cbor.encode({**r.cbor.decode(entry.signed.payload), 5: entry.mono_ns + 1}),
        typ=entry.signed.typ, signer=port.party.signer,
    )  # fmt: skip
    refused(port.put_manifest(recording, first=2, entries=[other]), 409, "equivocation")
    tell = "_report_contradictions"
    forward(port, Server(problem(409, "entries-first")), tell)
    port.restart().hello()
    server = Server(problem(409, "equivocation"))
    forward(port, server, tell)
    server.problem = None
    forward(port, server, tell)
    assert server.entries == []  # told once
    [kept] = (port.store / "spool").glob("*/aside/*")
    assert (kept.name.endswith(".entry.told"), kept.read_bytes()) == (True, other)


def test_a_camera_signs_its_counters_and_the_dock_hands_them_on_when_the_server_is_back(
    force,
    server,
    dock,
    party,  # noqa: F811
    folder,  # noqa: F811
):
    """A real camera, a real dock; the server is away while the camera stands there, and the dock is killed after it."""
    lost, kept = make_recording(force, party, rc=1), make_recording(force, party, rc=2)
    put_in_store(folder, kept)
    server.stop()
    visit(folder, dock.camera_url)
    dock.kill()
    dock.start()
    server.start()
    said = wait_for(lambda: server.counts and server.counts[-1], "the counters at the server", 60)
    assert (said.next_rc, said.held, said.clock.source) == (3, (2,), r.ClockSource.DOCK)
    entries = wait_for(lambda: server.journals.get(party.kid.hex()), "the journal", 60)
    assert r.parse_entry(entries[said.journal_next_seq - 1]).sig_structure_sha256 == said.journal_tail
    assert lost.rec_id not in server.stored
    wait_for(lambda: not list((dock.store / "spool").glob("*/counts/*.cbor")), "the dock to forget it", 60)
