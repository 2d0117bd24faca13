"""After a removal the words are in no file of the state folder: not in free pages, not in the write-ahead log."""

import sqlite3
from datetime import UTC, datetime

import pytest

from django.conf import settings
from django.db import connections

from openbwv.server.forgetting import forget, job
from openbwv.server.trail.models import Event
from tests.server import cast
from tests.server.forgetting.conftest import SECRET, make_gone
from tests.server.log_fixture import begin
from tests.server.retention.steps import approve

pytestmark = pytest.mark.sqlite


@pytest.fixture
def on_disk(transactional_db, state):
    """Put the migrated database of the tests into a file of the state folder, with the settings of a real force."""
    kept = connections["default"]
    kept.ensure_connection()
    path = state / "server.sqlite3"
    target = sqlite3.connect(path)
    kept.connection.backup(target)
    target.close()
    facts = {**kept.settings_dict, "NAME": str(path), "OPTIONS": settings.DATABASES["default"]["OPTIONS"]}
    connections["default"] = type(kept)(facts, "default")
    try:
        yield path
    finally:
        connections["default"].close()
        connections["default"] = kept


def left(folder, words):
    return sorted(
        str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file() and words in path.read_bytes()
    )


def test_the_words_are_in_no_file(on_disk, state, clock, monkeypatch):
    cast.units()
    people = {name: cast.person(name) for name in ("avery", "gale", "indra", "lou")}
    approve(people["indra"], people["lou"], clock)
    sequencer = begin(state)
    for number in range(1, 41):
        ended = datetime(2020, 11, 1, tzinfo=UTC)
        make_gone(ended, number=number, people=(people["avery"], people["gale"]))
    sequencer.drain()
    assert left(state, SECRET.encode()), "or the search finds nothing anyway"
    with monkeypatch.context() as cut:
        cut.setattr(job, "truncate_journal", lambda: True)
        assert forget(clock)["recordings"] == 40
    assert left(state, SECRET.encode()), "the journal has them until it is emptied"
    forget(clock)
    sequencer.drain()
    assert not Event.objects.filter(why=SECRET).exists()
    assert left(state, SECRET.encode()) == []
    assert on_disk.stat().st_size > 100_000
