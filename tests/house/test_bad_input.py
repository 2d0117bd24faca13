"""Every test, error and event that the page on bad input names is there."""

import ast
import re

import pytest

from tests.house.source import ROOT

PAGE = ROOT / "docs" / "ref" / "bad-input.md"
NAMES = {"errors.md": re.compile(r"`([a-z0-9-]+)`"), "events.md": re.compile(r"^\| \d+ \| `([a-z-]+)`", re.M)}


def rows():
    """Yield the cells of every case: case, where, told, event, kept, tests."""
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        if line.startswith("| ") and cells[0] != "case":
            yield cells


def known(page):
    return set(NAMES[page].findall((ROOT / "docs" / "ref" / page).read_text(encoding="utf-8")))


def functions_of(path):
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


def quoted(cell):
    return re.findall(r"`([a-z-]+)`", cell)


def test_every_case_is_whole():
    assert len(list(rows())) > 35
    assert not [cells[0] for cells in rows() if len(cells) != 6 or not all(cells)]


@pytest.mark.parametrize("cells", list(rows()), ids=lambda cells: cells[0])
def test_what_a_case_names_exists(cells):
    _case, _where, told, event, _kept, shown = cells
    assert set(quoted(told)) <= known("errors.md")
    assert set(quoted(event)) <= known("events.md")
    for name in shown.split(", "):
        path, _, function = name.partition("::")
        assert function.startswith("test_"), name
        assert function in functions_of(path), name
