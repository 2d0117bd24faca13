"""A recording of real video that went in through the door, and a log that takes every event at once."""

import uuid

import pytest

from openbwv.recording import BoxCutter
from openbwv.server.evidence.models import Recording
from tests.browser.footage import encode
from tests.server.ingest.conftest import door, inline, keyd, running_log

__all__ = ["door", "inline", "keyd", "running_log"]


def units_of(movie: bytes) -> list[bytes]:
    """Return init and fragments as a camera cuts them."""
    return [unit.data for unit in BoxCutter().write(movie) if unit.data[4:8] in (b"ftyp", b"moof")]


@pytest.fixture
def footage(door, running_log):
    """Return what the camera made; it is stored and has its receipt."""
    made = door.camera.record(utc_ms=door.clock.utc_ms(), units=units_of(encode(fps=10, seconds=3, b_frames=False)))
    door.upload(made)
    running_log.drain()
    return made


@pytest.fixture
def stored(footage):
    """Return its row."""
    return Recording.objects.get(pk=uuid.UUID(bytes=footage.rec_id))
