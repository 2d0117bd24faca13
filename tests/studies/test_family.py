"""Holm's adjustment and the pooling of trials."""

import numpy as np
import pytest
from statsmodels.stats.meta_analysis import combine_effects
from statsmodels.stats.multitest import multipletests

from openbwv.studies.errors import CannotAnalyse
from openbwv.studies.meta import pool
from openbwv.studies.multiple import holm


def test_holm_is_that_of_statsmodels():
    rng = np.random.default_rng(1)
    for size in (1, 2, 7):
        p = rng.random(size) ** 3
        assert holm(list(p)) == pytest.approx(list(multipletests(p, method="holm")[1]))


def test_a_missing_p_stays_missing_and_still_counts():
    assert holm([0.02, None, 0.01]) == pytest.approx([0.04, None, 0.03]) == [0.04, None, 0.03]


def test_pooling_is_that_of_statsmodels():
    rng = np.random.default_rng(2)
    y, se = rng.normal(0.1, 0.4, 9), rng.uniform(0.05, 0.3, 9)
    ours, theirs = pool(y, se), combine_effects(y, se**2, method_re="dl", use_t=False)
    assert ours.fixed.value == pytest.approx(theirs.mean_effect_fe)
    assert ours.random.value == pytest.approx(theirs.mean_effect_re)
    assert ours.random.se == pytest.approx(theirs.sd_eff_w_re)
    assert (ours.q, ours.tau2) == pytest.approx((theirs.q, theirs.tau2))
    assert ours.i2 == pytest.approx(max(0, theirs.i2))


def test_trials_that_agree_have_no_variance_between_them():
    found = pool([0.1, 0.1, 0.1], [0.1, 0.2, 0.3])
    assert (found.tau2, found.i2, found.q) == pytest.approx((0, 0, 0))
    assert found.random.value == pytest.approx(found.fixed.value)


@pytest.mark.parametrize(
    ("y", "se"), [([1.0], [1.0]), ([1.0, 2.0], [1.0, 0.0]), ([1.0, np.nan], [1.0, 1.0]), ([1, 2], [1])]
)
def test_what_cannot_be_pooled(y, se):
    with pytest.raises(CannotAnalyse):
        pool(y, se)
