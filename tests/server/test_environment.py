"""Settings come from the environment, checked and loud; a state folder must be named and be there."""

import os
import subprocess
import sys

import pytest

from openbwv.server import environment
from openbwv.server.boot import NoState, boot


@pytest.mark.parametrize(
    ("name", "value", "read"),
    [
        ("BWV_DEBUG", "perhaps", environment.flag),
        ("BWV_SESSION_MINUTES", "half an hour", environment.number),
        ("BWV_SESSION_MINUTES", "0", environment.number),
        ("BWV_SESSION_MINUTES", "-5", environment.number),
    ],
)
def test_a_value_that_cannot_be_is_named_with_its_remedy(monkeypatch, name, value, read):
    monkeypatch.setenv(name, value)
    with pytest.raises(environment.BadSetting, match=name) as caught:
        read(name)
    assert caught.value.remedy
    assert caught.value.exit_code == 78


def test_a_secret_may_stand_in_a_file_but_not_in_two_places(monkeypatch, tmp_path):
    file = tmp_path / "key"
    file.write_text("from the file\n")
    monkeypatch.setenv("BWV_SECRET_KEY_FILE", str(file))
    assert environment.text("BWV_SECRET_KEY") == "from the file"
    monkeypatch.setenv("BWV_SECRET_KEY", "given")
    with pytest.raises(environment.BadSetting, match="Both"):
        environment.text("BWV_SECRET_KEY")


def test_a_secret_file_that_is_not_there_is_named(monkeypatch, tmp_path):
    monkeypatch.setenv("BWV_SECRET_KEY_FILE", str(tmp_path / "gone"))
    with pytest.raises(environment.BadSetting, match="gone"):
        environment.text("BWV_SECRET_KEY")


def test_lists_are_split_at_commas(monkeypatch):
    monkeypatch.setenv("BWV_HOSTS", "a.example, b.example,")
    assert environment.listed("BWV_HOSTS") == ["a.example", "b.example"]


def test_every_variable_has_a_kind_and_a_meaning():
    for variable in environment.VARIABLES:
        assert variable.kind in {"text", "path", "flag", "number", "list"}
        assert variable.meaning


def test_a_command_without_a_state_folder_says_how_to_name_one(monkeypatch, tmp_path):
    monkeypatch.delenv("BWV_STATE")
    with pytest.raises(NoState, match="No state folder"):
        boot(None)
    with pytest.raises(NoState, match="There is no folder") as caught:
        boot(str(tmp_path / "gone"))
    assert "./bwv init" in caught.value.remedy


@pytest.mark.sqlite
def test_sqlite_is_opened_so_that_a_committed_deed_survives_a_power_cut(tmp_path):
    """Asked of a real connection in a process of its own, because tests relax it."""
    ask = (
        "import django; django.setup()\n"
        "from django.db import connection as c\n"
        "with c.cursor() as q:\n"
        "    for name in ('journal_mode', 'synchronous', 'foreign_keys', 'secure_delete'):\n"
        "        print(q.execute(f'PRAGMA {name}').fetchone()[0])\n"
    )
    environ = os.environ | {"BWV_STATE": str(tmp_path), "DJANGO_SETTINGS_MODULE": "openbwv.server.settings"}
    answer = subprocess.run([sys.executable, "-c", ask], env=environ, capture_output=True, text=True, check=True)
    assert answer.stdout.split() == ["wal", "2", "1", "1"]
