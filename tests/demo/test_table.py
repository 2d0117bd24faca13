"""The table of what was shown: every claim has a judge, and the judge is never the command that did the deed."""

import ast
from pathlib import Path

import pytest

from openbwv.demo import story, table

STORY = Path(story.__file__).parent
# Programs that are not ours, somebody's browser without rights, and the two of ours that only judge.
JUDGES = {
    "openssl", "cbor2", "SHA-256", "ffprobe", "ffmpeg", "bagit", "SQLite", "HTTP", "the file system", "the proxy",
    "bwv verify", "bwv check",
}  # fmt: skip


def judged(path):
    """Return the judge named by each call of `must` and `shows` in a module."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ("must", "shows"):
            place = {"must": 2, "shows": 1}[node.func.attr]
            yield node.args[place] if len(node.args) > place else None


@pytest.mark.parametrize("name", sorted(path.name for path in STORY.glob("*.py")))
def test_every_claim_is_judged_by_another_program_than_the_one_that_did_it(name):
    named = [node.value if isinstance(node, ast.Constant) else None for node in judged(STORY / name)]
    if name != "telling.py":  # which hands on what it is given
        assert set(named) <= JUDGES


def test_there_is_something_to_judge():
    assert sum(len(list(judged(path))) for path in STORY.glob("*.py")) > 60


def test_the_last_line_names_the_step_that_failed():
    results = [
        table.StepResult(1, "One", "shown", 2.0, (table.Shown("It holds", "openssl"),)),
        table.StepResult(2, "Two", "failed", 1.0, (), "It did not.\nSee the log."),
    ]
    text = table.as_text(results)
    assert text.endswith("1 of 2 steps shown in 3 s. FAILED: 2.")
    assert "      It holds" in text
    assert "      See the log." in text
    assert '"ok": false' in table.as_json(results)
