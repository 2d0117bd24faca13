"""Two rules of our runs: slow tests wait for `--long`, and under CI=true a skip must be one that is listed.

`tests/allowed_skips.txt` holds one skip a line: a glob of the test's node id, a tab, the reason. A skip that it does
not list is a test that silently did not run, so under CI=true it is a failure.
"""

import fnmatch
import os
from pathlib import Path

import pytest

LIST = Path(__file__).resolve().parents[1] / "allowed_skips.txt"


def allowed_skips(text: str) -> list[tuple[str, str]]:
    """Return the (glob, reason) pairs of the list; a line without a reason is an error."""
    pairs = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        glob, tab, reason = line.partition("\t")
        if not tab or not reason.strip():
            raise pytest.UsageError(f"{LIST.name} line {number}: write `glob<TAB>reason`.")
        pairs.append((glob.strip(), reason.strip()))
    return pairs


def is_allowed(nodeid: str, pairs: list[tuple[str, str]]) -> bool:
    # brackets of a parametrised test are text, not a set of characters
    return any(fnmatch.fnmatchcase(nodeid, glob.replace("[", "[[]")) for glob, _ in pairs)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--long", action="store_true", help="run the slow, exhaustive tests as well")


def pytest_configure(config: pytest.Config) -> None:
    if os.environ.get("CI") == "true":
        config.pluginmanager.register(StrictSkips(allowed_skips(LIST.read_text(encoding="utf-8"))))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--long"):
        return
    slow = [item for item in items if item.get_closest_marker("long")]
    if slow:
        config.hook.pytest_deselected(items=slow)
        items[:] = [item for item in items if not item.get_closest_marker("long")]


class StrictSkips:
    """Turns a skip that the list does not allow into a failure."""

    def __init__(self, pairs: list[tuple[str, str]]) -> None:
        self._pairs = pairs

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item, call):
        report = yield
        return self._judge(report)

    @pytest.hookimpl(wrapper=True)
    def pytest_make_collect_report(self, collector):
        report = yield
        return self._judge(report)

    def _judge(self, report):
        if report.skipped and not hasattr(report, "wasxfail") and not is_allowed(report.nodeid, self._pairs):
            why = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
            report.outcome = "failed"
            report.longrepr = f"{why}\nA skip that {LIST.name} does not list: run the test, or list it with a reason."
        return report
