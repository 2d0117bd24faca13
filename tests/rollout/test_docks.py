"""Docks against closed forms: Erlang, Crommelin, Pollaczek-Khinchine, and the fluid limit."""

import heapq

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openbwv.rollout.capacity import queueing
from openbwv.rollout.capacity.docks import Site, camera_memory, percentiles, simulate, spool_peak_gb
from openbwv.rollout.capacity.usage import Docking

FAST = 1e9  # Mb/s: takes no time
SERVICE_S = 60.0


def poisson(*, rate_s, count, seed, sizes):
    rng = np.random.default_rng(seed)
    times = np.cumsum(rng.exponential(1 / rate_s, count))
    return [Docking(n, 0.0, float(t), int(s)) for n, (t, s) in enumerate(zip(times, sizes(rng, count), strict=True))]


def fixed(rng, count):
    return np.full(count, SERVICE_S * 1e6)  # at 8 Mb/s a minute


def exponential(rng, count):
    return rng.exponential(SERVICE_S * 1e6, count)


def waits(dockings, *, servers, mbps):
    """Waits by the recursion of Kiefer and Wolfowitz (1955): each takes the server that is free first. No events."""
    free, found = [0.0] * servers, []
    for each in dockings:
        start = max(each.came_s, heapq.heappop(free))
        heapq.heappush(free, start + each.bytes_brought * 8 / (mbps * 1e6))
        found.append(start - each.came_s)
    return np.array(found)


@pytest.mark.parametrize(("bays", "sizes"), [(1, fixed), (4, fixed), (3, exponential)])
def test_every_docking_waits_as_the_recursion_says(bays, sizes):
    dockings = poisson(rate_s=0.8 * bays / SERVICE_S, count=3000, seed=5, sizes=sizes)
    visits = simulate(site=Site(bays=bays, bay_mbps=8, uplink_mbps=FAST), dockings=dockings)
    assert [visit.wait_s for visit in visits] == pytest.approx(waits(dockings, servers=bays, mbps=8), abs=1e-6)


def test_every_docking_waits_for_the_uplink_as_the_recursion_says():
    dockings = poisson(rate_s=0.8 / SERVICE_S, count=3000, seed=7, sizes=exponential)
    visits = simulate(site=Site(bays=500, bay_mbps=FAST, uplink_mbps=8), dockings=dockings)
    queued = [v.receipt_s - v.read_s - v.docking.bytes_brought * 8 / 8e6 for v in visits]
    assert queued == pytest.approx(waits(dockings, servers=1, mbps=8), abs=0.01)


@pytest.mark.parametrize(("servers", "form"), [(1, queueing.mdc_mean_wait), (4, queueing.mdc_mean_wait)])
def test_equal_dockings_wait_as_in_m_d_c(servers, form):
    """The recursion is what the simulation does, and it can be run long enough to meet the closed form."""
    rate = 0.75 * servers / SERVICE_S
    found = waits(poisson(rate_s=rate, count=300_000, seed=5, sizes=fixed), servers=servers, mbps=8)
    assert found[1000:].mean() == pytest.approx(form(servers=servers, rate=rate, service=SERVICE_S), rel=0.04)


def test_dockings_of_exponential_size_wait_as_in_m_m_c():
    rate = 0.7 * 3 / SERVICE_S
    found = waits(poisson(rate_s=rate, count=300_000, seed=6, sizes=exponential), servers=3, mbps=8)[1000:]
    expected = queueing.mmc_mean_wait(servers=3, rate=rate, service=SERVICE_S)
    assert found.mean() == pytest.approx(expected, rel=0.05)
    assert (found > 1e-9).mean() == pytest.approx(queueing.erlang_c(servers=3, load=rate * SERVICE_S), rel=0.02)
    over = queueing.mmc_wait_over(servers=3, rate=rate, service=SERVICE_S, limit=60)
    assert (found > 60).mean() == pytest.approx(over, rel=0.04)


def test_a_rush_drains_like_water():
    """200 equal cameras at once over one uplink: the n-th receipt comes at n * size / rate."""
    site = Site(bays=200, bay_mbps=FAST, uplink_mbps=80)
    visits = simulate(site=site, dockings=[Docking(n, 0.0, 100.0, 10**9) for n in range(200)])
    receipts = sorted(visit.receipt_s for visit in visits)
    assert receipts == pytest.approx([100 + 100 * (n + 1) for n in range(200)], abs=0.01)
    assert spool_peak_gb(visits) == pytest.approx(200, abs=0.01)


def test_a_bay_is_held_until_the_camera_is_charged():
    site = Site(bays=1, bay_mbps=8, uplink_mbps=FAST, charge_minutes=30)
    visits = simulate(site=site, dockings=[Docking(n, 0.0, 0.0, 10**6) for n in range(3)])
    assert [visit.wait_s for visit in visits] == pytest.approx([0, 1800, 3600])
    assert visits[0].receipt_s == pytest.approx(1, abs=0.01)


def test_a_camera_goes_out_with_what_has_no_receipt_yet():
    hour = 3600.0
    site = Site(bays=9, bay_mbps=FAST, uplink_mbps=8, camera_gb=50)  # 1 GB takes 1000 s
    own = [Docking(7, day * 24 * hour, (day * 24 + 9) * hour, 40 * 10**9) for day in range(3)]
    slow = camera_memory(simulate(site=site, dockings=own), camera_gb=50)
    assert (slow.shifts, slow.shifts_not_empty, slow.shifts_overfull, slow.worst_gb) == (3, 0, 0, 40)
    crowd = [Docking(8, 0.0, 8 * hour, 90 * 10**9), *own]
    late = camera_memory(simulate(site=site, dockings=crowd), camera_gb=50)
    assert late.shifts_not_empty == 2  # 130 GB take 36 hours: the first two shifts of camera 7 wait for each other
    assert late.shifts_overfull == 1 + 2  # and camera 8 alone brought more than it holds
    assert late.worst_gb == 90


@settings(max_examples=20)
@given(
    sizes=st.lists(st.integers(0, 10**10), min_size=1, max_size=12),
    gaps=st.lists(st.floats(0, 5000), min_size=12, max_size=12),
    bays=st.integers(1, 4),
    charge=st.floats(0, 60),
)
def test_every_docking_is_read_then_sent_and_none_is_lost(sizes, gaps, bays, charge):
    times = np.cumsum(gaps)
    dockings = [Docking(n, 0.0, float(times[n]), size) for n, size in enumerate(sizes)]
    site = Site(bays=bays, bay_mbps=160, uplink_mbps=40, charge_minutes=charge)
    visits = simulate(site=site, dockings=dockings)
    assert [visit.docking for visit in visits] == dockings
    for visit in visits:
        assert visit.docking.came_s <= visit.read_from_s <= visit.read_s <= visit.receipt_s
        assert visit.read_s - visit.read_from_s == pytest.approx(visit.docking.bytes_brought * 8 / 160e6, abs=1e-6)
    busy = sum(sizes) * 8 / 40e6
    assert max(visit.receipt_s for visit in visits) >= busy
    for moment in (visit.read_from_s for visit in visits):
        reading = [v for v in visits if v.read_from_s <= moment < max(v.read_s, v.read_from_s + charge * 60) - 1e-6]
        assert len(reading) <= bays


def test_closed_forms_agree_where_they_meet():
    assert queueing.mdc_mean_wait(servers=1, rate=0.8, service=1) == pytest.approx(
        queueing.md1_mean_wait(rate=0.8, service=1), rel=1e-6
    )
    assert queueing.mmc_mean_wait(servers=1, rate=0.5, service=1) == pytest.approx(1.0)
    assert queueing.erlang_c(servers=2, load=1) == pytest.approx(1 / 3)  # textbook: M/M/2 at half load
    assert queueing.mmc_wait_over(servers=2, rate=1, service=1, limit=0) == pytest.approx(1 / 3)
    assert queueing.erlang_c(servers=3, load=3) == 1
    assert queueing.mdc_mean_wait(servers=2, rate=2, service=1) == float("inf")


def test_no_dockings_have_no_percentiles():
    assert set(percentiles([]).values()) == {None}
