import pytest

from openbwv.shared import clock as clocks
from tests.shared.fake_clock import FakeClockService


@pytest.fixture
def service(tmp_path):
    service = FakeClockService(tmp_path / "clock.sock", 1_700_000_000_000)
    yield service
    service.close()


def test_the_pretend_clock_says_what_the_service_says(service):
    clock = clocks.PretendClock(service.path)
    assert clock.utc_ms() == 1_700_000_000_000
    service.utc_ms += 86_400_000
    assert clock.utc_ms() == 1_700_086_400_000


def test_it_connects_again_when_the_service_was_restarted(service):
    clock = clocks.PretendClock(service.path)
    clock.utc_ms()
    service.hang_up()
    assert clock.utc_ms() == service.utc_ms


def test_a_time_earlier_than_the_last_is_refused(service):
    clock = clocks.PretendClock(service.path)
    clock.utc_ms()
    service.utc_ms -= 1
    with pytest.raises(clocks.ClockLost, match="went back"):
        clock.utc_ms()


def test_a_missing_service_is_named_in_the_error(tmp_path):
    with pytest.raises(clocks.ClockLost, match="does not answer"):
        clocks.PretendClock(str(tmp_path / "nowhere.sock")).utc_ms()


def test_the_fixed_clock_moves_only_forward():
    clock = clocks.FixedClock(5_000)
    before = clock.mono_ns()
    clock.advance(250)
    assert (clock.utc_ms(), clock.mono_ns() - before) == (5_250, 250_000_000)
    with pytest.raises(ValueError):
        clock.advance(-1)


def test_no_socket_means_the_system_clock():
    assert isinstance(clocks.open_clock(None, None), clocks.SystemClock)
    assert isinstance(clocks.open_clock(None, ""), clocks.SystemClock)


def test_a_socket_without_a_ca_is_refused_with_exit_64(service):
    with pytest.raises(clocks.ClockRefused) as refusal:
        clocks.open_clock(None, service.path)
    assert refusal.value.exit_code == 64
