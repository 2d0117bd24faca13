"""What the home page says of requests."""

from collections.abc import Iterator
from datetime import timedelta

from openbwv.server.clock import utc
from openbwv.server.disclosure import queries
from openbwv.server.people.models import Person
from openbwv.server.people.rights import may
from openbwv.server.people.templatetags.plain import day
from openbwv.server.people.todo import Glance, Todo
from openbwv.shared.clock import Clock

SOON = timedelta(days=7)
ADDRESS = "/requests/"


def todo(person: Person, clock: Clock) -> Iterator[Todo]:
    """Yield: overdue, due within a week, too wide, nobody's, copies that wait for this person's check."""
    now = utc(clock)
    if may(person, "requests").allowed:
        overdue = queries.due_by(now - timedelta(days=1)).count()
        yield Todo(overdue, "request is overdue" if overdue == 1 else "requests are overdue", ADDRESS, "urgent")
        due = queries.due_by(now + SOON).count() - overdue
        words = "request is due within 7 days" if due == 1 else "requests are due within 7 days"
        yield Todo(due, words, ADDRESS, "soon")
        wide = queries.queue(person).filter(unbounded=True).count()
        words = "request must be narrowed" if wide == 1 else "requests must be narrowed"
        yield Todo(wide, words, ADDRESS, "urgent")
        free = queries.queue(person).filter(assigned_to=None).count()
        yield Todo(free, "request is nobody's yet" if free == 1 else "requests are nobody's yet", ADDRESS, "soon")
    if may(person, "second-check").allowed:
        waiting = queries.checks_waiting_for(person).count()
        words = "copy waits for your check" if waiting == 1 else "copies wait for your check"
        yield Todo(waiting, words, ADDRESS, "soon")


def glance(person: Person, clock: Clock) -> Iterator[Glance]:
    """Yield how many open requests there are, how many are this person's, and when the first of those is due."""
    if not may(person, "requests").allowed:
        return
    waiting = queries.queue(person)
    mine = waiting.filter(assigned_to=person).order_by("due_on")
    yield Glance("Open requests", str(waiting.count()) if waiting else "None", ADDRESS)
    yield Glance("Of these yours", str(mine.count()) if mine else "None")
    if mine:
        yield Glance("Your next answer", f"{mine[0].reference}, due {day(mine[0].due_on)}", mine[0].get_absolute_url())
