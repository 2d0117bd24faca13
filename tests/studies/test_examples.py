"""Every example of every --help runs as it stands, in an empty folder, in its order."""

import shlex
from importlib import import_module

import pytest

from openbwv.command import main
from openbwv.studies.analyse import analyse
from openbwv.studies.cli import ABOUT
from openbwv.studies.examples import TRUE_IRR, example_csv, example_setup
from openbwv.studies.setup import Design, Setup
from openbwv.studies.table import read_table

DEEDS = ("design", "randomise", "power", "analyse", "report", "replicate")


@pytest.mark.parametrize("deed", DEEDS)
def test_the_examples_of_help_run(deed, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    text = import_module(f"openbwv.studies.commands.{deed}").EXAMPLES.replace("\\\n", " ")
    lines = [line.split("./bwv ", 1)[1] for line in text.splitlines() if "./bwv " in line]
    assert lines
    assert set(ABOUT) >= set(DEEDS)
    for line in lines:
        capsys.readouterr()
        assert main(shlex.split(line)) == 0, (line, capsys.readouterr())
        assert capsys.readouterr().out


def test_examples_are_made_from_their_seed_alone():
    for design in Design:
        assert example_csv(design, seed=3) == example_csv(design, seed=3) != example_csv(design, seed=4)


def test_what_was_put_into_the_examples_is_found_again():
    """Over many seeds the ratios average to the one that was put in."""
    for design in (Design.PAIRS, Design.CLUSTERS):
        setup = Setup(**{**vars(example_setup(design)), "draws": 0})
        found = [
            analyse(read_table(example_csv(design, seed=seed), file="x"), setup).headline.value
            for seed in range(20, 28)
        ]
        assert sum(found) / len(found) == pytest.approx(TRUE_IRR, rel=0.12), design
