"""Outcomes: rates that cannot be mixed up, pleas with case mix and open cases, time to the case file."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.duration.survfunc import SurvfuncRight

from openbwv.studies.errors import BadStudyOption, CannotAnalyse
from openbwv.studies.importers.complaints import read_complaints
from openbwv.studies.labels import DesignLabel
from openbwv.studies.outcomes.case_file import restricted_mean, time_to_case_file
from openbwv.studies.outcomes.complaints import ComplaintRate, Definition, DefinitionsDiffer, Unit, rates_of
from openbwv.studies.outcomes.effect import Effect
from openbwv.studies.outcomes.pleas import early_pleas
from openbwv.studies.outcomes.rates import by_group, rate
from tests.studies.importers.test_importers import COMPLAINTS

DRAWN = pd.Timestamp("2017-01-01")


def test_the_met_has_two_rates_for_one_year():
    """6,828 cases and 12,418 allegations of 2014-15 over 31,780 officers: the second is the 0.39 of the power plan."""
    cases = ComplaintRate(unit=Unit.CASES, definition=Definition.BEFORE_2020, events=6_828, exposure=31_780)
    allegations = ComplaintRate(
        unit=Unit.ALLEGATIONS, definition=Definition.BEFORE_2020, events=12_418, exposure=31_780
    )
    assert allegations.as_dict()["rate"] == pytest.approx(0.3907, abs=5e-5)
    assert cases.as_dict()["rate"] == pytest.approx(0.2149, abs=5e-5)
    with pytest.raises(DefinitionsDiffer, match="unit 'cases'"):
        cases + allegations
    with pytest.raises(DefinitionsDiffer):
        allegations.ratio(cases)


def test_definitions_before_and_after_february_2020_are_never_pooled():
    read = read_complaints(COMPLAINTS.encode(), file="c")
    exposure = {Definition.BEFORE_2020: 100.0, Definition.SINCE_2020: 50.0}
    found = rates_of(read.cases, read.allegations, exposure)
    assert [(each.unit.value, each.definition.name, each.events) for each in found] == [
        ("cases", "BEFORE_2020", 1),
        ("cases", "SINCE_2020", 1),
        ("allegations", "BEFORE_2020", 2),
        ("allegations", "SINCE_2020", 2),
    ]
    with pytest.raises(DefinitionsDiffer, match="February 2020"):
        found[0] + found[1]
    assert (found[0] + found[0]).exposure == 200.0
    with pytest.raises(BadStudyOption, match="no exposure"):
        rates_of(read.cases, read.allegations, {Definition.BEFORE_2020: 100.0})
    own = rates_of(read.cases, read.allegations, {Definition.OWN: 10.0}, england_and_wales=False)
    assert [each.events for each in own] == [2, 4]


def test_a_rate_has_the_exact_interval():
    found = rate(8, 489)
    assert stats.poisson.sf(7, found["low"] * 489) == pytest.approx(0.025)
    assert stats.poisson.cdf(8, found["high"] * 489) == pytest.approx(0.025)
    assert rate(0, 10)["low"] == 0
    with pytest.raises(BadStudyOption):
        rate(1, 0)


def test_rates_by_group_keep_outcomes_apart():
    frame = pd.DataFrame(
        {"arm": ["b", "a", "a"], "use_of_force": [1, 2, 3], "arrests": [0, 4, 4], "years": [1.0, 2, 3]}
    )
    rows = by_group(frame, ["use_of_force", "arrests"], exposure="years", group="arm")
    assert [(row["outcome"], row["group"], row["rate"]) for row in rows] == [
        ("use_of_force", "a", 1.0),
        ("use_of_force", "b", 1.0),
        ("arrests", "a", 1.6),
        ("arrests", "b", 0.0),
    ]
    with pytest.raises(BadStudyOption, match="missing"):
        by_group(frame.assign(arrests=np.nan), ["arrests"], exposure="years", group="arm")


def test_no_comparison_without_a_label():
    with pytest.raises(TypeError):
        Effect(outcome="x", model="y", measure="z", label="randomised", value=1.0)  # type: ignore[arg-type]
    shown = str(Effect(outcome="x", model="y", measure="z", label=DesignLabel.BEFORE_AFTER, value=1.0))
    assert "not randomised" in shown


def cases(seed, *, effect, confounded, many=6_000):
    """Make cases: domestic abuse pleads early less often and, where confounded, is recorded more often."""
    rng = np.random.default_rng(seed)
    abuse = (rng.random(many) < 0.3).astype(int)
    camera = (rng.random(many) < np.where(abuse == 1, 0.8 if confounded else 0.5, 0.3 if confounded else 0.5)).astype(
        int
    )
    chance = 1 / (1 + np.exp(-(0.2 - 1.2 * abuse + effect * camera)))
    early = rng.random(many) < chance
    hearing = DRAWN - pd.to_timedelta(rng.integers(-60, 400, many), unit="D")
    wait = pd.to_timedelta(rng.integers(1, 30, many), unit="D")
    plea = pd.Series(
        np.where(early, hearing - wait, np.where(rng.random(many) < 0.5, hearing + wait, np.datetime64("NaT")))
    )
    return pd.DataFrame(
        {
            "camera": camera,
            "first_hearing": pd.Series(hearing),
            "plea": plea.where(plea <= DRAWN),
            "domestic_abuse": abuse,
            "officer": rng.integers(0, 200, many),
        }
    )


def test_the_case_mix_undoes_confounding_and_the_label_stays():
    found = early_pleas(cases(1, effect=0.0, confounded=True), drawn=DRAWN, cluster="officer")
    crude, odds, standard = found.effects
    assert crude.high < 0  # recorded cases look worse: they are domestic abuse more often
    assert odds.low < 1 < odds.high
    assert standard.low < 0 < standard.high
    assert {each.label for each in found.effects} == {DesignLabel.QUASI}
    assert all("quasi-experimental" in str(each) for each in found.effects)


def test_an_effect_is_found_and_the_standardised_difference_agrees_with_the_crude_one_without_confounding():
    found = early_pleas(cases(2, effect=0.6, confounded=False), drawn=DRAWN)
    crude, odds, standard = found.effects
    assert odds.low < np.exp(0.6) < odds.high
    assert standard.value == pytest.approx(crude.value, abs=0.02)
    assert standard.high - standard.low < crude.high - crude.low + 0.01


def test_open_cases_are_left_out_and_counted():
    data = cases(3, effect=0.3, confounded=False)
    found = early_pleas(data, drawn=DRAWN)
    open_ = data["first_hearing"] > DRAWN
    assert sum(each["open"] for each in found.censored) == int(open_.sum()) > 100
    assert sum(each["judged"] for each in found.censored) == int((~open_).sum())
    assert found.shares[0]["n"] + found.shares[1]["n"] == int((~open_).sum())


def test_separation_is_said_not_hidden():
    data = cases(4, effect=0.0, confounded=False, many=60)
    data["first_hearing"] = data["first_hearing"].clip(upper=DRAWN)
    data["plea"] = data["plea"].where(data["camera"] == 0, data["first_hearing"] - pd.Timedelta(days=1))
    found = early_pleas(data, drawn=DRAWN)
    assert not found.effects[1].converged
    assert found.effects[1].value is None
    assert "failed" in str(found.effects[1])


def test_a_group_without_cases_cannot_be_compared():
    data = cases(5, effect=0.0, confounded=False, many=100)
    with pytest.raises(CannotAnalyse, match="with footage"):
        early_pleas(data.assign(camera=0), drawn=DRAWN)


def test_the_restricted_mean_without_censoring_is_the_mean_of_what_is_cut_off():
    days = np.array([1.0, 3.0, 3.0, 8.0, 20.0])
    mean, se = restricted_mean(SurvfuncRight(days, np.ones(5, dtype=int)), 10.0)
    cut = np.minimum(days, 10.0)
    assert mean == pytest.approx(cut.mean())
    assert se == pytest.approx(cut.std() / np.sqrt(5))  # Greenwood without censoring: the variance over n


def test_time_to_case_file_covers_the_truth_under_censoring():
    covered = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        camera = rng.integers(0, 2, 300)
        whole = rng.exponential(np.where(camera == 1, 20.0, 30.0))
        seen = rng.uniform(5, 120, 300)
        found = time_to_case_file(np.minimum(whole, seen), whole <= seen, camera, horizon_days=60)
        at = found.horizon_days
        true = 20 * (1 - np.exp(-at / 20)) - 30 * (1 - np.exp(-at / 30))
        covered += found.effect.low <= true <= found.effect.high
    assert covered >= 52  # 95 % of 60 is 57; fewer than 52 has a chance of about 1 in 200
    assert found.effect.label is DesignLabel.QUASI


def test_an_impossible_horizon_is_cut_and_said():
    rng = np.random.default_rng(0)
    days, camera = rng.exponential(10, 100), np.arange(100) % 2
    found = time_to_case_file(days, np.ones(100), camera, horizon_days=1e6)
    assert found.horizon_days == min(days[camera == 0].max(), days[camera == 1].max())
    assert "horizon cut" in found.effect.note
    with pytest.raises(CannotAnalyse):
        time_to_case_file(-days, np.ones(100), camera)
    with pytest.raises(CannotAnalyse, match="complete file"):
        time_to_case_file(days, camera, camera)
