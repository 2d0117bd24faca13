"""Steps of a write-off, for every test that needs one."""

import pytest

from openbwv.custody import EventType
from openbwv.server.clock import utc
from openbwv.server.fleet.write_offs import confirm_write_off, propose_write_off, what_is_opened
from openbwv.server.retention.second import note_opened
from openbwv.server.trail.models import Event
from openbwv.server.vault.epochs import begin_epoch_if_due
from openbwv.server.vault.keys import key_client

WEEK_MS = 7 * 24 * 3_600_000
A_SECOND = 1000


@pytest.fixture
def camera(door):
    """Return a camera that was given the first epoch key and has not docked since; four more keys were made."""
    row = door.camera_row
    row.epoch_id, row.last_docked_utc = key_client().public()["epochs"][0], utc(door.clock)
    row.save()
    for _ in range(4):
        door.clock.advance(WEEK_MS)
        begin_epoch_if_due(door.clock)
    assert len(key_client().public()["epochs"]) == 5
    return row


def propose(camera, harper, clock, **more):
    said = {"cause": "stolen", "reason": "taken from a van, 4402/26", "session": "first"} | more
    made = propose_write_off(camera=camera, actor=harper, clock=clock, **said)
    clock.advance(A_SECOND)
    return made


def opened(write_off, person, clock, session="second"):
    note_opened(what=what_is_opened(write_off), person=person, session=session, clock=clock)
    return {"write_off": write_off, "reason": "agreed", "actor": person, "session": session, "clock": clock}


def write_off(camera, harper, indra, clock):
    return confirm_write_off(**opened(propose(camera, harper, clock), indra, clock))


def deeds():
    return [each.details["deed"] for each in Event.objects.filter(type=EventType.WRITE_OFF).order_by("id")]


def epochs():
    return key_client().public()["epochs"]
