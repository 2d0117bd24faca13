"""What the home page says of periodic jobs: a watcher that does not run watches nothing."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from openbwv.server.clock import utc
from openbwv.server.people.job_words import job_in_words
from openbwv.server.people.models import Person
from openbwv.server.people.rights import may
from openbwv.server.people.todo import Glance, Todo
from openbwv.server.trail.models import JobHeartbeat, LogHead, Outcome
from openbwv.shared.clock import Clock

LATE_AFTER = timedelta(minutes=15)
PAGE = "/jobs/"
DEEDS = ("see-log", "see-accounts")


def is_late(row: JobHeartbeat, now: datetime) -> bool:
    """Say whether a job failed, was refused, or has let its time pass."""
    return row.outcome != Outcome.DONE or row.clock_utc is None or now - row.clock_utc > LATE_AFTER


def todo(person: Person, clock: Clock) -> Iterator[Todo]:
    """Yield the jobs that have not run; when none ever has, the worker was never started."""
    if not any(may(person, deed).allowed for deed in DEEDS):
        return
    rows = list(JobHeartbeat.objects.all())
    if not rows:
        yield Todo(1, "No job has ever run: start ./bwv worker", PAGE, "urgent")
        return
    late = [row.job for row in rows if is_late(row, utc(clock))]
    if len(late) == 1:
        yield Todo(1, f"A job has not run: {job_in_words(late[0])}", PAGE, "urgent")
    else:
        yield Todo(len(late), "jobs have not run", PAGE, "urgent")


def glance(person: Person, clock: Clock) -> Iterator[Glance]:
    """Yield how long the log is, and that the jobs run."""
    if may(person, "see-log").allowed:
        head = LogHead.objects.filter(id=1).first()
        yield Glance("Custody log", f"{head.size} entries" if head else "Not begun yet")
    rows = list(JobHeartbeat.objects.all())
    if rows and any(may(person, deed).allowed for deed in DEEDS):
        well = sum(not is_late(row, utc(clock)) for row in rows)
        yield Glance("Jobs", f"{well} of {len(rows)} run as they should", PAGE)
