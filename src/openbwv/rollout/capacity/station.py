"""`capacity simulate`: one station from its cameras and docks to percentiles, with every assumption."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from openbwv.rollout.capacity.docks import Site, simulate, summary
from openbwv.rollout.capacity.usage import Usage, dockings, usage_facts
from openbwv.rollout.facts import ASSUMPTION, GIVEN, SOURCED, UNVERIFIED, Fact


@dataclass(frozen=True)
class Station:
    """A station's cameras, docks and uplink; rates in Mb/s, sizes in GB (10^9 bytes)."""

    cameras: int
    bays: int
    bay_mbps: float
    uplink_mbps: float
    camera_gb: float
    charge_minutes: float
    hours_month: float
    gb_per_hour: float


def run(station: Station, *, days: int, seed: int) -> dict[str, Any]:
    """Return the figures of one station over `days` days; the same seed gives the same answer."""
    usage = Usage(hours_month=station.hours_month, gb_per_hour=station.gb_per_hour)
    site = Site(
        bays=station.bays,
        bay_mbps=station.bay_mbps,
        uplink_mbps=station.uplink_mbps,
        camera_gb=station.camera_gb,
        charge_minutes=station.charge_minutes,
    )
    coming = dockings(usage=usage, cameras=station.cameras, days=days, rng=np.random.default_rng(seed))
    figures = summary(site=site, visits=simulate(site=site, dockings=coming), days=days)
    facts = [*_facts(station, days), *usage_facts(usage)]
    return {"days": days, "seed": seed, **figures, "assumptions": [fact.as_dict() for fact in facts]}


def _facts(station: Station, days: int) -> list[Fact]:
    return [
        Fact("cameras at the station", station.cameras, "", GIVEN, "--cameras; 460 is the estimate for Westminster"),
        Fact("bays", station.bays, "", GIVEN, "--bays"),
        Fact("rate of a bay", station.bay_mbps, "Mb/s", ASSUMPTION, "USB 2.0 in practice; no dock maker's figure read"),
        Fact("shared uplink", station.uplink_mbps, "Mb/s", GIVEN, "9.64 Gb/s over 72 stations is 134 each"),
        Fact("memory of a camera", station.camera_gb, "GB", UNVERIFIED, "Axon Body 3 has 64 GB (secondary source)"),
        Fact("least time in a bay", station.charge_minutes, "min", ASSUMPTION, "charging"),
        Fact("days simulated", days, "days", GIVEN, "--days; starts with empty docks"),
        Fact("wipe", "only on the server's receipt", "", SOURCED, "custody rule 4 of this system"),
        Fact("order on the uplink", "one docking after another", "", ASSUMPTION, "first come, first sent"),
    ]
