"""Randomisation inference against scipy's and against all possible draws."""

import numpy as np
import pytest
from scipy import stats

from openbwv.studies import permutation
from openbwv.studies.permutation import (
    Units,
    every_draw,
    fisher_p,
    possible_draws,
    randomisation_inference,
    randomised_units,
    some_draws,
)
from tests.studies.trials import clusters, pairs


def units(treated, outcome, block=None):
    n = len(treated)
    return Units(
        np.array(treated), np.array(outcome, float), np.ones(n), np.zeros(n, int) if block is None else np.array(block)
    )


def test_all_draws_of_a_small_trial_give_scipys_exact_p():
    rng = np.random.default_rng(1)
    y, t = rng.poisson(3, 10), np.array([1] * 4 + [0] * 6)
    p, made, everything = fisher_p(units(t, y), draws=5000, rng=rng)
    theirs = stats.permutation_test(
        (y[t == 1], y[t == 0]), lambda a, b: abs(np.mean(a) - np.mean(b)), alternative="greater", n_resamples=np.inf
    )
    assert (made, everything) == (210, True)
    assert p == pytest.approx(theirs.pvalue)


def test_pairs_flip_within_pairs():
    y = [5, 1, 4, 2, 7, 3, 6, 6]
    small = units([1, 0] * 4, y, np.repeat(range(4), 2))
    p, made, everything = fisher_p(small, draws=100, rng=np.random.default_rng(1))
    assert (made, everything, possible_draws(small)) == (16, True, 16)
    assert p == 4 / 16  # differences 4, 2, 4, 0: all signs alike, the zero either way
    for arms in (every_draw(small), next(some_draws(small, 50, np.random.default_rng(2)))):
        assert (arms.reshape(len(arms), 4, 2).sum(axis=2) == 1).all()


def test_many_draws_are_near_the_exact_p_and_depend_on_the_seed_alone():
    rng = np.random.default_rng(5)
    made = units([1, 0] * 12, rng.poisson(2, 24), np.repeat(range(12), 2))
    exact = fisher_p(made, draws=5000, rng=rng)[0]
    drawn = fisher_p(made, draws=4000, rng=np.random.default_rng(7))
    assert not drawn[2]
    assert drawn[0] == pytest.approx(exact, abs=0.03)
    assert drawn == fisher_p(made, draws=4000, rng=np.random.default_rng(7))


def test_too_many_units_for_the_draws_asked_for_is_said(monkeypatch):
    monkeypatch.setattr(permutation, "MOST_CELLS", 24_000)
    trial = clusters(np.random.default_rng(1), teams=120, size=1, draws=5000)
    assert "200 draws, seed 1 (5000 were asked for: too many for 120 units)" in randomisation_inference(trial).note


def test_units_without_a_partner_trade_places_with_one_another():
    data = {"pair": [1, 1, 2, 3, 4], "t": [1, 0, 1, 0, 1], "y": [3, 1, 2, 2, 0]}
    found = randomised_units(pairs(data))
    assert possible_draws(found) == 2 * 3
    assert every_draw(found).sum(axis=1).tolist() == [3.0] * 6


def test_whole_clusters_are_drawn():
    trial = clusters(np.random.default_rng(1), teams=6, size=8, draws=5000)
    assert possible_draws(randomised_units(trial)) == 20
    found = randomisation_inference(trial)
    assert "all 20 possible draws" in found.note
    assert found.p >= 2 / 20


def test_no_draws_wanted_and_only_one_possible():
    trial = clusters(np.random.default_rng(1), teams=6, draws=0)
    assert randomisation_inference(trial) is None
    lone = pairs({"pair": [1, 2, 3], "t": [1, 1, 0], "y": [1, 2, 3], "s": [1, 1, 1]}, draws=50)
    assert randomisation_inference(lone).p is not None
    same = pairs({"pair": [1, 1, 2, 2], "t": [1, 1, 0, 0], "y": [1, 2, 3, 4]}, draws=50)
    assert randomisation_inference(same).p is not None


def test_the_p_is_uniform_under_the_null():
    rng = np.random.default_rng(9)
    p = [fisher_p(units(rng.permutation([1, 0] * 10), rng.poisson(1, 20)), draws=199, rng=rng)[0] for _ in range(200)]
    assert np.mean(np.array(p) <= 0.1) < 0.17
    assert 0.4 < np.mean(p) < 0.7
