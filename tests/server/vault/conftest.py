"""Tests of the vault upload through the door and then look behind it."""

from tests.server.ingest.conftest import door, inline, keyd
from tests.server.log_fixture import running_log

__all__ = ["door", "inline", "keyd", "running_log"]
