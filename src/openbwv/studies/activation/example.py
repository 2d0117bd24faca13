"""Pretend reports for `./bwv activation report --example`: three years, officers with habits, some cells blank."""

import numpy as np
import pandas as pd

from openbwv.studies.activation.pretend import Force, make
from openbwv.studies.activation.summary import csv_text

FORCE = Force(officers=90, days=35)


def reports_csv(*, seed: int) -> str:
    """Return reports of a pretend force as CSV: recorded, officer, incident, date, type, ethnicity, arm."""
    force = make(FORCE, seed=seed)
    rng = np.random.default_rng([seed, 1])
    rows = force.incidents
    happened = force.reasons["reason"].astype(str).isin(["recorded", "started late", "stopped early"])
    recorded = np.where(happened, "yes", "no").astype(object)
    recorded[rng.random(len(rows)) < 0.01] = ""
    arm = {name: ("control", "treated")[int(each)] for name, each in _arms(rows["officer"].cat.categories, rng)}
    table = pd.DataFrame(
        {
            "recorded": recorded,
            "officer": rows["officer"],
            "incident": rows["incident_id"],
            "date": rows["start_utc"] + pd.to_timedelta(_years(rows["incident_id"]) * 365, unit="D"),
            "type": rows["type"],
            "ethnicity": rows["ethnicity"],
            "arm": rows["officer"].map(arm).astype(object),
        }
    )
    table["date"] = table["date"].astype("datetime64[ms, UTC]")
    return csv_text(table)


def _years(incident: pd.Series) -> np.ndarray:
    """Return 0, 1 or 2 for each incident, the same for all who were there: three years from one month."""
    codes, _ = pd.factorize(incident, sort=True)
    return codes % 3


def _arms(officers: pd.Index, rng: np.random.Generator) -> list[tuple[str, int]]:
    return list(zip(officers, rng.permutation(np.arange(len(officers)) % 2).tolist(), strict=True))
