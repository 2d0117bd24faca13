"""A recording of Avery's and the log."""

import pytest

from tests.server import cast
from tests.server.log_fixture import running_log  # noqa: F401  a fixture


@pytest.fixture
def recording(avery):
    return cast.recording(officer=avery)
