"""What the home page says of matters."""

from collections.abc import Iterator

from openbwv.server.cases.models import Matter
from openbwv.server.people.models import Person
from openbwv.server.people.rights import may
from openbwv.server.people.todo import Glance
from openbwv.shared.clock import Clock


def glance(person: Person, clock: Clock) -> Iterator[Glance]:
    """Yield how many open matters this person is in the team of."""
    if may(person, "open-matter").allowed:
        count = Matter.objects.filter(members=person, closed_utc=None).count()
        yield Glance("Your open matters", str(count) if count else "None", "/matters/")
