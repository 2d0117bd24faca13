"""Docks and uplink of one site, event by event (SimPy).

A camera waits for a bay, is read into the dock's spool at the bay's rate and stays until charged; the spool goes up one
docking after another over the shared uplink. Only when the last byte is up does the server sign its receipt, and only
then may the camera forget (custody rule 4): so a camera's own memory is a queue too, and a slow uplink shows as cameras
that go out full.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import simpy

from openbwv.rollout.capacity.usage import Docking

SHARES = (50, 90, 95, 99, 100)
DAY_S = 86400.0


@dataclass(frozen=True)
class Site:
    """Bays, the rate of each (Mb/s), the shared uplink (Mb/s), the memory of a camera (GB), minutes to charge one."""

    bays: int
    bay_mbps: float
    uplink_mbps: float
    camera_gb: float = 64.0
    charge_minutes: float = 0.0

    def __post_init__(self) -> None:
        if self.bays < 1 or min(self.bay_mbps, self.uplink_mbps, self.camera_gb) <= 0:
            raise ValueError("a site needs at least one bay and rates and memories above zero")


@dataclass(frozen=True)
class Visit:
    """What became of one docking; times in seconds from the start."""

    docking: Docking
    read_from_s: float
    read_s: float
    receipt_s: float

    @property
    def wait_s(self) -> float:
        """Time until a bay was free."""
        return self.read_from_s - self.docking.came_s

    @property
    def total_s(self) -> float:
        """Time from coming in to the signed receipt."""
        return self.receipt_s - self.docking.came_s


def simulate(*, site: Site, dockings: Sequence[Docking]) -> list[Visit]:
    """Return what becomes of every docking, in the order they came; runs until the last receipt."""
    world = simpy.Environment()
    bays, uplink = simpy.Resource(world, site.bays), simpy.Resource(world, 1)
    visits: list[Visit | None] = [None] * len(dockings)

    def visit(number: int, docking: Docking) -> Iterator[Any]:
        yield world.timeout(docking.came_s)
        with bays.request() as bay:
            yield bay
            began = world.now
            reading = docking.bytes_brought * 8 / (site.bay_mbps * 1e6)
            yield world.timeout(reading)
            world.process(send(number, docking, began))
            yield world.timeout(max(site.charge_minutes * 60 - reading, 0.0))

    def send(number: int, docking: Docking, began: float) -> Iterator[Any]:
        read = world.now
        with uplink.request() as turn:
            yield turn
            yield world.timeout(docking.bytes_brought * 8 / (site.uplink_mbps * 1e6))
        visits[number] = Visit(docking, began, read, world.now)

    for number, docking in enumerate(dockings):
        world.process(visit(number, docking))
    world.run()
    return [each for each in visits if each is not None]


@dataclass(frozen=True)
class Memory:
    """What cameras still carried while out, because no receipt had come: counts of shifts, and the worst load."""

    shifts: int
    shifts_not_empty: int
    shifts_overfull: int
    worst_gb: float


def camera_memory(visits: Sequence[Visit], *, camera_gb: float) -> Memory:
    """Return how full cameras were at the end of their shifts.

    A camera sets out with every earlier docking whose receipt came after it left; there is no other delete on it.
    """
    by_camera: dict[int, list[Visit]] = defaultdict(list)
    for each in visits:
        by_camera[each.docking.camera].append(each)
    not_empty = overfull = 0
    worst = 0.0
    for own in by_camera.values():
        waiting: list[Visit] = []
        for each in own:
            waiting = [old for old in waiting if old.receipt_s > each.docking.shift_began_s]
            carried = sum(old.docking.bytes_brought for old in waiting)
            load = (carried + each.docking.bytes_brought) / 1e9
            not_empty += carried > 0
            overfull += load > camera_gb
            worst = max(worst, load)
            waiting.append(each)
    return Memory(len(visits), not_empty, overfull, worst)


def spool_peak_gb(visits: Sequence[Visit]) -> float:
    """Return the most that lay on the dock's spool, read from cameras and not yet receipted."""
    changes = sorted(
        [(v.read_s, 1, v.docking.bytes_brought) for v in visits]
        + [(v.receipt_s, 0, -v.docking.bytes_brought) for v in visits]
    )
    held = most = 0
    for _, _, size in changes:
        held += size
        most = max(most, held)
    return most / 1e9


def percentiles(values: Sequence[float]) -> dict[str, float | None]:
    """Return p50, p90, p95, p99, the largest, and the mean only to stand beside them; None where there is nothing."""
    names = [*(f"p{share}" for share in SHARES[:-1]), "largest", "mean"]
    if not len(values):
        return dict.fromkeys(names)
    figures = [*np.percentile(values, SHARES), np.mean(values)]
    return {name: float(figure) for name, figure in zip(names, figures, strict=True)}


def summary(*, site: Site, visits: Sequence[Visit], days: int) -> dict[str, Any]:
    """Return a site's figures: minutes as percentiles, spool, cameras' memory, and how busy bays and uplink were."""
    sizes = [each.docking.bytes_brought for each in visits]
    memory = camera_memory(visits, camera_gb=site.camera_gb)
    daily: dict[int, float] = defaultdict(float)
    for each in visits:
        daily[int(each.docking.came_s // DAY_S)] += each.docking.bytes_brought / 1e9
    seconds = max(days * DAY_S, max((v.receipt_s for v in visits), default=0.0), 1.0)
    return {
        "dockings": len(visits),
        "brought_gb": sum(sizes) / 1e9,
        "gb_a_docking": percentiles([size / 1e9 for size in sizes]),
        "gb_a_day": percentiles(list(daily.values())),
        "wait_for_bay_min": percentiles([v.wait_s / 60 for v in visits]),
        "read_into_spool_min": percentiles([(v.read_s - v.docking.came_s) / 60 for v in visits]),
        "until_receipt_min": percentiles([v.total_s / 60 for v in visits]),
        "spool_peak_gb": spool_peak_gb(visits),
        "bays_busy_share": sum(max(s * 8 / (site.bay_mbps * 1e6), site.charge_minutes * 60) for s in sizes)
        / (seconds * site.bays),
        "uplink_busy_share": sum(sizes) * 8 / (site.uplink_mbps * 1e6) / seconds,
        "shifts": memory.shifts,
        "shifts_begun_not_empty": memory.shifts_not_empty,
        "shifts_overfull": memory.shifts_overfull,
        "worst_camera_gb": memory.worst_gb,
    }
