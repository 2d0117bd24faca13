"""Periodic jobs follow the force's clock; each leaves a heartbeat; a clock that leaps is not believed."""

import os
import socket
from datetime import timedelta

import pytest
from django_tasks_db.models import DBTaskResult

from django.utils import timezone

from openbwv.custody import EventType
from openbwv.recording.errors import BwvError
from openbwv.server import jobs
from openbwv.server.clock import to_ms
from openbwv.server.jobs import HOUR_MS, Heart, Job, Scheduler, late
from openbwv.server.reconcile import MAX_TRIES, reconcile_tasks, worker_name
from openbwv.server.trail.models import Event, JobHeartbeat

pytestmark = pytest.mark.django_db


@pytest.fixture
def runs():
    return []


@pytest.fixture
def scheduler(clock, runs):
    def note(name):
        return lambda source: runs.append((name, source.utc_ms()))

    made = {name: Job(name, every_s, note(name)) for name, every_s in [("hourly", 3600), ("daily", 86_400)]}
    return Scheduler(clock, jobs=made)


@pytest.fixture(autouse=True)
def still_mono(monkeypatch):
    """Time that passes in the test is the clock's alone."""
    monkeypatch.setattr(jobs.time, "monotonic_ns", lambda: 0)


def beat(name):
    return JobHeartbeat.objects.get(job=name)


def test_each_job_runs_at_once_and_then_when_its_time_has_passed_by_the_clock(scheduler, clock, runs):
    assert scheduler.step() == 2
    assert scheduler.step() == 0
    clock.advance(HOUR_MS - 1)
    assert scheduler.step() == 0
    clock.advance(1)
    assert scheduler.step() == 1
    assert [name for name, _ in runs] == ["hourly", "daily", "hourly"]


def test_after_the_clock_was_moved_every_heartbeat_comes_to_the_new_time(scheduler, clock):
    scheduler.step()
    clock.advance(12 * HOUR_MS)
    scheduler.step()
    assert {to_ms(row.clock_utc) for row in JobHeartbeat.objects.all()} == {clock.utc_ms()}
    assert to_ms(beat("hourly").last_finished_utc) == clock.utc_ms()
    assert to_ms(beat("daily").last_finished_utc) == clock.utc_ms() - 12 * HOUR_MS, "it was not due yet"


def test_a_single_leap_of_thirty_days_is_refused_and_nothing_runs_until_a_restart(scheduler, clock, runs):
    scheduler.step()
    runs.clear()
    clock.advance(30 * 24 * HOUR_MS)
    assert scheduler.step() == 0
    assert runs == []
    assert beat("hourly").outcome == "refused"
    assert "leapt" in beat("daily").message
    refusal = Event.objects.get(type=EventType.REFUSED)
    assert refusal.details["to_utc_ms"] - refusal.details["from_utc_ms"] == 30 * 24 * HOUR_MS
    clock.advance(HOUR_MS)
    assert scheduler.step() == 0, "it stays refused"
    assert Scheduler(clock, jobs=scheduler.jobs).step() == 2, "somebody started the worker again"
    assert beat("hourly").outcome == "done"


def test_steps_of_twelve_hours_are_believed(scheduler, clock, runs):
    for _ in range(6):
        scheduler.step()
        clock.advance(12 * HOUR_MS)
    assert not scheduler.refused
    assert len([name for name, _ in runs if name == "daily"]) == 3


def test_a_job_that_fails_is_said_retried_and_stops_no_other(clock, runs, monkeypatch):
    seconds = iter(range(0, 10_000, 31))
    monkeypatch.setattr(jobs.time, "monotonic", lambda: next(seconds))
    problems = [BwvError(what="The disk is full.", remedy="Free some space."), ZeroDivisionError("by zero"), None]

    def failing(_clock):
        problem = problems.pop(0)
        if problem:
            raise problem

    scheduler = Scheduler(
        clock, jobs={"bad": Job("bad", 3600, failing), "good": Job("good", 3600, lambda _: runs.append(1))}
    )
    scheduler.step()
    assert (beat("bad").outcome, beat("bad").message) == ("failed", "The disk is full.")
    assert beat("bad").last_finished_utc is None
    assert runs == [1]
    scheduler.step()
    assert beat("bad").message == "ZeroDivisionError: by zero"
    scheduler.step()
    assert (beat("bad").outcome, beat("bad").message) == ("done", "")


def test_a_job_that_was_cut_runs_again(scheduler, clock, runs):
    scheduler.step()
    runs.clear()
    clock.advance(1000)
    JobHeartbeat.objects.filter(job="daily").update(last_started_utc=beat("daily").clock_utc + timedelta(seconds=1))
    again = Scheduler(clock, jobs=scheduler.jobs)
    assert again.step() == 1
    assert [name for name, _ in runs] == ["daily"]


def test_when_it_is_told_to_stop_no_further_job_begins(scheduler, runs):
    scheduler.step(stopping=lambda: len(runs) == 1)
    assert len(runs) == 1


def test_two_jobs_of_one_name_are_a_mistake():
    def one(_clock): ...
    def two(_clock): ...

    jobs.register("a-test-job", every_s=1, run=one)
    try:
        jobs.register("a-test-job", every_s=2, run=one)
        with pytest.raises(ValueError, match="two periodic jobs"):
            jobs.register("a-test-job", every_s=1, run=two)
    finally:
        del jobs.PERIODIC["a-test-job"]


def test_a_heartbeat_that_is_old_is_late(scheduler, clock):
    scheduler.step()
    now = clock.utc_ms()
    assert not late(beat("hourly"), now + 2 * HOUR_MS)
    assert late(beat("hourly"), now + 3 * HOUR_MS)


def test_a_loop_s_heart_writes_only_what_is_news(clock, django_assert_num_queries):
    heart = Heart("log")
    heart.beat(clock.utc_ms())
    with django_assert_num_queries(0):
        heart.beat(clock.utc_ms() + 1000)
    heart.beat(clock.utc_ms() + 1000, "failed", "keyd is down")
    assert (beat("log").outcome, to_ms(beat("log").clock_utc)) == ("failed", clock.utc_ms())
    heart.beat(clock.utc_ms() + 6 * HOUR_MS)
    assert (beat("log").outcome, to_ms(beat("log").clock_utc)) == ("done", clock.utc_ms() + 6 * HOUR_MS)


def task(status, *, workers, minutes_ago=0):
    then = timezone.now() - timedelta(minutes=minutes_ago)
    return DBTaskResult.objects.create(
        status=status,
        args_kwargs={"args": [], "kwargs": {}},
        task_path="some.task",
        worker_ids=workers,
        backend_name="default",
        run_after=then,
        started_at=then,
        finished_at=then if status == "FAILED" else None,
        exception_class_path="",
        traceback="",
    )


DEAD = f"{socket.gethostname()[:40]}:999999999"


@pytest.mark.parametrize(
    ("status", "workers", "minutes_ago", "after"),
    [
        ("RUNNING", [DEAD], 0, "READY"),
        ("RUNNING", [f"{socket.gethostname()[:40]}:{os.getpid()}"], 0, "RUNNING"),
        ("RUNNING", [f"{socket.gethostname()[:40]}:{os.getpid()}"], 16, "READY"),
        ("RUNNING", ["another-host:7"], 0, "RUNNING"),
        ("RUNNING", ["another-host:7"], 16, "READY"),
        ("RUNNING", [DEAD] * MAX_TRIES, 0, "FAILED"),
        ("FAILED", [DEAD], 1, "FAILED"),
        ("FAILED", [DEAD], 3, "READY"),
        ("FAILED", [DEAD] * 3, 7, "FAILED"),
        ("FAILED", [DEAD] * 3, 9, "READY"),
        ("FAILED", [DEAD] * MAX_TRIES, 900, "FAILED"),
        ("READY", [], 60, "READY"),
    ],
)
def test_a_task_that_was_cut_or_failed_is_tried_again_at_most_five_times(clock, status, workers, minutes_ago, after):
    made = task(status, workers=workers, minutes_ago=minutes_ago)
    reconcile_tasks(clock)
    made.refresh_from_db()
    assert made.status == after


def test_old_results_are_removed_but_not_those_that_were_given_up(clock):
    done = task("FAILED", workers=[DEAD] * MAX_TRIES, minutes_ago=60 * 24 * 20)
    DBTaskResult.objects.filter(pk=done.pk).update(status="SUCCESSFUL")
    given_up = task("FAILED", workers=[DEAD] * MAX_TRIES, minutes_ago=60 * 24 * 20)
    reconcile_tasks(clock)
    assert list(DBTaskResult.objects.all()) == [given_up]


def test_a_worker_s_name_says_host_and_process():
    assert worker_name() == f"{socket.gethostname()[:40]}:{os.getpid()}"
