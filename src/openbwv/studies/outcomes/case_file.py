"""Time to the case file: how long until the file is complete, when many files are not complete yet.

A mean over the finished ones would be too short, and shorter the newer the cases are. The Kaplan-Meier estimate uses
the open ones for as long as they have been open; the restricted mean is the area below it up to a day that both groups
reach (Royston and Parmar 2013).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats
from statsmodels.duration.survfunc import SurvfuncRight, survdiff

from openbwv.studies.errors import CannotAnalyse
from openbwv.studies.labels import DesignLabel
from openbwv.studies.outcomes.effect import Effect

OUTCOME = "days to the case file"


@dataclass(frozen=True)
class CaseFiles:
    """Curves by group (days, share still open), restricted means, and their difference with its label."""

    curves: dict[int, list[dict[str, float]]]
    means: list[dict[str, Any]]
    effect: Effect
    horizon_days: float

    def as_dict(self) -> dict[str, Any]:
        """Return the shape that `--json` prints."""
        return {
            "curves": self.curves,
            "means": self.means,
            "effect": self.effect.as_dict(),
            "horizon_days": self.horizon_days,
        }


def time_to_case_file(
    days: np.ndarray,
    complete: np.ndarray,
    camera: np.ndarray,
    *,
    horizon_days: float | None = None,
    label: DesignLabel = DesignLabel.QUASI,
) -> CaseFiles:
    """Compare groups in `days` from arrest to the complete file; `complete` 0 where it is still open after `days`.

    The horizon is the shorter of the groups' longest times, or less when `horizon_days` says so. Raises CannotAnalyse
    for negative or missing days and for a group without a complete file.
    """
    days, complete, camera = (np.asarray(each, dtype=float) for each in (days, complete, camera))
    if not np.isfinite(days).all() or (days < 0).any():
        raise CannotAnalyse(what="A time is missing or negative.", remedy="Leave such cases out and say so.")
    groups = {int(group): camera == group for group in (0, 1)}
    for group, inside in groups.items():
        if not complete[inside].sum():
            what = f"No case {'with' if group else 'without'} footage has a complete file."
            raise CannotAnalyse(what=what, remedy="Draw the data later.")
    longest = min(float(days[inside].max()) for inside in groups.values())
    horizon = longest if horizon_days is None else min(longest, horizon_days)
    note = "" if horizon_days is None or horizon == horizon_days else f"horizon cut to {horizon:g} days: no data beyond"
    curves, means = {}, []
    for group, inside in groups.items():
        curve = SurvfuncRight(days[inside], complete[inside].astype(int))
        mean, se = restricted_mean(curve, horizon)
        curves[group] = [
            {"day": float(day), "open": float(share)}
            for day, share in zip(curve.surv_times, curve.surv_prob, strict=True)
        ]
        means.append(
            {
                "camera": group,
                "n": int(inside.sum()),
                "complete": int(complete[inside].sum()),
                "open": int((complete[inside] == 0).sum()),
                "median_days": _median(curve),
                "restricted_mean_days": mean,
                "se": se,
            }
        )
    gap = means[1]["restricted_mean_days"] - means[0]["restricted_mean_days"]
    se = float(np.hypot(means[0]["se"], means[1]["se"]))
    width = stats.norm.ppf(0.975) * se
    _, p = survdiff(days, complete.astype(int), camera)
    effect = Effect(
        outcome=OUTCOME,
        model="difference of restricted means (Kaplan-Meier)",
        measure=f"days, up to day {horizon:g}",
        label=label,
        value=gap,
        low=gap - width,
        high=gap + width,
        p=p,
        note="; ".join(each for each in (note, "p of the log-rank test") if each),
    )
    return CaseFiles(curves, means, effect, horizon)


def restricted_mean(curve: SurvfuncRight, horizon: float) -> tuple[float, float]:
    """Return the area below the curve up to `horizon`, and its standard error (Greenwood's sum)."""
    inside = curve.surv_times < horizon
    times = np.concatenate([[0.0], curve.surv_times[inside], [horizon]])
    level = np.concatenate([[1.0], curve.surv_prob[inside]])
    steps = level * np.diff(times)
    left = steps.sum() - np.cumsum(steps)[:-1]  # area from each event to the horizon
    events, risk = curve.n_events[inside], curve.n_risk[inside]
    last = risk > events  # where nobody is left the area beyond is zero
    terms = left[last] ** 2 * events[last] / (risk[last] * (risk[last] - events[last]))
    return float(steps.sum()), float(np.sqrt(terms.sum()))


def _median(curve: SurvfuncRight) -> float | None:
    below = np.flatnonzero(curve.surv_prob <= 0.5)
    return float(curve.surv_times[below[0]]) if len(below) else None
