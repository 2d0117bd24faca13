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
    taken = [places.take(each) for each in others]
    assert announce(door)[0] == 503
    for each in taken:
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


class Upload:
    """An occupant of that speed; None is one that need not give way."""

    def __init__(self, rate):
        self.rate, self.sent_away = rate, 0

    def slowness(self):
        return self.rate

    def send_away(self):
        self.sent_away += 1


def test_the_slowest_of_those_who_have_more_gives_way_and_nobody_else():
    places = Places(most=4, most_of_one=3)
    fast, slow, slower, other = Upload(None), Upload(900), Upload(20), Upload(5)
    taken = [places.take("greedy", each) for each in (fast, slow, slower)] + [places.take("other", other)]
    newcomer = places.take("newcomer", Upload(1))
    assert [each.sent_away for each in (fast, slow, slower, other)] == [0, 0, 0, 1], "the slowest of all that may"
    places.leave(taken[3])  # it has left by itself meanwhile: its place is another's
    with pytest.raises(NoPlace):
        places.take("greedy", Upload(1))
    second = places.take("newcomer", Upload(1))
    assert slower.sent_away == 1
    with pytest.raises(NoPlace) as caught:
        places.take("newcomer", Upload(1))
    assert not caught.value.of_one, "two against two: nobody has more"
    places.leave(newcomer)
    places.leave(second)
    assert len([places.take("third") for _ in range(2)]) == 2
    places.take("fourth")
    assert slow.sent_away == 1
    with pytest.raises(NoPlace):
        places.take("fifth")
    assert fast.sent_away == 0, "who is fast, and who cannot be sent away, stays"


def test_the_door_may_send_away_whoever_sends_it_a_body(door, monkeypatch):
    seen = []

    class Seen(Places):
        def place(self, whose, occupant=None):
            seen.append((whose, occupant.slowness()))
            return super().place(whose, occupant)

    monkeypatch.setattr(app, "_bodies", Seen(most=4, most_of_one=2))
    assert announce(door)[0] == 200
    assert seen == [(door.dock.kid, None)]
