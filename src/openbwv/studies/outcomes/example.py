"""Pretend data for `./bwv study outcomes … --example`; nothing in them was measured anywhere."""

from argparse import Namespace

import numpy as np
import pandas as pd

DRAWN = "2018-01-31"


def csv_of(kind: str, *, seed: int) -> str:
    """Return the pretend file of a kind: complaints, pleas or casefile."""
    rng = np.random.default_rng([seed, len(kind)])
    made = {"complaints": _complaints, "pleas": _pleas, "casefile": _case_files}[kind](rng)
    return str(made.to_csv(index=False, date_format="%Y-%m-%d"))


def fill_in(args: Namespace) -> None:
    """Give the options that belong to the pretend data."""
    args.drawn = args.drawn or DRAWN
    if args.years_before is args.years_since is args.years_own is None:
        args.years_before, args.years_since = 600.0, 500.0


def _complaints(rng: np.random.Generator) -> pd.DataFrame:
    many = rng.poisson(240)
    received = pd.Timestamp("2019-01-01") + pd.to_timedelta(np.sort(rng.integers(0, 800, many)), unit="D")
    rows = np.repeat(np.arange(many), 1 + rng.poisson(0.8, many))
    return pd.DataFrame(
        {
            "Incident Type": "Public",
            "Complaint Tracking Number": [f"C-{row:05d}" for row in rows],
            "Date Complaint Received": received[rows],
            "Rule Violation": rng.choice(["Courtesy", "Professionalism", "Use of force"], len(rows)),
            "Unique Officer Allegation ID": [f"A-{row:05d}" for row in range(len(rows))],
        }
    )


def _pleas(rng: np.random.Generator) -> pd.DataFrame:
    many = 1_500
    abuse = rng.random(many) < 0.3
    camera = rng.random(many) < np.where(abuse, 0.7, 0.4)
    hearing = pd.Timestamp(DRAWN) - pd.to_timedelta(rng.integers(-40, 330, many), unit="D")
    early = rng.random(many) < 1 / (1 + np.exp(-(0.1 - 0.9 * abuse + 0.3 * camera)))
    day = hearing + pd.to_timedelta(rng.integers(-20, 0, many), unit="D")
    late = rng.random(many) < 0.4
    plea = pd.Series(day).where(pd.Series(early), pd.Series(hearing + pd.Timedelta(days=60)).where(pd.Series(late)))
    return pd.DataFrame(
        {
            "camera": camera.astype(int),
            "first_hearing": hearing,
            "plea": plea.where(plea <= pd.Timestamp(DRAWN)),
            "domestic_abuse": abuse.astype(int),
            "officer": [f"P{each:03d}" for each in rng.integers(0, 120, many)],
        }
    )


def _case_files(rng: np.random.Generator) -> pd.DataFrame:
    many = 600
    camera = rng.integers(0, 2, many)
    whole = rng.gamma(2.0, np.where(camera == 1, 9.0, 12.0))
    seen = rng.uniform(3, 90, many)
    return pd.DataFrame(
        {
            "camera": camera,
            "days": np.minimum(whole, seen).round(1),
            "complete": np.where(whole <= seen, "yes", "no"),
        }
    )
