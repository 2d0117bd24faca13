"""What a day's footage asks of the uplinks, and which daily figure to believe.

Closed forms: an even flow over some hours, and the peak after a shift ends. Decimal units throughout
(1 TB = 10^12 bytes, 1 Gb/s = 10^9 bit/s).
"""

from dataclasses import dataclass
from typing import Any

from openbwv.rollout.facts import ASSUMPTION, COMPUTED, GIVEN, SOURCED, UNVERIFIED, Fact

DAYS_A_MONTH = 365.25 / 12
HOURS_GOVQA = 7.0
HOURS_DC = 14.94
GB_PER_HOUR = 20 / 7
GIVEN_EVEN_HOURS = 12.0
PEAK_SHARE, PEAK_HOURS = 0.6, 2.0
STATIONS_KEPT = 72


def gigabits_per_second(*, terabytes: float, hours: float) -> float:
    """Return the rate in Gb/s that moves `terabytes` in `hours`. Raises ValueError for no time."""
    if hours <= 0:
        raise ValueError("moving something takes more than no time")
    return terabytes * 8e12 / (hours * 3600) / 1e9


@dataclass(frozen=True)
class Uplink:
    """The rates a force's uplinks need, from its footage of a day."""

    inflow_tb_day: float
    even_gbps: float
    peak_gbps: float
    sites: int
    peak_mbps_a_site: float

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON shape."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


def uplink(*, inflow_tb_month: float, sites: int = STATIONS_KEPT) -> Uplink:
    """Return the needed rates for `sites` equal stations. Raises ValueError for no site."""
    if sites < 1:
        raise ValueError("footage needs at least one site to dock at")
    day = inflow_tb_month / DAYS_A_MONTH
    peak = gigabits_per_second(terabytes=PEAK_SHARE * day, hours=PEAK_HOURS)
    even = gigabits_per_second(terabytes=day, hours=GIVEN_EVEN_HOURS)
    return Uplink(day, even, peak, sites, peak * 1000 / sites)


def uplink_facts(sites: int) -> list[Fact]:
    """Return the assumptions behind `uplink`."""
    return [
        Fact("hours of the even flow", GIVEN_EVEN_HOURS, "h a day", ASSUMPTION, "to be set by the force"),
        Fact(
            "share of a day docked in the peak",
            PEAK_SHARE,
            f"of the day in {PEAK_HOURS:g} h after shifts end",
            ASSUMPTION,
            "to be set by the force",
        ),
        Fact(
            "sites",
            sites,
            "stations, taken as equal",
            COMPUTED if sites == STATIONS_KEPT else GIVEN,
            "72 of 137 Met station counters kept in 2013 (London Datastore, OGL)"
            if sites == STATIONS_KEPT
            else "--sites",
        ),
    ]


def usage_band(cameras: int) -> list[dict[str, Any]]:
    """Return hours and inflow by three readings: discretion (GovQA), mandatory use (DC), and the naive press figure."""
    naive_hours_day = 12.0 * cameras
    readings = [
        ("hours of footage in use elsewhere (GovQA/Veritone)", HOURS_GOVQA * cameras, SOURCED, "7 h an officer-month"),
        ("recording mandatory (Washington DC, one district)", HOURS_DC * cameras, COMPUTED, "14.94 h an officer-month"),
        (
            "naive press figure, to beat: 12 h a day for every camera",
            naive_hours_day * DAYS_A_MONTH,
            UNVERIFIED,
            f"{naive_hours_day:,.0f} h a day: takes every camera as recording a whole shift every day",
        ),
    ]
    return [
        {
            "reading": name,
            "hours_month": hours,
            "inflow_tb_month": hours * GB_PER_HOUR / 1000,
            "times_govqa": hours / (HOURS_GOVQA * cameras) if cameras else None,
            "status": status,
            "source": source,
        }
        for name, hours, status, source in readings
    ]
