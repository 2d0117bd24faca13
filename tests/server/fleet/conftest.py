"""A force at whose door a dock stands."""

from tests.server.ingest.conftest import door, inline, keyd
from tests.server.log_fixture import running_log

__all__ = ["door", "inline", "keyd", "running_log"]
