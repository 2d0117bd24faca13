"""The judges that docs/ref/conformance.md names are there, in the version it names."""

import importlib.metadata
import sys

import pytest

from tests.house.judges import PINNED, PROGRAMS, pinned_version, pins, version_of
from tests.house.source import ROOT


@pytest.mark.parametrize("package", PINNED)
def test_a_pinned_judge_is_installed_in_the_version_that_the_page_names(package):
    page = (ROOT / "docs" / "ref" / "conformance.md").read_text(encoding="utf-8")
    installed = importlib.metadata.version(package)
    assert installed in pins()[package].split(" or ")
    assert f"| {pinned_version(package, pins())} |" in page


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.command[0])
def test_a_program_of_this_machine_says_its_version(program, capsys):
    """It is printed, not compared: another machine may well have another."""
    said = version_of(program)
    with capsys.disabled():
        if program.seen not in said:
            here = said or "not installed"
            sys.stdout.write(f"\n{program.judge.name}: the page names {program.seen}; here: {here}\n")
    assert not said or any(digit in said for digit in "0123456789")


def test_where_a_judge_sits_there_is_a_test():
    places = [each.where for each in (*PINNED.values(), *(program.judge for program in PROGRAMS))]
    for place in places:
        first, *more = [name.strip() for name in place.split(",")]
        if first.startswith("`"):
            continue
        folder = (ROOT / "tests" / first).parent
        assert (ROOT / "tests" / first).exists(), first
        missing = [name for name in more if not ((ROOT / "tests" / name).exists() or (folder / name).exists())]
        assert not missing
