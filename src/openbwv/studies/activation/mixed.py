"""Incidents that some of the officers present recorded and others did not: where discretion shows most plainly.

Same place, same minute, same subject: what differs is the officer. Only officers who could have recorded count, where
the records say so.
"""

from typing import Any

import numpy as np
import pandas as pd

from openbwv.studies.activation.rates import wilson


def per_incident(incident: pd.Series, officer: pd.Series, recorded: np.ndarray) -> pd.DataFrame:
    """Return one row for each incident: `officers` present, how many `recorded`, `mixed`.

    An officer with several rows for one incident recorded it if any of them says so.
    """
    frame = pd.DataFrame(
        {
            "incident": np.asarray(incident, dtype=object),
            "officer": np.asarray(officer, dtype=object),
            "recorded": np.asarray(recorded, dtype=bool),
        }
    )
    each = frame.groupby(["incident", "officer"], sort=True)["recorded"].max().reset_index()
    found = each.groupby("incident", sort=True)["recorded"].agg(officers="size", recorded="sum")
    found["mixed"] = (found["recorded"] > 0) & (found["recorded"] < found["officers"])
    return found


def conflicting(incident: pd.Series, officer: pd.Series, recorded: np.ndarray) -> int:
    """Return how many officers have rows for one incident that contradict each other."""
    frame = pd.DataFrame({"i": np.asarray(incident, object), "o": np.asarray(officer, object), "r": recorded})
    return int((frame.groupby(["i", "o"])["r"].nunique() > 1).sum())


def summary(found: pd.DataFrame) -> dict[str, Any]:
    """Return how many incidents had several officers, and how many of those are mixed, with Wilson's interval."""
    several = found[found["officers"] > 1]
    mixed, of = int(several["mixed"].sum()), len(several)
    low, high = wilson(mixed, of)
    return {
        "incidents": len(found),
        "with_several_officers": of,
        "all_recorded": int((several["recorded"] == several["officers"]).sum()),
        "none_recorded": int((several["recorded"] == 0).sum()),
        "mixed": mixed,
        "share": mixed / of if of else None,
        "low": low,
        "high": high,
    }
