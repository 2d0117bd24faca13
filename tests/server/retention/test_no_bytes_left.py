"""What is erased from SQLite leaves no bytes: not in free pages, not in the write-ahead log."""

import sqlite3

import pytest

from django.conf import settings

from openbwv.server.retention import sweep

SECRET = b"the witness lives at 12 High Street"


def left(folder):
    return [path.name for path in folder.iterdir() if SECRET in path.read_bytes()]


@pytest.mark.sqlite
def test_with_our_settings_a_deleted_text_is_in_no_file(tmp_path, monkeypatch):
    database = sqlite3.connect(tmp_path / "server.sqlite3", isolation_level=None)
    database.executescript(settings.DATABASES["default"]["OPTIONS"]["init_command"])
    database.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, x BLOB)")
    database.executemany("INSERT INTO t (x) VALUES (?)", [(SECRET * 40,)] * 200)
    assert left(tmp_path)
    database.execute("UPDATE t SET x = '' WHERE id <= 100")
    database.execute("DELETE FROM t WHERE id > 100")
    monkeypatch.setattr(sweep, "connection", Through(database))
    sweep.truncate_journal()
    assert left(tmp_path) == []
    database.close()


class Through:
    """Django's connection, as far as `truncate_journal` asks, over another database."""

    vendor = "sqlite"
    in_atomic_block = False

    def __init__(self, database):
        self.database = database

    def cursor(self):
        import contextlib

        return contextlib.closing(self.database.cursor())
