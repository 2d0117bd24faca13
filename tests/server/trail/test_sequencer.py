"""One writer; what a crash or a restore left between log and database is taken up or refused, never guessed."""

import os
import shutil
import subprocess
import sys

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from django.db import OperationalError, connection

from openbwv.custody import EMPTY_ROOT, EventType, LogRolledBack, NoteRejected
from openbwv.recording.errors import BwvError
from openbwv.server.trail import log
from openbwv.server.trail.actions import log_event
from openbwv.server.trail.errors import DatabaseBehindLog, LogBehindDatabase, WorkerRunning
from openbwv.server.trail.models import Event, LogHead
from openbwv.server.trail.sequencer import Sequencer, SequencerLock, run_sequencer
from openbwv.shared.durable import DiskFull
from openbwv.shared.log_folder import checkpoint_file
from tests.server.log_fixture import KEY, begin

pytestmark = pytest.mark.django_db


class Killed(BaseException):
    """SIGKILL."""


@pytest.fixture
def write(recording, clock):
    def write(count=1):
        return [log_event(EventType.VIEW, recording=recording, clock=clock) for _ in range(count)]

    return write


def indices():
    return list(Event.objects.order_by("id").values_list("leaf_index", flat=True))


def test_killed_after_the_log_and_before_the_database_the_same_events_get_the_same_numbers(
    running_log, write, monkeypatch
):
    write(3)
    running_log.drain()
    write(5)

    def killed(*_):
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(Sequencer, "_free", killed)
        with pytest.raises(Killed):
            running_log.step()
    assert indices() == [0, 1, 2] + [None] * 5
    assert log.reader().checkpoint().size == 8
    root = log.reader().checkpoint().root
    write(2)
    again = Sequencer(sign=KEY.sign)
    assert again.start() == 8
    assert indices() == [*range(8), None, None]
    assert bytes(LogHead.objects.get().root) == root
    assert again.drain() == 2
    assert indices() == list(range(10))


@pytest.mark.parametrize("place", ["write_once", "publish_checkpoint"])
def test_killed_inside_the_log_s_own_steps_nothing_is_logged_twice(running_log, write, monkeypatch, place):
    write(2)
    running_log.drain()
    write(3)

    def killed(*_):
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(f"openbwv.shared.log_folder.LogFolder.{place}", killed)
        with pytest.raises(Killed):
            running_log.step()
    again = Sequencer(sign=KEY.sign)
    again.start()
    again.drain()
    assert indices() == list(range(5))
    reader = log.reader()
    entries = list(reader.entries(0, reader.checkpoint().size))
    assert entries == [bytes(leaf) for leaf in Event.objects.order_by("id").values_list("leaf", flat=True)]


def test_an_older_database_put_back_is_refused(running_log, write):
    write(4)
    running_log.drain()
    old_root = bytes(LogHead.objects.get().root)
    later = write(3)
    running_log.drain()
    Event.objects.filter(pk__in=[event.pk for event in later]).delete()
    LogHead.objects.update(size=4, root=old_root)
    write(2)  # it goes on and makes other events: a fork
    with pytest.raises(DatabaseBehindLog, match="3 of the log's entries from number 4 on"):
        Sequencer(sign=KEY.sign).start()
    assert log.reader().checkpoint().size == 7, "nothing was appended"
    assert indices()[4:] == [None, None]


def test_a_database_put_back_to_where_its_events_still_waited_goes_on(running_log, write):
    write(4)
    running_log.drain()
    Event.objects.update(leaf_index=None, log_generation=None)
    LogHead.objects.update(size=0, root=EMPTY_ROOT)
    assert Sequencer(sign=KEY.sign).start() == 4
    assert indices() == [0, 1, 2, 3]


def test_an_older_log_folder_put_back_is_refused(running_log, write, state, tmp_path):
    write(4)
    running_log.drain()
    shutil.copytree(state / "log", tmp_path / "old")
    write(3)
    running_log.drain()
    shutil.rmtree(state / "log")
    shutil.copytree(tmp_path / "old", state / "log")
    with pytest.raises(LogRolledBack):
        Sequencer(sign=KEY.sign).start()


def test_log_and_outside_checkpoint_put_back_together_are_refused_by_the_database(running_log, write, state, tmp_path):
    write(4)
    running_log.drain()
    shutil.copytree(state / "log", tmp_path / "old")
    note = checkpoint_file(state).path.read_text()
    write(3)
    running_log.drain()
    shutil.rmtree(state / "log")
    shutil.copytree(tmp_path / "old", state / "log")
    checkpoint_file(state).path.write_text(note)
    with pytest.raises(LogBehindDatabase):
        Sequencer(sign=KEY.sign).start()


def test_log_and_database_put_back_together_are_refused_by_the_outside_checkpoint(running_log, write, state, tmp_path):
    write(4)
    running_log.drain()
    shutil.copytree(state / "log", tmp_path / "old")
    root = bytes(LogHead.objects.get().root)
    later = write(3)
    running_log.drain()
    shutil.rmtree(state / "log")
    shutil.copytree(tmp_path / "old", state / "log")
    Event.objects.filter(pk__in=[event.pk for event in later]).delete()
    LogHead.objects.update(size=4, root=root)
    with pytest.raises(LogRolledBack):
        Sequencer(sign=KEY.sign).start()


def test_the_log_of_another_force_is_refused(running_log, write, state):
    write(2)
    running_log.drain()
    other = begin(state, Ed25519PrivateKey.generate())
    with pytest.raises(NoteRejected):
        other.start()


def test_a_database_of_another_history_is_refused(running_log, write):
    write(2)
    running_log.drain()
    LogHead.objects.update(root=bytes(32))
    with pytest.raises(DatabaseBehindLog, match="another root"):
        Sequencer(sign=KEY.sign).start()


def test_a_lost_log_is_not_begun_anew(running_log, write, state):
    write(2)
    running_log.drain()
    shutil.rmtree(state / "log")
    checkpoint_file(state).path.unlink()
    with pytest.raises(BwvError) as caught:
        Sequencer(sign=KEY.sign).start()
    assert caught.value.code == "log-missing"


def test_two_sequencers_without_the_lock_still_do_not_fork_the_log(running_log, write, state):
    write(1)
    running_log.drain()
    second = Sequencer(sign=KEY.sign)
    second.start()
    write(1)
    running_log.drain()
    write(1)
    with pytest.raises(BwvError):
        second.step()
    second.start()
    second.drain()
    assert indices() == [0, 1, 2]


def test_a_second_worker_is_refused_while_the_first_holds_the_lock(db, state):
    first = SequencerLock(state)
    with pytest.raises(WorkerRunning):
        SequencerLock(state)
    first.release()
    SequencerLock(state).release()


def test_a_worker_that_was_killed_holds_no_lock(db, state):
    program = (
        "import fcntl, os, sys, time\n"
        "d = os.open(sys.argv[1], os.O_CREAT | os.O_RDWR, 0o600); fcntl.flock(d, fcntl.LOCK_EX)\n"
        "print('held', flush=True); time.sleep(60)\n"
    )
    (state / "run").mkdir()
    holder = subprocess.Popen(
        [sys.executable, "-c", program, str(state / "run" / "sequencer.lock")], stdout=subprocess.PIPE
    )
    assert holder.stdout.readline() == b"held\n"
    with pytest.raises(WorkerRunning):
        SequencerLock(state)
    holder.kill()
    holder.wait()
    holder.stdout.close()
    SequencerLock(state).release()


class Silent(BwvError):
    code = "keyd-unavailable"


def test_a_silent_key_service_is_waited_for_and_nothing_is_lost(running_log, write, clock):
    answers = iter([Silent(what="keyd is down.", remedy="Start it."), Silent(what="keyd is down.", remedy="Start it.")])

    def sign(message):
        for problem in answers:
            raise problem
        return KEY.sign(message)

    write(2)
    rounds = []
    run_sequencer(
        Sequencer(sign=sign),
        clock=clock,
        stopping=lambda: len(rounds) >= 3,
        beat=lambda _ms, outcome, message: rounds.append((outcome, message)),
        wait_s=0,
        retry_s=0,
    )
    assert [outcome for outcome, _ in rounds][:3] == ["failed", "failed", "done"]
    assert indices() == [0, 1]


def test_a_log_that_does_not_hold_ends_the_run(running_log, write, clock):
    write(2)
    running_log.drain()
    LogHead.objects.update(root=bytes(32))
    with pytest.raises(DatabaseBehindLog):
        run_sequencer(Sequencer(sign=KEY.sign), clock=clock, stopping=lambda: True, beat=lambda *_: None)


def test_what_waits_when_it_is_told_to_stop_is_logged_first(running_log, write, clock):
    write(300)
    run_sequencer(Sequencer(sign=KEY.sign), clock=clock, stopping=lambda: True, beat=lambda *_: None)
    assert None not in indices()


def test_the_lock_is_only_for_its_owner(db, state):
    lock = SequencerLock(state)
    assert oct(os.stat(state / "run" / "sequencer.lock").st_mode & 0o777) == "0o600"
    lock.release()


def test_a_database_that_does_not_answer_is_tried_again_and_nothing_is_logged_twice(
    running_log, write, clock, monkeypatch
):
    write(3)
    real, failures = Sequencer._free, iter([True])

    def sometimes(self, *arguments):
        if next(failures, False):
            raise OperationalError("server closed the connection unexpectedly")
        real(self, *arguments)

    monkeypatch.setattr(Sequencer, "_free", sometimes)
    monkeypatch.setattr("openbwv.server.trail.sequencer.connection.close", lambda: None)
    done = []
    run_sequencer(
        Sequencer(sign=KEY.sign),
        clock=clock,
        stopping=lambda: bool(done),
        beat=lambda *beat: done.append(beat),
        wait_s=0,
        retry_s=0,
    )
    assert indices() == [0, 1, 2]
    assert log.reader().checkpoint().size == 3


def test_a_disk_too_full_to_note_that_the_disk_is_full_does_not_end_the_run(running_log, write, clock, monkeypatch):
    """Log and database share a disk: neither the entry nor the heartbeat that says so can be written."""
    write(3)
    full = iter([True, True])

    def sign(message):
        if next(full, False):
            raise DiskFull(what="The disk is full.", remedy="Free some space.")
        return KEY.sign(message)

    rounds = []

    def beat(_ms, outcome, _message):
        rounds.append(outcome)
        if outcome == "failed":
            raise OperationalError("database or disk is full")

    monkeypatch.setattr("openbwv.server.trail.sequencer.connection.close", lambda: None)
    run_sequencer(
        Sequencer(sign=sign),
        clock=clock,
        stopping=lambda: "done" in rounds,
        beat=beat,
        wait_s=0,
        retry_s=0,
    )
    assert rounds[:3] == ["failed", "failed", "done"]
    assert indices() == [0, 1, 2]


def test_on_postgresql_the_lock_holds_across_hosts_and_on_sqlite_within_the_folder(db, state, tmp_path):
    """Another host has another run folder; only the database is shared."""
    first = SequencerLock(state)
    if connection.vendor == "postgresql":
        with pytest.raises(WorkerRunning):
            SequencerLock(tmp_path / "other host")
        first.release()
        SequencerLock(tmp_path / "other host").release()
    else:
        SequencerLock(tmp_path / "another force").release()
        first.release()
