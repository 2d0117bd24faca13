"""How much footage a camera brings home after a shift: most bring little, a few bring a great deal.

Officers differ by a gamma law and one officer's shifts by a Poisson law around it, so counts over a period are negative
binomial. The gamma's shape comes from the public data of the Washington DC trial: in 212 days 134 officers made 498
videos each on average, with a variance 249 times the mean. A plan by the mean is a plan for nobody.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from openbwv.rollout.facts import ASSUMPTION, COMPUTED, GIVEN, Fact

DC_VIDEOS_YEAR = 858.0
DC_DAYS = 212
DC_MEAN = DC_VIDEOS_YEAR * DC_DAYS / 365.25
DC_VARIANCE_OVER_MEAN = 249.0
GAMMA_SHAPE = DC_MEAN / (DC_VARIANCE_OVER_MEAN - 1)  # NB: variance/mean = 1 + mean/shape
MINUTES_A_VIDEO, MINUTES_SD = 12.53, 8.0
DAYS_A_MONTH = 365.25 / 12


@dataclass(frozen=True)
class Usage:
    """Mean hours a camera records in a month, size of an hour, and how the shifts lie.

    `shift_ends` are hours of the day; `shift_shares` say how the cameras divide among the shifts.
    """

    hours_month: float = 7.0
    gb_per_hour: float = 20 / 7
    gamma_shape: float = GAMMA_SHAPE
    minutes_a_video: float = MINUTES_A_VIDEO
    minutes_sd: float = MINUTES_SD
    days_worked_share: float = 0.55
    shift_ends: tuple[float, ...] = (15.0, 23.0, 31.0)
    shift_shares: tuple[float, ...] = (0.4, 0.4, 0.2)
    shift_hours: float = 9.0
    late_minutes: float = 20.0


@dataclass(frozen=True)
class Docking:
    """One camera put into a dock: when its shift began, when it came (both s from the start), what it brought."""

    camera: int
    shift_began_s: float
    came_s: float
    bytes_brought: int


def heavy_users(*, cameras: int, shape: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return each officer's factor around 1."""
    return rng.gamma(shape, 1 / shape, cameras)


def dockings(*, usage: Usage, cameras: int, days: int, rng: np.random.Generator) -> list[Docking]:
    """Return every docking of `days` days in order of time. Each camera keeps its shift and its officer throughout."""
    factor = heavy_users(cameras=cameras, shape=usage.gamma_shape, rng=rng)
    shift = rng.choice(len(usage.shift_ends), size=cameras, p=np.array(usage.shift_shares))
    videos_a_shift = usage.hours_month * 60 / usage.minutes_a_video / (DAYS_A_MONTH * usage.days_worked_share)
    size_shape = (usage.minutes_a_video / usage.minutes_sd) ** 2
    found = []
    for day in range(days):
        works = rng.random(cameras) < usage.days_worked_share
        counts = rng.poisson(factor * videos_a_shift)
        minutes = np.where(
            counts > 0, rng.gamma(np.maximum(counts, 1) * size_shape, usage.minutes_a_video / size_shape), 0
        )
        late = rng.gamma(2.0, usage.late_minutes / 2, cameras)
        for camera in np.flatnonzero(works):
            end_s = (day * 24 + usage.shift_ends[shift[camera]]) * 3600
            size = int(minutes[camera] / 60 * usage.gb_per_hour * 1e9)
            came = float(end_s + late[camera] * 60)
            found.append(Docking(int(camera), end_s - usage.shift_hours * 3600, came, size))
    return sorted(found, key=lambda each: (each.came_s, each.camera))


def usage_facts(usage: Usage) -> list[Fact]:
    """Return what `usage` rests on."""
    dc = "computed from the public officer-level data of the Washington DC trial, one district"
    return [
        Fact("hours recorded by a camera", usage.hours_month, "h a month, mean", GIVEN, "7 GovQA/Veritone; 14.94 DC"),
        Fact("size of footage", usage.gb_per_hour, "GB an hour", GIVEN, "the camera's setting; 20 GB / 7 h is GovQA"),
        Fact("heavy users: shape of the gamma law", usage.gamma_shape, "", COMPUTED, f"variance/mean 249; {dc}"),
        Fact("length of a video", usage.minutes_a_video, "min, mean by volume", COMPUTED, dc),
        Fact("spread of a video's length", usage.minutes_sd, "min, sd", ASSUMPTION, "within one officer"),
        Fact("days worked", usage.days_worked_share, "share of days", ASSUMPTION, "rest days, leave, sickness"),
        Fact("shifts end", ", ".join(f"{h % 24:g}:00" for h in usage.shift_ends), "", ASSUMPTION, "three shifts"),
        Fact("cameras by shift", ", ".join(f"{s:g}" for s in usage.shift_shares), "share", ASSUMPTION, "three shifts"),
        Fact("docked after the shift's end", usage.late_minutes, "min, mean", ASSUMPTION, "gamma, shape 2"),
    ]
