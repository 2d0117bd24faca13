"""`./bwv capacity` as outside checks call it."""

import json

import pytest

from openbwv.command import run
from openbwv.rollout.capacity.cli import main


def call(capsys, *words):
    code = run(main, words)
    return code, capsys.readouterr()


@pytest.mark.parametrize(("evidential", "printed"), [("0.1", 931.3), ("0.2", 1414.5), ("0.3", 1897.7)])
def test_model_prints_the_oracles_as_json(capsys, evidential, printed):
    words = f"model --cameras 22000 --gb-per-camera-month 20 --evidential {evidential} --months 12 --json"
    code, shown = call(capsys, *words.split())
    result = json.loads(shown.out)
    assert code == 0
    assert round(result["stored_tb"], 1) == printed
    assert result["inflow_tb_month"] == 440
    assert [row["month"] for row in result["series"]] == list(range(13))
    assert result["series"][-1]["stored_tb"] == result["stored_tb"]
    assert result["conserved"] is True
    assert any(row["status"] == "assumption" and row["name"] == "evidential share" for row in result["assumptions"])


def test_the_word_assumption_stands_on_the_terminal_and_in_the_report(capsys, tmp_path):
    code, shown = call(capsys, "model", "--example", "--out", str(tmp_path / "r"))
    assert code == 0
    assert "evidential share: 0.1 of inflow [assumption" in shown.out
    page = (tmp_path / "r" / "report.html").read_text()
    assert "which is an assumption" in page
    assert "<script" not in page
    assert (tmp_path / "r" / "storage.csv").read_text().startswith("month,stored_tb,tb_10,tb_20,tb_30")


def test_a_report_is_not_replaced_unless_told(capsys, tmp_path):
    words = ["simulate", "--example", "--days", "2", "--cameras", "30", "--out", str(tmp_path)]
    assert call(capsys, *words)[0] == 0
    code, shown = call(capsys, *words)
    assert code == 73
    assert "--force" in shown.err
    assert call(capsys, *words, "--force")[0] == 0


def test_simulate_is_the_same_for_a_seed(capsys):
    words = ["simulate", "--cameras", "40", "--days", "3", "--uplink-mbps", "15", "--json"]
    first, again, other = (json.loads(call(capsys, *words, "--seed", seed)[1].out) for seed in ("7", "7", "8"))
    assert first == again != other
    assert {"p50", "p90", "p95", "p99"} <= set(first["until_receipt_min"])


@pytest.mark.parametrize(
    "words",
    [
        ["model", "--cameras", "5"],
        ["model", "--example", "--evidential", "1.5"],
        ["model", "--example", "--months", "-1"],
        ["model", "--example", "--sites", "0"],
        ["model", "--example", "--evidential", "much"],
        ["simulate", "--bays", "0"],
        ["simulate", "--days", "0"],
        ["simulate", "--uplink-mbps", "-3"],
        ["simulate", "--gb-per-hour", "nan"],
        ["simulate", "--hours-month", "1e9"],
        ["simulate", "--charge-minutes", "inf"],
        ["simulate", "--seed", "-1"],
        ["model", "--example", "--evidential", "1/0"],
        ["model", "--example", "--evidential", "1e-999999999"],
        ["model", "--example", "--evidential", "nan"],
        ["model", "--example", "--requests-month", "inf"],
        ["model", "--example", "--requests-month", "nan"],
        ["model", "--example", "--minutes-per-request", "1e9"],
        ["model", "--example", "--cameras", "99999999999999999999"],
        ["model", "--example", "--gbp-per-tb-month", "nan"],
    ],
)
def test_figures_that_make_no_sense_are_bad_usage(capsys, words):
    try:
        code, _ = call(capsys, *words)
    except SystemExit as stopped:  # argparse's own
        code = stopped.code
    assert code == 64


def test_the_options_that_are_wrong_are_named(capsys):
    code, said = call(capsys, "model", "--example", "--evidential", "1.5", "--sites", "0", "--json")
    error = json.loads(said.out)["error"]
    assert (code, error["remedy"]) == (64, "Give --evidential from 0 to 1; --sites from 1 up.")


def test_storage_is_priced_only_when_a_price_is_given(capsys):
    bare = json.loads(call(capsys, "model", "--example", "--json")[1].out)
    priced = json.loads(call(capsys, "model", "--example", "--gbp-per-tb-month", "20", "--json")[1].out)
    assert bare["storage_cost_gbp"] is None
    stored = sum(row["stored_tb"] for row in bare["series"][1:])
    assert priced["storage_cost_gbp"] == pytest.approx(20 * stored)
