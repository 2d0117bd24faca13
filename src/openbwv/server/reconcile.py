"""Tasks that were cut or failed are tried again; old results are removed.

django-tasks-db has no lease, heartbeat or retry: a killed worker leaves its task RUNNING for ever. Every task of ours
may run twice, so what hangs is simply made ready again, at most `MAX_TRIES` times in all; then it stays FAILED, and
`./bwv check` and the home page show it. Leases go by the system's clock, never by a moved one.
"""

import os
import socket
from datetime import timedelta

from django_tasks.base import TaskResultStatus
from django_tasks_db.models import DBTaskResult

from django.db import transaction
from django.utils import timezone

from openbwv.server.jobs import register
from openbwv.shared.clock import Clock

MAX_TRIES = 5
RUNNING_LIMIT = timedelta(minutes=15)
KEEP_RESULTS = timedelta(days=14)


class TaskHung(RuntimeError):
    """A task was cut or hung each time it was tried."""


def worker_name() -> str:
    """Return this process's name as a task worker: host and process number, so that others can tell if it lives."""
    return f"{socket.gethostname()[:40]}:{os.getpid()}"


def reconcile_tasks(clock: Clock) -> int:
    """Make cut and failed tasks ready again and return how many; remove results that are two weeks old."""
    now = timezone.now()
    count = 0
    for task in DBTaskResult.objects.filter(status=TaskResultStatus.RUNNING):
        if now - task.started_at > RUNNING_LIMIT or not _lives(task.worker_ids[-1]):
            count += _again(task, TaskResultStatus.RUNNING)
    for task in DBTaskResult.objects.filter(status=TaskResultStatus.FAILED):
        wait = timedelta(minutes=2 ** len(task.worker_ids))
        if len(task.worker_ids) < MAX_TRIES and now - task.finished_at >= wait:
            count += _again(task, TaskResultStatus.FAILED)
    old = DBTaskResult.objects.filter(finished_at__lt=now - KEEP_RESULTS)
    old.exclude(status=TaskResultStatus.FAILED).delete()
    return count


def _again(task: DBTaskResult, status: str) -> int:
    """Put `task` back if it is still in `status`; a task out of tries becomes FAILED."""
    with transaction.atomic():
        row = DBTaskResult.objects.select_for_update().filter(pk=task.pk, status=status).first()
        if row is None:
            return 0
        if len(row.worker_ids) >= MAX_TRIES:
            row.set_failed(TaskHung(f"cut or hung {len(row.worker_ids)} times"))
            return 0
        row.status = TaskResultStatus.READY
        row.finished_at = None
        row.save(update_fields=["status", "finished_at"])
    return 1


def _lives(name: str) -> bool:
    """Say whether the worker called `name` may still be at work; those of other hosts get the benefit of the doubt."""
    host, _, number = name.rpartition(":")
    if host != socket.gethostname()[:40] or not number.isdecimal():
        return True
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


register("reconcile", every_s=60, run=reconcile_tasks)
