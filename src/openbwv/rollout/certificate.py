"""The certificate of a plan: every constraint checked again by plain counting, apart from the solver.

Nothing here imports the solver or what builds its model: it takes the problem, the week in which each unit goes live
and the training roster, and counts week by week. A plan is handed out only with all checks held.

Proves: this plan keeps these constraints as they were read. Does not prove: that the inputs are true, or that no better
plan exists (that is what the solver's bound says).
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from openbwv.rollout.constraints import Constraint, constraints
from openbwv.rollout.problem import Problem
from openbwv.rollout.roster import Training


@dataclass(frozen=True)
class Check:
    """One constraint looked at: whether it holds, and the figure it was decided by."""

    key: str
    words: str
    holds: bool
    detail: str

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON shape."""
        return asdict(self)


def certify(problem: Problem, live: Mapping[str, int], roster: Sequence[Training]) -> list[Check]:
    """Return a check of every constraint, the first being that each unit goes live once, inside the plan."""
    found = [_whole(problem, live)]
    if not found[0].holds:
        return found
    for each in constraints(problem):
        holds, detail = _CHECKS[each.kind](problem, each, live, roster)
        found.append(Check(each.key, each.words, holds, detail))
    return found


def _whole(problem: Problem, live: Mapping[str, int]) -> Check:
    names = {unit.name for unit in problem.units}
    outside = sorted(
        unit.name
        for unit in problem.units
        if unit.name in live and not unit.install_weeks - 1 <= live[unit.name] < problem.horizon
    )
    missing, unknown = sorted(names - set(live)), sorted(set(live) - names)
    wrong = [*missing, *unknown, *outside]
    words = "Every unit goes live once, with room for its installation inside the plan."
    return Check("each-unit-once", words, not wrong, ", ".join(wrong) or f"{len(names)} units")


def _teams(problem: Problem, own: Constraint, live: Mapping[str, int], _: Any) -> tuple[bool, str]:
    pool = problem.teams[own.index]
    busy: dict[int, int] = defaultdict(int)
    for unit in problem.units:
        if unit.force in pool.forces:
            for week in range(live[unit.name] - unit.install_weeks + 1, live[unit.name] + 1):
                busy[week] += unit.teams
    over = [week for week, teams in sorted(busy.items()) if teams > pool.by_week[week]]
    name = problem.calendar.name
    return not over, f"over in {name(over[0])}" if over else f"at most {max(busy.values(), default=0)} at work"


def _training(problem: Problem, own: Constraint, live: Mapping[str, int], roster: Any) -> tuple[bool, str]:
    pool = problem.seats[own.index]
    used, had = defaultdict(int), defaultdict(int)
    late = []
    for each in roster:
        if each.pool == pool.name:
            used[each.week] += each.seats
            had[each.unit] += each.seats
            goes = live.get(each.unit, -1)
            if each.seats <= 0 or not goes - pool.valid_weeks < each.week <= goes:
                late.append(each.unit)
    short = [u.name for u in problem.units if u.force in pool.forces and had[u.name] != u.seats]
    over = [w for w, seats in sorted(used.items()) if not 0 <= w < len(pool.by_week) or seats > pool.by_week[w]]
    if short or late or over:
        return False, ", ".join([*short, *late, *(problem.calendar.name(week) for week in over)])
    return True, f"{sum(used.values()):,} seats used, at most {max(used.values(), default=0):,} in a week"


def _deliveries(problem: Problem, own: Constraint, live: Mapping[str, int], _: Any) -> tuple[bool, str]:
    pool = problem.stock[own.index]
    spare = []
    for week, delivered in enumerate(pool.delivered):
        issued = sum(u.cameras for u in problem.units if u.force in pool.forces and live[u.name] <= week)
        spare.append((delivered - issued, week))
    least, week = min(spare)
    return least >= 0, f"least stock {least:,} in {problem.calendar.name(week)}"


def _budget(problem: Problem, own: Constraint, live: Mapping[str, int], _: Any) -> tuple[bool, str]:
    pool = problem.money[own.index]
    spent: dict[str, int] = defaultdict(int)
    for unit in problem.units:
        if unit.force in pool.forces:
            spent[problem.calendar.quarter(live[unit.name])] += problem.cost_pence(unit)
    left = 0
    for quarter in sorted({*pool.by_quarter, *spent}):
        left = (left if pool.carry_over else 0) + pool.by_quarter.get(quarter, 0) - spent[quarter]
        if left < 0:
            return False, f"£{-left / 100:,.2f} over in {quarter}"
    return True, f"£{sum(spent.values()) / 100:,.2f} spent"


def _phase(problem: Problem, own: Constraint, live: Mapping[str, int], _: Any) -> tuple[bool, str]:
    numbers = sorted({unit.phase for unit in problem.units})
    one, two = numbers[own.index], numbers[own.index + 1]
    last = max(live[unit.name] for unit in problem.units if unit.phase == one)
    first = min(live[unit.name] for unit in problem.units if unit.phase == two)
    name = problem.calendar.name
    return last <= first, f"phase {one} ends in {name(last)}, phase {two} begins in {name(first)}"


def _after(problem: Problem, own: Constraint, live: Mapping[str, int], _: Any) -> tuple[bool, str]:
    unit, other = problem.afters[own.index]
    name = problem.calendar.name
    return live[unit] > live[other], f"{name(live[other])}, then {name(live[unit])}"


def _finish(problem: Problem, own: Constraint, live: Mapping[str, int], _: Any) -> tuple[bool, str]:
    last = max(live.values())
    return last <= (problem.finish_by if problem.finish_by is not None else last), problem.calendar.name(last)


def _narrow(problem: Problem, own: Constraint, live: Mapping[str, int], _: Any) -> tuple[bool, str]:
    week = live[problem.units[own.unit].name]
    early = own.earliest is not None and week < own.earliest
    late = own.latest is not None and week > own.latest
    return not (early or late), f"live in {problem.calendar.name(week)}"


def _blackout(problem: Problem, own: Constraint, live: Mapping[str, int], _: Any) -> tuple[bool, str]:
    black = problem.blackouts[own.index]
    at_work = [
        unit.name
        for unit in problem.units
        if (unit.name in black.units or unit.force in black.forces or not (black.units or black.forces))
        and any(black.first <= live[unit.name] - back <= black.last for back in range(unit.install_weeks))
    ]
    return not at_work, ", ".join(at_work) or "nobody at work"


_CHECKS = {
    "teams": _teams,
    "training": _training,
    "deliveries": _deliveries,
    "budget": _budget,
    "phase": _phase,
    "after": _after,
    "finish-by": _finish,
    "network": _narrow,
    "gate": _narrow,
    "fixed": _narrow,
    "blackout": _blackout,
}
