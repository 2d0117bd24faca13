"""Place units one by one, each in the first week that breaks nothing: a plan without a solver.

It gives the search a place to begin, and turns a random order into dates. It may fail where a plan exists.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from openbwv.rollout.constraints import allowed_weeks, constraints
from openbwv.rollout.problem import Money, Problem


class Book:
    """What the units placed so far use of every pool."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.live: dict[str, int] = {}
        self._weeks = allowed_weeks(problem, [c for c in constraints(problem) if c.unit >= 0 or c.kind in _SPANS])
        weeks = problem.horizon
        self._busy = [np.array(pool.by_week, dtype=np.int64) for pool in problem.teams]
        self._stock = [np.array(pool.delivered, dtype=np.int64) for pool in problem.stock]
        self._needed = [np.zeros(weeks, dtype=np.int64) for _ in problem.seats]
        self._seats = [np.array(pool.by_week, dtype=np.int64) for pool in problem.seats]
        quarters = [problem.calendar.quarter(week) for week in range(weeks)]
        self._money = [_purse(pool, quarters) for pool in problem.money]
        self._quarters = quarters

    def place(self, index: int) -> bool:
        """Put unit `index` into the first week that breaks nothing; False when there is none."""
        for week in self._weeks[index]:
            if self._fits(index, week):
                self._take(index, week)
                return True
        return False

    def _fits(self, index: int, week: int) -> bool:
        problem, unit = self.problem, self.problem.units[index]
        work = slice(week - unit.install_weeks + 1, week + 1)
        for pool, left in zip(problem.teams, self._busy, strict=True):
            if unit.force in pool.forces and left[work].min() < unit.teams:
                return False
        for pool, left in zip(problem.stock, self._stock, strict=True):
            if unit.force in pool.forces and left[week:].min() < unit.cameras:
                return False
        for pool, purse in zip(problem.money, self._money, strict=True):
            if unit.force in pool.forces and not self._affords(pool, purse, week, problem.cost_pence(unit)):
                return False
        return self._joins(index, week) and all(
            unit.force not in pool.forces or not unit.seats or self._trained(number, week, unit.seats)
            for number, pool in enumerate(problem.seats)
        )

    def _joins(self, index: int, week: int) -> bool:
        problem, unit = self.problem, self.problem.units[index]
        if problem.phases_in_order:
            for other in problem.units:
                at = self.live.get(other.name)
                if at is not None and (other.phase - unit.phase) * (at - week) < 0:
                    return False
        for later, earlier in problem.afters:
            if later == unit.name and self.live.get(earlier, -1) >= week:
                return False
            if earlier == unit.name and self.live.get(later, week + 1) <= week:
                return False
        return True

    def _trained(self, number: int, week: int, seats: int) -> bool:
        """Say whether seats suffice with `seats` more in `week`: as many used as early as their validity allows."""
        needed = self._needed[number].copy()
        needed[week] += seats
        total = needed.cumsum()
        ahead = self.problem.seats[number].valid_weeks - 1
        may = np.append(total[ahead:], np.full(min(ahead, len(total)), total[-1]))[: len(total)]
        used = 0
        for there, least, most in zip(self._seats[number].tolist(), total.tolist(), may.tolist(), strict=True):
            used = min(used + there, most)
            if used < least:
                return False
        return True

    def _affords(self, pool: Money, purse: dict[str, int], week: int, cost: int) -> bool:
        quarter = self._quarters[week]
        if not pool.carry_over:
            return purse.get(quarter, 0) >= cost
        left, least = 0, None
        for name in sorted(purse):
            left += purse[name]
            if name >= quarter:
                least = left if least is None else min(least, left)
        return least is not None and least >= cost

    def _take(self, index: int, week: int) -> None:
        unit = self.problem.units[index]
        self.live[unit.name] = week
        for pool, left in zip(self.problem.teams, self._busy, strict=True):
            if unit.force in pool.forces:
                left[week - unit.install_weeks + 1 : week + 1] -= unit.teams
        for pool, left in zip(self.problem.stock, self._stock, strict=True):
            if unit.force in pool.forces:
                left[week:] -= unit.cameras
        for pool, needed in zip(self.problem.seats, self._needed, strict=True):
            if unit.force in pool.forces:
                needed[week] += unit.seats
        for pool, purse in zip(self.problem.money, self._money, strict=True):
            if unit.force in pool.forces:
                purse[self._quarters[week]] -= self.problem.cost_pence(unit)


_SPANS = ("blackout", "finish-by")


def _purse(pool: Money, quarters: Sequence[str]) -> dict[str, int]:
    return {quarter: pool.by_quarter.get(quarter, 0) for quarter in {*quarters, *pool.by_quarter}}


def place_all(problem: Problem, order: Sequence[int]) -> dict[str, int] | None:
    """Return unit -> week by placing units in `order` (indices), or None when one finds no week."""
    book = Book(problem)
    return dict(book.live) if all(book.place(index) for index in order) else None


def orders(problem: Problem) -> list[list[int]]:
    """Return a few sensible orders: by what binds first, by weight, by size."""
    units = problem.units
    room = allowed_weeks(problem, [c for c in constraints(problem) if c.unit >= 0 or c.kind in _SPANS])
    last = [own[-1] if own else -1 for own in room]
    first = [own[0] if own else problem.horizon for own in room]
    phase = [unit.phase if problem.phases_in_order else 0 for unit in units]
    keys = (
        lambda i: (phase[i], last[i], first[i], i),
        lambda i: (phase[i], last[i], -units[i].weight / max(units[i].cameras, 1), i),
        lambda i: (phase[i], last[i], -units[i].cameras, i),
        lambda i: (phase[i], first[i], units[i].cameras, i),
    )
    return [sorted(range(len(units)), key=key) for key in keys]


def best_start(problem: Problem) -> dict[str, int] | None:
    """Return the earliest-finishing plan of a few sensible orders, or None when all of them fail."""
    plans: list[Mapping[str, int]] = [p for order in orders(problem) if (p := place_all(problem, order)) is not None]
    return dict(min(plans, key=lambda plan: max(plan.values()))) if plans else None


def weeks_of(problem: Problem, live: Mapping[str, int]) -> NDArray[np.int64]:
    """Return the weeks of a plan in the order of the units."""
    return np.array([live[unit.name] for unit in problem.units], dtype=np.int64)
