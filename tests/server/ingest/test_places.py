"""Uploads at once: one device leaves places for the others."""

import threading

import pytest

from openbwv.server.ingest import app
from openbwv.server.ingest.places import NoPlace, Places


@pytest.fixture
def places(monkeypatch):
    made = Places(most=4, most_of_one=2)
    monkeypatch.setattr(app, "_bodies", made)
    return made


def announce(door):
    footage = door.camera.record(utc_ms=door.clock.utc_ms())
    return door.ask("PUT", f"/recordings/{footage.hex}/manifest?from=0", footage.manifest)


def test_a_device_with_all_its_places_taken_is_asked_to_wait_and_others_are_not(door, places):
    with places.place(door.dock.kid), places.place(door.dock.kid):
        status, answer, headers = announce(door)
        assert (status, answer["error"]["code"]) == (503, "busy")
        assert "this device" in answer["error"]["what"]
        assert int(headers["retry-after"]) >= 1
        door.hello(door.camera.key, door.camera.chain)
        assert announce(door)[0] == 200


def test_the_door_has_a_bound_of_its_own_and_gives_places_back(door, places):
    others = ["a", "b", "c", "d"]
    for each in others:
        places.take(each)
    assert announce(door)[0] == 503
    for each in others:
        places.leave(each)
    assert announce(door)[0] == 200
    assert door.ask("PUT", f"/recordings/{'0' * 32}/manifest?from=0", b"junk")[0] == 400
    for each in others:
        places.take(each)


def test_places_are_counted_right_between_threads():
    places, refused = Places(most=8, most_of_one=3), []

    def come_and_go(whose):
        for _ in range(300):
            try:
                with places.place(whose):
                    pass
            except NoPlace:
                refused.append(whose)

    threads = [threading.Thread(target=come_and_go, args=(str(n % 5),)) for n in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for _ in range(3):
        places.take("one")
    with pytest.raises(NoPlace) as caught:
        places.take("one")
    assert (caught.value.most, caught.value.of_one) == (3, True)
