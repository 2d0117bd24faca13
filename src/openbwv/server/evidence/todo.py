"""Recordings that wait for somebody."""

from collections.abc import Iterator
from datetime import timedelta

from openbwv.server.clock import utc
from openbwv.server.evidence import search
from openbwv.server.evidence.audited import SHOWN_DAYS, watched_by_auditor
from openbwv.server.evidence.models import State
from openbwv.server.evidence.queries import not_here, visible_to
from openbwv.server.people.models import Person
from openbwv.server.people.templatetags.plain import day_and_time
from openbwv.server.people.todo import Glance, Todo
from openbwv.shared.clock import Clock

NOT_HERE_AFTER = timedelta(hours=1)
LABELLERS = ("officer", "supervisor")
WATCHERS_OF_TIME = ("officer", "supervisor", "investigator", "records")


def todo(person: Person, clock: Clock) -> Iterator[Todo]:
    """Yield: no category, deletes soon, not uploaded, flagged without a matter, no officer, watched by an auditor."""
    now = utc(clock)
    mine = visible_to(person)
    if person.has_role(*LABELLERS):
        count = mine.filter(category="none").exclude(state=State.ERASED).count()
        words = "recording needs a category" if count == 1 else "recordings need a category"
        yield Todo(count, words, "/recordings/?category=none")
    if person.has_role(*WATCHERS_OF_TIME):
        count = search.deletes_within(mine, now, days=3).count()
        words = "recording deletes in the next 3 days" if count == 1 else "recordings delete in the next 3 days"
        yield Todo(count, words, "/recordings/?deletes=3", "soon")
    if person.has_role(*WATCHERS_OF_TIME):
        count = not_here(mine).filter(announced_utc__lt=now - NOT_HERE_AFTER).count()
        words = (
            "recording was announced but is not uploaded"
            if count == 1
            else "recordings were announced but are not uploaded"
        )
        yield Todo(count, words, "/recordings/?state=not-here", "soon")
    if person.has_role(*LABELLERS):
        count = search.find(mine, {"flag": "no-matter"}, now).count()
        words = "flagged recording needs a matter" if count == 1 else "flagged recordings need a matter"
        yield Todo(count, words, "/recordings/?flag=no-matter")
    if person.has_role("supervisor", "records"):
        count = mine.filter(officer=None).exclude(state=State.ERASED).count()
        words = "recording has no officer" if count == 1 else "recordings have no officer"
        yield Todo(count, words, "/recordings/?officer=nobody")

    if person.has_role("supervisor") and person.unit is not None:
        count = watched_by_auditor(mine.filter(unit=person.unit), now, days=SHOWN_DAYS).count()
        words = "recording of your unit was" if count == 1 else "recordings of your unit were"
        words += f" watched by an auditor in the last {SHOWN_DAYS} days"
        yield Todo(count, words, f"/recordings/?audited={SHOWN_DAYS}&unit={person.unit.code}")


def glance(person: Person, clock: Clock) -> Iterator[Glance]:
    """Yield how many recordings there are for this person, and which is deleted next."""
    if not person.has_role("officer", "supervisor", "investigator", "records", "auditor"):
        return
    mine = visible_to(person).exclude(state=State.ERASED)
    count = mine.count()
    yield Glance("Recordings you may see", str(count) if count else "None yet", "/recordings/")
    kept = search.with_flags(mine.filter(state=State.STORED))
    yield Glance("Of these kept", str(kept.filter(kept=True).count()))
    first = kept.filter(kept=False, retain_until_utc__isnull=False).order_by("retain_until_utc").first()
    words = f"{first.reference}, by {day_and_time(first.retain_until_utc)}" if first else "None"
    yield Glance("Next to be deleted", words, first.get_absolute_url() if first else "")
