"""The demo's clock service, spoken to by the client that the force's processes use."""

import pytest

from openbwv.demo.clock import ClockService, MovableClock, answer
from openbwv.shared.clock import ClockLost, PretendClock

MOMENT_MS = 1_795_183_331_000


@pytest.fixture
def service(tmp_path):
    service = ClockService(tmp_path / "clock.sock", MovableClock(MOMENT_MS))
    yield service
    service.stop()


def test_the_time_runs_on_and_can_be_moved_forward(service):
    client = PretendClock(str(service.path))
    assert MOMENT_MS <= client.utc_ms() < MOMENT_MS + 5_000
    assert service.clock.move_to(MOMENT_MS + 86_400_000)
    assert client.utc_ms() >= MOMENT_MS + 86_400_000


def test_an_earlier_time_is_refused_and_changes_nothing():
    clock = MovableClock(MOMENT_MS)
    assert answer(clock, b"set %d\n" % (MOMENT_MS - 1)) == b"error earlier\n"
    assert clock.utc_ms() >= MOMENT_MS


@pytest.mark.parametrize("line", [b"\n", b"set\n", b"set -1\n", b"set now\n", b"now now\n", b"\xff\n"])
def test_any_other_line_is_an_error(line):
    assert answer(MovableClock(MOMENT_MS), line) == b"error unknown\n"


def test_after_stop_nobody_answers(service):
    client = PretendClock(str(service.path))
    service.stop()
    with pytest.raises(ClockLost):
        client.utc_ms()
    assert not service.path.exists()


def test_a_socket_left_by_a_killed_demo_is_replaced(tmp_path):
    path = tmp_path / "clock.sock"
    path.touch()
    service = ClockService(path, MovableClock(MOMENT_MS))
    assert PretendClock(str(path)).utc_ms() >= MOMENT_MS
    service.stop()
