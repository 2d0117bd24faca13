"""The process that runs tasks (django-tasks-db), apart from the one that writes the log.

A task reads footage with native decoders; should one bring its process down, the log and the schedule go on, the
parent starts another, and `reconcile` tries the task again.
"""

import sys
import threading
from collections.abc import Callable

from django_tasks.base import TaskResultStatus
from django_tasks_db.management.commands.db_worker import Worker
from django_tasks_db.models import DBTaskResult

from django.db import OperationalError, close_old_connections

from openbwv.server.jobs import Heart, load_jobs
from openbwv.server.reconcile import worker_name
from openbwv.shared.clock import Clock

POLL_S = 0.25
HEARTBEAT = "tasks"


def run_tasks(clock: Clock, *, stopping: threading.Event, poll_s: float = POLL_S) -> int:
    """Run tasks until `stopping` is set and return how many ran; the task in hand is finished first."""
    load_jobs()
    heart = Heart(HEARTBEAT)
    count = 0
    while not stopping.is_set():
        clock_ms = clock.utc_ms()
        ran = run_one_task()
        count += ran
        if not ran:
            if not DBTaskResult.objects.filter(status=TaskResultStatus.RUNNING).exists():
                heart.beat(clock_ms)
            stopping.wait(poll_s)
        close_old_connections()
    return count


def run_one_task() -> int:
    """Run the next ready task, if there is one; return how many ran: 0 or 1."""
    before = DBTaskResult.objects.ready().exists()
    if not before:
        return 0
    worker = Worker(
        queue_names=["*"],
        interval=0,
        batch=True,
        backend_name="default",
        startup_delay=False,
        max_tasks=1,
        worker_id=worker_name(),
        excluded_queue_names=[],
    )
    try:
        worker.run()
    except OperationalError as problem:  # another writer held SQLite for longer than its timeout: look again
        if "locked" not in str(problem):
            raise
        return 0
    return worker._run_tasks


def stop_when_parent_goes(stop: Callable[[], None]) -> None:
    """Call `stop` when standard input ends: the parent holds the other end and never writes."""

    def watch() -> None:
        sys.stdin.buffer.read()
        stop()

    threading.Thread(target=watch, name="parent", daemon=True).start()
