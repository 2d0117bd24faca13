"""What the home page says of the backup, for one copy is none, and of the room for more footage."""

import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from django.conf import settings

from openbwv.server.clock import from_ms, utc
from openbwv.server.people.models import Person
from openbwv.server.people.rights import may
from openbwv.server.people.templatetags.plain import day
from openbwv.server.people.todo import Glance, Todo
from openbwv.server.vault.backup import standing
from openbwv.server.vault.errors import VaultAway
from openbwv.server.vault.folders import STORES
from openbwv.server.vault.store import store_of
from openbwv.shared.clock import Clock

STALE = timedelta(days=2)
GUIDE = "/backup"
LEAST_FREE_BYTES = 1 << 30  # a dock that empties six cameras brings this in a few minutes
GIB = 1 << 30


def todo(person: Person, clock: Clock) -> Iterator[Todo]:
    """Yield lines for a backup that is missing, old or cannot be opened, and for a disk that is away or full."""
    if not may(person, "see-accounts").allowed:
        return
    state = Path(settings.STATE)
    for name in filter(lambda name: (state / name).is_dir(), STORES):
        try:
            store_of(state, name).require()
        except VaultAway as problem:
            yield Todo(1, problem.what, "/jobs/", "urgent")
    free = shutil.disk_usage(state).free
    if free < LEAST_FREE_BYTES:
        words = f"The disk that holds the footage has {free / GIB:.1f} GB left; when it is full, uploads are refused"
        yield Todo(1, words, "/jobs/", "urgent")
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
