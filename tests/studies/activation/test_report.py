"""Shares, suppression, shrinkage, funnel, mixed incidents, exposure: against libraries, brute force, seeded truth."""

import itertools
import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from openbwv.studies.activation import contamination, crossed, funnel, mixed, pretend, rates, shrink
from openbwv.studies.activation.attended import LATE, NO_RECORDING, Limits, attendances
from openbwv.studies.activation.errors import BadRecords
from openbwv.studies.activation.match import match
from openbwv.studies.activation.pseudonyms import renumber
from openbwv.studies.activation.report import Options, Reports, analyse
from openbwv.studies.activation.summary import csv_text, summarise
from openbwv.studies.activation.suppress import hide


def test_published_shares_have_the_published_intervals():
    """Chicago: 62,000 of 345,000 stops unrecorded, 17.97 % (17.84 to 18.10)."""
    low, high = rates.wilson(62_000, 345_000)
    assert rates.row("Chicago", 345_000, 62_000)["share"] == pytest.approx(0.1797, abs=5e-5)
    assert (low, high) == (pytest.approx(0.1784, abs=5e-5), pytest.approx(0.1810, abs=5e-5))
    assert rates.wilson(0, 0) == (None, None)


# Suppression --------------------------------------------------------------------------------------------------------

tables = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), min_size=1, max_size=7)


@settings(max_examples=200)
@given(tables)
def test_no_suppressed_count_can_be_worked_out_from_the_total(rows):
    counts = np.array([(yes + no, yes, no) for yes, no in rows])
    small, also = hide(counts)
    hidden = small | also
    assert ((counts[~hidden] == 0) | (counts[~hidden] >= 5)).all()
    assert small.any() or not hidden.any()
    if hidden.any() and not hidden.all():
        assert hidden.sum() >= 2
        left = counts[hidden].sum(axis=0)  # what total and printed rows give away
        assert ((left == 0) | (left >= 5)).all()


def test_one_small_row_takes_the_next_smallest_with_it():
    keys = ["a"] * 3 + ["b"] * 40 + ["c"] * 20
    rows = {row["key"]: row for row in rates.by(keys, np.arange(63) % 2 == 0)}
    assert rows["a"]["suppressed"] == "a count below 5"
    assert rows["c"]["suppressed"] == "would betray a suppressed row"
    assert rows["b"]["n"] == 40
    assert {rows["a"][name] for name in rates.SHOWN} == {None}
    assert {row["suppressed"] for row in rates.by(keys, np.arange(63) % 2 == 0, threshold=1)} == {""}


def test_a_small_number_of_recorded_is_as_small_as_a_small_table():
    rows = rates.by(["a"] * 50 + ["b"] * 60, np.arange(110) < 2)
    assert rows[0]["suppressed"]
    assert rows[0]["share"] is None


def test_blanks_have_a_row_of_their_own():
    rows = rates.by(["a"] * 20 + [""] * 20 + [None] * 20, np.arange(60) % 2 == 0)
    assert [(row["key"], row["n"]) for row in rows] == [("(blank)", 40), ("a", 20)]


# Shrinkage and funnel -----------------------------------------------------------------------------------------------


def officers(seed, *, mean=0.7, concentration=8.0, many=400):
    rng = np.random.default_rng(seed)
    n = rng.integers(10, 200, many)
    true = rng.beta(mean * concentration, (1 - mean) * concentration, many)
    return rng.binomial(n, true), n, true


def test_shrinkage_finds_the_spread_and_comes_nearer_to_the_truth_than_raw_shares():
    recorded, n, true = officers(1)
    spread = shrink.fit(recorded, n)
    assert spread.converged
    assert spread.mean == pytest.approx(0.7, abs=0.02)
    assert spread.sd == pytest.approx(np.sqrt(0.7 * 0.3 / 9), rel=0.1)
    share, low, high = shrink.shrunk(spread, recorded, n)
    assert ((share - true) ** 2).mean() < ((recorded / n - true) ** 2).mean()
    assert 0.92 < ((low <= true) & (true <= high)).mean() < 0.98


def test_officers_who_differ_by_chance_alone_are_drawn_all_the_way():
    rng = np.random.default_rng(2)
    n = rng.integers(10, 100, 300)
    spread = shrink.fit(rng.binomial(n, 0.6), n)
    assert spread.sd < 0.03
    same = shrink.fit(np.array([10, 20, 30]), np.array([10, 20, 30]))
    assert not same.converged
    assert "the same" in same.note


def test_funnel_limits_are_those_of_the_distributions():
    recorded, n, _ = officers(3)
    shape = funnel.fit(recorded, n)
    at = np.array([10, 40, 160])
    narrow = shape.limits(at, overdispersed=False)
    np.testing.assert_array_equal(narrow["low_95"], stats.binom.ppf(0.025, at, shape.centre) / at)
    np.testing.assert_array_equal(narrow["high_998"], stats.binom.ppf(0.999, at, shape.centre) / at)
    wide = shape.limits(at)
    both = 1 / shape.correlation - 1
    law = stats.betabinom(at, shape.centre * both, (1 - shape.centre) * both)
    np.testing.assert_array_equal(wide["low_998"], law.ppf(0.001) / at)
    np.testing.assert_array_equal(wide["high_95"], law.ppf(0.975) / at)
    assert (wide["low_998"] <= wide["low_95"]).all()
    assert (wide["low_95"] <= narrow["low_95"]).all()


def test_the_overdispersed_funnel_flags_about_as_many_as_chance_and_the_binomial_one_far_too_many():
    recorded, n, _ = officers(4, many=2_000)
    shape = funnel.fit(recorded, n)
    places = shape.places(recorded, n)
    outside = sum(place != funnel.INSIDE for place in places) / len(places)
    assert outside < 0.07
    narrow = shape.limits(n, overdispersed=False)
    share = recorded / n
    assert ((share < narrow["low_95"]) | (share > narrow["high_95"])).mean() > 0.3


def test_one_who_never_records_is_flagged_and_does_not_hide_himself():
    rng = np.random.default_rng(5)
    n = np.full(400, 100)
    recorded = rng.binomial(n, np.clip(rng.normal(0.8, 0.04, 400), 0, 1))
    recorded[0] = 5
    places = funnel.fit(recorded, n).places(recorded, n)
    assert places[0] == funnel.VERY_LOW
    assert sum(place != funnel.INSIDE for place in places) < 40


def test_no_funnel_where_everybody_recorded():
    assert funnel.fit(np.array([10, 20]), np.array([10, 20])) is None


def test_crossed_logistic_as_a_second_opinion_is_the_same_for_a_seed():
    force = pretend.make(pretend.Force(officers=60, days=21), seed=1)
    rows, seen = force.incidents, force.reasons["reason"].isin(["recorded", "started late"]).to_numpy()
    shares = pd.Series(seen).groupby(rows["officer"].astype(str)).mean().to_dict()
    one, two = (
        crossed.compare(rows["officer"].astype(str), rows["place"], seen, shares=shares, seed=4) for _ in range(2)
    )
    assert one == two
    assert one["converged"]
    assert one["rank_agreement"] > 0.9
    few = crossed.compare(rows["officer"], pd.Series(["x"] * len(rows)), seen, shares=shares, seed=4)
    assert not few["converged"]


# Mixed incidents and exposure ---------------------------------------------------------------------------------------

presence = st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from("PQR"), st.booleans()), min_size=1, max_size=25)


@settings(max_examples=60)
@given(presence)
def test_mixed_is_what_looking_at_each_incident_finds(rows):
    incident, officer, recorded = (list(each) for each in zip(*rows, strict=True))
    found = mixed.summary(mixed.per_incident(pd.Series(incident), pd.Series(officer), np.array(recorded)))
    several = some = 0
    for each in set(incident):
        there = {who for what, who, _ in rows if what == each}
        did = {who for what, who, yes in rows if what == each and yes}
        several += len(there) > 1
        some += len(there) > 1 and 0 < len(did) < len(there)
    assert (found["with_several_officers"], found["mixed"]) == (several, some)
    assert found["all_recorded"] + found["none_recorded"] + found["mixed"] == several


def test_exposure_of_control_officers():
    incident = ["a", "a", "b", "c", "c"] * 10
    officer = ["T", "C", "C", "C", "D"] * 10
    number = np.repeat(np.arange(10), 5)
    frame = pd.DataFrame({"i": [f"{one}{two}" for one, two in zip(incident, number, strict=True)], "o": officer})
    treated = (frame["o"] == "T").to_numpy()
    rows = contamination.exposure(frame["i"], frame["o"], treated, treated, threshold=1)
    found = {row["exposure"]: (row["count"], row["of"]) for row in rows}
    assert found == {"own": (0, 40), "partner": (10, 40), "either": (10, 40), "officers": (0, 2)}
    small = contamination.exposure(frame["i"], frame["o"], treated, treated)
    assert small[3]["of"] is None


# The whole report ---------------------------------------------------------------------------------------------------


def reports(many=900, seed=1):
    rng = np.random.default_rng(seed)
    officer = rng.integers(0, 30, many)
    return Reports(
        officer=np.array([f"serial-{each}" for each in officer], dtype=object),
        incident=np.array([f"case-{each // 2}" for each in range(many)], dtype=object),
        recorded=rng.random(many) < 0.5 + 0.01 * officer,
        when=np.datetime64("2019-01-01", "ms") + rng.integers(0, 3 * 365, many) * np.timedelta64(24 * 3_600_000, "ms"),
        groups={"type": rng.choice(np.array(["x", "y"], dtype=object), many)},
        arm=officer % 2 == 0,
    )


def test_the_report_agrees_with_pandas():
    data = reports()
    found = analyse(data, options=Options(names=True))
    frame = pd.DataFrame(
        {"o": data.officer, "i": data.incident, "r": data.recorded, "y": pd.DatetimeIndex(data.when).year}
    )
    by_year = frame.groupby("y")["r"].agg(["size", "sum", "mean"])
    assert [(row["key"], row["n"], row["recorded"], row["share"]) for row in found["years"]] == [
        (year, *row) for year, row in zip(by_year.index, by_year.itertuples(index=False), strict=True)
    ]
    assert found["hours"] == []  # dates without a time
    raw = frame.groupby("o")["r"].agg(["size", "mean"])
    assert {row["officer"]: (row["n"], row["share"]) for row in found["officers"]["list"]} == {
        who: (size, mean) for who, (size, mean) in zip(raw.index, raw.to_numpy(), strict=True) if size >= 10
    }
    multi = frame.groupby("i").filter(lambda part: part["o"].nunique() > 1)
    wanted = [name for name, part in multi.groupby("i") if part["r"].nunique() > 1]
    assert sorted(row["incident"] for row in found["mixed"]["list"]) == sorted(wanted)
    assert found["label"] == "descriptive, not randomised"
    json.dumps(found, allow_nan=False)


def test_nobody_is_named_unless_asked_for():
    text = json.dumps(analyse(reports()))
    assert "serial-" not in text
    assert "case-" not in text
    assert "Officer 0" in text
    assert "serial-1" in json.dumps(analyse(reports(), options=Options(names=True)))


def test_what_is_published_lists_no_officer_and_no_incident():
    found = analyse(reports(), options=Options(publish=True))
    assert found["officers"]["list"] == found["mixed"]["list"] == []
    assert found["officers"]["after_shrinkage"]["p50"] is not None
    assert not [count for count in found["funnel"]["outside"].values() if count and count < 5]
    assert "Officer 0" not in json.dumps(found)


def test_new_numbers_say_nothing_about_the_old_order():
    names = [f"{number:04d}" for number in range(500)]
    new = renumber(names, word="Officer", seed=1)
    assert len(set(new.values())) == 500
    assert new == renumber(reversed(names), word="Officer", seed=1)
    assert new != renumber(names, word="Officer", seed=2)
    order = [int(new[name].split()[1]) for name in names]
    assert abs(stats.spearmanr(order, range(500)).statistic) < 0.2


def test_an_officer_with_few_reports_is_in_no_list_and_takes_another_along():
    data = reports(300)
    officer = data.officer.copy()
    officer[:3] = "rare"
    few = Reports(officer=officer, incident=data.incident, recorded=data.recorded, when=data.when)
    found = analyse(few, options=Options(names=True, least_reports=4))
    assert "rare" not in {row["officer"] for row in found["officers"]["list"]}
    gone = found["officers"]["not_listed"]
    assert gone["officers"] >= 2
    assert gone["officers"] == gone["with_fewer_reports"] + gone["to_protect"]


def test_a_time_makes_a_table_by_hour():
    data = reports()
    when = data.when + np.timedelta64(23, "h")
    found = analyse(Reports(officer=data.officer, incident=data.incident, recorded=data.recorded, when=when))
    assert [row["key"] for row in found["hours"]] == [23]


def test_no_rows_and_bad_options_are_refused():
    none = np.empty(0, dtype=object)
    with pytest.raises(BadRecords, match="No row is left"):
        analyse(Reports(none, none, none.astype(bool), none.astype("datetime64[ms]")))
    with pytest.raises(BadRecords):
        Options(least_reports=1)


# What matching makes of it ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def force():
    return pretend.make(pretend.Force(officers=60, days=21), seed=9)


def test_reasons_agree_with_the_truth(force):
    made = match(force.recordings, force.incidents)
    found = attendances(made, cameras=force.cameras)
    known = force.reasons["reason"].astype(str)
    told = found["reason"].astype(str)
    camera = known.isin(["no camera issued", "docked", "fault", "battery"])
    assert (told[camera] == known[camera]).mean() > 0.97
    assert (told[known == LATE] == LATE).mean() > 0.97
    assert found["eligible"].sum() == (~told.isin(["no camera issued", "docked", "fault", "battery"])).sum()
    blind = attendances(made)
    assert set(blind["camera"]) == {"not known"}
    assert set(blind["reason"].astype(str)[camera]) <= {NO_RECORDING, "not matched", "recorded", LATE, "stopped early"}


def test_late_early_and_muted_are_measured_against_the_recordings(force):
    made = match(force.recordings, force.incidents)
    found = attendances(made, cameras=force.cameras)
    seen = found[found["recorded"] & (found["recordings"] == 1) & ~found["shared"]]
    rows = force.recordings.set_index("recording_id").loc[seen["recording_id"]]
    late = (rows["start_utc"].to_numpy() - seen["start_utc"].to_numpy()) / np.timedelta64(1, "s")
    np.testing.assert_allclose(seen["late_s"], np.maximum(late.astype(float), 0))
    np.testing.assert_array_equal(seen["muted_s"], rows["muted_s"])
    counts = summarise(made, found, limits=Limits())
    assert counts["quality"][0]["count"] == int((found["late_s"] > 60).sum())
    assert sum(row["n"] for row in counts["tiers"]) == len(force.recordings)
    json.dumps(counts, allow_nan=False)


def test_a_camera_log_is_read_at_the_minute():
    day = pd.Timestamp("2016-06-01T00:00Z")

    def moments(*hours):
        return pd.Series([day + pd.Timedelta(hours=hour) for hour in hours]).astype("datetime64[ms, UTC]")

    hours = (1, 5, 9, 20)
    incidents = pd.DataFrame(
        {
            "incident_id": [f"I-{hour}" for hour in hours],
            "officer": pd.Categorical(["P"] * 4),
            "start_utc": moments(*hours),
            "end_utc": moments(*(hour + 0.5 for hour in hours)),
        }
    )
    recordings = pd.DataFrame(
        {"recording_id": [], "officer": pd.Categorical([]), "start_utc": moments(), "end_utc": moments()}
    )
    cameras = pd.DataFrame(
        {
            "officer": pd.Categorical(["P", "P", "Q"]),
            "from_utc": moments(4, 9, 0),
            "to_utc": moments(10, 11, 24),
            "state": pd.Categorical(["docked", "battery", "issued"]),
        }
    )
    found = attendances(match(recordings, incidents), cameras=cameras)
    assert list(found["camera"].astype(str)) == ["not known", "docked", "battery", "not known"]
    assert list(found["reason"].astype(str)) == [NO_RECORDING, "docked", "battery", NO_RECORDING]


def test_tables_that_are_written_run_in_no_spreadsheet():
    frame = pd.DataFrame({"id": ["=cmd()", "a"], "who": pd.Categorical(["@x", "y"]), "n": [-1, 2], "ok": [True, False]})
    assert csv_text(frame).splitlines() == ["id,who,n,ok", "'=cmd(),'@x,-1,yes", "a,y,2,no"]


def test_every_pair_of_rows_is_protected_in_small_tables():
    """All tables of three rows with small counts: what is printed never fixes what is not."""
    for sizes in itertools.product((0, 2, 5, 9), repeat=3):
        counts = np.array([(size, size, 0) for size in sizes])
        small, also = hide(counts)
        hidden = small | also
        if small.any() and not hidden.all():
            total, shown = counts[:, 0].sum(), counts[~hidden, 0].sum()
            assert hidden.sum() >= 2
            assert total - shown == 0 or total - shown >= 5
