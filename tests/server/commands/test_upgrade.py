"""A database of another version is refused by every command, and `./bwv upgrade` brings an earlier one up."""

import json
import os
import sqlite3
import subprocess
import sys

import pytest

from tests.server.commands.test_init import made  # noqa: F401  a fixture

pytestmark = pytest.mark.sqlite


def run(*words, state):
    """Run Python with these words on the force in `state`."""
    given = {name: value for name, value in os.environ.items() if not name.startswith(("BWV_", "DJANGO", "DATABASE"))}
    given |= {"BWV_STATE": str(state), "DJANGO_SETTINGS_MODULE": "openbwv.server.settings"}
    return subprocess.run(
        [sys.executable, "-m", *words], env=given, capture_output=True, text=True, timeout=100, check=False
    )


def undo_newest_table_of_people(state):
    """Make the database what it was before `people` had its table of links for a new password."""
    done = run("django", "migrate", "people", "0002", state=state)
    assert done.returncode == 0, done.stderr


def tables(state):
    with sqlite3.connect(state / "server.sqlite3") as database:
        return {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}


@pytest.fixture(scope="module")
def older(made):  # noqa: F811  a fixture
    """Return the state folder of a force whose database is of an earlier version."""
    state = made[0] / "s"
    undo_newest_table_of_people(state)
    assert "people_passwordlink" not in tables(state)
    return state


@pytest.mark.parametrize(
    "command",
    [("check", "--json"), ("worker", "--once", "--json"), ("server", "--json"), ("server", "door", "--json")],
    ids=" ".join,
)
def test_an_earlier_database_is_touched_by_nobody(older, command):
    before = (older / "server.sqlite3").read_bytes()
    done = run("openbwv", *command, state=older)
    assert done.returncode == 78
    error = json.loads(done.stdout)["error"]
    assert error["code"] == "old-database"
    assert "people 0003_password_link" in error["what"]
    assert "./bwv upgrade" in error["remedy"]
    assert (older / "server.sqlite3").read_bytes() == before


def test_it_is_brought_up_once_and_not_beside_a_worker(older):
    from openbwv.server.trail.sequencer import SequencerLock

    lock = SequencerLock(older)
    try:
        done = run("openbwv", "upgrade", "--json", state=older)
        assert (done.returncode, json.loads(done.stdout)["error"]["code"]) == (75, "worker-running")
        assert "people_passwordlink" not in tables(older)
    finally:
        lock.release()
    first = run("openbwv", "upgrade", "--json", state=older)
    assert "people 0003_password_link" in json.loads(first.stdout)["changed"]
    assert "people_passwordlink" in tables(older)
    assert json.loads(run("openbwv", "upgrade", "--json", state=older).stdout) == {"changed": []}
    assert json.loads(run("openbwv", "check", "--json", "--only", "deeds", state=older).stdout)["ok"]


def test_a_later_database_is_refused(made):  # noqa: F811  a fixture
    state = made[0] / "s"
    with sqlite3.connect(state / "server.sqlite3") as database:
        database.execute(
            "INSERT INTO django_migrations (app, name, applied) VALUES ('people', '9999_later', '2030-01-01')"
        )
    done = run("openbwv", "check", "--json", state=state)
    error = json.loads(done.stdout)["error"]
    assert (done.returncode, error["code"]) == (78, "newer-database")
    assert "people 9999_later" in error["what"]
