"""What a worker meets when it starts, in this process: a database that does not answer is waited for."""

import threading

import pytest

from django.db import OperationalError

from openbwv.custody import EventType
from openbwv.server.commands import worker
from openbwv.server.trail import actions
from openbwv.server.trail.models import Event
from openbwv.server.trail.sequencer import Sequencer

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("words", ["database is locked", "database or disk is full"])
def test_a_database_that_does_not_answer_at_the_start_does_not_end_the_worker(running_log, clock, monkeypatch, words):
    faults = {"start": 1, "log_event": 2}
    real = actions.log_event

    def failing(name, good):
        def call(*arguments, **keywords):
            if faults[name]:
                faults[name] -= 1
                raise OperationalError(words)
            return good(*arguments, **keywords)

        return call

    monkeypatch.setattr(Sequencer, "start", failing("start", lambda _self: 0))
    monkeypatch.setattr(actions, "log_event", failing("log_event", real))
    monkeypatch.setattr(worker, "SCHEDULE_S", 0)
    monkeypatch.setattr(worker._Worker, "_start_writer", lambda _self: finished())
    monkeypatch.setattr(worker._Worker, "_keep_child", lambda _self: None)
    monkeypatch.setattr("openbwv.server.commands.worker.signal.signal", lambda *_: None)
    monkeypatch.setattr("django.db.close_old_connections", lambda: None)  # the one the test runs in
    one = worker._Worker(clock, state="state", as_json=True)
    passes = []

    def step(**_):
        passes.append(True)
        one._stop.set()

    monkeypatch.setattr(one._scheduler, "step", step)
    assert one.run() == 0
    assert faults == {"start": 0, "log_event": 0}
    assert passes == [True], "no job runs before it is noted which release runs them"
    assert Event.objects.filter(type=EventType.SOFTWARE).count() == 1


def finished():
    thread = threading.Thread(target=lambda: None)
    thread.start()
    return thread
