"""Shares with Wilson intervals: by year, hour, place, type, or subject ethnicity. Small counts are not printed."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from statsmodels.stats.proportion import proportion_confint

from openbwv.studies.activation.suppress import THRESHOLD, hide

BLANK = "(blank)"
COUNTS = ("n", "recorded", "not_recorded")
SHOWN = (*COUNTS, "share", "low", "high")


def wilson(count: int, of: int, *, level: float = 0.95) -> tuple[float | None, float | None]:
    """Return Wilson's interval for a share (Wilson 1927); none of nothing."""
    if not of:
        return None, None
    low, high = proportion_confint(count, of, alpha=1 - level, method="wilson")
    return float(low), float(high)


def row(key: Any, n: int, recorded: int) -> dict[str, Any]:
    """Return one row of a table of shares."""
    low, high = wilson(recorded, n)
    return {
        "key": key,
        "n": n,
        "recorded": recorded,
        "not_recorded": n - recorded,
        "share": recorded / n if n else None,
        "low": low,
        "high": high,
        "suppressed": "",
    }


def by(keys: Sequence[Any] | pd.Series, recorded: np.ndarray, *, threshold: int = THRESHOLD) -> list[dict[str, Any]]:
    """Return shares by key, in the order of the keys, with small counts and those that would betray them left out."""
    codes, names = pd.factorize(np.asarray(keys, dtype=object))  # -1: not known
    blank = np.array([name == "" for name in names] + [True])
    codes = np.where(blank[codes], len(names), codes)
    size = np.bincount(codes, minlength=len(names) + 1)
    yes = np.bincount(codes, weights=np.asarray(recorded, dtype=float), minlength=len(names) + 1).astype(int)
    named = [BLANK if blank[place] else names[place] for place in range(len(blank))]
    order = sorted(np.flatnonzero(size), key=lambda place: (isinstance(named[place], str), named[place]))
    return suppressed([row(named[at], int(size[at]), int(yes[at])) for at in order], threshold=threshold)


def suppressed(rows: list[dict[str, Any]], *, threshold: int = THRESHOLD) -> list[dict[str, Any]]:
    """Return the rows with the numbers of those that must not be printed taken out and the reason put in."""
    counts = np.array([[each[name] for name in COUNTS] for each in rows], dtype=np.int64).reshape(-1, len(COUNTS))
    small, also = hide(counts, threshold=threshold)
    out = []
    for place, each in enumerate(rows):
        why = f"a count below {threshold}" if small[place] else "would betray a suppressed row" if also[place] else ""
        out.append(each | (dict.fromkeys(SHOWN) | {"suppressed": why} if why else {}))
    return out
