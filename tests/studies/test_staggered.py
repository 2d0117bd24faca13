"""Callaway & Sant'Anna and Hussey & Hughes against arithmetic by hand, brute force and statsmodels."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf

from openbwv.studies.analyse import analyse
from openbwv.studies.errors import BadRow, BadStudyOption, CannotAnalyse
from openbwv.studies.estimates import Model
from openbwv.studies.hussey_hughes import hussey_hughes
from openbwv.studies.labels import DesignLabel
from openbwv.studies.panel import prepare_panel
from openbwv.studies.setup import Design, Setup
from openbwv.studies.staggered import effects, permutation_p, simple_value
from tests.studies.trials import table

SETUP = Setup(design=Design.STAGGERED, outcome="y", unit="u", time="t", first="f", kind="measure", draws=0)


def panel_frame(seed=1, units=24, periods=7, effect=-2.0, never=True, grows=0.0):
    rng = np.random.default_rng(seed)
    start = rng.integers(3, periods + (2 if never else 1), units)
    level = rng.normal(0, 1, units)
    rows = []
    for u in range(units):
        for t in range(1, periods + 1):
            on = t >= start[u]
            y = 10 + level[u] + 0.4 * t + on * (effect + grows * (t - start[u])) + rng.normal(0, 0.7)
            rows.append((u, t, start[u] if start[u] <= periods else "", round(y, 6)))
    return pd.DataFrame(rows, columns=["u", "t", "f", "y"])


def read(frame, setup=SETUP):
    return prepare_panel(table(frame.to_dict("list")), setup)


def by_hand(frame):
    """The definition of the notes, with loops over a table."""
    y = frame.pivot(index="u", columns="t", values="y")
    f = pd.to_numeric(frame.groupby("u")["f"].first(), errors="coerce").fillna(np.inf)
    top = bottom = 0.0
    for g in sorted(f[np.isfinite(f)].unique()):
        for t in [t for t in y.columns if t >= g and (f > t).any() and g - 1 in y.columns]:
            change = y[t] - y[g - 1]
            att = change[f == g].mean() - change[f > t].mean()
            top, bottom = top + att * (f == g).sum(), bottom + (f == g).sum()
    return top / bottom


@pytest.mark.parametrize("never", [True, False])
def test_the_simple_average_is_that_of_the_definition(never):
    frame = panel_frame(never=never)
    panel = read(frame)
    simple, _ = effects(panel)
    assert simple.value == pytest.approx(by_hand(frame))
    assert simple_value(panel.outcome, panel.start) == pytest.approx(simple.value)
    assert simple.low < -2 < simple.high


def test_with_two_cohorts_and_two_periods_it_is_a_difference_in_differences():
    frame = pd.DataFrame(
        {
            "u": [1, 1, 2, 2, 3, 3, 4, 4],
            "t": [1, 2] * 4,
            "f": [2, 2, 2, 2, "", "", "", ""],
            "y": [1, 5, 2, 4, 3, 4, 1, 3],
        }
    )
    simple, study = effects(read(frame))
    assert simple.value == pytest.approx((4 + 2) / 2 - (1 + 2) / 2)
    assert simple.se == pytest.approx(np.sqrt(np.var([4, 2], ddof=1) / 2 + np.var([1, 2], ddof=1) / 2))
    assert [row["lag"] for row in study.lags] == [0]


def test_an_effect_that_grows_is_seen_by_lag_and_not_mistaken():
    frame = panel_frame(seed=4, units=400, effect=-1.0, grows=-1.0)
    _, study = effects(read(frame))
    for row in study.lags:
        truth = -1.0 - row["lag"] if row["lag"] >= 0 else 0.0
        assert abs(row["difference"] - truth) < 0.5, row
    assert study.pre_trend["p"] > 0.01


def test_cohorts_that_moved_apart_before_are_found_out():
    frame = panel_frame(seed=2, units=120)
    f = pd.to_numeric(frame["f"], errors="coerce").fillna(9)
    frame["y"] += 0.8 * frame["t"] * (9 - f)
    assert effects(read(frame))[1].pre_trend["p"] < 0.001


def test_hussey_hughes_is_the_mixed_model_of_statsmodels():
    frame = panel_frame(units=40)
    panel = read(frame)
    ours = hussey_hughes(panel)
    frame["x"] = [int(f != "" and t >= f) for f, t in zip(frame["f"], frame["t"], strict=True)]
    theirs = smf.mixedlm("y ~ C(t) + x", frame, groups="u").fit(reml=True)
    assert ours.effect.value == pytest.approx(theirs.params["x"], rel=1e-4)
    assert ours.model_se == pytest.approx(theirs.bse["x"], rel=1e-2)
    assert ours.sigma2_between == pytest.approx(float(theirs.cov_re.iloc[0, 0]), rel=1e-2)


def test_hussey_hughes_takes_a_panel_with_holes():
    frame = panel_frame(units=40).drop(index=[3, 50, 51, 120])
    frame["x"] = [int(f != "" and t >= f) for f, t in zip(frame["f"], frame["t"], strict=True)]
    theirs = smf.mixedlm("y ~ C(t) + x", frame, groups="u").fit(reml=True)
    panel = read(frame.drop(columns="x"))
    assert hussey_hughes(panel).effect.value == pytest.approx(theirs.params["x"], rel=1e-3)
    assert any("4 cells of the panel are empty" in note for note in panel.notes)
    assert permutation_p(panel, draws=10, rng=np.random.default_rng(1)) is None


def test_two_units_have_no_clustered_error():
    rng = np.random.default_rng(4)
    for _ in range(5):
        frame = pd.DataFrame({"u": np.repeat([1, 2], 8), "t": np.tile(np.arange(1, 9), 2), "f": np.repeat([3, 5], 8)})
        fit = hussey_hughes(read(frame.assign(y=rng.poisson(8, 16))))
        assert np.isnan([fit.effect.low, fit.effect.high, fit.effect.p]).all()
        assert fit.model_se > 0


def test_the_permutation_p_sees_an_effect_and_not_nothing():
    rng = np.random.default_rng(1)
    assert permutation_p(read(panel_frame()), draws=99, rng=rng) <= 0.02
    assert permutation_p(read(panel_frame(effect=0.0, seed=8)), draws=99, rng=rng) > 0.05


def test_as_many_starts_are_dealt_as_were_asked_for():
    found = analyse(table(panel_frame(units=8).to_dict("list")), Setup(**{**vars(SETUP), "draws": 700}))
    assert [each.note.split(",")[1] for each in found.estimates if each.model is Model.RANDOMISATION] == [" 700 draws"]


def test_the_label_is_quasi_experimental_unless_the_order_was_drawn():
    frame = table(panel_frame().to_dict("list"))
    result = analyse(frame, SETUP)
    assert result.label is DesignLabel.QUASI
    drawn = Setup(**{**vars(SETUP), "order_randomised": True, "draws": 99})
    result = analyse(frame, drawn)
    assert result.label is DesignLabel.RANDOMISED
    assert [each.model for each in result.estimates] == [
        Model.CALLAWAY_SANTANNA,
        Model.HUSSEY_HUGHES,
        Model.RANDOMISATION,
    ]
    assert result.headline.headline
    assert result.event_study


def test_never_has_many_names():
    frame = panel_frame()
    wanted = effects(read(frame))[0].value
    for word in ("never", "inf", 0, 99):
        other = frame.assign(f=[word if f == "" else f for f in frame["f"]])
        assert effects(read(other))[0].value == pytest.approx(wanted), word


def month(number):
    """The periods 1, 2, 3 … as months from October 2016 on."""
    return (
        f"{2016 + (number + 8) // 12}-{(number + 8) % 12 + 1:02d}" if isinstance(number, int | np.integer) else number
    )


def test_months_are_periods_over_the_turn_of_the_year():
    frame = panel_frame()
    months = frame.assign(t=frame["t"].map(month), f=[month(f) for f in frame["f"]])
    assert months["t"].iloc[0] == "2016-10"
    assert months["t"].iloc[3] == "2017-01"
    for never in ("", "0", "never"):
        other = months.assign(f=months["f"].replace("", never))
        assert effects(read(other))[0].value == pytest.approx(effects(read(frame))[0].value)
    with pytest.raises(BadRow, match="line 4, column 't': '3' is not a month like the others"):
        read(months.assign(t=["3" if i == 2 else t for i, t in enumerate(months["t"])]))


def test_what_starts_together_is_clustered_together():
    frame = panel_frame(units=60)
    frame["c"] = frame["f"].astype(str) + frame["u"].mod(3).astype(str)
    setup = Setup(**{**vars(SETUP), "cluster": "c"})
    wide, narrow = effects(read(frame, setup))[0], effects(read(frame.drop(columns="c")))[0]
    assert wide.value == pytest.approx(narrow.value)
    assert wide.se != pytest.approx(narrow.se)


@pytest.mark.parametrize(
    ("change", "line", "column"),
    [
        (lambda f: f.assign(t=[1 if i == 1 else t for i, t in enumerate(f["t"])]), 3, "t"),
        (lambda f: f.assign(f=[7 if i == 2 else 4 for i, _ in enumerate(f["f"])]), 4, "f"),
        (lambda f: f.assign(y=["x" if i == 5 else y for i, y in enumerate(f["y"])]), 7, "y"),
    ],
)
def test_a_panel_that_contradicts_itself_is_named(change, line, column):
    with pytest.raises(BadRow, match=f"line {line}, column '{column}'"):
        read(change(panel_frame()))


def test_a_panel_that_cannot_answer():
    frame = panel_frame()
    with pytest.raises(BadStudyOption, match="is none"):
        read(frame, Setup(**{**vars(SETUP), "exposure": -3.0}))
    with pytest.raises(BadStudyOption):
        read(frame, Setup(design=Design.STAGGERED, outcome="y", unit="u", time="t"))
    with pytest.raises(CannotAnalyse, match="fewer than two periods"):
        read(frame[frame["t"] == 3])
    with pytest.raises(CannotAnalyse, match="before-after"):
        read(frame.assign(f=4))
