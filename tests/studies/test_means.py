"""Differences, compliers and bootstraps against statsmodels, linearmodels and arithmetic."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from linearmodels.iv import IV2SLS

from openbwv.studies import means
from openbwv.studies.bootstrap import wild_bootstrap
from openbwv.studies.counts import poisson_clustered
from openbwv.studies.estimates import Model
from openbwv.studies.setup import Design, Setup
from openbwv.studies.trial import prepare
from tests.studies.trials import clusters, pairs, table


@pytest.fixture
def officers():
    rng = np.random.default_rng(11)
    n = 45
    t = np.tile([1, 0], n)
    columns = {
        "pair": np.repeat(np.arange(n), 2),
        "t": t,
        "y": rng.negative_binomial(2, 0.4, 2 * n),
        "b": rng.negative_binomial(2, 0.4, 2 * n),
        "v": np.where(t == 1, rng.poisson(3, 2 * n), rng.integers(0, 2, 2 * n) * (rng.random(2 * n) < 0.2)),
    }
    return {name: np.delete(column, [7]) for name, column in columns.items()}


def test_the_difference_in_means_has_hc2_errors(officers):
    trial = pairs(officers)
    fit = sm.OLS(trial.outcome, sm.add_constant(trial.treated)).fit(cov_type="HC2", use_t=True)
    found = means.difference(trial)
    assert found.model is Model.MEANS_HC2
    assert (found.value, found.se, found.p) == pytest.approx((fit.params[1], fit.bse[1], fit.pvalues[1]))
    assert (found.low, found.high) == pytest.approx(tuple(fit.conf_int()[1]))


def test_block_effects_with_baseline_are_those_of_dummies(officers):
    trial = pairs(officers, baseline="b")
    dummies = pd.get_dummies(trial.block).to_numpy(dtype=float)
    single = np.bincount(trial.block)[trial.block] == 1
    keep = ~single  # a row that its own dummy explains has leverage 1: statsmodels would divide 0 by 0
    x = np.column_stack([trial.treated, trial.baseline, dummies])[keep]
    x = x[:, (x != 0).any(axis=0)]
    fit = sm.OLS(trial.outcome[keep], x).fit(cov_type="HC2", use_t=True)
    found = means.within_blocks(trial)
    assert (found.value, found.se, found.p) == pytest.approx((fit.params[0], fit.bse[0], fit.pvalues[0]), rel=1e-6)


def test_difference_in_differences_clusters_on_the_pair(officers):
    trial = pairs(officers, baseline="b")
    fit = sm.OLS(trial.outcome - trial.baseline, sm.add_constant(trial.treated)).fit(
        cov_type="cluster", cov_kwds={"groups": trial.cluster}
    )
    found = means.change(trial)
    assert (found.value, found.se) == pytest.approx((fit.params[1], fit.bse[1]))


def test_compliers_are_two_stage_least_squares_clustered_on_the_pair(officers):
    trial = pairs(officers, compliance="v")
    used = pd.Series((trial.compliance > 0) * 1.0, name="used")
    fit = IV2SLS(
        pd.Series(trial.outcome, name="y"),
        pd.DataFrame({"const": np.ones(trial.n)}),
        used,
        pd.Series(trial.treated * 1.0, name="assigned"),
    ).fit(cov_type="clustered", clusters=pd.Series(trial.cluster))
    found, stage = means.complier_effect(trial)
    assert (found.value, found.se) == pytest.approx((fit.params["used"], fit.std_errors["used"]))
    assert (found.low, found.high) == pytest.approx(tuple(fit.conf_int().loc["used"]), rel=1e-6)
    itt = trial.outcome[trial.treated == 1].mean() - trial.outcome[trial.treated == 0].mean()
    assert found.value == pytest.approx(itt / stage["difference"])  # Wald


def test_without_a_first_stage_there_is_no_effect_on_compliers():
    data = {"pair": np.repeat(np.arange(10), 2), "t": np.tile([1, 0], 10), "y": np.arange(20), "v": np.ones(20)}
    found, stage = means.complier_effect(pairs(data, compliance="v"))
    assert (found.value, found.converged) == (None, False)
    assert stage["difference"] == pytest.approx(0.0)


def test_where_clusters_were_drawn_each_counts_once():
    trial = clusters(np.random.default_rng(1), teams=14, size=9)
    level = np.bincount(trial.cluster, weights=trial.outcome) / 9
    arm = trial.treated[::9]
    fit = sm.OLS(level, sm.add_constant(arm)).fit(cov_type="HC2", use_t=True)
    found = means.difference(trial)
    assert found.model is Model.CLUSTER_MEANS_HC2
    assert (found.value, found.se, found.p) == pytest.approx((fit.params[1], fit.bse[1], fit.pvalues[1]))


def test_a_baseline_with_another_window_is_a_rate_too():
    text = "t,y,b,e\n1,4,10,2\n0,6,12,2\n1,2,8,2\n0,8,10,2\n"
    setup = Setup(
        design=Design.SHIFTS, outcome="y", assigned="t", exposure="e", baseline="b", baseline_exposure=4.0, draws=0
    )
    found = means.change(prepare(table(text), setup))
    assert found.value == pytest.approx(((2 - 2.5) + (1 - 2)) / 2 - ((3 - 3) + (4 - 2.5)) / 2)


def test_the_wild_bootstrap_agrees_with_the_sandwich_where_clusters_are_many():
    trial = clusters(np.random.default_rng(3), teams=120, size=6, irr=0.8, draws=1999)
    sandwich, wild = poisson_clustered(trial), wild_bootstrap(trial)
    assert wild.value == pytest.approx(sandwich.value)
    assert (wild.low, wild.high) == pytest.approx((sandwich.low, sandwich.high), rel=0.04)
    assert wild.p == pytest.approx(sandwich.p, abs=0.03)
    assert wild == wild_bootstrap(trial)  # the same seed, the same interval
