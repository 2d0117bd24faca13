"""What the home page says of the backup: one copy is none."""

from collections.abc import Iterator
from datetime import timedelta

from openbwv.server.clock import from_ms, utc
from openbwv.server.people.models import Person
from openbwv.server.people.rights import may
from openbwv.server.people.templatetags.plain import day
from openbwv.server.people.todo import Glance, Todo
from openbwv.server.vault.backup import standing
from openbwv.shared.clock import Clock

STALE = timedelta(days=2)
GUIDE = "/backup"


def todo(person: Person, clock: Clock) -> Iterator[Todo]:
    """Yield a line when there is no backup, an old one, or one that can no longer be opened."""
    if not may(person, "see-accounts").allowed:
        return
    last = standing()
    if last.made_ms is None:
        yield Todo(1, "One copy only; last backup: never", GUIDE, "urgent")
    elif not last.openable:
        yield Todo(1, "The last backup can no longer be opened; make a new one", GUIDE, "urgent")
    elif utc(clock) - from_ms(last.made_ms) > STALE:
        yield Todo(1, f"Last backup: {day(from_ms(last.made_ms))}", GUIDE, "soon")


def glance(person: Person, clock: Clock) -> Iterator[Glance]:
    """Yield when the last backup was made, and how many accounts there are."""
    if not may(person, "see-accounts").allowed:
        return
    last = standing()
    yield Glance("Last backup", day(from_ms(last.made_ms)) if last.made_ms is not None else "Never", GUIDE)
    yield Glance("Open accounts", str(Person.objects.filter(is_active=True).count()), "/people/")
