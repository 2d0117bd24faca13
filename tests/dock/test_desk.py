"""Which step each recording waits for, and what becomes of it when a step fails; no server, a clock that is moved."""

import pytest

from openbwv.dock.desk import HELD_UP_S, LONGEST_ASIDE_S, Desk, Standing, Step
from openbwv.dock.intake import PartIntake
from openbwv.dock.layout import CUSTODY
from openbwv.dock.spool import Spool
from openbwv.shared.clock import FixedClock
from openbwv.shared.door import DoorBusy, DoorError, DoorUnreachable, HeldPart
from openbwv.shared.durable import write_durably
from tests.dock.force import make_recording

REFUSED = DoorError(what="No.", remedy="-", status=409, door_code="not-the-signed-bytes")
INCOMPLETE = DoorError(what="Incomplete.", remedy="-", status=409, door_code="incomplete")
GONE = DoorUnreachable(what="Gone.", remedy="-")


class Bench:
    """A spool, a desk over it, and a server that takes everything unless told otherwise."""

    def __init__(self, force, folder):
        self.force, self.camera = force, force.camera()
        self.spool = Spool(folder, trust=force.trust)
        self.clock = FixedClock(1_900_000_000_000)
        self.desk = Desk(self.spool.all, mono_ns=self.clock.mono_ns, at_once=3)

    def hold(self, recording, *, first=None, last=None, custody=True):
        """Have entries, key and the fragments from `first` to `last` in the spool."""
        held = self.spool.begin(recording.kid, recording.rec_id, owner=f"urn:bwv:camera:{self.camera.name}")
        aside = self.spool.layout.aside(recording.kid)
        held.add_entries(recording.manifest, from_seq=0, aside=aside)
        held.add_key(recording.key_cbor)
        first, last = first or recording.fragments[0].seq, last or recording.fragments[-1].seq
        data = recording.slice(first, last)
        with PartIntake(held, first_seq=first, length=len(data), digest=None, aside=aside) as intake:
            intake.feed(data)
            intake.commit()
        if custody:
            write_durably(held.folder / CUSTODY, b"given", replace=True)
        return held

    def contact(self):
        """Reach the server and announce everything."""
        self.desk.begin()
        self.announce()
        self.desk.open()

    def announce(self):
        for held in self.desk.unannounced():
            self.desk.announced(held, (held.next_seq, True))

    def next(self):
        """The step that would be taken now, or None when everybody would wait."""
        with self.desk._changed:
            return self.desk._next() if self.desk._open else None

    def do(self, step):
        """Take the next step, which must be `step`, and end it well."""
        task = self.next()
        assert task.step is step
        self.desk.ended(task, parts=[])
        return task


@pytest.fixture
def bench(force, tmp_path):
    return Bench(force, tmp_path / "spool")


def test_the_states_of_a_recording_in_their_order(force, bench):
    recording = make_recording(force, bench.camera, fragments=6)
    seqs = [each.seq for each in recording.fragments]
    held = bench.hold(recording, last=seqs[2], custody=False)
    assert bench.next() is None, "no contact"
    bench.desk.begin()
    bench.desk.open()
    assert bench.next() is None, "not announced"
    bench.announce()
    assert bench.desk.standing(held) is Standing.ARRIVING
    bench.do(Step.ASK)
    assert [each.seq for each in bench.do(Step.PART).run] == seqs[:3]
    assert bench.next() is None, "the rest is still on the camera"
    bench.hold(recording, first=seqs[3])
    assert bench.desk.standing(held) is Standing.WAITING
    part = bench.next()
    assert [each.seq for each in part.run] == seqs[3:]
    assert bench.desk.standing(held) is Standing.SENT
    bench.desk.ended(part)
    assert bench.desk.standing(held) is Standing.ASKED
    waiting = bench.next()
    assert waiting.step is Step.COMPLETE
    assert bench.next() is None, "it is asked once at a time"
    bench.desk.ended(waiting, problem=DoorBusy(what="Not yet.", remedy="-"))
    assert bench.next() is None
    bench.clock.advance(int(LONGEST_ASIDE_S * 1000))
    assert bench.next().step is Step.COMPLETE
    assert bench.desk.held_up() == {}
    assert held.has_custody


def test_only_what_the_server_lacks_is_sent_and_no_part_twice_at_once(force, bench):
    recording = make_recording(force, bench.camera, fragments=6)
    seqs = [each.seq for each in recording.fragments]
    bench.hold(recording)
    bench.contact()
    ask = bench.next()
    bench.desk.ended(ask, parts=[HeldPart(seqs[2], seqs[3], 4000)])
    one, two = bench.next(), bench.next()
    assert [[each.seq for each in task.run] for task in (one, two)] == [seqs[:2], seqs[4:]]
    assert bench.next() is None


def test_a_part_that_hangs_from_the_contact_before_is_not_given_out_again(force, bench):
    bench.hold(make_recording(force, bench.camera))
    bench.contact()
    bench.do(Step.ASK)
    hanging = bench.next()
    bench.desk.close()
    bench.contact()
    bench.do(Step.ASK)
    assert bench.next() is None
    bench.desk.broke(hanging, GONE)
    assert bench.desk.trouble is None, "it is no news of this contact"
    assert bench.next().run == hanging.run


def test_a_broken_connection_ends_the_contact_and_holds_nobody_up(force, bench):
    bench.hold(make_recording(force, bench.camera))
    bench.contact()
    bench.do(Step.ASK)
    bench.desk.broke(bench.next(), GONE)
    assert bench.desk.trouble is GONE
    assert bench.next() is None
    bench.contact()
    bench.do(Step.ASK)
    assert bench.desk.held_up() == {}


def test_what_is_refused_waits_alone_and_a_new_contact_tries_at_once(force, bench):
    bad = bench.hold(make_recording(force, bench.camera, evidential=True))
    good = bench.hold(make_recording(force, bench.camera))
    bench.contact()
    bench.do(Step.ASK)
    task = bench.next()
    assert task.held is bad
    bench.desk.ended(task, problem=REFUSED)
    assert bench.desk.held_up() == {bad.rec_id: "No."}
    assert bench.desk.standing(bad) is Standing.HELD_UP
    assert [bench.do(step).held for step in (Step.ASK, Step.PART, Step.COMPLETE)] == [good] * 3
    bench.spool.release(good, b"receipt")
    assert bench.next() is None
    bench.clock.advance(int(HELD_UP_S * 1000))
    bench.announce()
    assert bench.next().held is bad
    bench.contact()
    assert bench.next() is None, "its question is still under way"
    assert bench.desk.held_up() == {}


def test_a_server_that_has_less_than_it_said_is_asked_once_more_and_then_it_is_said(force, bench):
    held = bench.hold(make_recording(force, bench.camera))
    bench.contact()
    bench.do(Step.ASK)
    bench.do(Step.PART)
    bench.desk.ended(bench.next(), problem=INCOMPLETE)
    bench.announce()
    ask = bench.next()
    bench.desk.ended(ask, parts=[HeldPart(0, 99, 0)])
    bench.desk.ended(bench.next(), problem=INCOMPLETE)
    assert bench.next() is None
    assert bench.desk.held_up() == {held.rec_id: "Incomplete."}


def test_an_entry_that_comes_later_is_announced_before_anything_else(force, bench):
    recording = make_recording(force, bench.camera)
    held = bench.hold(recording)
    bench.contact()
    bench.do(Step.ASK)
    bench.desk.announced(held, (held.next_seq - 1, True))
    assert bench.next() is None
    assert bench.desk.unannounced() == [held]
    bench.announce()
    assert bench.next().step is Step.PART
