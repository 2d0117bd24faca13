"""`./bwv study outcomes`: the examples of its help, labels in what it prints, rows that were left out."""

import json
import shlex

import pytest

from openbwv.command import run
from openbwv.studies import cli
from openbwv.studies.outcomes.cli import EXAMPLES


def ask(capsys, *words):
    code = run(cli.main, ["outcomes", *words])
    out = capsys.readouterr()
    return code, out.out, out.err


@pytest.mark.parametrize("line", [line for line in EXAMPLES.splitlines() if "--example" in line])
def test_an_example_of_the_help_runs_and_is_the_same_for_a_seed(line, capsys):
    words = shlex.split(line)[3:]
    code, out, err = ask(capsys, *words)
    assert code == 0, err
    assert out == ask(capsys, *words)[1]
    assert out != ask(capsys, *words, "--seed", "2")[1]


@pytest.mark.parametrize("kind", ["pleas", "casefile"])
def test_every_comparison_is_printed_with_its_label(kind, capsys):
    out = ask(capsys, kind, "--example")[1]
    assert "quasi-experimental" in out
    assert ", p " in out
    found = json.loads(ask(capsys, kind, "--example", "--json")[1])
    for each in found.get("effects", []) + [found[key] for key in ("effect",) if key in found]:
        assert each["label"] == "quasi-experimental"


def test_a_case_that_does_not_say_is_left_out_and_named(tmp_path, capsys):
    path = tmp_path / "c.csv"
    rows = [f"{at % 2},2017-01-{1 + at % 28:02d},{'' if at % 3 else '2016-12-01'},{at % 5 == 0:d}" for at in range(80)]
    path.write_text("\n".join(["camera,first_hearing,plea,domestic_abuse", ",2017-01-01,,0", *rows]) + "\n")
    code, out, err = ask(capsys, "pleas", str(path), "--drawn", "2018-01-01", "--json")
    assert code == 0, err
    found = json.loads(out)
    assert found["excluded"] == [{"row": 1, "line": 2, "why": "'camera' is blank"}]
    assert found["shares"][0]["n"] + found["shares"][1]["n"] == 80


def test_complaints_without_an_exposure_are_not_dropped(tmp_path, capsys):
    from tests.studies.importers.test_importers import COMPLAINTS

    path = tmp_path / "c.csv"
    path.write_text(COMPLAINTS)
    code, _, err = ask(capsys, "complaints", str(path), "--years-before", "100")
    assert code == 64
    assert "no exposure" in err
    code, out, _ = ask(capsys, "complaints", str(path), "--years-own", "100", "--json")
    assert code == 0
    assert {each["definition"] for each in json.loads(out)["rates"]} == {"the force's own"}


@pytest.mark.parametrize("words", [("pleas", "x.csv", "--example"), ("pleas",), ("force", "--example")])
def test_bad_usage(words, capsys):
    with pytest.raises(SystemExit) as ended:
        ask(capsys, *words)
    assert ended.value.code == 64


def test_a_missing_day_is_said(tmp_path, capsys):
    path = tmp_path / "c.csv"
    path.write_text("camera,first_hearing,plea,domestic_abuse\n")
    for more in ((), ("--drawn", "soon")):
        code, _, err = ask(capsys, "pleas", str(path), *more)
        assert code == 64
        assert "--drawn" in err
