"""`./bwv rollout` as people and outside checks call it."""

import json
import re
from xml.etree import ElementTree

import pytest

from openbwv.command import run
from openbwv.rollout.cli import main
from openbwv.rollout.report import plan_report

PLAN = """\
start: 2016-10-17
horizon_weeks: 30
title: Small
units: units.csv
objective: {order: [finish, benefit]}
installation_teams: [{name: vans, teams: 1}]
training: [{name: school, seats_per_week: 40, valid_weeks: 4}]
deliveries: [{name: ship, in_stock: 40, per_week: 40}]
"""
UNITS = "unit,force,cameras,consultation,dpia\n" + "".join(f"u{n},Met,40,done,done\n" for n in range(6))
ACTUALS = """\
as_of: 3
as_planned: true
changes: [{kind: deliveries, pool: ship, pause: {from: 3, weeks: 6}, why: ship lost}]
"""


@pytest.fixture
def folder(tmp_path):
    for name, text in {"plan.yaml": PLAN, "units.csv": UNITS, "actuals.yaml": ACTUALS}.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def call(capsys, *words):
    code = run(main, [str(word) for word in words])
    return code, capsys.readouterr()


def test_plan_then_replan_then_report(capsys, folder):
    code, shown = call(capsys, "plan", folder / "plan.yaml", "--out", folder / "plan", "--json")
    plan = json.loads(shown.out)
    assert (code, plan["finish_week"], plan["certificate"]["holds"]) == (0, 6, True)
    assert plan["label"] == "quasi-experimental"
    code, shown = call(
        capsys,
        *("replan", folder / "plan.yaml", "--plan", folder / "plan" / "plan.json"),
        *("--actuals", folder / "actuals.yaml", "--out", folder / "new"),
    )
    assert code == 0
    assert "slip: 5 weeks (week 6 was planned)" in shown.out  # a week's worth was in stock
    assert "ship: no deliveries for 6 weeks: ship lost: put right alone, week 6 (5 weeks back)" in shown.out
    code, shown = call(capsys, "report", folder / "new" / "plan.json", "--out", folder / "report")
    assert code == 0
    page = (folder / "report" / "report.html").read_text()
    assert "Cause: ship: no deliveries for 6 weeks: ship lost." in page
    assert "<script" not in page
    assert (folder / "report" / "causes.csv").read_text().startswith("kind,words,from_week")
    for drawing in re.findall(r"<svg.*?</svg>", page, re.DOTALL):
        ElementTree.fromstring(drawing)


def test_the_same_seed_prints_the_same_plan(capsys, folder):
    words = ["plan", folder / "plan.yaml", "--randomise", "--json", "--seed"]
    first, again, other = (json.loads(call(capsys, *words, seed)[1].out) for seed in (5, 5, 6))
    assert first == again
    assert first["trial"]["order"] != other["trial"]["order"]
    assert first["label"] == "randomised"
    assert 0 < first["trial"]["power"] < 1


def test_a_randomised_plan_prints_its_power_and_what_it_rests_on(capsys, folder):
    code, shown = call(capsys, "plan", folder / "plan.yaml", "--randomise", "--out", folder / "r")
    assert code == 0
    assert "trial: stepped wedge, randomised, 6 units, power 0." in shown.out
    assert "[assumption; with contamination the power is less]" in shown.out
    assert (folder / "r" / "wedge.csv").exists()


def test_a_conflict_is_named_with_exit_65(capsys, folder):
    with (folder / "plan.yaml").open("a") as file:
        file.write("finish_by: 4\n")
    code, shown = call(capsys, "plan", folder / "plan.yaml", "--json")
    error = json.loads(shown.out)["error"]
    assert (code, error["code"], error["smallest"]) == (65, "plan-infeasible", True)
    assert "finish-by" in {each["key"] for each in error["conflict"]}
    assert len(error["conflict"]) == 2
    assert "Every unit is live by week 4 (from 7 Nov 2016)." in shown.err


def test_a_gate_that_is_not_passed_stops_only_that_unit(capsys, folder):
    text = (folder / "units.csv").read_text().replace("u5,Met,40,done,done", "u5,Met,40,done,")
    (folder / "units.csv").write_text(text)
    code, shown = call(capsys, "plan", folder / "plan.yaml", "--json")
    assert code == 65
    assert [each["key"] for each in json.loads(shown.out)["error"]["conflict"]] == ["gate:dpia:u5"]


def test_mistakes_say_file_line_and_column(capsys, folder):
    (folder / "plan.yaml").write_text(PLAN.replace("teams: 1", "teams: few"))
    code, shown = call(capsys, "plan", folder / "plan.yaml")
    assert code == 65
    assert "plan.yaml, line 6, column 42: 'few' is no whole number." in shown.err


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["plan"], 64),
        (["plan", "missing.yaml"], 64),
        (["plan", "plan.yaml", "--effort", "0"], 64),
        (["replan", "plan.yaml"], 64),
        (["report", "units.csv", "--out", "x"], 65),
        (["report", "plan.yaml"], 64),
        (["replan", "plan.yaml", "--plan", "units.csv", "--actuals", "actuals.yaml"], 65),
        (["plan", "plan.yaml", "--example", "x"], 64),
        (["plan", "--example", "x", "--cameras", "3"], 64),
        (["undo"], 64),
        (["plan", "plan.yaml", "--seed", "-1"], 64),
        (["plan", "plan.yaml", "--effort", "nan"], 64),
        (["report", "actuals.yaml", "--out", "x"], 65),
        (["plan", "."], 64),
    ],
)
def test_bad_usage_ends_in_its_code(capsys, folder, monkeypatch, words, code):
    monkeypatch.chdir(folder)
    try:
        found = run(main, words)
    except SystemExit as stopped:  # argparse's own
        found = stopped.code
    assert found == code
    assert capsys.readouterr().err


def test_the_example_is_written_once_and_runs(capsys, tmp_path):
    where = tmp_path / "met"
    words = ["plan", "--example", where, "--one-force", "--effort", "0.1", "--json"]
    code, shown = call(capsys, *words)
    result = json.loads(shown.out)
    assert (code, result["finish_week"], result["cameras"]) == (0, 42, 22_000)
    assert {unit["status"] for unit in result["units"]} == {"modelled", "sourced"}
    (where / "units.csv").write_text((where / "units.csv").read_text().replace(",460,", ",470,"))
    code, shown = call(capsys, *words)
    assert code == 65  # what a person changed is left alone, and no longer adds up to the plan's total
    assert "22,000 cameras here and 22,0" in shown.err


def test_a_report_of_london_shows_published_beside_planned_and_what_money_does_not_cover(capsys, tmp_path):
    code, shown = call(capsys, "plan", "--example", tmp_path / "met", "--effort", "0.1", "--json")
    assert code == 0
    report = plan_report(json.loads(shown.out))
    files = report.files()
    assert "7,490" in files["report.html"]
    assert "£154.55 a camera" in files["report.html"]
    assert "before-after only, not randomised" in files["savings.csv"]
    assert files["not-covered.csv"].count("\r\n") > 6
    assert files["units.csv"].count("\r\n") == 47


@pytest.mark.parametrize("text", ["[]", "{}", '"plan"', "3", '{"title": 1, "slip": []}', '{"title": "x", "units": 4}'])
def test_a_report_of_what_is_no_plan_is_refused(capsys, tmp_path, text):
    (tmp_path / "plan.json").write_text(text)
    code, shown = call(capsys, "report", tmp_path / "plan.json", "--out", tmp_path / "out")
    assert code == 65
    assert "no whole plan.json" in shown.err
    assert not (tmp_path / "out").exists()
