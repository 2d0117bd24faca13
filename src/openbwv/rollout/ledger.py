"""The saving side of the ledger: what cameras may save, each line with its source, status and design label.

No line is counted without a figure, and a figure that no trial stands behind says so. Amounts in another currency stay
in it. A saving of time is not a saving of money until somebody's time is used otherwise.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from openbwv.rollout.facts import BEFORE_AFTER, LABELS, QUASI, RANDOMISED, SOURCED, STATUSES, UNVERIFIED

COMPLAINT_CASES_YEAR = 6_828
HOURS_WITHOUT, HOURS_WITH = 91.0, 7.0
USD_WITHOUT, USD_WITH = 6_776.0, 554.0


@dataclass(frozen=True)
class Saving:
    """One line: what is saved a case (None: no figure), in which unit, and how the two groups came about."""

    name: str
    per_case: float | None
    unit: str
    label: str
    status: str
    source: str
    reading: str

    def __post_init__(self) -> None:
        if self.label not in LABELS or self.status not in STATUSES:
            raise ValueError(f"a saving needs a design label of {LABELS} and a status of {STATUSES}")


LEDGER = (
    Saving(
        "complaint investigation, time",
        HOURS_WITHOUT - HOURS_WITH,
        "hours a complaint",
        QUASI,
        SOURCED,
        "Las Vegas summary (2017): 7 h with video, 91 h without",
        "Complaints with and without video were compared; chance did not decide which had video, and harder cases may "
        "lack it. Read it as an upper figure.",
    ),
    Saving(
        "complaint investigation, cost",
        USD_WITHOUT - USD_WITH,
        "USD a complaint",
        QUASI,
        SOURCED,
        "Las Vegas summary (2017): 554 USD with video, 6,776 USD without",
        "The same comparison in money; do not add it to the hours.",
    ),
    Saving(
        "time to compile evidence and reports",
        0.22,
        "share of the time for incident reports",
        BEFORE_AFTER,
        UNVERIFIED,
        "Flanagan review of policing (2008) as reported in the trade press: 22 per cent, 50 minutes a shift",
        "From a pilot without a control group; the review itself was not read.",
    ),
    Saving(
        "early guilty pleas, domestic abuse",
        None,
        "pleas brought forward",
        RANDOMISED,
        SOURCED,
        "Essex trial, College of Policing (2014): too few cases to identify an impact on guilty pleas",
        "A British randomised trial that could not tell; it did find more criminal charges among detections.",
    ),
    Saving(
        "early guilty pleas, all courts",
        None,
        "pleas brought forward",
        QUASI,
        SOURCED,
        "meta-analysis of 12 studies (2023), doi 10.1080/07418825.2023.2181855",
        "No overall effect in court; large for domestic violence, but mostly quasi-experimental.",
    ),
)


def ledger(
    *, share_with_video: float, cases_year: int = COMPLAINT_CASES_YEAR, own: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return the lines, and the hours a year that the complaint line comes to.

    `share_with_video` is the share of complaints for which there is footage: an assumption. `own` holds volumes for
    other lines: name -> cases a year. Raises ValueError for a share outside [0, 1].
    """
    if not 0 <= share_with_video <= 1 or cases_year < 0:
        raise ValueError("the share with video lies between 0 and 1")
    volumes = {
        "complaint investigation, time": cases_year * share_with_video,
        "complaint investigation, cost": cases_year * share_with_video,
        **(own or {}),
    }
    rows = []
    for line in LEDGER:
        cases = volumes.get(line.name)
        total = cases * line.per_case if cases is not None and line.per_case is not None else None
        rows.append({**asdict(line), "cases_year": cases, "saved_year": total})
    return {
        "lines": rows,
        "complaint_cases_year": cases_year,
        "complaint_cases_source": "Met 2014-15, Evening Standard 7 Oct 2015 (sourced)",
        "share_with_video": share_with_video,
        "share_status": "assumption",
        "note": "Nothing here is money in hand, and lines are not added up: their designs differ.",
    }
