"""The rules that live in the estimate itself: a label always, no headline with the wrong interval."""

import pytest

from openbwv.studies.errors import HeadlineRefused
from openbwv.studies.estimates import Estimand, Estimate, Model, one_headline
from openbwv.studies.labels import DesignLabel

GOOD = {"estimand": Estimand.ITT, "measure": "irr", "value": 0.5, "low": 0.3, "high": 0.8, "p": 0.001}


def make(model=Model.POISSON_CLUSTERED, label=DesignLabel.RANDOMISED, **more):
    return Estimate(model=model, label=label, **(GOOD | more))


def test_no_estimate_without_a_label():
    with pytest.raises(TypeError):
        Estimate(model=Model.EXACT, **GOOD)
    with pytest.raises(TypeError, match="DesignLabel"):
        make(label="randomised")


@pytest.mark.parametrize("model", [Model.NB2, Model.POISSON, Model.QUASI_POISSON, Model.EXACT])
def test_an_interval_that_ignores_clusters_is_no_headline_of_a_clustered_design(model):
    with pytest.raises(HeadlineRefused):
        make(model, clustered=True, headline=True)
    with pytest.raises(HeadlineRefused):
        one_headline([make(), make(model, clustered=True)], model)


def test_a_model_based_negative_binomial_is_a_headline_nowhere():
    with pytest.raises(HeadlineRefused):
        make(Model.NB2, headline=True)


def test_compliers_are_not_the_headline_of_a_randomised_trial():
    with pytest.raises(HeadlineRefused):
        make(Model.CACE, estimand=Estimand.CACE, measure="difference", headline=True)


def test_one_headline_leads_and_is_the_only_one():
    found = one_headline([make(Model.EXACT), make(headline=True), make(Model.GEE)], Model.GEE)
    assert [each.model for each in found] == [Model.GEE, Model.EXACT, Model.POISSON_CLUSTERED]
    assert [each.headline for each in found] == [True, False, False]


@pytest.mark.parametrize("label", DesignLabel)
def test_every_way_to_show_an_estimate_shows_its_label(label):
    estimate = make(label=label)
    assert label.value in str(estimate)
    assert estimate.as_dict()["label"] == label.value
    assert label.sentence
    assert ("not randomised" in str(estimate)) == (label is DesignLabel.BEFORE_AFTER)


def test_what_is_no_number_is_none_and_a_tiny_p_is_not_zero():
    estimate = make(value=float("inf"), low=float("nan"), p=1e-12)
    assert (estimate.value, estimate.low) == (None, None)
    assert "p <0.0001" in str(estimate)
