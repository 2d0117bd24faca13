"""The size that has to be solved: 40 units over 80 weeks with two forces and every kind of limit, proved best."""

import pytest
from bench.rollout import UNITS, WEEKS, problem

from openbwv.rollout.plan import make_plan


def check_proved(number):
    own = problem(number)
    assert (len(own.units), own.horizon) == (UNITS, WEEKS) == (40, 80)
    plan = make_plan(own)
    assert plan.stages[0].proved
    assert plan.stages[0].bound == plan.stages[0].value
    assert all(check.holds for check in plan.checks)


def test_forty_units_are_proved():
    check_proved(1)


@pytest.mark.long
@pytest.mark.parametrize("number", range(2, 22))
def test_twenty_more_are_proved(number):
    check_proved(number)
