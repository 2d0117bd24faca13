"""Finding what is due among 5 million recordings, against the same among half a million.

Both databases hold 1,000 recordings whose deletion is to be proposed now; the rest are tombstones, recordings that are
held, and recordings whose day has not come. What is measured is the query of the deletion job, `due_rows`.
"""

import datetime
import os
import tempfile
import time
from pathlib import Path

from bench.measure import Goal, Result, Series, interleave

SMALL, LARGE = 500_000, 5_000_000
DUE = 1_000
REPEATS = 5
NOW = datetime.datetime(2026, 11, 20, 12, tzinfo=datetime.UTC)


def run(rounds: int) -> Result:
    """Measure on SQLite."""
    with tempfile.TemporaryDirectory(prefix="bwv-bench-") as name:
        folder = Path(name)
        os.environ["BWV_STATE"] = name
        from openbwv.server.boot import boot

        boot(name)
        small, large = fill(folder / "small.sqlite3", SMALL), fill(folder / "large.sqlite3", LARGE)
        # rates: sweeps a second; a slower large database gives a ratio below 1, so the goal is turned round
        series = Series("5 M / 0.5 M, 1,000 due", "sweeps/s")
        interleave(series, ours=lambda: sweeps(large), floor=lambda: sweeps(small), rounds=rounds)
        use(small).close()
    slower = 1 / series.ratio
    notes = [f"Time in 5 M rows ÷ time in 0.5 M rows: {slower:.2f} (goal: at most 1.3, aim 1.1)."]
    return Result("retention", "what is due in 5 M rows ÷ in 0.5 M rows", Goal(0.77, 0.91), [series], notes)


def use(path: Path):  # type: ignore[no-untyped-def]
    """Point Django's connection at a database file and return it."""
    from django.db import connection

    connection.close()
    connection.settings_dict["NAME"] = str(path)
    return connection


def sweeps(path: Path) -> float:
    """Return how many times a second the deletion job's query runs to its end."""
    from openbwv.server.retention.sweep import due_rows

    use(path)
    if sum(1 for _ in due_rows(NOW)) != DUE:
        raise AssertionError("the query does not find what is due")
    began = time.perf_counter()
    for _ in range(REPEATS):
        for _ in due_rows(NOW):
            pass
    return REPEATS / (time.perf_counter() - began)


def fill(path: Path, count: int) -> Path:
    """Make a database of `count` recordings, every one in the order its camera would have sent it."""
    from django.core.management import call_command

    connection = use(path)
    call_command("migrate", verbosity=0)
    with connection.cursor() as cursor:
        names = columns(cursor)
        chosen = {
            "id": "printf('%032x', n)",
            "reference": "printf('BWV-2026-%07d', n)",
            "pseudonym": "CAST(printf('%016d', n) AS BLOB)",
            # of 100: 80 tombstones, 2 held; the rest are stored, and their day comes later
            "state": f"CASE WHEN n % 100 < 80 AND n > {DUE} THEN 'erased' ELSE 'stored' END",
            "ingest_utc": "'2026-11-01 13:00:00'",
            "ended_utc": "'2026-11-01 12:00:10'",
            "held_count": f"CASE WHEN n % 100 >= 98 AND n > {DUE} THEN 1 ELSE 0 END",
            "retain_until_utc": (
                f"CASE WHEN n <= {DUE} THEN '2026-11-20 13:00:00' WHEN n % 100 >= 98 THEN '2026-10-01 13:00:00'"
                " WHEN n % 100 < 80 THEN NULL ELSE datetime('2026-12-01', '+' || (n % 1700000) || ' seconds') END"
            ),
        }
        values = ", ".join(chosen.get(name, default) for name, default in names.items())
        cursor.execute("PRAGMA synchronous=OFF")
        cursor.execute("PRAGMA foreign_keys=OFF")
        cursor.execute(
            f"INSERT INTO evidence_recording ({', '.join(names)}) "
            f"WITH RECURSIVE number(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < {count}) "
            f"SELECT {values} FROM number"
        )
        cursor.execute("ANALYZE")
    return path


def columns(cursor) -> dict[str, str]:  # type: ignore[no-untyped-def]
    """Return each column of the table of recordings, with a plain value for it."""
    plain = {"text": "''", "varchar": "''", "char": "''", "datetime": "'2026-11-01 12:00:00'", "BLOB": "x''"}
    cursor.execute("PRAGMA table_info(evidence_recording)")
    found = {}
    for _, name, kind, not_null, _, _ in cursor.fetchall():
        simple = kind.partition("(")[0]
        found[name] = plain.get(simple, "0") if not_null else "NULL"
    found.update({name: "'{}'" for name in found if name in ("open_facts", "due_explained")})
    return found
