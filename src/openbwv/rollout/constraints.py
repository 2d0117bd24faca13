"""Every constraint of a problem by a key and in words, so that a conflict can be told and a certificate be read.

`narrow` constraints bind one unit to a span of weeks; `spread` ones are a blackout; the others join units.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

from openbwv.rollout.problem import GATES, Problem, Unit


@dataclass(frozen=True)
class Constraint:
    """A constraint: key, kind, sentence; and for a narrow one its unit (index) and the weeks it allows."""

    key: str
    kind: str
    words: str
    unit: int = -1
    earliest: int | None = None
    latest: int | None = None
    index: int = -1

    def as_dict(self) -> dict[str, str]:
        """Return key, kind and words."""
        return {"key": self.key, "kind": self.kind, "words": self.words}


def constraints(problem: Problem) -> list[Constraint]:
    """Return every constraint of a problem, in a fixed order."""
    found = [*_pools(problem), *_joins(problem)]
    for index, unit in enumerate(problem.units):
        found += _narrow(problem, index, unit)
    for index, black in enumerate(problem.blackouts):
        span = f"{problem.calendar.name(black.first)} to {problem.calendar.name(black.last)}"
        who = ", ".join((*black.units, *black.forces)) or "everybody"
        words = f"Blackout for {who}, {span}: {black.why}."
        found.append(Constraint(f"blackout:{index + 1}", "blackout", words, index=index))
    return found


def _pools(problem: Problem) -> Iterable[Constraint]:
    for index, pool in enumerate(problem.teams):
        most = max(pool.by_week, default=0)
        words = f"{pool.name}: at most {most} installation teams at work in a week, fewer in some."
        if len(set(pool.by_week)) <= 1:
            words = f"{pool.name}: {most} installation teams in every week."
        yield Constraint(f"teams:{pool.name}", "teams", words, index=index)
    for index, pool in enumerate(problem.seats):
        total, most = sum(pool.by_week), max(pool.by_week, default=0)
        words = (
            f"{pool.name}: {total:,} training seats over the whole plan, at most {most:,} a week, "
            f"each good for {pool.valid_weeks} weeks."
        )
        yield Constraint(f"training:{pool.name}", "training", words, index=index)
    for index, pool in enumerate(problem.stock):
        words = f"{pool.name}: no more cameras issued than delivered; {pool.delivered[-1]:,} by the end of the plan."
        yield Constraint(f"deliveries:{pool.name}", "deliveries", words, index=index)
    for index, pool in enumerate(problem.money):
        total = sum(pool.by_quarter.values()) / 100
        how = "what is left is carried over" if pool.carry_over else "nothing is carried over"
        words = f"{pool.name}: £{total:,.0f} over all quarters; {how}."
        yield Constraint(f"budget:{pool.name}", "budget", words, index=index)


def _joins(problem: Problem) -> Iterable[Constraint]:
    phases = sorted({unit.phase for unit in problem.units})
    if problem.phases_in_order:
        for index, (one, two) in enumerate(pairwise(phases)):
            words = f"No unit of phase {two} goes live before every unit of phase {one} is live."
            yield Constraint(f"phase:{one}-{two}", "phase", words, index=index)
    for index, (unit, other) in enumerate(problem.afters):
        yield Constraint(f"after:{unit}:{other}", "after", f"{unit} goes live after {other}.", index=index)
    if problem.finish_by is not None:
        words = f"Every unit is live by {problem.calendar.name(problem.finish_by)}."
        yield Constraint("finish-by", "finish-by", words, latest=problem.finish_by)


def _narrow(problem: Problem, index: int, unit: Unit) -> Iterable[Constraint]:
    calendar, never = problem.calendar, problem.horizon
    if unit.network_ready > 0:
        words = f"{unit.name}: the network is ready from {calendar.name(unit.network_ready)}, installation no earlier."
        earliest = unit.network_ready + unit.install_weeks - 1
        yield Constraint(f"network:{unit.name}", "network", words, index, earliest)
    for name, sentence in GATES.items():
        gate = unit.gates.get(name)
        if gate is None or gate.by_plan or (gate.week is not None and gate.week <= 0):
            continue
        if gate.week is None:
            words = f"{unit.name} goes live only once {sentence}, for which there is no date."
            yield Constraint(f"gate:{name}:{unit.name}", "gate", words, index, never)
        else:
            words = f"{unit.name} goes live only once {sentence}: {calendar.name(gate.week)}."
            yield Constraint(f"gate:{name}:{unit.name}", "gate", words, index, gate.week)
    for window in problem.windows:
        if window.unit == unit.name:
            yield _window(problem, index, unit, window.earliest, window.latest)


def _window(problem: Problem, index: int, unit: Unit, earliest: int | None, latest: int | None) -> Constraint:
    name = problem.calendar.name
    if earliest is not None and earliest == latest:
        key, words = "fixed", f"{unit.name} goes live in {name(earliest)}: a fixed date."
    elif latest is None:
        key, words = "not-before", f"{unit.name} does not go live before {name(earliest or 0)}."
    elif earliest is None:
        key, words = "not-after", f"{unit.name} goes live not after {name(latest)}."
    else:
        key, words = "between", f"{unit.name} goes live between {name(earliest)} and {name(latest)}."
    return Constraint(f"{key}:{unit.name}", "fixed", words, index, earliest, latest)


def allowed_weeks(problem: Problem, active: Iterable[Constraint]) -> list[list[int]]:
    """Return for each unit the weeks in which it may go live under the narrow and blackout constraints of `active`."""
    weeks = [set(range(unit.install_weeks - 1, problem.horizon)) for unit in problem.units]
    for each in active:
        for index in range(len(problem.units)) if each.unit < 0 else (each.unit,):
            weeks[index] -= {week for week in weeks[index] if forbids(problem, each, index, week)}
    return [sorted(own) for own in weeks]


def forbids(problem: Problem, constraint: Constraint, index: int, week: int) -> bool:
    """Say whether a narrow or blackout constraint, or the finish, forbids a unit to go live in a week."""
    unit = problem.units[index]
    if constraint.kind == "blackout":
        black = problem.blackouts[constraint.index]
        return black.covers(unit) and week - unit.install_weeks + 1 <= black.last and week >= black.first
    if constraint.unit not in (-1, index):
        return False
    early = constraint.earliest is not None and week < constraint.earliest
    return early or (constraint.latest is not None and week > constraint.latest)
