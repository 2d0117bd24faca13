"""A request of Ellis for what Avery's camera saw in Lewisham."""

from datetime import timedelta

import pytest

from openbwv.server.clock import utc
from openbwv.server.disclosure.actions.submit import Answers, submit_request
from openbwv.server.retention import actions as retention
from tests.server import cast


@pytest.fixture
def recorded(avery, clock):
    """Return a function that makes a stored recording that ended two hours ago, with its date."""

    def make(*, officer=avery, number=1, ago_hours=2, **more):
        started = utc(clock) - timedelta(hours=ago_hours)
        made = cast.recording(officer=officer, number=number, started=started, ingest_utc=utc(clock), **more)
        retention.recording_ingested(made, clock)
        made.refresh_from_db()
        return made

    return make


@pytest.fixture
def ask(units, clock):
    """Return a function that asks as Ellis: for the hour round the recording, in Lewisham."""

    def submit(**changes):
        now = utc(clock)
        values = {
            "kind": "subject",
            "from_utc": now - timedelta(hours=3),
            "to_utc": now - timedelta(hours=1),
            "unit": units["lewisham"],
            "name": "Ellis",
            "email": "ellis@example.org",
        }
        more = {name: changes.pop(name) for name in ("channel", "received_utc", "actor") if name in changes}
        return submit_request(answers=Answers(**(values | changes)), clock=clock, **more)

    return submit
