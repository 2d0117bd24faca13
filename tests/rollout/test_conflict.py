"""The smallest conflict, against every subset there is."""

from itertools import combinations

import pytest
from hypothesis import HealthCheck, assume, given, settings

from openbwv.rollout.conflict import hitting_set, reduce, shrink, smallest_conflict
from openbwv.rollout.constraints import constraints
from openbwv.rollout.errors import PlanInfeasible
from openbwv.rollout.plan import make_plan
from openbwv.rollout.problem import Blackout, Gate, Window
from openbwv.rollout.solver import feasible
from tests.rollout.problems import every_plan, problem, small_problems, stock, teams, unit


def smallest_size(own):
    """The size of a smallest conflict by trying every subset, smallest first."""
    known = constraints(own)
    for size in range(len(known) + 1):
        for chosen in combinations(known, size):
            if feasible(own, chosen, seed=1, effort=10)[0] == "no":
                return size
    return None


@settings(max_examples=12, suppress_health_check=list(HealthCheck))
@given(small_problems())
def test_no_smaller_set_is_in_conflict(own):
    assume(len(constraints(own)) <= 8)
    assume(next(every_plan(own), None) is None)
    assume(all(unit.install_weeks <= own.horizon for unit in own.units))
    found = smallest_conflict(own, seed=1)
    assert found.smallest
    assert len(found.conflict) == smallest_size(own)
    assert feasible(own, found.conflict, seed=1, effort=10)[0] == "no"
    for each in found.conflict:
        rest = [other for other in found.conflict if other is not each]
        assert feasible(own, rest, seed=1, effort=10)[0] == "yes"


def test_the_conflict_is_told_in_words():
    own = problem(
        [unit("Camden", 30), unit("Brent", 30)],
        stock=stock([0, 0, 30, 30, 30, 60, 60, 60]),
        windows=(Window("Camden", None, 3), Window("Brent", None, 4)),
        teams=teams(2),
        blackouts=(Blackout(0, 0, "Christmas"),),
    )
    with pytest.raises(PlanInfeasible) as caught:
        make_plan(own)
    refused = caught.value
    keys = {each["key"] for each in refused.conflict}
    assert keys == {"deliveries:cameras", "not-after:Camden", "not-after:Brent"}
    assert "Camden goes live not after week 4 (from 7 Nov 2016)." in refused.what
    assert "no more cameras issued than delivered" in refused.what
    assert refused.as_dict()["smallest"] is True


def test_one_missing_signature_is_the_whole_conflict():
    units = [unit(f"u{n}") for n in range(5)] + [unit("Croydon", gates={"dpia": Gate(None)})]
    found = smallest_conflict(problem(units, teams=teams(3)), seed=1)
    assert [each.key for each in found.conflict] == ["gate:dpia:Croydon"]
    assert "no date" in found.conflict[0].words


def test_gates_that_never_open_are_named_all_at_once():
    shut = {"consultation": Gate(None), "dpia": Gate(40)}
    own = problem([unit("Camden"), unit("Croydon", gates=shut), unit("Brent", gates={"dpia": Gate(None)})])
    with pytest.raises(PlanInfeasible) as caught:
        make_plan(own)
    refused = caught.value.as_dict()
    assert len(refused["conflict"]) == 1
    gates = {"gate:consultation:Croydon", "gate:dpia:Croydon", "gate:dpia:Brent"}
    assert {each["key"] for each in refused["conflict"] + refused["also"]} == gates
    assert all(each["words"] in refused["remedy"] for each in refused["also"])


def test_a_larger_irreducible_set_gives_way_to_a_smaller_one():
    """{a, b, c} and {d, e} are both irreducible; deletion alone may end with three."""
    bad = [{"a", "b", "c"}, {"d", "e"}]

    def question(keys):
        return ("no", frozenset()) if any(each <= keys for each in bad) else ("yes", keys)

    irreducible, sure = reduce(["d", "e", "a", "b", "c"], question)
    assert sure
    assert set(irreducible) == {"a", "b", "c"}
    assert shrink(list("abcde"), irreducible, question) == ({"d", "e"}, True)


def test_an_open_question_is_never_called_smallest():
    def question(keys):
        return ("no", frozenset()) if {"a", "b"} <= keys else ("unknown", frozenset())

    assert reduce(["a", "b", "c"], question) == (["a", "b"], False)
    assert shrink(["a", "b", "c"], ["a", "b"], question) == ({"a", "b"}, False)


def test_a_hitting_set_meets_every_set_and_is_smallest():
    sets = [{"a", "b"}, {"b", "c"}, {"c", "d"}, {"b", "d"}]
    found = hitting_set(sets)
    assert len(found) == 2
    assert all(found & each for each in sets)
    assert hitting_set([]) == set()
