"""Do intervals hold the truth as often as they say? Trials are simulated with a known ratio and counted.

Quick versions run always, with limits wide enough for their number of trials; `long` ones are many and tight. That the
naive models fall far short is asserted too: a simulation in which everything covers would show nothing.
"""

import numpy as np
import pytest

from openbwv.studies import bootstrap, counts
from openbwv.studies.intervals import exact_ratio
from openbwv.studies.means import difference
from openbwv.studies.permutation import fisher_p, randomised_units
from tests.studies.trials import clusters, pairs

IRR = 0.7
FEW, MANY = 120, 1000


def share_covered(estimate, make, trials, seed=1, truth=IRR):
    rng = np.random.default_rng(seed)
    hits = 0
    for _ in range(trials):
        found = estimate(make(rng))
        hits += found.low is not None and found.low <= truth and (found.high is None or truth <= found.high)
    return hits / trials


def teams(number, treated=None, draws=0):
    def make(rng):
        return clusters(rng, teams=number, size=20, irr=IRR, treated=treated, between=0.15, own=0.6, draws=draws)

    return make


def rare_pairs(rng):
    n = 150
    busy = np.repeat(rng.gamma(0.5, 2.0, n), 2)
    t = np.tile([1, 0], n)
    y = rng.poisson(0.3 * busy * np.where(t == 1, IRR, 1.0))
    return pairs({"pair": np.repeat(np.arange(n), 2), "t": t, "y": y}, draws=0)


def ends(trials):
    """Return the lowest and highest share to accept of a nominal 95 %: four standard errors, and a little room."""
    reach = 4 * np.sqrt(0.95 * 0.05 / trials)
    return 0.94 - reach, 0.985 + reach / 2


def check_nominal(estimate, make, trials, seed=1):
    low, high = ends(trials)
    share = share_covered(estimate, make, trials, seed)
    assert low <= share <= high, share


@pytest.mark.parametrize("number", [48, 24, 12])
def test_the_headline_of_a_clustered_trial_covers(number):
    estimate = {48: counts.poisson_clustered, 24: counts.gee, 12: bootstrap.wild_bootstrap}[number]
    check_nominal(estimate, teams(number, draws=199 if number < 20 else 0), FEW)


@pytest.mark.parametrize("naive", [counts.poisson_rows, counts.quasi_poisson, counts.nb2])
def test_models_that_ignore_teams_do_not(naive):
    assert share_covered(naive, teams(48), FEW) < 0.91


def test_rare_events_in_pairs_are_covered():
    check_nominal(counts.poisson_clustered, rare_pairs, FEW)


def test_the_exact_interval_covers_rare_events_at_least_as_often_as_it_says():
    rng = np.random.default_rng(3)
    for mean in (2, 6):
        drawn = rng.poisson([mean * IRR, mean], (2000, 2))
        seen, often = np.unique(drawn, axis=0, return_counts=True)
        found = [exact_ratio(int(a), 1, int(b), 1) for a, b in seen]
        held = [inside.low <= IRR <= inside.high for inside in found]
        assert np.average(held, weights=often) > 0.94


def test_the_difference_of_cluster_means_covers():
    share = share_covered(difference, teams(12), FEW, truth=0.5 * (IRR - 1))
    assert share > ends(FEW)[0]


def test_randomisation_finds_nothing_where_there_is_nothing():
    rng = np.random.default_rng(5)
    p = [
        fisher_p(randomised_units(clusters(rng, teams=12, size=10, between=0.3)), draws=199, rng=rng)[0]
        for _ in range(FEW)
    ]
    assert np.mean(np.array(p) <= 0.05) < 0.05 + 4 * np.sqrt(0.05 * 0.95 / FEW)


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize(("number", "treated"), [(48, 19), (60, 30)])
def test_many_trials_with_many_teams(number, treated):
    share = share_covered(counts.poisson_clustered, teams(number, treated), MANY, seed=number)
    assert 0.92 <= share <= 0.965, share
    assert 0.93 <= share_covered(counts.gee, teams(number, treated), MANY, seed=number) <= 0.97


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize(("number", "treated"), [(24, 12), (24, 8), (12, 6), (8, 4)])
def test_many_trials_with_few_teams(number, treated):
    estimate, draws = (bootstrap.wild_bootstrap, 399) if number < 20 else (counts.gee, 0)
    share = share_covered(estimate, teams(number, treated, draws), MANY, seed=number)
    assert 0.93 <= share <= 0.98, share
    assert share_covered(counts.poisson_clustered, teams(number, treated), MANY, seed=number) < share


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize("naive", [counts.poisson_rows, counts.quasi_poisson, counts.nb2])
def test_many_trials_with_models_that_ignore_teams(naive):
    assert share_covered(naive, teams(48), MANY) < 0.88


@pytest.mark.long
@pytest.mark.timeout(900)
def test_many_rare_trials():
    share = share_covered(counts.poisson_clustered, rare_pairs, MANY)
    assert 0.93 <= share <= 0.97, share
