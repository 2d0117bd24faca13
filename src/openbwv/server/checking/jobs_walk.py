"""Has every job run, and did no task give up?"""

from collections.abc import Iterator

from django_tasks.base import TaskResultStatus
from django_tasks_db.models import DBTaskResult

from openbwv.server.checking.result import Context, Disagreement, Heartbeat
from openbwv.server.clock import to_ms
from openbwv.server.jobs import late, load_jobs
from openbwv.server.reconcile import MAX_TRIES
from openbwv.server.trail.models import JobHeartbeat, Outcome

START = "Start `./bwv worker`, or look at what it says."


def walk_jobs(context: Context) -> Iterator[Disagreement]:
    """Report jobs that never ran, are late, failed or were refused, and tasks that were given up."""
    rows = {row.job: row for row in JobHeartbeat.objects.all()}
    for name in load_jobs():
        context.looked_at["jobs"] += 1
        if name not in rows:
            yield Disagreement("job-never-ran", name, "this periodic job has never run", START)
    for row in rows.values():
        if row.outcome != Outcome.DONE:
            yield Disagreement(f"job-{row.outcome}", row.job, row.message, START)
        elif late(row, context.clock_utc_ms):
            yield Disagreement("job-late", row.job, f"it is past due; up to date at {row.clock_utc}", START)
    for task in DBTaskResult.objects.filter(status=TaskResultStatus.FAILED):
        if len(task.worker_ids) >= MAX_TRIES:
            what = f"the task was tried {MAX_TRIES} times and given up: {task.exception_class_path}"
            yield Disagreement("task-given-up", task.task_path, what, "See the worker's messages; mend it and redo it.")


def heartbeats() -> list[Heartbeat]:
    """Return every job's heartbeat, by name."""
    return [
        Heartbeat(
            job=row.job,
            finished_utc_ms=to_ms(row.last_finished_utc) if row.last_finished_utc else None,
            clock_utc_ms=to_ms(row.clock_utc) if row.clock_utc else None,
            outcome=row.outcome,
            message=row.message,
        )
        for row in JobHeartbeat.objects.order_by("job")
    ]
