"""Uploads at once: one device leaves places for the others."""

import pytest

from openbwv.server.ingest import app


@pytest.fixture
def running(monkeypatch):
    from collections import Counter

    counts = Counter()
    monkeypatch.setattr(app, "_bodies", counts)
    return counts


def announce(door):
    footage = door.camera.record(utc_ms=door.clock.utc_ms())
    return door.ask("PUT", f"/recordings/{footage.hex}/manifest?from=0", footage.manifest)


def test_a_device_with_all_its_places_taken_is_asked_to_wait_and_others_are_not(door, running):
    running[door.dock.kid] = app.MOST_BODIES_OF_ONE
    status, answer, headers = announce(door)
    assert (status, answer["error"]["code"]) == (503, "busy")
    assert "this device" in answer["error"]["what"]
    assert int(headers["retry-after"]) >= 1
    door.hello(door.camera.key, door.camera.chain)
    assert announce(door)[0] == 200
    assert running == {door.dock.kid: app.MOST_BODIES_OF_ONE}


def test_the_door_has_a_bound_of_its_own_and_gives_places_back(door, running):
    running.update({f"{n}": 16 for n in range(4)})
    assert announce(door)[0] == 503
    running.clear()
    assert announce(door)[0] == 200
    assert door.ask("PUT", f"/recordings/{'0' * 32}/manifest?from=0", b"junk")[0] == 400
    assert not running
