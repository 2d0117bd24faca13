"""Who is trained in which week: a training roster for a plan, by earliest deadline first.

Each seat takes one officer for one week, so a roster exists exactly when this one does (Jackson 1955: for jobs of unit
length with release times and deadlines, taking the earliest deadline among those released never fails in vain).
"""

from dataclasses import dataclass

from openbwv.rollout.problem import Problem, Seats


@dataclass(frozen=True)
class Training:
    """Seats of a pool given to a unit in a week (from 0)."""

    pool: str
    week: int
    unit: str
    seats: int


def pool_roster(problem: Problem, pool: Seats, live: dict[str, int]) -> list[Training] | None:
    """Return the roster of one pool for the weeks in which units go live (from 0); None when there is none."""
    wanting = [
        [live[unit.name], unit.name, unit.seats]
        for unit in (problem.units[i] for i in problem.drawing_on(pool))
        if unit.name in live and unit.seats
    ]
    wanting.sort()
    found = []
    for week, seats in enumerate(pool.by_week):
        left = seats
        for each in wanting:
            if left and each[2] and each[0] - pool.valid_weeks < week <= each[0]:
                given = min(left, each[2])
                found.append(Training(pool.name, week, str(each[1]), given))
                each[2] -= given
                left -= given
    return None if any(each[2] for each in wanting) else found


def roster(problem: Problem, live: dict[str, int]) -> list[Training] | None:
    """Return the roster of every pool, or None when one of them has none."""
    found: list[Training] = []
    for pool in problem.seats:
        own = pool_roster(problem, pool, live)
        if own is None:
            return None
        found += own
    return found
