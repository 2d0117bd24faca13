"""How much the control units of a trial were recorded after all.

A control officer's incident may be recorded by the officer (who borrowed a camera) or by a colleague with one. Either
way the comparison of arms no longer compares cameras with none: the contrast shrinks, in both arms at once.
"""

from typing import Any

import numpy as np
import pandas as pd

from openbwv.studies.activation.rates import wilson
from openbwv.studies.activation.suppress import THRESHOLD, is_small

MEANINGS = {
    "own": "attendances of control officers that they recorded themselves",
    "partner": "attendances of control officers that somebody else present recorded",
    "either": "attendances of control officers with any recording",
    "officers": "control officers with at least one recording of their own",
}


def exposure(
    incident: pd.Series, officer: pd.Series, recorded: np.ndarray, treated: np.ndarray, *, threshold: int = THRESHOLD
) -> list[dict[str, Any]]:
    """Return the exposure of control officers; `treated` is 1 for rows of the camera arm, 0 for control.

    Each share has a Wilson interval; rows whose count is small are suppressed.
    """
    frame = pd.DataFrame(
        {
            "incident": np.asarray(incident, dtype=object),
            "officer": np.asarray(officer, dtype=object),
            "recorded": np.asarray(recorded, dtype=bool),
            "treated": np.asarray(treated, dtype=bool),
        }
    )
    each = frame.groupby(["incident", "officer"], sort=True)[["recorded", "treated"]].max().reset_index()
    there = each.groupby("incident")["recorded"].transform("sum")
    each["partner"] = (there - each["recorded"]) > 0
    control = each[~each["treated"]]
    officers = control.groupby("officer")["recorded"].max()
    counts = {
        "own": (int(control["recorded"].sum()), len(control)),
        "partner": (int(control["partner"].sum()), len(control)),
        "either": (int((control["recorded"] | control["partner"]).sum()), len(control)),
        "officers": (int(officers.sum()), len(officers)),
    }
    rows = []
    for name, (count, of) in counts.items():
        low, high = wilson(count, of)
        given = {"count": count, "of": of, "share": count / of if of else None, "low": low, "high": high}
        if is_small(np.array([count, of - count, of]), threshold=threshold).any():
            given = dict.fromkeys(given)
        rows.append({"exposure": name, "meaning": MEANINGS[name]} | given)
    return rows
