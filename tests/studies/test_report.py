"""The report stands alone, has every number again as CSV, and never shows one without its label."""

import csv
import io
import re

import pytest

from openbwv.studies.analyse import analyse, analyse_family
from openbwv.studies.examples import example_csv, example_setup
from openbwv.studies.report import flow, study_report
from openbwv.studies.setup import Design, Setup
from openbwv.studies.table import read_table


def done(design, **changes):
    setup = Setup(**{**vars(example_setup(design)), "draws": 99, **changes})
    return analyse(read_table(example_csv(design), file="x.csv"), setup)


@pytest.mark.parametrize("design", Design)
def test_a_report_of_each_design(design):
    result = done(design)
    files = study_report([result], code_version="1.2.3").files()
    page = files["report.html"]
    assert result.label.value in page
    assert "OpenBWV 1.2.3" in page
    assert result.data_sha256 in page
    assert "<script" not in page
    assert not re.findall(r"(?:src|href)=\"(?!data:)", page)
    for name in [name for name in files if name.startswith(("irr", "differences"))]:
        rows = list(csv.DictReader(io.StringIO(files[name])))
        assert rows
        assert {row["label"] for row in rows} == {result.label.value}
    models = list(csv.DictReader(io.StringIO(files["models.csv"])))
    assert [row["headline"] for row in models].count("yes") == 1
    assert {row["code"] for row in models} == {each.model.value for each in result.estimates}


def test_counts_and_exposure_stand_beside_the_ratio():
    result = done(Design.CLUSTERS)
    rows = list(csv.DictReader(io.StringIO(study_report([result], code_version="1").files()["irr.csv"])))
    first = rows[0]
    assert float(first["irr"]) == pytest.approx(result.headline.value)
    events = float(first["events_treated"]), float(first["events_control"])
    exposure = float(first["exposure_treated"]), float(first["exposure_control"])
    assert float(first["irr"]) == pytest.approx(events[0] / exposure[0] / (events[1] / exposure[1]))


def test_a_before_after_report_says_not_randomised_wherever_it_gives_the_number():
    result = done(Design.BEFORE_AFTER)
    page = study_report([result], code_version="1").html()
    lead = page.partition('<p class="lead">')[2].partition("</p>")[0]
    assert "not randomised" in lead
    assert page.count("not randomised") > 6


def test_a_family_has_a_forest_of_outcomes_with_holm():
    results = [done(Design.PAIRS), done(Design.PAIRS, outcome="force_before", baseline=None)]
    analyse_family(results)
    files = study_report(results, code_version="1").files()
    rows = list(csv.DictReader(io.StringIO(files["outcomes.csv"])))
    assert [row["outcome"] for row in rows] == ["force", "force_before"]
    for row, result in zip(rows, results, strict=True):
        assert float(row["p_holm"]) == pytest.approx(result.p_holm)
        assert float(row["p_holm"]) >= float(row["p"])
    assert {"outcome1-irr.csv", "outcome2-irr.csv"} <= set(files)


def test_the_flow_accounts_for_every_row():
    result = done(Design.PAIRS)
    words = [box["words"] for box in flow(result)]
    assert words[0] == "299 rows"
    assert result.arms["treated"]["n"] + result.arms["control"]["n"] + len(result.excluded) == result.rows


def test_departures_and_their_absence_are_told():
    result = done(Design.PAIRS)
    assert "None was given" in study_report([result], code_version="1").html()
    result.preregistration = {"sha256": "ab" * 32, "departures": ["alpha: registered 0.05, done 0.1"], "title": "T"}
    page = study_report([result], code_version="1").html()
    assert "alpha: registered 0.05, done 0.1" in page
    assert "<title>T</title>" in page
