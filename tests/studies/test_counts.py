"""Rate ratios against other people's code, and at the edges where models break."""

import numpy as np
import pytest
import statsmodels.api as sm
from scipy import stats

from openbwv.studies import counts
from openbwv.studies.analyse import analyse_trial, leading
from openbwv.studies.estimates import Model
from openbwv.studies.intervals import exact_ratio
from openbwv.studies.setup import Design, Setup
from openbwv.studies.trial import prepare
from tests.studies.trials import clusters, pairs, table


def paired(rng, n=40, mean=1.0):
    return {
        "pair": np.repeat(np.arange(n), 2),
        "t": np.tile([1, 0], n),
        "y": rng.negative_binomial(1.0, 1 / (1 + mean), 2 * n),
    }


def test_the_clustered_variance_is_the_sandwich_by_hand():
    trial = clusters(np.random.default_rng(5), teams=30, irr=0.7)
    found = counts.poisson_clustered(trial)
    total = 0.0
    for arm in (0, 1):
        here = trial.treated == arm
        rate = trial.outcome[here].sum() / trial.exposure[here].sum()
        residual = trial.outcome[here] - rate * trial.exposure[here]
        shares = np.bincount(trial.cluster[here], weights=residual)
        total += (shares**2).sum() / trial.outcome[here].sum() ** 2
    n, k, g = trial.n, 2, trial.clusters
    assert found.se == pytest.approx(np.sqrt(total * g / (g - 1) * (n - 1) / (n - k)), rel=1e-6)
    ratio = trial.arm(1)["rate"] / trial.arm(0)["rate"]
    assert found.value == pytest.approx(ratio)


def test_gee_has_the_mancl_derouen_covariance_by_hand():
    """(I - H) from both sides of each cluster's residuals, with the exchangeable working correlation of the fit."""
    trial = clusters(np.random.default_rng(8), teams=10, size=6)
    ours = counts.gee(trial)
    x = counts.design_matrix(trial)
    fit = sm.GEE(
        trial.outcome, x, groups=trial.cluster, family=sm.families.Poisson(), cov_struct=sm.cov_struct.Exchangeable()
    ).fit()
    alpha, mu = float(fit.cov_struct.dep_params), fit.fittedvalues
    bread, parts = np.zeros((2, 2)), []
    for g in np.unique(trial.cluster):
        here = trial.cluster == g
        d = x[here] * mu[here][:, None]
        root = np.sqrt(fit.scale * mu[here])
        v = ((1 - alpha) * np.eye(here.sum()) + alpha) * np.outer(root, root)
        bread += d.T @ np.linalg.solve(v, d)
        parts.append((d, v, trial.outcome[here] - mu[here]))
    inverse, meat = np.linalg.inv(bread), np.zeros((2, 2))
    for d, v, residual in parts:
        h = d @ inverse @ d.T @ np.linalg.inv(v)
        score = d.T @ np.linalg.solve(v, np.linalg.solve(np.eye(len(residual)) - h, residual))
        meat += np.outer(score, score)
    assert ours.se == pytest.approx(np.sqrt((inverse @ meat @ inverse)[1, 1]), rel=1e-4)
    reach = stats.t.ppf(0.975, 8) * ours.se
    assert ours.high == pytest.approx(ours.value * np.exp(reach), rel=1e-6)


def test_exact_interval_ends_leave_half_of_alpha_on_each_side():
    found = exact_ratio(8, 489, 17, 499)
    for end, tail in (
        (found.low, lambda p: stats.binom.sf(7, 25, p)),
        (found.high, lambda p: stats.binom.cdf(8, 25, p)),
    ):
        share = end * 489 / (end * 489 + 499)
        assert tail(share) == pytest.approx(0.025, abs=1e-9)


def test_singletons_do_not_break_pairs():
    data = paired(np.random.default_rng(1))
    whole = pairs(data)
    broken = pairs({name: np.delete(column, [3, 10]) for name, column in data.items()})
    assert (broken.n, broken.clusters) == (whole.n - 2, whole.clusters)
    result = analyse_trial(broken)
    assert result.headline.model is Model.POISSON_CLUSTERED
    assert any("no partner" in note for note in result.notes)
    blank = pairs({**data, "pair": [""] * 2 + [str(number) for number in data["pair"][2:]]})
    assert blank.clusters == whole.clusters + 1  # two officers without a pair are two of their own


def test_an_extreme_officer_convinces_nb2_and_not_the_headline():
    """The trap of the notes: a model-based NB2 calls significant what the others do not."""
    rng = np.random.default_rng(0)
    y = rng.poisson(0.3, 400)
    y[1::2][:2] = 45  # two control officers
    data = {"pair": np.repeat(np.arange(200), 2), "t": np.tile([1, 0], 200), "y": y}
    trial = pairs(data, draws=999)
    result = analyse_trial(trial)
    by_model = {each.model: each for each in result.estimates}
    assert by_model[Model.NB2].p < 0.01
    assert result.headline.model is Model.POISSON_CLUSTERED
    assert result.headline.p > 0.05
    assert by_model[Model.RANDOMISATION].p > 0.05


def test_a_failed_nb2_says_so_and_has_no_interval():
    data = {"pair": np.repeat(np.arange(60), 2), "t": np.tile([1, 0], 60), "y": np.tile([1, 0, 0, 1, 1, 1], 20)}
    found = counts.nb2(pairs(data))
    assert not found.converged
    assert (found.low, found.high, found.p) == (None, None, None)
    assert "read Poisson with clustered errors instead" in found.note


@pytest.mark.parametrize(("treated", "control", "value"), [(0, 6, 0.0), (6, 0, None), (0, 0, None)])
def test_an_arm_without_events(treated, control, value):
    n = 60
    y = np.zeros(n, dtype=int)
    y[np.arange(0, 2 * treated, 2)] = 1
    y[np.arange(1, 2 * control, 2)] = 1
    result = analyse_trial(pairs({"pair": np.repeat(np.arange(30), 2), "t": np.tile([1, 0], 30), "y": y}, draws=500))
    by_model = {each.model: each for each in result.estimates}
    for model in (Model.POISSON_CLUSTERED, Model.GEE, Model.QUASI_POISSON, Model.NB2):
        assert not by_model[model].converged
        assert by_model[model].low is None
    assert by_model[Model.POISSON_CLUSTERED].value == value
    assert result.headline.model is Model.MEANS_HC2
    if control:
        assert by_model[Model.EXACT].low == 0.0
        assert by_model[Model.EXACT].high == pytest.approx(stats.f.ppf(0.975, 2, 2 * control) / control, rel=1e-6)


def test_rare_events_by_shift_lead_with_the_exact_interval():
    setup = Setup(design=Design.SHIFTS, outcome="y", assigned="t", draws=0)
    y = np.zeros(988, dtype=int)
    y[:8], y[489 : 489 + 17] = 1, 1
    result = analyse_trial(prepare(table({"t": np.repeat([1, 0], [489, 499]), "y": y}), setup))
    head = result.headline
    assert head.model is Model.EXACT
    assert [round(x, 4) for x in (head.value, head.low, head.high, head.p)] == [0.4802, 0.1794, 1.1741, 0.1082]
    wald = next(each for each in result.estimates if each.model is Model.POISSON)
    assert [round(x, 4) for x in (wald.low, wald.high)] == [0.2072, 1.1127]


def test_few_clusters_change_who_leads():
    rng = np.random.default_rng(2)
    wanted = {60: Model.POISSON_CLUSTERED, 30: Model.GEE, 10: Model.WILD_BOOTSTRAP}
    for teams, model in wanted.items():
        result = analyse_trial(clusters(rng, teams=teams, size=5, rate=2.0, draws=199))
        assert result.headline.model is model
        assert result.clusters == teams


def test_one_cluster_an_arm_has_a_ratio_and_no_interval():
    result = analyse_trial(clusters(np.random.default_rng(4), teams=2, size=30, draws=99))
    head = result.headline
    assert head.value is not None
    assert (head.low, head.high) == (None, None)
    assert any("no interval is to be trusted" in note for note in result.notes)


def test_a_constant_exposure_changes_rates_and_not_ratios():
    data = paired(np.random.default_rng(9))
    one, half = counts.poisson_clustered(pairs(data)), counts.poisson_clustered(pairs(data, exposure=0.5))
    assert one.value == pytest.approx(half.value)
    assert one.se == pytest.approx(half.se)


def test_an_exposure_column_is_an_offset():
    rng = np.random.default_rng(3)
    e = np.round(rng.uniform(0.5, 2, 80), 2)
    data = {"pair": np.repeat(np.arange(40), 2), "t": np.tile([1, 0], 40), "y": rng.poisson(2 * e), "e": e}
    trial = pairs(data, exposure="e")
    assert counts.poisson_clustered(trial).value == pytest.approx(
        (trial.outcome[::2].sum() / e[::2].sum()) / (trial.outcome[1::2].sum() / e[1::2].sum())
    )


def test_leading_never_looks_at_a_p():
    trial = clusters(np.random.default_rng(6), teams=50, size=4)
    found = analyse_trial(trial).estimates
    assert leading(trial, found) is leading(trial, list(reversed(found))) is Model.POISSON_CLUSTERED
