"""Before and after: the same answer from either shape of file, clustered on the unit, never without its label."""

import numpy as np
import pytest
import statsmodels.api as sm

from openbwv.studies.analyse import analyse
from openbwv.studies.errors import BadRow, BadStudyOption, CannotAnalyse
from openbwv.studies.estimates import Model
from openbwv.studies.labels import DesignLabel
from openbwv.studies.setup import Design, Setup
from tests.studies.trials import table

WIDE = Setup(design=Design.BEFORE_AFTER, outcome="y", baseline="b", exposure="e", baseline_exposure=2.0)
LONG = Setup(design=Design.BEFORE_AFTER, outcome="y", assigned="late", exposure="e", unit="u")


@pytest.fixture
def stations():
    rng = np.random.default_rng(1)
    level = rng.gamma(3, 6, 50)
    return {"u": range(50), "b": rng.poisson(2 * level), "y": rng.poisson(0.7 * level), "e": np.ones(50)}


def stacked(data):
    return {
        "u": [*data["u"], *data["u"]],
        "y": [*data["y"], *data["b"]],
        "e": [1] * 50 + [2] * 50,
        "late": [1] * 50 + [0] * 50,
    }


def test_the_interval_is_clustered_on_the_unit(stations):
    long = stacked(stations)
    fit = sm.GLM(long["y"], sm.add_constant(long["late"]), family=sm.families.Poisson(), exposure=long["e"]).fit(
        cov_type="cluster", cov_kwds={"groups": np.array(long["u"])}
    )
    for result in (analyse(table(stations), WIDE), analyse(table(long), LONG)):
        head = result.headline
        assert head.model is Model.POISSON_CLUSTERED
        assert result.clusters == 50
        assert head.value == pytest.approx(np.exp(fit.params[1]))
        assert head.se == pytest.approx(fit.bse[1] / np.sqrt(99 / 98), rel=1e-6)
        assert {each.label for each in result.estimates} == {DesignLabel.BEFORE_AFTER}


def test_two_counts_have_the_wald_interval_and_rare_ones_the_exact():
    counts = Setup(design=Design.BEFORE_AFTER, outcome="y", baseline="b")
    head = analyse(table({"y": [113], "b": [1539]}), counts).headline
    assert (head.model, round(head.low, 4), round(head.high, 4)) == (Model.POISSON, 0.0607, 0.0889)
    assert analyse(table({"y": [3], "b": [24]}), counts).headline.model is Model.EXACT
    two = Setup(design=Design.BEFORE_AFTER, outcome="y", assigned="late")
    assert analyse(table({"y": [25, 61], "late": [1, 0]}), two).headline.value == pytest.approx(25 / 61)


def test_the_two_times_may_be_named():
    words = Setup(design=Design.BEFORE_AFTER, outcome="y", assigned="late")
    assert analyse(table({"y": [25, 61], "late": ["After", "before"]}), words).headline.value == pytest.approx(25 / 61)
    with pytest.raises(BadRow, match=r"'later' names no arm.*Use 1 and 0, or after and before"):
        analyse(table({"y": [25, 61], "late": ["later", "before"]}), words)
    with pytest.raises(BadRow, match="'after' names no arm"):
        analyse(
            table({"y": [25, 61], "late": ["after", "before"]}),
            Setup(design=Design.SHIFTS, outcome="y", assigned="late"),
        )


def test_time_and_first_say_what_is_after(stations):
    long = stacked(stations) | {"t": [2] * 50 + [1] * 50, "f": [2] * 100}
    setup = Setup(design=Design.BEFORE_AFTER, outcome="y", time="t", first="f", exposure="e", unit="u")
    assert analyse(table(long), setup).headline == analyse(table(long), LONG).headline


def test_no_events_on_one_side():
    counts = Setup(design=Design.BEFORE_AFTER, outcome="y", baseline="b")
    result = analyse(table({"y": [0, 0, 0], "b": [3, 4, 6]}), counts)
    assert result.headline.model is Model.MEANS_CLUSTERED
    assert result.headline.value == pytest.approx(-13 / 3)


@pytest.mark.parametrize("exposure", [0.0, -3.0, float("nan"), float("inf")])
def test_a_time_that_is_none(exposure):
    with pytest.raises(BadStudyOption, match="is none"):
        analyse(
            table({"y": [1], "b": [2]}), Setup(design=Design.BEFORE_AFTER, outcome="y", baseline="b", exposure=exposure)
        )


def test_what_does_not_say_before_and_after():
    with pytest.raises(BadStudyOption):
        analyse(table({"y": [1], "b": [2]}), Setup(design=Design.BEFORE_AFTER, outcome="y"))
    with pytest.raises(CannotAnalyse):
        analyse(table({"y": [1, 2], "late": [1, 1]}), Setup(design=Design.BEFORE_AFTER, outcome="y", assigned="late"))
