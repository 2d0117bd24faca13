"""`./bwv study` as people and programs call it."""

import gzip
import json

import pytest

from openbwv.command import main
from openbwv.studies.examples import example_csv
from openbwv.studies.setup import Design

KEYS = {"label", "n", "clusters", "excluded", "estimates", "balance", "contamination", "first_stage"}
ESTIMATE = {"model", "headline", "estimand", "low", "high", "p", "converged", "note"}


@pytest.fixture
def study(capsys):
    def run(*words, exit_code=0, as_json=True):
        capsys.readouterr()
        assert main(["study", *map(str, words), *(["--json"] if as_json else [])]) == exit_code
        out = capsys.readouterr()
        return json.loads(out.out) if as_json else out.out + out.err

    return run


@pytest.fixture
def pairs_file(tmp_path):
    file = tmp_path / "pairs.csv"
    file.write_bytes(example_csv(Design.PAIRS))
    return file


PAIRS = ("--design", "pairs", "--outcome", "force", "--assigned", "camera", "--block", "pair", "--draws", 99)


def test_analyse_answers_in_the_shape_that_was_agreed(study, pairs_file):
    found = study("analyse", pairs_file, *PAIRS, "--baseline", "force_before", "--compliance", "videos")
    assert set(found) >= KEYS
    assert (found["label"], found["n"], found["clusters"]) == ("randomised", 299, 150)
    for estimate in found["estimates"]:
        assert set(estimate) >= ESTIMATE
        assert ("irr" in estimate) != ("difference" in estimate)
        assert estimate["label"] == "randomised"
    assert [estimate["headline"] for estimate in found["estimates"]].count(True) == 1
    assert found["estimates"][0]["model"] == "poisson-clustered"
    assert found["first_stage"]["difference"] > 0.8
    assert found["contamination"]["control_with_any"] == 10


def test_the_same_seed_gives_the_same_answer_and_a_gzipped_file_too(study, pairs_file, tmp_path):
    packed = tmp_path / "pairs.csv.gz"
    packed.write_bytes(gzip.compress(pairs_file.read_bytes()))
    first, second = (study("analyse", file, *PAIRS, "--seed", 4) for file in (pairs_file, packed))
    assert first["estimates"] == second["estimates"]
    other = study("analyse", pairs_file, *PAIRS, "--seed", 5)
    assert first["estimates"] != other["estimates"]


@pytest.mark.parametrize("design", [design.value for design in Design])
def test_every_design_runs_on_its_example(study, design, tmp_path):
    file = tmp_path / "made.csv"
    found = study("analyse", file, "--example", "--design", design, "--draws", 99)
    assert file.read_bytes() == example_csv(Design(design))
    assert set(found) >= KEYS
    assert found["estimates"][0]["headline"]
    told = study("analyse", file, "--example", "--design", design, "--draws", 99, as_json=False)
    assert told.count(found["label"]) >= len(found["estimates"])


def test_the_message_of_a_bad_cell(study, tmp_path):
    file = tmp_path / "bad.csv"
    file.write_text("t,y\n1,2\n0,two\n")
    found = study("analyse", file, "--design", "shifts", "--outcome", "y", "--assigned", "t", exit_code=65)
    assert "bad.csv, line 3, column 'y': 'two' is not a number" in found["error"]["what"]


@pytest.mark.parametrize(
    "words",
    [
        ("analyse", "--example"),
        ("analyse", "--design", "pairs", "--outcome", "y"),
        ("analyse", "--example", "--design", "pairs", "--alpha", "2"),
        ("power", "--rate", "1"),
        ("power", "--example", "--wanted", "2"),
        ("design", "new.yaml", "--title", "T"),
        (
            "power",
            "--design",
            "staggered",
            *["--units=1", "--periods=3", "--steps=3", "--effect=1", "--between=1", "--within=1"],
        ),
        (
            "power",
            "--design",
            "staggered",
            *["--units=4", "--periods=3", "--steps=1", "--effect=1", "--between=1", "--within=1"],
        ),
    ],
)
def test_options_that_do_not_fit_end_with_64(study, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert study(*words, exit_code=64)["error"]["code"] == "bad-study-option"


def test_a_family_of_outcomes_is_adjusted(study, pairs_file):
    found = study("analyse", pairs_file, *PAIRS, "--outcome", "force_before")
    assert [each["outcome"] for each in found["outcomes"]] == ["force", "force_before"]
    assert all(each["p_holm"] >= each["estimates"][0]["p"] for each in found["outcomes"])


def test_the_registration_is_hashed_before_the_data_are_opened(study, tmp_path):
    bad, missing = tmp_path / "bad.yaml", tmp_path / "no-such.csv"
    bad.write_text("title: 3\n")
    found = study("analyse", missing, "--preregistration", bad, exit_code=65)
    assert found["error"]["code"] == "bad-preregistration"
    assert "line 1, column 8" in found["error"]["what"]


def test_from_registration_to_analysis(study, tmp_path, pairs_file):
    registered = study("design", tmp_path / "trial.yaml", "--example")
    assert study("design", tmp_path / "trial.yaml")["sha256"] == registered["sha256"]
    found = study("analyse", pairs_file, "--preregistration", tmp_path / "trial.yaml")
    about = found["preregistration"]
    assert (about["sha256"], about["departures"]) == (registered["sha256"], [])
    other = study("analyse", pairs_file, "--preregistration", tmp_path / "trial.yaml", "--draws", 99, "--alpha", 0.1)
    assert len(other["preregistration"]["departures"]) == 2
    told = study("analyse", pairs_file, "--preregistration", tmp_path / "trial.yaml", "--draws", 99, as_json=False)
    assert "DEPARTURE: draws" in told


def test_a_registration_is_written_once(study, tmp_path):
    words = ("design", tmp_path / "a.yaml", "--title", "T", "--design", "clusters", "--outcome", "y")
    first = study(*words, "--assigned", "t", "--cluster", "g", "--exclude", "no arm given")
    assert (first["label"], first["written"]) == ("randomised", True)
    before = (tmp_path / "a.yaml").read_bytes()
    assert study(*words, exit_code=73)["error"]["code"] == "allocation-exists"
    assert (tmp_path / "a.yaml").read_bytes() == before


def test_an_allocation_is_drawn_once_and_a_changed_one_is_found_out(study, tmp_path):
    units, out = tmp_path / "officers.csv", tmp_path / "allocation.json"
    words = ("randomise", units, "--example", "--design", "pairs", "--id", "officer", "--block", "station")
    words += ("--pair-on", "years_served", "--balance", "force_before", "--out", out)
    first = study(*words, "--seed", 1)
    before = out.read_bytes(), (tmp_path / "allocation.csv").read_bytes()
    assert study(*words, "--seed", 2, exit_code=73)["error"]["code"] == "allocation-exists"
    assert (out.read_bytes(), (tmp_path / "allocation.csv").read_bytes()) == before
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["allocation.csv", "allocation.json", "officers.csv"]
    data = tmp_path / "outcome.csv"
    document = json.loads(out.read_text())
    data.write_text(
        "id,pair,y\n" + "".join(f"{u['id']},{u['block']},{i % 4}\n" for i, u in enumerate(document["units"]))
    )
    ask = ("analyse", data, "--design", "pairs", "--outcome", "y", "--block", "pair", "--unit", "id", "--draws", 99)
    found = study(*ask, "--allocation", out)
    without = study(*(word for word in ask if word not in ("--block", "pair")), "--allocation", out)
    assert without["estimates"] == found["estimates"]  # the allocation knows the pairs
    assert found["allocation"]["sha256"] == first["sha256"]
    out.write_text(out.read_text().replace('"treated"', '"control"', 1))
    assert study(*ask, "--allocation", out, exit_code=65)["error"]["code"] == "allocation-changed"


def test_power_answers_for_london_and_for_a_wedge(study, tmp_path):
    found = study("power", "--example", "--simulate", 500, "--out", tmp_path / "power")
    assert [round(found[name], 4) for name in ("power", "mde", "se")] == [0.8348, 0.7148, 0.1365]
    assert found["simulated"]["trials"] == 500
    assert {"report.html", "curve.csv", "plan.csv", "simulated.csv"} == {p.name for p in (tmp_path / "power").iterdir()}
    wedge = study(
        *("power", "--design", "staggered", "--units", 32, "--periods", 14, "--steps", 8, "--effect", -1.5),
        *("--between", 16, "--within", 20, "--simulate", 20, "--out", tmp_path / "wedge"),
    )
    assert 0 < wedge["power"] < 1 < wedge["mde"]
    assert wedge["simulated"]["trials"] == 20
    assert {"report.html", "curve.csv", "plan.csv", "simulated.csv"} == {p.name for p in (tmp_path / "wedge").iterdir()}
    assert "true change" in (tmp_path / "wedge" / "report.html").read_text()


def test_report_writes_a_page_and_its_tables(study, tmp_path):
    found = study("report", "--example", "--design", "staggered", "--draws", 20, "--out", tmp_path / "r")
    assert found["label"] == "quasi-experimental"
    assert {"report.html", "event-study.csv", "differences.csv", "flow.csv"} <= {
        p.name for p in (tmp_path / "r").iterdir()
    }


def test_a_file_that_is_not_there(study, tmp_path):
    found = study("analyse", tmp_path / "none.csv", *PAIRS, exit_code=65)
    assert found["error"]["code"] == "bad-table"
