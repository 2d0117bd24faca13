"""Plan: search by stages, each kept while the next is improved, and check the outcome apart from the solver.

`finish`: the last week in which a unit goes live, as early as can be. `benefit`: weight x week of going live summed
over units, as small as can be, so that what weighs most (complaints) is served first. `fairness`: the widest gap
between groups' mean week of going live (by cameras). `stability`: weeks by which units move from an earlier plan.
Each stage says whether its value is proved best, and the bound if not.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ortools.sat.python import cp_model

from openbwv.rollout import measure
from openbwv.rollout.certificate import Check, certify
from openbwv.rollout.conflict import smallest_conflict
from openbwv.rollout.constraints import constraints
from openbwv.rollout.errors import CertificateBroken, PlanInfeasible, SearchTooShort
from openbwv.rollout.greedy import best_start
from openbwv.rollout.problem import Problem
from openbwv.rollout.roster import Training, roster
from openbwv.rollout.solver import FEASIBLE, Model, build, engine

EFFORT = {"finish": 40.0, "benefit": 2.0, "fairness": 3.0, "stability": 3.0, "weighted": 6.0}
HUNDREDTHS = 100
BILLION = 10**9


@dataclass(frozen=True)
class Stage:
    """What one objective came to when it was its turn, the best bound, whether they meet, and what it is in the end."""

    name: str
    value: float
    bound: float
    proved: bool
    unit: str
    final: float

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON shape."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


@dataclass(frozen=True)
class Plan:
    """Unit -> week of going live (from 0), the stages, the training roster and the certificate."""

    live: dict[str, int]
    stages: tuple[Stage, ...]
    roster: tuple[Training, ...]
    checks: tuple[Check, ...]

    @property
    def finish(self) -> int:
        """The last week in which a unit goes live (from 0)."""
        return max(self.live.values())


def make_plan(
    problem: Problem, *, seed: int = 1, effort: float = 1.0, earlier: Mapping[str, int] | None = None
) -> Plan:
    """Return a plan that keeps every constraint and is checked.

    `effort` scales how long each stage may search. Raises PlanInfeasible with the smallest conflict, SearchTooShort
    when the effort ran out first, CertificateBroken should solver and check ever disagree.
    """
    order = ("weighted",) if problem.objective.weights else problem.objective.order
    if earlier is None:
        order = tuple(name for name in order if name != "stability") or ("finish",)
    live = best_start(problem)
    latest = max(live.values()) if live and order[:1] == ("finish",) else problem.horizon - 1
    made = build(problem)
    goal = Goals(made, earlier or {}, latest)
    stages = []
    for name in order:
        stage, live = _stage(made, goal, name, live, seed=seed, effort=effort * EFFORT[name])
        stages.append(stage)
    if live is None:
        raise AssertionError("a plan has at least one objective")
    return checked(problem, live, [replace(stage, final=_final(stage, problem, live, earlier)) for stage in stages])


def _final(stage: Stage, problem: Problem, live: Mapping[str, int], earlier: Mapping[str, int] | None) -> float:
    """Return what an aim is under the finished plan, by arithmetic apart from the solver."""
    if stage.name == "finish":
        return measure.finish(live)
    if stage.name == "benefit":
        return measure.benefit(problem, live)
    if stage.name == "fairness":
        return measure.fairness(problem, live)
    return measure.stability(live, earlier or {}) if stage.name == "stability" else stage.value


def checked(problem: Problem, live: dict[str, int], stages: Sequence[Stage]) -> Plan:
    """Return the plan with its roster and certificate. Raises CertificateBroken when a check does not hold."""
    trained = roster(problem, live)
    checks = certify(problem, live, trained or [])
    broken = [each for each in checks if not each.holds]
    if broken or trained is None:
        words = "; ".join(f"{each.words} ({each.detail})" for each in broken) or "no training roster exists"
        raise CertificateBroken(
            what=f"The plan breaks a constraint when checked without the solver: {words}",
            remedy="This is an error in the planner: report it with the plan file. No plan was handed out.",
        )
    ordered = {unit.name: live[unit.name] for unit in problem.units}
    return Plan(ordered, tuple(stages), tuple(trained), tuple(checks))


class Goals:
    """The objectives as expressions of a model; scales turn solver integers back into weeks."""

    def __init__(self, made: Model, earlier: Mapping[str, int], latest: int) -> None:
        self.made = made
        self.earlier = earlier
        self.latest = latest
        self._finish: cp_model.IntVar | None = None

    def expression(self, name: str) -> tuple[cp_model.LinearExpr, float, str]:
        """Return an objective to make small, what to divide it by, and the unit of the result."""
        made, problem = self.made, self.made.problem
        if name == "finish":
            return self.finish(), 1.0, "week in which the last unit goes live"
        if name == "benefit":
            weights = [unit.weight for unit in problem.units]
            whole = sum(weights) or 1
            return cp_model.LinearExpr.weighted_sum(made.weeks, weights), whole, "weighted mean week of going live"
        if name == "fairness":
            return self.spread(), HUNDREDTHS, "weeks between the first and the last group's mean"
        if name == "stability":
            names = [unit.name for unit in problem.units]
            moved = [
                (v, abs(w - self.earlier[names[i]])) for (i, w), v in made.goes.items() if names[i] in self.earlier
            ]
            return (
                cp_model.LinearExpr.weighted_sum([v for v, _ in moved], [by for _, by in moved]),
                1.0,
                "unit-weeks moved from the earlier plan",
            )
        return self.weighted(), float(BILLION), "weighted sum of weeks"

    def finish(self) -> cp_model.IntVar:
        """Return the last week, not after `latest`."""
        if self._finish is None:
            self._finish = self.made.model.new_int_var(0, self.latest, "finish")
            for week in self.made.weeks:
                self.made.model.add(week <= self._finish)
        return self._finish

    def spread(self) -> cp_model.LinearExpr:
        """Return the widest gap between groups' mean weeks, in hundredths of a week, by cameras."""
        made, units = self.made, self.made.problem.units
        most = HUNDREDTHS * made.problem.horizon
        low, high = made.model.new_int_var(0, most, "low"), made.model.new_int_var(0, most, "high")
        for group in sorted({unit.group or unit.force for unit in units}):
            own = [i for i, unit in enumerate(units) if (unit.group or unit.force) == group]
            cameras = sum(units[i].cameras for i in own)
            total = cp_model.LinearExpr.weighted_sum(
                [made.weeks[i] for i in own], [HUNDREDTHS * units[i].cameras for i in own]
            )
            made.model.add(total <= high * cameras)
            made.model.add(total >= low * cameras)
        return high - low

    def weighted(self) -> cp_model.LinearExpr:
        """Return the weighted sum, each objective in weeks, in billionths."""
        terms = []
        for name, weight in self.made.problem.objective.weights.items():
            if weight and not (name == "stability" and not self.earlier):
                expression, scale, _ = self.expression(name)
                terms.append(expression * max(1, round(BILLION * weight / scale)))
        return cp_model.LinearExpr.sum(terms)


def _stage(
    made: Model, goal: Goals, name: str, live: dict[str, int] | None, *, seed: int, effort: float
) -> tuple[Stage, dict[str, int]]:
    expression, scale, unit = goal.expression(name)
    made.model.minimize(expression)
    if live is not None:
        made.hint(live, seed=seed)
    solver = engine(seed=seed, effort=effort)
    status = solver.solve(made.model)
    if status == cp_model.INFEASIBLE:
        raise infeasible(made.problem, seed=seed)
    if status not in FEASIBLE:
        raise SearchTooShort(
            what="The search ended before it found a plan or showed that there is none.",
            remedy="Give more --effort, fewer units, or a shorter horizon.",
        )
    value = round(solver.objective_value)
    give = 0 if name == "finish" else made.problem.objective.give_percent
    made.model.add(expression <= value + value * give // 100)
    proved = status == cp_model.OPTIMAL
    plus = 1 if name in ("finish", "benefit") else 0  # people count weeks from 1
    bound = value if proved else solver.best_objective_bound
    reached = value / scale + plus
    return Stage(name, reached, bound / scale + plus, proved, unit, reached), made.plan(solver)


def infeasible(problem: Problem, *, seed: int) -> PlanInfeasible:
    """Return the error that names the smallest conflict of a problem without a plan."""
    found = smallest_conflict(problem, seed=seed)
    never = [each for each in constraints(problem) if each.kind == "gate" and (each.earliest or 0) >= problem.horizon]
    always = f"given that every unit goes live once within {problem.horizon} weeks"
    return PlanInfeasible(
        conflict=[each.as_dict() for each in found.conflict],
        smallest=found.smallest,
        always=always,
        also=[each.as_dict() for each in never if each not in found.conflict],
    )
