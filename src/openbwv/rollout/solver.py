"""The planning problem as a CP-SAT model (OR-Tools): one truth value for each unit and week it may go live in.

Training: let N(w) be the seats needed by units live by week w and C(w) the seats used by then. As every seat is good
for the same number of weeks V, whoever goes live first is trained first, and a roster exists exactly when
N(w) <= C(w) <= N(w + V - 1) with no week using more seats than it has.

One worker, a fixed seed and a limit in deterministic time: the same inputs give the same plan on any machine.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ortools.sat.python import cp_model

from openbwv.rollout.constraints import Constraint, allowed_weeks, constraints, forbids
from openbwv.rollout.problem import Money, Problem, Seats, Stock, Teams

FEASIBLE = (cp_model.OPTIMAL, cp_model.FEASIBLE)
YES, NO, UNKNOWN = "yes", "no", "unknown"
HINT_EFFORT = 5.0


@dataclass
class Model:
    """A model with its variables: `goes[i, w]` unit i goes live in week w; `weeks[i]` that week as an expression."""

    problem: Problem
    model: cp_model.CpModel
    goes: dict[tuple[int, int], cp_model.IntVar]
    weeks: list[cp_model.LinearExpr] = field(default_factory=list)
    kept: dict[str, cp_model.IntVar] = field(default_factory=dict)

    def plan(self, solver: cp_model.CpSolver) -> dict[str, int]:
        """Return unit -> week of the solution found."""
        names = [unit.name for unit in self.problem.units]
        return {names[i]: w for (i, w), var in self.goes.items() if solver.value(var)}

    def hint(self, live: Mapping[str, int], *, seed: int) -> None:
        """Let the search begin at a plan, every other variable filled in by a solve that holds the plan fixed."""
        names = [unit.name for unit in self.problem.units]
        self.model.clear_hints()
        for (i, w), var in self.goes.items():
            self.model.add_hint(var, int(live.get(names[i]) == w))
        solver = engine(seed=seed, effort=HINT_EFFORT)
        solver.parameters.fix_variables_to_their_hinted_value = True
        if solver.solve(self.model) in FEASIBLE:
            self.model.clear_hints()
            for index, value in enumerate(solver.response_proto.solution):
                self.model.add_hint(self.model.get_int_var_from_proto_index(index), value)


def build(problem: Problem, active: Iterable[Constraint] | None = None, *, optional: bool = False) -> Model:
    """Return the model of a problem under `active` constraints (None: all).

    With `optional` each is kept only where its literal in `kept` is true, so that a conflict can be looked for.
    """
    chosen = list(constraints(problem) if active is None else active)
    model = cp_model.CpModel()
    weeks = allowed_weeks(problem, [] if optional else [c for c in chosen if _is_narrow(c)])
    goes = {(i, w): model.new_bool_var(f"{i}@{w}") for i, own in enumerate(weeks) for w in own}
    made = Model(problem, model, goes)
    for i, own in enumerate(weeks):
        model.add_exactly_one(goes[i, w] for w in own) if own else model.add_bool_or([])
        made.weeks.append(cp_model.LinearExpr.weighted_sum([goes[i, w] for w in own], own))
    for each in chosen:
        keep = model.new_bool_var(each.key) if optional else None
        if keep is not None:
            made.kept[each.key] = keep
        if not _is_narrow(each):
            _JOINT[each.kind](made, each, keep)
        elif keep is not None:
            for (i, w), var in goes.items():
                if forbids(problem, each, i, w):
                    model.add_implication(keep, ~var)
    return made


def _is_narrow(constraint: Constraint) -> bool:
    return constraint.unit >= 0 or constraint.kind in ("blackout", "finish-by")


def _add(made: Model, linear: cp_model.BoundedLinearExpression, keep: cp_model.IntVar | None) -> None:
    added = made.model.add(linear)
    if keep is not None:
        added.only_enforce_if(keep)


def _sums(made: Model, pool: Teams | Seats | Stock | Money, amounts: list[int]) -> list[cp_model.LinearExpr]:
    """Return for each week the amounts of the units that go live in it."""
    members = set(made.problem.drawing_on(pool))
    by_week: dict[int, list[tuple[cp_model.IntVar, int]]] = defaultdict(list)
    for (i, w), var in made.goes.items():
        if i in members and amounts[i]:
            by_week[w].append((var, amounts[i]))
    return [
        cp_model.LinearExpr.weighted_sum([var for var, _ in by_week[w]], [amount for _, amount in by_week[w]])
        for w in range(made.problem.horizon)
    ]


def _running(made: Model, sums: list[cp_model.LinearExpr], most: int, name: str) -> list[cp_model.IntVar]:
    """Return a variable for the total by the end of each week."""
    totals: list[cp_model.IntVar] = []
    for w, own in enumerate(sums):
        totals.append(made.model.new_int_var(0, most, f"{name}@{w}"))
        made.model.add(totals[w] == own + (totals[w - 1] if w else 0))
    return totals


def _teams(made: Model, own: Constraint, keep: cp_model.IntVar | None) -> None:
    problem, pool = made.problem, made.problem.teams[own.index]
    members = set(problem.drawing_on(pool))
    busy: dict[int, list[tuple[cp_model.IntVar, int]]] = defaultdict(list)
    for (i, w), var in made.goes.items():
        if i in members:
            for week in range(w - problem.units[i].install_weeks + 1, w + 1):
                busy[week].append((var, problem.units[i].teams))
    for week, users in sorted(busy.items()):
        total = cp_model.LinearExpr.weighted_sum([var for var, _ in users], [teams for _, teams in users])
        _add(made, total <= pool.by_week[week], keep)


def _deliveries(made: Model, own: Constraint, keep: cp_model.IntVar | None) -> None:
    pool, cameras = made.problem.stock[own.index], [unit.cameras for unit in made.problem.units]
    issued = _running(made, _sums(made, pool, cameras), sum(cameras), own.key)
    for w, delivered in enumerate(pool.delivered):
        _add(made, issued[w] <= delivered, keep)


def _training(made: Model, own: Constraint, keep: cp_model.IntVar | None) -> None:
    pool, seats = made.problem.seats[own.index], [unit.seats for unit in made.problem.units]
    needed = _running(made, _sums(made, pool, seats), sum(seats), own.key)
    last = made.problem.horizon - 1
    before: cp_model.IntVar | int = 0
    for w, there in enumerate(pool.by_week):
        used = made.model.new_int_var(0, sum(seats), f"{own.key}:used@{w}")
        _add(made, used >= needed[w], keep)
        _add(made, used <= needed[min(last, w + pool.valid_weeks - 1)], keep)
        _add(made, used - before >= 0, keep)
        _add(made, used - before <= there, keep)
        before = used


def _budget(made: Model, own: Constraint, keep: cp_model.IntVar | None) -> None:
    problem, pool = made.problem, made.problem.money[own.index]
    sums = _sums(made, pool, [problem.cost_pence(unit) for unit in problem.units])
    spent: dict[str, list[cp_model.LinearExpr]] = defaultdict(list)
    for w, each in enumerate(sums):
        spent[problem.calendar.quarter(w)].append(each)
    past: list[cp_model.LinearExpr] = []
    money = 0
    for quarter in sorted({*spent, *pool.by_quarter}):
        past, money = (past, money) if pool.carry_over else ([], 0)
        past, money = [*past, *spent[quarter]], money + pool.by_quarter.get(quarter, 0)
        if past:
            _add(made, cp_model.LinearExpr.sum(past) <= money, keep)


def _phase(made: Model, own: Constraint, keep: cp_model.IntVar | None) -> None:
    numbers = sorted({unit.phase for unit in made.problem.units})
    border = made.model.new_int_var(0, made.problem.horizon - 1, own.key)
    for i, unit in enumerate(made.problem.units):
        if unit.phase == numbers[own.index]:
            _add(made, made.weeks[i] <= border, keep)
        elif unit.phase == numbers[own.index + 1]:
            _add(made, made.weeks[i] >= border, keep)


def _after(made: Model, own: Constraint, keep: cp_model.IntVar | None) -> None:
    names = [unit.name for unit in made.problem.units]
    unit, other = (names.index(name) for name in made.problem.afters[own.index])
    _add(made, made.weeks[unit] >= made.weeks[other] + 1, keep)


_JOINT = {
    "teams": _teams,
    "training": _training,
    "deliveries": _deliveries,
    "budget": _budget,
    "phase": _phase,
    "after": _after,
}


def engine(*, seed: int, effort: float) -> cp_model.CpSolver:
    """Return a solver: one worker, `seed`, at most `effort` units of deterministic time."""
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.random_seed = seed % 2**31
    solver.parameters.max_deterministic_time = effort
    solver.parameters.cp_model_probing_level = 0  # presolving by probing takes longer here than the search it saves
    solver.parameters.symmetry_level = 0
    return solver


def feasible(
    problem: Problem, active: Iterable[Constraint], *, seed: int, effort: float
) -> tuple[str, dict[str, int] | None]:
    """Return `yes` with a plan, `no`, or `unknown` when the effort ran out, for a set of constraints."""
    made = build(problem, active)
    solver = engine(seed=seed, effort=effort)
    status = solver.solve(made.model)
    if status in FEASIBLE:
        return YES, made.plan(solver)
    return (NO if status == cp_model.INFEASIBLE else UNKNOWN), None
