"""Periodic jobs: who runs how often, by the force's clock, and a heartbeat row for each.

An app's `jobs.py` calls `register`. The schedule follows the process's clock, so a pretend force whose clock is moved
by six hours runs at once what those hours made due. A heartbeat's `clock_utc` is the time up to which nothing of that
job is due: whoever moved the clock waits until every row has come there.

A job does its whole work in one call, may be cut at any point, and reads the rows' state anew each time: nothing is
lost when it fails, it is simply run again.
"""

import importlib
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings

from openbwv.custody import EventType
from openbwv.recording.errors import BwvError
from openbwv.server.clock import from_ms, to_ms
from openbwv.server.trail.actions import log_event
from openbwv.server.trail.models import JobHeartbeat, Outcome
from openbwv.shared.clock import Clock

HOUR_MS = 3_600_000
MAX_JUMP_MS = 24 * HOUR_MS
RETRY_S = 30.0
BEAT_EVERY_MS = 30_000
MESSAGE_CHARACTERS = 500

logger = logging.getLogger("openbwv.jobs")


@dataclass(frozen=True)
class Job:
    """One periodic job: `run(clock)` is called when `every_s` seconds have passed since the last run began."""

    name: str
    every_s: int
    run: Callable[[Clock], object]


PERIODIC: dict[str, Job] = {}


def register(name: str, *, every_s: int, run: Callable[[Clock], object]) -> Job:
    """Add a periodic job; a second one of the same name is a ValueError."""
    if name in PERIODIC and PERIODIC[name].run is not run:
        raise ValueError(f"there are two periodic jobs called {name}")
    PERIODIC[name] = Job(name, every_s, run)
    return PERIODIC[name]


def load_jobs() -> dict[str, Job]:
    """Import every app's `jobs.py`, so that all jobs and tasks are known, and return PERIODIC."""
    for app in ("openbwv.server", *settings.OUR_APPS):
        name = f"{app}.reconcile" if app == "openbwv.server" else f"{app}.jobs"
        if importlib.util.find_spec(name) is not None:
            importlib.import_module(name)
    return PERIODIC


class Scheduler:
    """Runs what is due, pass by pass, in one process. A pass that is cut leaves the rest to the next."""

    def __init__(self, clock: Clock, *, jobs: dict[str, Job] | None = None) -> None:
        self.clock = clock
        self.jobs = PERIODIC if jobs is None else jobs
        self.refused = ""
        self._seen: tuple[int, int] | None = None
        self._tried: dict[str, float] = {}

    def step(self, *, stopping: Callable[[], bool] = lambda: False) -> int:
        """Run every job that is due and return how many ran.

        A clock that leaps more than a day ahead between two passes is not believed: from then on nothing runs, every
        heartbeat says why, and a person must start the worker again. Deleting on the word of a wrong clock cannot be
        undone; waiting can.
        """
        now_ms = self.clock.utc_ms()
        before_ms = self._seen[0] if self._seen else now_ms
        if self._leapt(now_ms):
            self._refuse(before_ms, now_ms)
        if self.refused:
            return 0
        count = 0
        for job in list(self.jobs.values()):
            if stopping():
                break
            count += self._consider(job)
        return count

    def _consider(self, job: Job) -> int:
        now_ms = self.clock.utc_ms()
        row, _ = JobHeartbeat.objects.get_or_create(job=job.name, defaults={"every_s": job.every_s})
        if not self._is_due(job, row, now_ms):
            beat(job.name, clock_ms=now_ms, every_s=job.every_s, row=row)
            return 0
        self._tried[job.name] = time.monotonic()
        JobHeartbeat.objects.filter(job=job.name).update(every_s=job.every_s, last_started_utc=from_ms(now_ms))
        message = run_safely(job, self.clock)
        done: dict[str, object] = {"outcome": Outcome.FAILED, "message": message}
        if not message:
            finished = from_ms(self.clock.utc_ms())
            done = {"outcome": Outcome.DONE, "message": "", "last_finished_utc": finished, "clock_utc": from_ms(now_ms)}
        JobHeartbeat.objects.filter(job=job.name).update(**done)
        return 1

    def _is_due(self, job: Job, row: JobHeartbeat, now_ms: int) -> bool:
        if row.last_started_utc is None or row.last_finished_utc is None:
            unfinished = True
        else:
            unfinished = row.outcome != Outcome.DONE or row.last_finished_utc < row.last_started_utc
        if unfinished:  # never ran, failed, or was cut: again, but not in a tight loop
            return time.monotonic() - self._tried.get(job.name, float("-inf")) >= min(RETRY_S, job.every_s)
        return now_ms - to_ms(row.last_started_utc) >= job.every_s * 1000

    def _leapt(self, now_ms: int) -> bool:
        mono_ms = time.monotonic_ns() // 1_000_000
        before, self._seen = self._seen, (now_ms, mono_ms)
        return before is not None and (now_ms - before[0]) - (mono_ms - before[1]) > MAX_JUMP_MS

    def _refuse(self, before_ms: int, now_ms: int) -> None:
        self.refused = (
            f"The clock leapt more than {MAX_JUMP_MS // HOUR_MS} hours ahead while the worker ran; no job runs until "
            "somebody has looked at the clock and started the worker again."
        )
        logger.error(self.refused)
        log_event(
            EventType.REFUSED,
            actor_label="worker",
            rule="clock-leap",
            outcome=Outcome.REFUSED,
            details={"deed": "run the periodic jobs", "from_utc_ms": before_ms, "to_utc_ms": now_ms},
            clock=self.clock,
        )
        JobHeartbeat.objects.filter(job__in=self.jobs).update(outcome=Outcome.REFUSED, message=self.refused)


def run_safely(job: Job, clock: Clock) -> str:
    """Run a job and return "" or what went wrong; one job's fault must not stop the others."""
    try:
        job.run(clock)
    except BwvError as problem:
        logger.warning("job %s: %s %s", job.name, problem.what, problem.remedy)
        return problem.what[:MESSAGE_CHARACTERS]
    except Exception as problem:
        logger.exception("job %s failed", job.name)
        return f"{type(problem).__name__}: {problem}"[:MESSAGE_CHARACTERS]
    return ""


def beat(
    job: str,
    *,
    clock_ms: int,
    every_s: int = 0,
    outcome: str = Outcome.DONE,
    message: str = "",
    row: JobHeartbeat | None = None,
) -> None:
    """Say that nothing of `job` is due up to `clock_ms`, or what is wrong; writes only when that is news.

    For the scheduler, and for the two loops that are no periodic jobs: `log` (the sequencer) and `tasks`.
    """
    if row is None:
        row, _ = JobHeartbeat.objects.get_or_create(job=job, defaults={"every_s": every_s})
    moved = row.clock_utc is None or abs(clock_ms - to_ms(row.clock_utc)) >= BEAT_EVERY_MS
    if not moved and (row.outcome, row.message) == (outcome, message[:MESSAGE_CHARACTERS]):
        return
    news: dict[str, object] = {"outcome": outcome, "message": message[:MESSAGE_CHARACTERS]}
    if outcome == Outcome.DONE:
        news["clock_utc"] = from_ms(clock_ms)
    if not every_s:
        news |= {"last_started_utc": from_ms(clock_ms)}
        news |= {"last_finished_utc": from_ms(clock_ms)} if outcome == Outcome.DONE else {}
    JobHeartbeat.objects.filter(job=job).update(**news)


class Heart:
    """`beat` for a loop that turns many times a second: asks the database only when there is news."""

    def __init__(self, job: str) -> None:
        self._job = job
        self._last: tuple[int, str, str] | None = None

    def beat(self, clock_ms: int, outcome: str = Outcome.DONE, message: str = "") -> None:
        """See `beat`."""
        last = self._last
        if last is None or abs(clock_ms - last[0]) >= BEAT_EVERY_MS or last[1:] != (outcome, message):
            beat(self._job, clock_ms=clock_ms, outcome=outcome, message=message)
            self._last = (clock_ms, outcome, message)


def late(row: JobHeartbeat, now_ms: int, *, slack_s: int = 900) -> bool:
    """Say whether a heartbeat is so old that its job cannot be running as it should."""
    allowed = timedelta(seconds=2 * row.every_s + slack_s)
    return row.clock_utc is None or from_ms(now_ms) - row.clock_utc > allowed
