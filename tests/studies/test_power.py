"""Power: the closed form against its simulation, and the simulation against what it claims to draw."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from openbwv.studies.errors import BadStudyOption
from openbwv.studies.power import Plan, curve, draw_counts, power, simulate, simulated_ratios, standard_error
from openbwv.studies.replicate import london_plan
from openbwv.studies.wedge_plan import WedgePlan
from openbwv.studies.wedge_plan import curve as wedge_curve
from openbwv.studies.wedge_plan import power as wedge_power
from openbwv.studies.wedge_plan import simulate as simulate_wedge

SMALL = Plan(
    rows_treated=400,
    rows_control=400,
    rate=0.5,
    irr=0.7,
    clusters_treated=20,
    clusters_control=20,
    icc=0.05,
    overdispersion=1.8,
)


def test_simulated_counts_have_the_mean_spread_and_correlation_asked_for():
    rng = np.random.default_rng(1)
    m, trials = 25, 4000
    rows = draw_counts(SMALL, np.ones(40, int), 1.0, trials=trials, rng=rng)
    assert rows.mean() == pytest.approx(0.5, rel=0.02)
    assert rows.var() / rows.mean() == pytest.approx(1.8, rel=0.03)
    teams = draw_counts(SMALL, np.full(40, m), 1.0, trials=trials, rng=rng)
    assert teams.mean() == pytest.approx(0.5 * m, rel=0.02)
    assert teams.var() / teams.mean() == pytest.approx(1.8 * (1 + (m - 1) * 0.05), rel=0.04)


def test_the_closed_standard_error_is_that_of_the_simulated_ratios():
    logs, errors, df = simulated_ratios(SMALL, trials=4000, rng=np.random.default_rng(2))
    wanted = standard_error(SMALL, SMALL.irr)
    assert logs.std() == pytest.approx(wanted, rel=0.06)
    assert errors.mean() == pytest.approx(wanted, rel=0.08)
    assert df == 38


def test_closed_form_and_simulation_agree_about_london():
    closed, drawn = power(london_plan()), simulate(london_plan(), trials=3000, rng=np.random.default_rng(3))
    assert drawn.power == pytest.approx(closed.power, abs=0.04)
    assert drawn.low < drawn.power < drawn.high


def test_power_at_the_detectable_ratio_and_at_no_effect():
    found = power(SMALL)
    assert power(replace(SMALL, irr=found.solved)).power == pytest.approx(0.8, abs=1e-6)
    assert found.solved < found.detectable < 1  # the usual formula takes its error at equal rates and promises more
    tiny = replace(SMALL, rows_treated=4, rows_control=4, clusters_treated=2, clusters_control=2)
    assert power(tiny).solved is None
    assert power(replace(SMALL, irr=1.0)).power == pytest.approx(0.05)


def test_the_curve_falls_to_alpha_and_rises_again():
    values = {round(row["irr"], 2): row["power"] for row in curve(SMALL)}
    assert values[0.4] > values[0.7] > values[0.9] > values[1.0] < values[1.2] < values[1.5]


def test_ignoring_teams_promises_too_much():
    alone = replace(SMALL, clusters_treated=None, clusters_control=None)
    assert power(alone).power > power(SMALL).power + 0.1
    assert alone.design_effect == 1.0


@pytest.mark.parametrize(
    "wrong",
    [
        {"rows_treated": 0},
        {"rate": 0.0},
        {"irr": -1.0},
        {"icc": 1.0},
        {"overdispersion": 0.5},
        {"alpha": 0.0},
        {"exposure": 0.0},
        {"clusters_treated": 0},
        {"rate": float("nan")},
    ],
)
def test_a_plan_that_is_none(wrong):
    with pytest.raises(BadStudyOption):
        replace(SMALL, **wrong)


WEDGE = WedgePlan(units=48, periods=8, steps=6, effect=-1.0, between=4.0, within=3.0)


def test_closed_form_and_simulation_agree_about_a_wedge():
    closed = wedge_power(WEDGE)
    drawn = simulate_wedge(WEDGE, trials=200, rng=np.random.default_rng(1))
    assert 0.5 < closed["power"] < 0.95
    assert drawn.power == pytest.approx(closed["power"], abs=0.1)
    at_mde = replace(WEDGE, effect=closed["mde"])
    assert wedge_power(at_mde)["power"] == pytest.approx(0.8)
    nothing = simulate_wedge(replace(WEDGE, effect=0.0), trials=150, rng=np.random.default_rng(2))
    assert nothing.power < 0.1


def test_the_curve_of_a_wedge_goes_the_way_of_the_effect():
    rows = wedge_curve(WEDGE, widest=3.0)
    assert [rows[0]["effect"], rows[-1]["effect"]] == pytest.approx([-0.15, -3.0])
    assert all(before["power"] < after["power"] for before, after in pairwise(rows))


@pytest.mark.parametrize(
    "wrong",
    [
        {"units": 1},
        {"steps": 1},
        {"periods": 6},
        {"within": 0.0},
        {"between": -1.0},
        {"effect": float("nan")},
        {"alpha": 2.0},
    ],
)
def test_a_wedge_that_is_none(wrong):
    with pytest.raises(BadStudyOption):
        replace(WEDGE, **wrong)
