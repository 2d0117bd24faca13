"""What needs doing, for the home page. An app that has something to say has a `todo.py` with `todo(person, clock)`."""

from collections.abc import Iterable
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec

from django.conf import settings

from openbwv.server.people.models import Person
from openbwv.shared.clock import Clock


@dataclass(frozen=True)
class Todo:
    """One line of the home page: how many, in words, and the list it leads to. `level`: "", "soon" or "urgent".

    Words that begin with a capital are a sentence of their own and are shown without the count.
    """

    count: int
    words: str
    address: str
    level: str = ""

    @property
    def counted(self) -> bool:
        """Say whether the count belongs before the words."""
        return self.words[:1].islower()


def todo_for(person: Person, clock: Clock) -> list[Todo]:
    """Return what `person` should look at, most urgent first; only what they may see."""
    lines: list[Todo] = []
    for app in settings.OUR_APPS:
        if app != "openbwv.server.people" and find_spec(f"{app}.todo"):
            found: Iterable[Todo] = import_module(f"{app}.todo").todo(person, clock)
            lines.extend(line for line in found if line.count)
    return sorted(lines, key=lambda line: ("urgent", "soon", "").index(line.level))
