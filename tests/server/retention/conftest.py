"""A whole force in this process: key service, log, door, camera; a policy in force; and a clock to move."""

import uuid

import pytest

from openbwv.server.evidence.models import Recording
from tests.server.ingest.conftest import door, inline, keyd, running_log  # noqa: F401  fixtures
from tests.server.retention.steps import HOUR_MS, approve, sweep_until


@pytest.fixture
def policy(units, indra, lou, clock):
    """Return policy version 1: 31 days, a week after ingest; Indra proposed it and Lou approved it."""
    return approve(indra, lou, clock)


@pytest.fixture
def force(door, running_log, policy, clock):  # noqa: F811  fixtures
    """Return the force, which can dock recordings and let time pass."""
    return Force(door, running_log, clock)


class Force:
    """What the tests of deletion do with it."""

    def __init__(self, door, log, clock):  # noqa: F811  a fixture
        self.door, self.log, self.clock = door, log, clock
        self.footage = {}

    def dock(self, *, seconds_ago=120, **more):
        """Record for 6 s, dock it, and return its row; its key is wrapped and its receipt signed."""
        footage = self.door.camera.record(utc_ms=self.clock.utc_ms() - seconds_ago * 1000, **more)
        self.door.upload(footage)
        row = Recording.objects.get(pk=uuid.UUID(bytes=footage.rec_id))
        self.footage[row.pk] = footage
        return row

    def wait(self, *, hours=0, days=0, step_hours=12):
        """Let time pass in steps, with a run of the job after each; return what the runs did."""
        return sweep_until(self.clock, self.clock.utc_ms() + (hours + 24 * days) * HOUR_MS, step_hours=step_hours)
