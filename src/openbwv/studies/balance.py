"""Were the arms alike, and did the control arm stay without cameras?

Balance is shown by standardised differences, not by tests: after randomisation every difference is chance, and the
question is how large it is. Contamination is a fact about the trial, not about its analysis.
"""

from typing import Any

import numpy as np
import pandas as pd

from openbwv.studies.intervals import wald_ratio, wilson
from openbwv.studies.labels import DesignLabel
from openbwv.studies.setup import Design
from openbwv.studies.trial import Trial


def standardised_difference(values: np.ndarray, treated: np.ndarray) -> float | None:
    """Return the difference of means over the pooled standard deviation; None where nothing varies."""
    one, none = values[treated == 1], values[treated == 0]
    if len(one) < 2 or len(none) < 2:
        return None
    spread = np.sqrt((one.var(ddof=1) + none.var(ddof=1)) / 2)
    return float((one.mean() - none.mean()) / spread) if spread > 0 else None


def balance(trial: Trial) -> list[dict[str, Any]]:
    """Return one row for rows, randomised units, exposure, baseline and each covariate."""
    columns: dict[str, np.ndarray] = {"exposure": trial.exposure}
    if trial.baseline is not None:
        columns[str(trial.setup.baseline)] = trial.baseline
    rows = []
    for name, values in (columns | trial.covariates).items():
        known = np.isfinite(values)
        arms = {arm: values[known & (trial.treated == arm)] for arm in (1, 0)}
        rows.append(
            {
                "name": name,
                "n_treated": len(arms[1]),
                "n_control": len(arms[0]),
                "mean_treated": float(arms[1].mean()) if len(arms[1]) else None,
                "mean_control": float(arms[0].mean()) if len(arms[0]) else None,
                "smd": standardised_difference(values[known], trial.treated[known]),
                "missing": int((~known).sum()),
            }
        )
    return rows


def contamination(trial: Trial) -> dict[str, Any] | None:
    """Return what is known of cameras that reached the control arm; None when the data say nothing about it."""
    found: dict[str, Any] = {}
    if trial.compliance is not None:
        found |= _use(trial)
    if trial.together is not None:
        found |= _neighbours(trial)
    if trial.setup.design is Design.SHIFTS and trial.unit is not None:
        frame = pd.DataFrame({"unit": trial.unit, "treated": trial.treated})
        arms = frame[frame["unit"] != ""].groupby("unit")["treated"].nunique()
        found |= {"units_in_both_arms": int((arms == 2).sum()), "units": len(arms)}
    before_after = control_before_after(trial)
    if before_after is not None:
        found["control_before_after"] = before_after
    return found or None


def _use(trial: Trial) -> dict[str, Any]:
    values = trial.compliance if trial.compliance is not None else np.array([])
    known = np.isfinite(values)
    control, treated = known & (trial.treated == 0), known & (trial.treated == 1)
    any_control = int((values[control] > 0).sum())
    share = wilson(any_control, int(control.sum()), alpha=trial.setup.alpha)
    return {
        "control_n": int(control.sum()),
        "control_with_any": any_control,
        "control_share": _number(share.value),
        "control_share_low": _number(share.low),
        "control_share_high": _number(share.high),
        "control_total": float(values[control].sum()),
        "treated_n": int(treated.sum()),
        "treated_with_none": int((values[treated] == 0).sum()),
        "treated_total": float(values[treated].sum()),
        "unknown": int((~known).sum()),
    }


def _neighbours(trial: Trial) -> dict[str, Any]:
    frame = pd.DataFrame({"group": trial.together, "treated": trial.treated, "exposure": trial.exposure})
    named = frame[frame["group"] != ""].copy()
    named["with_camera"] = named.groupby("group")["treated"].transform("max")
    control = named[named["treated"] == 0]
    beside = control[control["with_camera"] == 1]
    total = float(control["exposure"].sum())
    return {
        "control_beside_a_camera": len(beside),
        "control_exposure_beside_a_camera": float(beside["exposure"].sum() / total) if total else None,
    }


def control_before_after(trial: Trial) -> dict[str, Any] | None:
    """Return the control arm's own change since the baseline, labelled as what it is."""
    if trial.baseline is None:
        return None
    here = (trial.treated == 0) & np.isfinite(trial.baseline)
    span = trial.exposure if trial.baseline_exposure is None else trial.baseline_exposure
    here &= np.isfinite(span) & (span > 0)
    if not here.any():
        return None
    counts = trial.outcome[here].sum(), trial.exposure[here].sum(), trial.baseline[here].sum(), span[here].sum()
    if counts[2] <= 0 or not trial.is_count:
        return None
    ratio = wald_ratio(*map(float, counts), alpha=trial.setup.alpha)
    return {
        "irr": _number(ratio.value),
        "low": _number(ratio.low),
        "high": _number(ratio.high),
        "events_after": float(counts[0]),
        "events_before": float(counts[2]),
        "label": DesignLabel.BEFORE_AFTER.value,
    }


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
