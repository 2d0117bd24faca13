"""Fixtures for every room: a state folder of its own and a fixed clock."""

import os
import shutil
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# How long an example takes says how busy the machine is, not whether the code is right.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")

# Before Django reads its settings: tests never touch a real force.
_STATE = Path(tempfile.mkdtemp(prefix="bwv-tests-")) / "state"
_STATE.mkdir()
os.environ["BWV_STATE"] = str(_STATE)
# Processes that tests start find this checkout as ./bwv lets them, also when pytest was started without it.
_ROOT = Path(__file__).resolve().parents[1]
os.environ["PYTHONPATH"] = os.pathsep.join([str(_ROOT / "src"), str(_ROOT)])
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "1")  # live pages and Playwright share the test's thread

FIRST_MOMENT = datetime(2026, 11, 20, 14, 2, 11, tzinfo=UTC)


def pytest_sessionfinish() -> None:
    """Remove the tests' state folder."""
    shutil.rmtree(_STATE.parent, ignore_errors=True)


@pytest.fixture
def state(settings, tmp_path):
    """Return an empty state folder that the settings name for this test."""
    folder = tmp_path / "state"
    folder.mkdir()
    settings.STATE = folder
    return folder


@pytest.fixture
def clock():
    """Return a clock that stands at Fri 20 Nov 2026, 14:02:11 UTC; the server's code sees the same one."""
    from openbwv.server.clock import use_clock
    from openbwv.shared.clock import FixedClock

    fixed = FixedClock(int(FIRST_MOMENT.timestamp() * 1000))
    use_clock(fixed)
    yield fixed
    use_clock(None)


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings):
    """Keep SQLite's test database in a file: a live server's threads cannot share one in memory."""
    from django.conf import settings

    database = settings.DATABASES["default"]
    if database["ENGINE"].endswith("sqlite3"):
        database.setdefault("TEST", {})["NAME"] = str(_STATE.parent / "test.sqlite3")
        database["OPTIONS"]["init_command"] += " PRAGMA synchronous=OFF;"


@pytest.fixture(scope="session")
def browser_type_launch_args():
    """Start Debian's Chromium, never a downloaded one; as root it needs --no-sandbox."""
    chromium = os.environ.get("BWV_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if not chromium:
        pytest.skip("no Chromium: apt-get install chromium")
    arguments = ["--disable-gpu", "--disable-background-networking", "--autoplay-policy=no-user-gesture-required"]
    if os.geteuid() == 0:
        arguments.append("--no-sandbox")
    return {"executable_path": chromium, "args": arguments}
