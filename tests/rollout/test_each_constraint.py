"""Each kind of constraint on its own: a plan that breaks just that one, seen by planner, certificate, brute force."""

from dataclasses import replace

import pytest

from openbwv.rollout.certificate import certify
from openbwv.rollout.constraints import constraints
from openbwv.rollout.errors import PlanInfeasible
from openbwv.rollout.greedy import Book
from openbwv.rollout.plan import make_plan
from openbwv.rollout.problem import Blackout, Gate, Money, Window
from openbwv.rollout.roster import roster
from tests.rollout.problems import FORCE, YEARS_END, keeps, problem, seats, stock, teams, unit

PAIR = [unit("a", 10), unit("b", 10)]


def money(q4, q1, carry_over):
    return {
        "money": (Money("money", (FORCE,), {"2016Q4": q4 * 100, "2017Q1": q1 * 100}, carry_over),),
        "camera_pence": 100,
        "start": YEARS_END,
    }


# kind: (units, the rest of the problem, a plan that keeps it, a plan that breaks it)
CASES = {
    "teams": (PAIR, {"teams": teams([1, 1, 1, 1, 0, 1, 1, 1])}, (0, 1), (0, 0)),
    "teams in one week": (PAIR, {"teams": teams([1, 1, 1, 1, 0, 1, 1, 1])}, (3, 5), (3, 4)),
    "teams over weeks": ([unit("a", install_weeks=3), unit("b")], {"teams": teams(1)}, (4, 5), (4, 2)),
    "training": (PAIR, {"seats": seats(5)}, (1, 3), (1, 2)),
    "training gone stale": (PAIR, {"seats": seats([10, 10, 0, 0, 0, 0, 0, 0], 3)}, (1, 2), (1, 4)),
    "deliveries": (PAIR, {"stock": stock([10, 10, 10, 20, 20, 20, 20, 20])}, (0, 3), (0, 2)),
    "budget": (PAIR, money(10, 10, False), (2, 3), (1, 2)),
    "budget, nothing carried over": (PAIR, money(15, 15, False), (2, 3), (3, 4)),
    "budget, carried over": (PAIR, money(15, 5, True), (2, 3), (1, 2)),
    "phase": ([unit("a"), unit("b", phase=2)], {"phases_in_order": True}, (3, 3), (3, 2)),
    "after": (PAIR, {"afters": (("b", "a"),)}, (2, 3), (2, 2)),
    "finish-by": (PAIR, {"finish_by": 4}, (4, 4), (4, 5)),
    "network": ([unit("a", network_ready=2, install_weeks=2), unit("b")], {}, (3, 0), (2, 0)),
    "gate": ([unit("a", gates={"site_test": Gate(3)}), unit("b")], {}, (3, 0), (2, 0)),
    "fixed": (PAIR, {"windows": (Window("a", 3, 3),)}, (3, 0), (4, 0)),
    "not before": (PAIR, {"windows": (Window("a", 3, None),)}, (3, 0), (2, 0)),
    "not after": (PAIR, {"windows": (Window("a", None, 3),)}, (3, 0), (4, 0)),
    "blackout": ([unit("a", install_weeks=3), unit("b")], {"blackouts": (Blackout(3, 4, "closed"),)}, (7, 2), (6, 2)),
    "blackout of a unit": (PAIR, {"blackouts": (Blackout(3, 4, "closed", (), ("a",)),)}, (2, 3), (3, 3)),
    "blackout of a force": (PAIR, {"blackouts": (Blackout(3, 4, "closed", (FORCE,)),)}, (2, 5), (2, 4)),
}


def pinned(own, weeks):
    return replace(own, windows=(*own.windows, *(Window(u.name, w, w) for u, w in zip(own.units, weeks, strict=True))))


def placed(own, weeks):
    book = Book(pinned(own, weeks))
    return all(book.place(index) for index in range(len(own.units)))


@pytest.mark.parametrize("name", CASES)
def test_the_plan_that_keeps_it_is_taken_and_the_one_that_breaks_it_is_not(name):
    units, rest, good, bad = CASES[name]
    own = problem(units, **rest)
    (kind,) = {each.kind for each in constraints(own)}
    for weeks, holds in ((good, True), (bad, False)):
        live = {u.name: week for u, week in zip(units, weeks, strict=True)}
        checks = certify(own, live, roster(own, live) or [])
        assert [check.holds for check in checks[1:]].count(False) == (0 if holds else 1), checks
        assert keeps(own, weeks) == holds
        assert placed(own, weeks) == holds
    assert make_plan(pinned(own, good)).live == dict(zip([u.name for u in units], good, strict=True))
    with pytest.raises(PlanInfeasible) as refused:
        make_plan(pinned(own, bad))
    assert kind in {each["kind"] for each in refused.value.conflict}


def test_every_kind_of_constraint_is_tried():
    tried = {each.kind for units, rest, _, _ in CASES.values() for each in constraints(problem(units, **rest))}
    from openbwv.rollout.certificate import _CHECKS

    assert tried == set(_CHECKS)
