"""`./bwv activation`: the examples of its help, files in and out, refusals."""

import gzip
import json
import shlex

import pytest

from openbwv.command import run
from openbwv.studies.activation import cli

ARGUMENTS = ["--recorded", "recorded", "--officer", "officer", "--incident", "incident", "--date", "date"]


def ask(capsys, *words):
    code = run(cli.main, list(words))
    out = capsys.readouterr()
    return code, out.out, out.err


def answer(capsys, *words):
    code, out, err = ask(capsys, *words, "--json")
    assert code == 0, err
    return json.loads(out)


def test_the_examples_of_the_help_run_one_after_another(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    lines = cli.EXAMPLES.replace("\\\n", " ").splitlines()
    for line in lines:
        words = shlex.split(line)
        assert words[:2] == ["./bwv", "activation"]
        if words[2] != "stops":  # that one needs a file of data.police.uk
            code, out, err = ask(capsys, *words[2:])
            assert code == 0, f"{line}: {err}"
            assert out
    assert {path.name for path in (tmp_path / "force").iterdir()} >= {
        "recordings.csv",
        "incidents.csv",
        "cameras.csv",
        "truth.csv",
        "matches.csv",
        "attendances.csv",
        "report.html",
        "result.json",
        "tiers.csv",
        "score.csv",
    }


def test_what_was_written_matches_as_what_was_made(tmp_path, capsys):
    made = answer(capsys, "match", "--example", "--out", str(tmp_path / "a"))
    files = [str(tmp_path / "a" / f"{name}.csv") for name in ("recordings", "incidents", "cameras", "truth")]
    read = answer(capsys, "match", files[0], files[1], "--cameras", files[2], "--truth", files[3])
    same = ("tiers", "reasons", "recorded", "quality", "groups", "problems", "decided_by", "scores", "excluded")
    assert {name: made[name] for name in same} == {name: read[name] for name in same}
    again = answer(capsys, "match", "--example", "--seed", "2")
    assert again["tiers"] != made["tiers"]
    assert made["scores"]["these files"]["precision"]["share"] > 0.98


def test_a_report_is_the_same_for_a_seed_and_from_gzip(tmp_path, capsys):
    out = tmp_path / "o"
    first = answer(capsys, "report", "--example", "--out", str(out))
    packed = tmp_path / "reports.csv.gz"
    packed.write_bytes(gzip.compress((out / "reports.csv").read_bytes()))
    rest = ["--group", "type", "--group", "ethnicity", "--arm", "arm"]
    second = answer(capsys, "report", str(packed), *ARGUMENTS, *rest)
    for name in ("files", "data_sha256"):
        first.pop(name)
        second.pop(name, None)
    assert first == second
    assert first["n"] + len(first["excluded"]) == len((out / "reports.csv").read_text().splitlines()) - 1
    assert set(first) >= {"label", "all", "years", "hours", "groups", "officers", "funnel", "mixed", "contamination"}
    page = (out / "report.html").read_text()
    assert "not randomised" in page
    assert "<script" not in page
    assert (out / "officers.csv").exists()


def test_files_that_are_there_are_not_replaced_unless_told(tmp_path, capsys):
    words = ("report", "--example", "--out", str(tmp_path / "o"))
    assert ask(capsys, *words)[0] == 0
    before = (tmp_path / "o" / "result.json").read_bytes()
    code, _, err = ask(capsys, *words, "--seed", "5")
    assert code == 64
    assert "--force" in err
    assert (tmp_path / "o" / "result.json").read_bytes() == before
    assert ask(capsys, *words, "--seed", "5", "--force")[0] == 0
    assert (tmp_path / "o" / "result.json").read_bytes() != before


def test_a_bad_row_ends_with_line_and_column(tmp_path, capsys):
    path = tmp_path / "d.csv"
    path.write_text("recorded,officer,incident,date\nyes,P,1,2020-01-01\nyes,P,2,01/02/2020\n")
    code, out, err = ask(capsys, "report", str(path), *ARGUMENTS, "--json")
    assert code == 65
    assert "line 3, column 'date'" in err
    assert "--date-format" in err
    assert json.loads(out)["error"]["code"] == "bad-row"
    assert ask(capsys, "report", str(path), *ARGUMENTS, "--date-format", "%d/%m/%Y")[0] == 65  # now line 2


@pytest.mark.parametrize(
    "words", [("report",), ("report", "x.csv", "--example"), ("report", "x.csv", "--recorded", "r"), ("match", "x.csv")]
)
def test_words_that_do_not_make_a_command_are_bad_usage(words, capsys):
    with pytest.raises(SystemExit) as ended:
        ask(capsys, *words)
    assert ended.value.code == 64


@pytest.mark.parametrize(
    "words",
    [
        ("match", "--example", "--slack-s", "-1"),
        ("report", "--example", "--threshold", "0"),
        ("report", "--example", "--zone", "Mars/Base"),
        ("report", "--example", "--encoding", "klingon"),
        ("report", "--example", "--date-format", "%Q"),
    ],
)
def test_options_that_make_no_sense_are_bad_usage(words, capsys):
    assert ask(capsys, *words)[0] == 64


def test_a_file_that_is_not_there_is_said(capsys):
    code, _, err = ask(capsys, "stops", "nowhere.csv")
    assert code == 65
    assert "cannot be read" in err


def test_stops_are_counted(tmp_path, capsys):
    from tests.studies.importers.test_importers import SMALL

    path = tmp_path / "s.csv"
    path.write_text(SMALL)
    assert answer(capsys, "stops", str(path))["by_month_local"] == {"2016-06": 2}
    assert "2 stops" in ask(capsys, "stops", str(path))[1]
