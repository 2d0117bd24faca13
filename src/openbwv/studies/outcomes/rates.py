"""Counts over exposure: complaints, use of force, stop and search, arrests, by group."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from openbwv.studies.errors import BadStudyOption

OUTCOMES = ("complaint_cases", "complaint_allegations", "use_of_force", "stop_and_search", "arrests")


def rate(events: float, exposure: float, *, level: float = 0.95) -> dict[str, float | None]:
    """Return events per unit of exposure with the exact Poisson interval (Garwood 1936).

    Raises BadStudyOption for an exposure that is not above zero and for a negative count.
    """
    if not exposure > 0 or events < 0:
        what = f"{events:g} events over an exposure of {exposure:g} give no rate."
        raise BadStudyOption(what=what, remedy="Exposure must be above zero, counts not below.")
    tail = (1 - level) / 2
    low = stats.chi2.ppf(tail, 2 * events) / 2 if events else 0.0
    high = stats.chi2.ppf(1 - tail, 2 * (events + 1)) / 2
    return {
        "events": float(events),
        "exposure": float(exposure),
        "rate": events / exposure,
        "low": float(low / exposure),
        "high": float(high / exposure),
    }


def by_group(
    frame: pd.DataFrame,
    outcomes: Sequence[str],
    *,
    exposure: str,
    group: str,
    meanings: Mapping[str, str] | None = None,
) -> list[dict[str, Any]]:
    """Return the rate of each outcome in each group: one row for each pair, groups in order.

    Every outcome is a count and a rate of its own; nothing is added up over outcomes.
    """
    if np.isnan(frame[[*outcomes, exposure]].to_numpy(float)).any():
        raise BadStudyOption(what="A count or an exposure is missing.", remedy="Leave such rows out and say so.")
    names = meanings or {}
    sums = frame.groupby(group, sort=True, observed=True)[[*outcomes, exposure]].sum()
    return [
        {"outcome": names.get(outcome, outcome), "group": str(key)} | rate(row[outcome], row[exposure])
        for outcome in outcomes
        for key, row in sums.iterrows()
    ]
