"""`./bwv worker`: writes the custody log, runs the periodic jobs, and keeps a process that runs tasks.

Three loops. The sequencer has a thread of its own, so that no job can keep an event from the log. Periodic jobs run in
the main thread. Tasks run in a child process, which is started again when it dies. On SIGTERM or SIGINT the jobs and
tasks in hand are finished, what still waits for the log is written, and the lock is given back.
"""

import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from types import FrameType
from typing import Any

from openbwv.command import Parser
from openbwv.recording.errors import BwvError
from openbwv.server.boot import add_state, boot

SCHEDULE_S = 0.5
TASKS_GRACE_S = 20.0
RESTART_AFTER_S = 2.0
HEARTBEAT = "log"

logger = logging.getLogger("openbwv.worker")

EXAMPLES = """  ./bwv worker --state /var/lib/bwv           the log, the jobs and one process for tasks
  ./bwv worker --tasks-only                   one more process for tasks (PostgreSQL)
  ./bwv worker --once --json                  do what is due now, write the log, and stop"""


def main(argv: list[str]) -> int:
    """Run `./bwv worker` until it is told to stop; exit 0 then, or the code of what made it stop."""
    parser = Parser(
        prog="./bwv worker", description="Write the custody log and run the jobs of one force.", examples=EXAMPLES
    )
    add_state(parser)
    only = parser.add_mutually_exclusive_group()
    only.add_argument("--tasks-only", action="store_true", help="run tasks and nothing else; any number of these")
    only.add_argument("--once", action="store_true", help="one pass of jobs, tasks and log, then stop")
    parser.add_argument("--json", action="store_true", help="say what happens as lines of JSON")
    parser.add_argument("--under-parent", action="store_true", help="(used by the worker itself) stop with its parent")
    arguments = parser.parse_args(argv)
    state = boot(arguments.state)
    from openbwv.server.clock import clock

    source = clock()
    source.utc_ms()  # a clock that cannot be had, or may not be used, is said before anything else
    if arguments.tasks_only:
        return _tasks_only(source, under_parent=arguments.under_parent)
    from openbwv.server.trail.sequencer import SequencerLock

    lock = SequencerLock(state)
    try:
        worker = _Worker(source, state=str(state), as_json=arguments.json)
        return worker.once() if arguments.once else worker.run()
    finally:
        lock.release()


class _Worker:
    """The loops of one worker process."""

    def __init__(self, source: Any, *, state: str, as_json: bool) -> None:
        from openbwv.server.jobs import Scheduler, load_jobs
        from openbwv.server.trail.sequencer import Sequencer

        load_jobs()
        self._clock = source
        self._state = state
        self._as_json = as_json
        self._scheduler = Scheduler(source)
        self._sequencer = Sequencer()
        self._stop = threading.Event()
        self._finish_log = threading.Event()
        self._fault: BaseException | None = None
        self._child: subprocess.Popen[bytes] | None = None
        self._child_died = 0.0
        self._said = ("", "")
        self._release_noted = False

    def once(self) -> int:
        """Do what is due now and stop; the log is written meanwhile, as some jobs wait for it."""
        from openbwv.server.tasks_loop import run_one_task

        entries = self._sequencer.start()
        self._note_release()
        writer = self._start_writer()
        tasks = 0
        try:
            jobs = self._scheduler.step()
            while run_one_task():
                tasks += 1
        finally:
            self._finish_log.set()
            writer.join()
        if self._fault is not None:
            raise self._fault
        self._say("done", jobs=jobs, tasks=tasks, logged=self._sequencer.size - entries)
        return 0

    def run(self) -> int:
        """Run until a signal or a fault that waiting cannot mend."""
        from django.db import InterfaceError, OperationalError

        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._asked_to_stop)
        try:
            self._sequencer.start()
        except BwvError as problem:  # a log that does not hold ends the worker here; a silent key service is waited for
            if not _may_pass(problem):
                raise
        except (OperationalError, InterfaceError) as problem:  # a busy or full database is waited for as well
            logger.warning("the database did not answer: %s", problem)
        writer = self._start_writer()
        try:
            while not self._stop.wait(SCHEDULE_S):
                self._keep_child()
                self._run_due()
        finally:
            self._stop.set()
            self._end_child()
            self._finish_log.set()
            writer.join()
        if self._fault is not None:
            raise self._fault
        self._say("stopped")
        return 0

    def _start_writer(self) -> threading.Thread:
        writer = threading.Thread(target=self._write_log, name="sequencer")
        writer.start()
        return writer

    def _write_log(self) -> None:
        from django.db import connection

        from openbwv.server.jobs import Heart
        from openbwv.server.trail.sequencer import run_sequencer

        heart = Heart(HEARTBEAT)

        def beat(clock_ms: int, outcome: str, message: str) -> None:
            heart.beat(clock_ms, outcome, message)
            self._say_once("waiting" if message else "ready", message)

        try:
            run_sequencer(self._sequencer, clock=self._clock, stopping=self._finish_log.is_set, beat=beat)
        except Exception as fault:  # noqa: BLE001  the main thread raises it, after it has ended the rest in order
            self._fault = fault
            logger.error("the log is not written any more: %s", fault)
            self._stop.set()
        finally:
            connection.close()

    def _run_due(self) -> None:
        """Run what is due; when clock or database do not answer, the next pass tries again."""
        from django.db import InterfaceError, OperationalError, close_old_connections

        try:
            if not self._release_noted:
                self._note_release()
            self._scheduler.step(stopping=self._stop.is_set)
        except (BwvError, OperationalError, InterfaceError) as problem:
            logger.warning("the jobs wait: %s", problem)
        close_old_connections()

    def _note_release(self) -> None:
        """Log which release runs, once for each."""
        from openbwv import __version__
        from openbwv.custody import EventType
        from openbwv.server.trail.actions import log_event
        from openbwv.server.trail.models import Event

        last = Event.objects.filter(type=EventType.SOFTWARE).order_by("-id").values_list("details", flat=True).first()
        details = {"version": __version__, "python": ".".join(map(str, sys.version_info[:3]))}
        if last != details:
            log_event(EventType.SOFTWARE, actor_label="worker", details=details, clock=self._clock)
        self._release_noted = True

    def _keep_child(self) -> None:
        """Start the process for tasks, and again when it died, but not more often than every few seconds."""
        if self._child is not None and self._child.poll() is None:
            return
        if self._child is not None:
            logger.error("the process for tasks ended with code %s; it is started again", self._child.returncode)
            self._child = None
            self._child_died = time.monotonic()
        if self._child_died and time.monotonic() - self._child_died < RESTART_AFTER_S:
            return
        self._child = subprocess.Popen(
            [sys.executable, "-m", "openbwv", "worker", "--tasks-only", "--under-parent", "--state", self._state],
            stdin=subprocess.PIPE,
            env=os.environ,
            start_new_session=True,  # Ctrl-C goes to this process alone, which then ends the child in order
        )

    def _end_child(self) -> None:
        child = self._child
        if child is None:
            return
        if child.stdin is not None:
            child.stdin.close()
        try:
            child.wait(TASKS_GRACE_S)
        except subprocess.TimeoutExpired:
            logger.error("a task did not end within %s s and was cut; it will be tried again", TASKS_GRACE_S)
            child.kill()
            child.wait()

    def _asked_to_stop(self, _number: int, _frame: FrameType | None) -> None:
        self._stop.set()

    def _say_once(self, state: str, why: str) -> None:
        """Say how the log is when that has changed."""
        if (state, why) != self._said:
            self._said = (state, why)
            self._say(state, **({"why": why} if why else {"entries": self._sequencer.size}))

    def _say(self, state: str, **facts: object) -> None:
        line = json.dumps({"worker": state, **facts}) if self._as_json else _words(state, facts)
        print(line, flush=True)


def _words(state: str, facts: dict[str, object]) -> str:
    return f"worker: {state}" + "".join(f", {name} {value}" for name, value in facts.items())


def _may_pass(problem: BwvError) -> bool:
    """Say whether waiting may mend `problem`: the key service is not up yet, or the disk is full."""
    from openbwv.custody import CustodyError
    from openbwv.server.trail.errors import DatabaseBehindLog, LogBehindDatabase

    return not isinstance(problem, CustodyError | DatabaseBehindLog | LogBehindDatabase)


def _tasks_only(source: Any, *, under_parent: bool) -> int:
    from openbwv.server.tasks_loop import run_tasks, stop_when_parent_goes

    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    if under_parent:
        stop_when_parent_goes(stop.set)
    run_tasks(source, stopping=stop)
    return 0
