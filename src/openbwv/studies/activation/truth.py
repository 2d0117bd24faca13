"""How often the matcher is right, on a force whose truth is known.

A link is right when it names the incident that the recording was made at. Precision: right links of those made.
Recall: right links of the recordings that have an incident. And what oversight needs most: of the attendances that we
say were not recorded, how many were.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from openbwv.studies.activation.match import TIERS, Matches
from openbwv.studies.activation.rates import wilson

HOME, COVERS = "home", "covers"


@dataclass(frozen=True)
class Score:
    """Counts of links, by tier and in all, and of attendances said to be unrecorded."""

    tiers: list[dict[str, Any]]
    precision: dict[str, Any]
    recall: dict[str, Any]
    unrecorded: dict[str, Any]

    def as_dict(self) -> dict[str, Any]:
        """Return the shape that `--json` prints."""
        return {
            "tiers": self.tiers,
            "precision": self.precision,
            "recall": self.recall,
            "said_unrecorded_but_was_recorded": self.unrecorded,
        }


def score(matches: Matches, truth: pd.DataFrame, attended: pd.DataFrame) -> Score:
    """Compare `matches` with `truth` (recording_id, incident_id, role), and `attended` with what was recorded.

    `role` is `home` for the incident a recording was made at and `covers` for one it runs into. A recording without a
    row was made at no incident.
    """
    home = truth[truth["role"] == HOME]
    true_home = dict(zip(home["recording_id"], home["incident_id"], strict=True))
    named = np.array([*matches.incident_ids, ""], dtype=object)[matches.links.incident]
    true = np.array([true_home.get(each, "") for each in matches.recordings["recording_id"]], dtype=object)
    made, right = named != "", (named != "") & (named == true)
    tiers = [
        {"tier": tier, "meaning": meaning} | _share(int((right & at).sum()), int((made & at).sum()))
        for tier, meaning in TIERS.items()
        for at in [matches.links.tier == tier]
    ]
    officer = dict(zip(matches.recordings["recording_id"], matches.recordings["officer"], strict=True))
    really = {
        (incident, officer.get(recording))
        for recording, incident in zip(truth["recording_id"], truth["incident_id"], strict=True)
        if incident
    }
    silent = attended[~attended["recorded"]]
    wrong = sum(pair in really for pair in zip(silent["incident_id"], silent["officer"], strict=True))
    return Score(
        tiers,
        _share(int(right.sum()), int(made.sum())),
        _share(int(right.sum()), int((true != "").sum())),
        _share(wrong, len(silent)),
    )


def _share(count: int, of: int) -> dict[str, Any]:
    low, high = wilson(count, of)
    return {"count": count, "of": of, "share": count / of if of else None, "low": low, "high": high}
