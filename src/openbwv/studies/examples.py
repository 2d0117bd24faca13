"""Pretend trials, made from a seed, one for each design: what a file must look like, and something to try things on.

The effects below were put in on purpose, so an analysis can be held against them. No real officer is in them.
"""

import io

import numpy as np
import pandas as pd

from openbwv.studies.setup import Design, Setup

TRUE_IRR = 0.7
TRUE_DIFFERENCE = -1.5


def example_setup(design: Design) -> Setup:
    """Return the columns of the example of a design."""
    columns: dict[Design, dict] = {
        Design.PAIRS: {
            "assigned": "camera",
            "block": "pair",
            "baseline": "force_before",
            "compliance": "videos",
            "covariates": ("years_served",),
            "unit": "officer",
            "window_days": 182.0,
        },
        Design.SHIFTS: {"assigned": "camera", "exposure": "hours", "block": "week", "unit": "officer"},
        Design.CLUSTERS: {
            "assigned": "camera",
            "cluster": "team",
            "exposure": "officer_years",
            "baseline": "force_before",
        },
        Design.STAGGERED: {"unit": "borough", "time": "month", "first": "first_month"},
        Design.BEFORE_AFTER: {"baseline": "force_before"},
    }
    return Setup(design=design, outcome="force", **columns[design])


def example_csv(design: Design, *, seed: int = 1) -> bytes:
    """Return the example's CSV file."""
    rng = np.random.default_rng(seed)
    made = {
        Design.PAIRS: _pairs,
        Design.SHIFTS: _shifts,
        Design.CLUSTERS: _clusters,
        Design.STAGGERED: _staggered,
        Design.BEFORE_AFTER: _before_after,
    }[design](rng)
    return _csv(made)


def _csv(frame: pd.DataFrame) -> bytes:
    out = io.StringIO()
    frame.to_csv(out, index=False, lineterminator="\n")
    return out.getvalue().encode()


def _pairs(rng: np.random.Generator, pairs: int = 150) -> pd.DataFrame:
    officers = 2 * pairs
    busy = np.repeat(rng.gamma(2.0, 0.6, pairs), 2) * rng.gamma(4.0, 0.25, officers)
    camera = np.column_stack([first := rng.integers(2, size=pairs), 1 - first]).ravel()
    frame = pd.DataFrame(
        {
            "officer": [f"P{number:04d}" for number in range(1, officers + 1)],
            "pair": np.repeat(np.arange(1, pairs + 1), 2),
            "camera": camera,
            "years_served": np.round(rng.gamma(3.0, 4.0, officers), 1),
            "force_before": rng.poisson(busy),
            "force": rng.poisson(busy * np.where(camera == 1, TRUE_IRR, 1.0)),
            "videos": np.where(camera == 1, rng.negative_binomial(2, 0.005, officers), 0),
        }
    )
    frame.loc[(frame["camera"] == 1) & (rng.random(officers) < 0.04), "videos"] = 0
    frame.loc[(frame["camera"] == 0) & (rng.random(officers) < 0.06), "videos"] = 3
    return frame.drop(index=[5]).reset_index(drop=True)  # one officer left the force: a singleton


def _shifts(rng: np.random.Generator, weeks: int = 50, per_week: int = 18) -> pd.DataFrame:
    shifts = weeks * per_week
    camera = np.concatenate([rng.permutation(np.arange(per_week) % 2) for _ in range(weeks)])
    hours = np.round(rng.normal(12.0, 0.5, shifts), 2)
    return pd.DataFrame(
        {
            "shift": np.arange(1, shifts + 1),
            "week": np.repeat(np.arange(1, weeks + 1), per_week),
            "officer": [f"P{number:03d}" for number in rng.integers(1, 55, shifts)],
            "camera": camera,
            "hours": hours,
            "force": rng.poisson(0.004 * hours * np.where(camera == 1, TRUE_IRR, 1.0)),
        }
    )


def _clusters(rng: np.random.Generator, teams: int = 48) -> pd.DataFrame:
    sizes = rng.integers(30, 55, teams)
    camera = rng.permutation(np.arange(teams) < 19).astype(int)
    level = rng.gamma(20.0, 1 / 20.0, teams)
    rows = []
    for team, size in enumerate(sizes):
        years = np.round(rng.uniform(0.5, 1.0, size), 3)
        mean = 0.6 * level[team] * rng.gamma(2.0, 0.5, size)
        effect = TRUE_IRR if camera[team] else 1.0
        rows.append(
            pd.DataFrame(
                {
                    "team": f"T{team + 1:02d}",
                    "camera": camera[team],
                    "officer_years": years,
                    "force_before": rng.poisson(mean * years),
                    "force": rng.poisson(mean * years * effect),
                }
            )
        )
    return pd.concat(rows, ignore_index=True)


def _staggered(rng: np.random.Generator, boroughs: int = 32, months: int = 14) -> pd.DataFrame:
    first = rng.permutation(np.repeat(np.arange(4, 12), boroughs // 8))
    level = rng.normal(20.0, 4.0, boroughs)
    rows = [
        {
            "borough": f"B{unit + 1:02d}",
            "month": month,
            "first_month": int(first[unit]),
            "force": int(rng.poisson(max(1.0, level[unit] + 0.2 * month + TRUE_DIFFERENCE * (month >= first[unit])))),
        }
        for unit in range(boroughs)
        for month in range(1, months + 1)
    ]
    return pd.DataFrame(rows)


def _before_after(rng: np.random.Generator, stations: int = 12) -> pd.DataFrame:
    before = rng.poisson(20.0, stations)
    return pd.DataFrame(
        {
            "station": [f"S{number:02d}" for number in range(1, stations + 1)],
            "force_before": before,
            "force": rng.poisson(20.0 * 0.6, stations),
        }
    )


def example_units(*, seed: int = 1, units: int = 40) -> bytes:
    """Return a list of officers to draw from: id, station, years served, force before."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "officer": [f"P{number:04d}" for number in range(1, units + 1)],
            "station": [f"S{number}" for number in rng.integers(1, 5, units)],
            "years_served": np.round(rng.gamma(3.0, 4.0, units), 1),
            "force_before": rng.negative_binomial(1.5, 0.4, units),
        }
    )
    return _csv(frame)


EXAMPLE_PREREGISTRATION = {
    "title": "Cameras and use of force, a pretend trial",
    "design": "pairs",
    "outcomes": [{"name": "force", "family": "main", "kind": "count", "model": "poisson-clustered", "primary": True}],
    "columns": {
        "assigned": "camera",
        "block": "pair",
        "baseline": "force_before",
        "compliance": "videos",
        "covariates": ["years_served"],
        "unit": "officer",
    },
    "window_days": 182.0,
    "alpha": 0.05,
    "draws": 5000,
    "seed": 1,
    "exclusions": ["no value in 'force'"],
    "note": "Intention to treat; officers stay in the arm they were drawn into.",
}
