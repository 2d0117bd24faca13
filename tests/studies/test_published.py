"""Every reproduction that the notes ask for: our figures from the published counts, to four digits."""

import csv
import json

import pytest

from openbwv.command import main
from openbwv.studies.before_after import before_after_ratios
from openbwv.studies.intervals import exact_ratio, wald_ratio, wilson
from openbwv.studies.labels import DesignLabel, Status
from openbwv.studies.meta import pool
from openbwv.studies.power import power
from openbwv.studies.published import COUNTS, DISCRETION_GROUPS, REPORTED
from openbwv.studies.replicate import london_plan, replicate, rialto_plan
from tests.house.source import ROOT

# events and exposure treated (or after), control (or before), IRR, Wald ends, change in per cent
FACTS = [
    ((8, 489, 17, 499), (0.4802, 0.2072, 1.1127), -52.0),
    ((25, 1, 61, 1), (0.4098, 0.2573, 0.6528), -59.0),
    ((3, 1, 24, 1), (0.1250, 0.0376, 0.4151), -87.5),
    ((113, 1, 1539, 1), (0.0734, 0.0607, 0.0889), -92.66),
    ((33, 1, 558, 1), (0.0591, 0.0416, 0.0840), -94.1),
    ((7, 1, 331, 1), (0.0211, 0.0100, 0.0447), -97.9),
]


def close(value, wanted):
    return abs(value - wanted) < 0.5001e-4


@pytest.mark.parametrize(("counts", "expected", "change"), FACTS)
def test_rate_ratios_and_wald_intervals_to_four_digits(counts, expected, change):
    found = wald_ratio(*counts)
    assert all(map(close, (found.value, found.low, found.high), expected))
    assert 100 * (found.value - 1) == pytest.approx(change, abs=0.05)


def test_the_exact_interval_and_p_of_rialto_by_shift():
    found = exact_ratio(8, 489, 17, 499)
    assert close(found.low, 0.1794)
    assert close(found.high, 1.1741)
    assert close(found.p, 0.1082)


def test_the_share_of_chicago_stops():
    found = wilson(62000, 345000)
    assert [round(100 * value, 2) for value in (found.value, found.low, found.high)] == [17.97, 17.84, 18.10]


def test_the_discretion_meta_analysis():
    found = pool([group.smd for group in DISCRETION_GROUPS], [group.se for group in DISCRETION_GROUPS])
    assert [round(x, 4) for x in (found.fixed.value, found.fixed.se, found.tau2)] == [0.0208, 0.0562, 0.0809]
    assert [round(x, 4) for x in (found.random.value, found.random.se)] == [0.0201, 0.1771]
    assert (round(found.q, 3), round(found.q_p, 4), round(100 * found.i2, 1)) == (15.350, 0.0005, 87.0)


def test_the_printed_intervals_of_the_discretion_groups_are_those_of_their_standard_errors():
    for group in DISCRETION_GROUPS:
        assert group.smd - 1.96 * group.se == pytest.approx(group.low, abs=0.002)
        assert group.smd + 1.96 * group.se == pytest.approx(group.high, abs=0.002)


def test_the_london_power_calculation():
    plan, found = london_plan(), power(london_plan())
    assert (plan.rows_treated + plan.rows_control) / plan.clusters == pytest.approx(42.92, abs=0.005)
    assert found.design_effect == pytest.approx(1.838, abs=0.0005)
    assert found.events_treated == pytest.approx(212.7, abs=0.05)
    assert found.events_control == pytest.approx(485.9, abs=0.05)
    assert [round(x, 4) for x in (found.se, found.power, found.detectable)] == [0.1365, 0.8348, 0.7148]


def test_rialto_had_little_power():
    assert power(rialto_plan()).power < 0.5
    assert power(rialto_plan()).detectable < 0.4


def test_what_was_reported_and_not_read_says_so():
    text = " ".join(f"{each.study} {each.figure} {each.status.value}" for each in REPORTED)
    assert "SMD 0.053 (-0.163 to 0.269) reported, unverified" in text
    assert "33 % fewer reported, unverified" in text
    split = [each for each in COUNTS if (each.events, each.events_0) in ((8, 17), (113, 1539))]
    assert [each.status for each in split] == [Status.UNVERIFIED] * 2


def test_the_93_percent_cannot_be_told_without_saying_not_randomised():
    for estimate in before_after_ratios(113, 1, 1539, 1):
        assert estimate.label is DesignLabel.BEFORE_AFTER
        assert "not randomised" in str(estimate)
        assert "not randomised" in estimate.as_dict()["label"]
    for row in replicate(seed=1)["rows"]:
        if (row["published"] or 0) <= -59 and row["figure"] == "change_percent":
            assert row["label"] == "before-after only, not randomised", row


def test_replicate_prints_every_figure_with_difference_and_label(capsys):
    assert main(["study", "replicate", "published", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert len(found["rows"]) > 50
    for row in found["rows"]:
        assert row["label"], row
        assert row["status"], row
        if row["published"] is not None:
            printed = len(str(row["published"]).partition(".")[2])
            assert abs(row["difference"]) <= max(
                0.51 * 10**-printed, 0.51e-4, 0.05 * (row["figure"] == "events_control")
            )
    simulated = {row["study"]: row for row in found["power"]}
    assert abs(simulated["London 2015"]["simulated"] - 0.8348) < 0.04
    assert main(["study", "replicate", "published"]) == 0
    told = capsys.readouterr().out
    for words in ("0.4802", "0.2072", "1.1127", "0.1794", "1.1741", "0.0734", "not randomised", "reported, unverified"):
        assert words in told


def test_the_published_table_beside_the_notes_agrees():
    """Where the notes' own file is at hand, its rows say the same as ours."""
    file = ROOT.parent / "shared" / "data" / "published_results.csv"
    rows = list(csv.DictReader(file.open(encoding="utf-8"))) if file.exists() else []
    ours = {(str(each.events), str(each.events_0)): each for each in COUNTS}
    for row in rows:
        mine = ours.get((row["events_t"], row["events_c"]))
        if mine and row["effect"]:
            assert mine.published["irr"] == pytest.approx(float(row["effect"]), abs=6e-4), row
    assert len(ours) == 6
