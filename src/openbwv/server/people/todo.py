"""What the home page says: what needs doing, and how things stand.

An app that has something to say has a `todo.py` with `todo(person, clock)`, `glance(person, clock)`, or both.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Any

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


@dataclass(frozen=True)
class Glance:
    """One fact of the home page that asks for nothing: what it is about, in words, and where more stands."""

    label: str
    words: str
    address: str = ""


def todo_for(person: Person, clock: Clock) -> list[Todo]:
    """Return what `person` should look at, most urgent first; only what they may see."""
    lines: list[Todo] = [line for line in _said("todo", person, clock) if line.count]
    return sorted(lines, key=lambda line: ("urgent", "soon", "").index(line.level))


def glance_for(person: Person, clock: Clock) -> list[Glance]:
    """Return how things stand for `person`; only what they may see, and nothing for somebody without a role."""
    return list(_said("glance", person, clock)) if person.role_codes else []


def _said(what: str, person: Person, clock: Clock) -> Iterator[Any]:
    for app in settings.OUR_APPS:
        if app != "openbwv.server.people" and find_spec(f"{app}.todo"):
            yield from getattr(import_module(f"{app}.todo"), what, _nothing)(person, clock)


def _nothing(person: Person, clock: Clock) -> Iterable[Any]:
    return ()
