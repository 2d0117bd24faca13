"""Plan again with what has happened, and find what caused the slip by solving what would have been.

For each change: the finish if it alone were put right, and the finish if it alone had happened. A change is a cause
when putting it right brings back weeks. When no single one restores the earlier finish, the smallest set that does is
sought.
Putting right what began in the past undoes its consequences too: units are then free from the week it began.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

from openbwv.rollout.changes import Actuals, Change
from openbwv.rollout.errors import PlanInfeasible
from openbwv.rollout.plan import Plan, make_plan
from openbwv.rollout.problem import Gate, Objective, Problem, Unit, Window

MOST_CHANGES = 8
LATE = "late units"


@dataclass(frozen=True)
class Cause:
    """A change with the finishes (weeks from 0; None: no plan inside the horizon) that tell what it did."""

    change: Change
    finish_if_put_right: int | None
    finish_if_alone: int | None
    restores_weeks: int


@dataclass(frozen=True)
class Replan:
    """The new plan beside the earlier finish, its causes, and the smallest set of changes that restores it."""

    plan: Plan
    problem: Problem
    earlier_finish: int
    causes: tuple[Cause, ...]
    restoring: tuple[str, ...]
    live: dict[str, int]
    as_of: int

    @property
    def slip_weeks(self) -> int:
        """Weeks by which the finish is later than planned."""
        return self.plan.finish - self.earlier_finish


def replan(
    problem: Problem, actuals: Actuals, planned: Mapping[str, int], *, seed: int = 1, effort: float = 1.0
) -> Replan:
    """Return the new plan and why it is late; moves as few units as it can without finishing later.

    Raises PlanInfeasible when nothing fits inside the horizon any more.
    """
    changes = list(actuals.changes)
    late = _late_units(problem, actuals, planned)
    if late is not None:
        changes.append(late)
    earlier = max(planned.values())
    now = applied(problem, actuals, changes, changes)
    goal = now.with_changes(objective=Objective(("finish", "stability")))
    plan = make_plan(goal, seed=seed, effort=effort, earlier=planned)
    search = Search(problem, actuals, changes, seed, effort)
    causes = []
    for change in changes[:MOST_CHANGES]:
        right = search.finish([each for each in changes if each is not change])
        alone = search.finish([change])
        restored = plan.finish - right if right is not None else 0
        causes.append(Cause(change, right, alone, max(restored, 0)))
    restoring = search.smallest_restoring(earlier) if plan.finish > earlier else ()
    return Replan(plan, goal, earlier, tuple(causes), tuple(c.words for c in restoring), actuals.live, actuals.as_of)


class Search:
    """Answers what the finish would be with some of the changes; each question is solved once."""

    def __init__(self, problem: Problem, actuals: Actuals, changes: Sequence[Change], seed: int, effort: float) -> None:
        self._ask = (problem, actuals, changes)
        self._seed, self._effort = seed, effort
        self._known: dict[frozenset[int], int | None] = {}

    def finish(self, happened: Sequence[Change]) -> int | None:
        """Return the finish (from 0) had only `happened` come about; None when there is no plan inside the horizon."""
        problem, actuals, changes = self._ask
        key = frozenset(number for number, each in enumerate(changes) if each in happened)
        if key not in self._known:
            goal = applied(problem, actuals, changes, happened).with_changes(objective=Objective(("finish",)))
            try:
                self._known[key] = make_plan(goal, seed=self._seed, effort=self._effort).finish
            except PlanInfeasible:
                self._known[key] = None
        return self._known[key]

    def smallest_restoring(self, earlier: int) -> tuple[Change, ...]:
        """Return the fewest changes that, put right, bring the finish back to `earlier`."""
        changes = self._ask[2]
        for size in range(1, min(len(changes), MOST_CHANGES) + 1):
            for chosen in combinations(changes, size):
                finish = self.finish([each for each in changes if each not in chosen])
                if finish is not None and finish <= earlier:
                    return chosen
        return ()


def applied(problem: Problem, actuals: Actuals, changes: Sequence[Change], happened: Sequence[Change]) -> Problem:
    """Return the problem with the changes that happened, and the past as it went.

    The past is fixed up to the report, or, when a change is put right, up to the week in which that change began.
    """
    right = [each.first for each in changes if each not in happened]
    border = min([actuals.as_of, *right])
    for each in happened:
        problem = each.apply(problem)
    past = {name: week for name, week in actuals.live.items() if week < border}
    windows = [w for w in problem.windows if w.unit not in past and (w.latest is None or w.latest >= border)]
    windows += [Window(name, week, week) for name, week in past.items()]
    if border > 0:
        windows += [Window(unit.name, border, None) for unit in problem.units if unit.name not in past]
    # what is live was ready to be, whatever is said of it later
    units = tuple(replace(u, network_ready=0, gates=_passed(u)) if u.name in past else u for u in problem.units)
    return problem.with_changes(windows=tuple(windows), units=units)


def _passed(unit: Unit) -> dict[str, Gate]:
    return {name: gate if gate.by_plan else Gate(0) for name, gate in unit.gates.items()}


def _late_units(problem: Problem, actuals: Actuals, planned: Mapping[str, int]) -> Change | None:
    """Return what no stated change explains as a change of its own: units not live when planned."""
    late = [
        name for name, week in planned.items() if actuals.live.get(name, actuals.as_of) > week and week < actuals.as_of
    ]
    if not late:
        return None
    names = ", ".join(late[:4]) + (f" and {len(late) - 4} more" if len(late) > 4 else "")
    first = min(planned[name] for name in late)
    return Change(LATE, f"went live later than planned, with no change stated that explains it: {names}", first, _same)


def _same(problem: Problem) -> Problem:
    return problem


def as_dict(result: Replan) -> dict[str, Any]:
    """Return slip, causes and the restoring set; weeks from 1."""

    def week(value: int | None) -> int | None:
        return None if value is None else value + 1

    return {
        "earlier_finish_week": result.earlier_finish + 1,
        "finish_week": result.plan.finish + 1,
        "slip_weeks": result.slip_weeks,
        "as_of_week": result.as_of + 1,
        "causes": [
            {
                **cause.change.as_dict(),
                "finish_if_put_right": week(cause.finish_if_put_right),
                "finish_if_alone": week(cause.finish_if_alone),
                "restores_weeks": cause.restores_weeks,
            }
            for cause in result.causes
        ],
        "restoring": list(result.restoring),
    }
