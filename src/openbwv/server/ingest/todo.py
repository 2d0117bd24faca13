"""What the home page says of uploads that could not be accepted."""

from collections.abc import Iterator

from openbwv.server.ingest.models import Aside
from openbwv.server.people.models import Person
from openbwv.server.people.rights import may
from openbwv.server.people.todo import Todo
from openbwv.shared.clock import Clock


def todo(person: Person, clock: Clock) -> Iterator[Todo]:
    """Yield how much is kept aside and not settled."""
    if may(person, "see-cameras").allowed:
        count = Aside.objects.filter(resolved_utc=None).count()
        words = "upload is kept aside, because it could not be accepted"
        if count > 1:
            words = "uploads are kept aside, because they could not be accepted"
        yield Todo(count, words, "/fleet/aside", "urgent")
