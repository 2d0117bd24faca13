"""Plans against brute force, another solver, and a certificate that knows no solver."""

import ast
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.optimize import LinearConstraint, milp

from openbwv.rollout.certificate import certify
from openbwv.rollout.errors import PlanInfeasible
from openbwv.rollout.greedy import best_start
from openbwv.rollout.plan import make_plan
from openbwv.rollout.problem import Gate, Objective, Window
from openbwv.rollout.roster import roster
from tests.house.source import SRC
from tests.rollout.problems import every_plan, keeps, problem, seats, small_problems, stock, teams, unit

QUICK = settings(max_examples=40, suppress_health_check=list(HealthCheck))


def check_against_brute_force(own):
    plans = list(every_plan(own))
    try:
        plan = make_plan(own)
    except PlanInfeasible:
        assert not plans
        return
    weeks = tuple(plan.live[u.name] for u in own.units)
    assert weeks in plans
    assert plan.stages[0].proved
    first = min(max(each) for each in plans)
    assert plan.finish == first == plan.stages[0].value - 1

    def benefit(each):
        return sum(u.weight * week for u, week in zip(own.units, each, strict=True))

    assert benefit(weeks) == min(benefit(each) for each in plans if max(each) == first)
    assert all(check.holds for check in plan.checks)


@QUICK
@given(small_problems())
def test_the_planner_finds_what_brute_force_finds(own):
    check_against_brute_force(own)


@pytest.mark.long
@settings(max_examples=600, suppress_health_check=list(HealthCheck))
@given(small_problems())
def test_the_planner_finds_what_brute_force_finds_at_length(own):
    check_against_brute_force(own)


@QUICK
@given(small_problems(), st.randoms(use_true_random=False))
def test_the_certificate_says_what_brute_force_says_of_any_plan(own, rng):
    weeks = tuple(rng.randrange(u.install_weeks - 1, own.horizon) for u in own.units)
    live = {u.name: week for u, week in zip(own.units, weeks, strict=True)}
    trained = roster(own, live)
    held = trained is not None and all(check.holds for check in certify(own, live, trained))
    assert held == keeps(own, weeks)


@QUICK
@given(small_problems())
def test_a_plan_made_without_the_solver_keeps_everything(own):
    live = best_start(own)
    if live is not None:
        assert keeps(own, tuple(live[u.name] for u in own.units))


@pytest.mark.parametrize("seed", range(4))
def test_the_weighted_sum_of_weeks_is_what_highs_finds(seed):
    """Another solver, another model: scipy's HiGHS on the same teams and deliveries."""
    rng = np.random.default_rng(seed)
    horizon, count = 10, 7
    units = [unit(f"u{n}", int(rng.integers(2, 20)), weight=int(rng.integers(1, 50))) for n in range(count)]
    total = sum(u.cameras for u in units)
    delivered = np.minimum((np.arange(horizon) + 1) * (total // 8 + 1), total + 5).tolist()
    own = problem(
        units, weeks=horizon, teams=teams(2, horizon), stock=stock(delivered), objective=Objective(("benefit",))
    )
    once = np.kron(np.eye(count), np.ones(horizon))
    at_work = np.kron(np.ones(count), np.eye(horizon))
    cameras = np.kron(np.array([u.cameras for u in units]), np.tril(np.ones((horizon, horizon))))
    cost = np.concatenate([u.weight * np.arange(horizon) for u in units])
    limits = [
        LinearConstraint(once, 1, 1),
        LinearConstraint(at_work, -np.inf, 2),
        LinearConstraint(cameras, -np.inf, delivered),
    ]
    best = milp(cost, constraints=limits, integrality=np.ones(count * horizon), bounds=(0, 1))
    plan = make_plan(own)
    assert plan.stages[0].proved
    assert sum(u.weight * plan.live[u.name] for u in units) == round(best.fun)


def test_fairness_serves_groups_alike():
    units = [unit(f"u{n}", 10, group="east" if n < 3 else "west", weight=9 if n < 3 else 1) for n in range(6)]
    own = problem(units, teams=teams(1), objective=Objective(("finish", "benefit")))
    first = make_plan(own)
    assert {name for name, week in first.live.items() if week < 3} == {"u0", "u1", "u2"}
    fair = make_plan(replace(own, objective=Objective(("finish", "fairness"))))
    gap = {g: np.mean([fair.live[u.name] for u in units if u.group == g]) for g in ("east", "west")}
    assert abs(gap["east"] - gap["west"]) <= 1 / 3 + 1e-9  # six weeks for two threes: a third is the least
    assert fair.stages[1].value == pytest.approx(0.34, abs=0.01)


def test_a_weighted_sum_trades_aims_against_each_other():
    units = [unit("small", 1, weight=1), unit("large", 1, weight=100, install_weeks=3)]
    both = problem(units, teams=teams(1), objective=Objective((), {"finish": 1, "benefit": 100}))
    plan = make_plan(both)
    assert plan.live == {"small": 3, "large": 2}
    assert plan.stages[0].name == "weighted"


def test_training_goes_stale():
    """40 seats in the first weeks are worth nothing in week 8 when training is good for two weeks."""
    own = problem([unit("late", 20)], seats=seats([10, 10, 10, 10, 0, 0, 5, 5], 2))
    own = replace(own, windows=(Window("late", 4, None),))
    with pytest.raises(PlanInfeasible) as refused:
        make_plan(own)
    assert {each["key"] for each in refused.value.conflict} == {"training:seats", "not-before:late"}
    assert make_plan(replace(own, seats=seats([10, 10, 10, 10, 0, 0, 5, 5], 5))).finish == 4


def test_a_unit_goes_live_only_after_every_gate():
    gates = {"consultation": Gate(2), "dpia": Gate(4), "training": Gate(3), "site_test": Gate(5)}
    for held in range(4):
        shown = {name: gate for number, (name, gate) in enumerate(gates.items()) if number <= held}
        plan = make_plan(problem([unit("borough", gates=shown)]))
        assert plan.finish == max(gate.week for gate in shown.values())


def test_two_forces_share_a_pool_and_have_their_own():
    units = [unit("a", 10), unit("b", 10, force="Second"), unit("c", 10, force="Second")]
    shared = teams(1)[0]
    shared = replace(shared, forces=("Force", "Second"))
    own_stock = replace(stock([0, 0, 10, 10, 20, 20, 20, 20])[0], forces=("Second",))
    plan = make_plan(problem(units, teams=(shared,), stock=(own_stock,)))
    assert plan.live["a"] == 0
    assert sorted((plan.live["b"], plan.live["c"])) == [2, 4]


def test_the_same_seed_gives_the_same_plan():
    own = problem([unit(f"u{n}", 3 + n) for n in range(6)], teams=teams(2), seats=seats(9))
    assert make_plan(own, seed=3) == make_plan(own, seed=3)


def test_the_certificate_imports_no_solver():
    for name in ("certificate", "roster", "constraints", "problem", "weeks"):
        text = (SRC / "rollout" / f"{name}.py").read_text()
        found = {
            alias
            for node in ast.walk(ast.parse(text))
            if isinstance(node, ast.ImportFrom | ast.Import)
            for alias in [getattr(node, "module", None) or node.names[0].name]
        }
        assert not {each for each in found if "ortools" in each or "solver" in each or "plan" in each.split(".")[-1:]}


@pytest.mark.parametrize(
    "spoil",
    [
        lambda live, trained: ({**live, "u0": live["u0"] + 7}, trained),
        lambda live, trained: ({name: week for name, week in live.items() if name != "u0"}, trained),
        lambda live, trained: ({**live, "ghost": 1}, trained),
        lambda live, trained: (live, trained[1:]),
        lambda live, trained: (live, [*trained, trained[0]]),
        lambda live, trained: (live, [replace(trained[0], week=trained[0].week + 5), *trained[1:]]),
        lambda live, trained: (live, [replace(trained[0], seats=-1), *trained]),
    ],
)
def test_a_plan_that_was_changed_after_planning_loses_its_certificate(spoil):
    own = problem([unit(f"u{n}", 5) for n in range(4)], teams=teams(1), seats=seats(5, 3))
    plan = make_plan(own)
    assert all(check.holds for check in certify(own, plan.live, plan.roster))
    live, trained = spoil(dict(plan.live), list(plan.roster))
    assert not all(check.holds for check in certify(own, live, trained))
