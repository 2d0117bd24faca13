"""Which recording the next part is of: a pure choice over what waits, made anew for every part.

Rule, while several wait:
1. flagged for evidence, of a restricted category or started by a signal, as the public part of the entries says;
2. then as the server's todo has it, which begins with what is held or was asked for;
3. then marked, then the oldest by its own start.
Small questions (what is held there, is the receipt ready) go before parts of the same urgency. One recording never has
all connections, so that a bad one holds up no other.

Bound: every eighth part is of the oldest recording that is not flagged. So one with P parts and A parts of older such
recordings before it is through after 8 * (A + P) parts, whatever else is docked meanwhile.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from openbwv.shared.priority import URGENT

FAIR_EVERY = 8


@dataclass(frozen=True)
class Waiting:
    """One recording with something to send now.

    `light` is a small question instead of a part; `under_way` counts its parts that are being sent.
    """

    rec_id: bytes
    level: int
    started_ms: int
    counter: int
    light: bool = False
    under_way: int = 0

    @property
    def age(self) -> tuple[int, int, bytes]:
        """What to sort by so that the oldest goes first; no two are equal."""
        return self.started_ms, self.counter, self.rec_id


def choose(waiting: Iterable[Waiting], *, todo: Mapping[bytes, int], turn: int, at_once: int) -> Waiting | None:
    """Return whose turn it is, None if nothing can go.

    `todo` has the places in the server's list, `turn` counts the parts given out before, `at_once` is how many may be
    under way in all.
    """
    most_of_one = max(1, at_once - 1)
    free = [each for each in waiting if each.light or each.under_way < most_of_one]
    if turn % FAIR_EVERY == FAIR_EVERY - 1:
        ordinary = [each for each in free if each.level != URGENT]
        if ordinary:
            return min(ordinary, key=lambda each: (not each.light, each.age))
    last = len(todo)

    def key(each: Waiting) -> tuple[object, ...]:
        return each.level != URGENT, not each.light, todo.get(each.rec_id, last), each.level, each.age

    return min(free, key=key, default=None)
