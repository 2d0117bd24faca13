"""A random order within the constraints, and the power of the trial it makes."""

from collections import Counter
from dataclasses import replace
from math import log

import pytest

from openbwv.rollout.certificate import certify
from openbwv.rollout.errors import NoRandomOrder
from openbwv.rollout.order import power, random_order
from openbwv.rollout.problem import Trial, Window
from openbwv.rollout.roster import roster
from openbwv.shared.wedge import wedge_power
from tests.rollout.problems import problem, seats, teams, unit

UNITS = [unit(f"u{n}", 200) for n in range(8)]
OWN = problem(UNITS, weeks=30, teams=teams(1, 30), seats=seats(200, 4, 30))


def test_a_drawn_order_keeps_every_constraint_and_ends_in_time():
    chosen = random_order(OWN, finish=7, seed=1)
    assert sorted(chosen.order) == [u.name for u in UNITS]
    assert all(check.holds for check in certify(OWN, chosen.live, roster(OWN, chosen.live)))
    assert max(chosen.live.values()) <= chosen.latest == 9


def test_the_same_seed_draws_the_same_order_and_others_draw_others():
    assert random_order(OWN, finish=7, seed=4) == random_order(OWN, finish=7, seed=4)
    assert len({random_order(OWN, finish=7, seed=seed).order for seed in range(20)}) == 20


def test_every_unit_is_as_likely_to_be_first():
    first = Counter(random_order(OWN, finish=7, seed=seed).order[0] for seed in range(400))
    assert set(first) == {u.name for u in UNITS}
    assert max(first.values()) < 400 / 8 + 4.5 * (400 * 7 / 64) ** 0.5
    assert min(first.values()) > 400 / 8 - 4.5 * (400 * 7 / 64) ** 0.5


def test_orders_that_do_not_fit_are_drawn_again_and_counted():
    """Seven weeks of work for one team and seven single weeks for the other: the long one has to come early."""
    units = [unit("long", install_weeks=7), *(unit(f"u{n}") for n in range(7))]
    own = problem(units, weeks=30, teams=teams(2, 30), trial=Trial(later_weeks=0))
    chosen = [random_order(own, finish=6, seed=seed) for seed in range(30)]
    assert {each.live["long"] for each in chosen} == {6}
    assert max(each.draws for each in chosen) > 1
    assert {each.order.index("long") for each in chosen} == {0, 1}  # beside one other there is room, not beside two
    with pytest.raises(NoRandomOrder):
        random_order(own, finish=5, seed=1, draws=20)


def test_phases_in_order_are_shuffled_inside_only():
    units = [unit(f"u{n}", 10, phase=1 + n // 4) for n in range(8)]
    own = problem(units, weeks=30, teams=teams(1, 30), phases_in_order=True)
    orders = [random_order(own, finish=7, seed=seed) for seed in range(10)]
    for chosen in orders:
        assert max(chosen.live[f"u{n}"] for n in range(4)) <= min(chosen.live[f"u{n}"] for n in range(4, 8))
    assert len({chosen.order for chosen in orders}) == 10


def test_a_unit_with_a_fixed_date_is_not_called_random():
    own = replace(OWN, windows=(Window("u3", 0, 0),))
    chosen = random_order(own, finish=7, seed=2)
    assert chosen.not_drawn == ("u3",)
    assert "u3" not in chosen.order
    assert chosen.live["u3"] == 0
    assert "u3" not in {row["unit"] for row in power(own, chosen)["cells"]}


def test_power_is_the_closed_form_of_its_cells():
    chosen = random_order(OWN, finish=7, seed=3)
    found = power(OWN, chosen)
    events = 200 * 0.39 * 4 * 7 / 365.25
    cells = [row["treated"] for row in found["cells"]]
    assert found["events_a_cell"] == pytest.approx(events)
    again = wedge_power(cells, effect=log(0.85), sigma2_between=log(1 + 0.25**2), sigma2_within_cell=1.5 / events)
    assert found["power"] == pytest.approx(again)
    for row in found["cells"]:
        week = chosen.live[row["unit"]]
        assert row["treated"].index(1) == 6 + week // 4 + 1  # the first period that begins after the week of going live
    assert all(fact["status"] in ("assumption", "computed") for fact in found["assumptions"])


def test_a_larger_effect_is_found_more_often_and_one_unit_shows_nothing():
    chosen = random_order(OWN, finish=7, seed=3)
    larger = replace(OWN, trial=Trial(rate_ratio=0.5))
    assert power(larger, chosen)["power"] > power(OWN, chosen)["power"]
    lone = problem([UNITS[0]], weeks=30)
    assert power(lone, random_order(lone, finish=0, seed=1))["power"] == 0
