"""The rule about skips, tried on a small suite of its own."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.plugins.skips import LIST, allowed_skips, is_allowed

ROOT = Path(__file__).resolve().parents[2]
SUITE = """
import pytest

def test_runs():
    assert True

def test_is_skipped():
    pytest.skip("no camera on this machine")

@pytest.mark.long
def test_slow():
    assert True
"""


def run_suite(tmp_path, *arguments, ci):
    (tmp_path / "test_small.py").write_text(SUITE)
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = long\n")
    command = [sys.executable, "-m", "pytest", "-p", "tests.plugins.skips", "-q", "-p", "no:cacheprovider", *arguments]
    environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), "CI": ci}
    return subprocess.run(command, check=False, cwd=tmp_path, env=environment, capture_output=True, text=True)


def test_an_unlisted_skip_fails_under_ci(tmp_path):
    done = run_suite(tmp_path, ci="true")
    assert done.returncode == 1
    assert "no camera on this machine" in done.stdout
    assert "1 failed, 1 passed, 1 deselected" in done.stdout


def test_the_same_skip_is_no_failure_at_a_desk(tmp_path):
    done = run_suite(tmp_path, ci="")
    assert done.returncode == 0
    assert "1 passed, 1 skipped" in done.stdout


def test_slow_tests_run_when_asked_for(tmp_path):
    done = run_suite(tmp_path, "--long", ci="")
    assert "2 passed, 1 skipped" in done.stdout


def test_a_glob_matches_a_parametrised_test():
    pairs = allowed_skips("tests/camera/test_v4l2.py::*[video0]\tneeds a camera\n# a remark\n\n")
    assert is_allowed("tests/camera/test_v4l2.py::test_opens[video0]", pairs)
    assert not is_allowed("tests/camera/test_v4l2.py::test_opens[video1]", pairs)


def test_a_line_without_a_reason_is_refused():
    with pytest.raises(pytest.UsageError, match="line 1"):
        allowed_skips("tests/camera/test_v4l2.py::*\n")


def test_the_list_itself_can_be_read():
    for _, reason in allowed_skips(LIST.read_text(encoding="utf-8")):
        assert len(reason) > 10
