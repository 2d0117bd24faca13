"""What we never say, and what we never leave behind."""

import ast
import re

from tests.house.source import ROOT, SRC, modules, suite

BOAST = re.compile(
    r"tamper[- ]?proof|unhackable|military[- ]grade|\bthe (world'?s )?first (open|body|system|free)", re.I
)
UNFINISHED = re.compile(r"\b(TODO|FIXME)\b|NotImplementedError")
MACHINE_PATH = re.compile(r"(?<![\w.])/(work|farm|root|home)/")
PAGES = sorted([*SRC.rglob("*.html"), *ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
TEXTS = sorted(
    [*PAGES, *SRC.rglob("*.py"), *SRC.rglob("*.js"), *SRC.rglob("*.css"), ROOT / "bwv", ROOT / "pyproject.toml"]
)
CHECKS = re.compile(
    r"(raises|assert|expect|check|verify|fail|warns|refuse|judge|must|require|until|wait|survive|suppress|valid)", re.I
)


def found(pattern, paths):
    return [
        f"{path.relative_to(ROOT)}: {match[0]}"
        for path in paths
        for match in [pattern.search(path.read_text(encoding="utf-8"))]
        if match
    ]


def test_no_page_boasts():
    assert not found(BOAST, PAGES)


def test_the_readme_never_claims_to_be_first():
    assert not found(re.compile(r"\bfirst\b", re.I), [ROOT / "README.md"])


def test_nothing_is_left_unfinished():
    assert not found(UNFINISHED, TEXTS)


def test_no_machine_is_named():
    assert not found(MACHINE_PATH, TEXTS)


def test_no_error_is_swallowed_whole():
    silent = [
        f"{module.short}:{node.lineno}"
        for module in modules()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or ast.unparse(node.type).endswith("Exception"))
        and all(isinstance(statement, ast.Pass | ast.Continue) for statement in node.body)
    ]
    assert not silent


def test_every_test_can_fail():
    """One without an assertion, `raises` or a call of a helper that checks shows nothing."""
    idle = [
        f"{module.short}:{node.lineno} {node.name}"
        for module in suite()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.name.startswith("test_")
        and not any(isinstance(inner, ast.Assert) for inner in ast.walk(node))
        and not any(isinstance(inner, ast.Call) and CHECKS.search(ast.unparse(inner.func)) for inner in ast.walk(node))
    ]
    assert not idle
