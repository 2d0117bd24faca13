"""Differences of means: plain, within blocks with the baseline, of changes, and of compliers.

Standard errors are HC2 (MacKinnon & White 1985, the one Neyman's variance equals) on the randomised unit, or clustered
on it. An outcome with an exposure is a rate per unit of exposure in each row.
"""

from dataclasses import dataclass
from math import inf, nan

import numpy as np
import pandas as pd

from openbwv.studies.estimates import Estimand, Estimate, Model
from openbwv.studies.intervals import Interval, around, small_sample_df
from openbwv.studies.trial import Trial

FULL_LEVERAGE = 1 - 1e-9


@dataclass(frozen=True)
class Line:
    """A least-squares fit: coefficients, their covariance, degrees of freedom."""

    slopes: np.ndarray
    covariance: np.ndarray
    df: float


def least_squares_hc2(y: np.ndarray, x: np.ndarray, *, block: np.ndarray | None = None) -> Line:
    """Fit y on the columns of x, with a constant for each block (one for all without), HC2 covariance.

    Blocks are taken out by centring (Frisch-Waugh-Lovell), which gives the numbers of one dummy a block; a row that
    its block explains wholly (a lone one) has leverage 1 and adds nothing.
    """
    group = np.zeros(len(y), dtype=int) if block is None else pd.factorize(block)[0]
    size = np.bincount(group)[group]
    centred_y, centred_x = y - _means(y, group), np.column_stack([column - _means(column, group) for column in x.T])
    gram = np.linalg.pinv(centred_x.T @ centred_x)
    slopes = gram @ centred_x.T @ centred_y
    residual = centred_y - centred_x @ slopes
    leverage = 1 / size + np.einsum("ij,jk,ik->i", centred_x, gram, centred_x)
    room = np.where(leverage < FULL_LEVERAGE, 1 - leverage, inf)
    meat = centred_x.T @ (centred_x * (residual**2 / room)[:, None])
    df = len(y) - len(np.unique(group)) - x.shape[1]
    return Line(slopes, gram @ meat @ gram, float(df))


def least_squares_clustered(y: np.ndarray, x: np.ndarray, cluster: np.ndarray) -> Line:
    """Fit y on a constant and the columns of x; covariance clustered with Stata's factor G/(G-1) * (N-1)/(N-K)."""
    full = np.column_stack([np.ones(len(y)), x])
    gram = np.linalg.pinv(full.T @ full)
    slopes = gram @ full.T @ y
    scores = full * (y - full @ slopes)[:, None]
    codes = pd.factorize(cluster)[0]
    sums = np.column_stack([np.bincount(codes, weights=column) for column in scores.T])
    groups, rows, terms = len(sums), len(y), full.shape[1]
    factor = groups / max(groups - 1, 1) * (rows - 1) / max(rows - terms, 1)
    covariance = factor * gram @ (sums.T @ sums) @ gram
    return Line(slopes[1:], covariance[1:, 1:], small_sample_df(groups, 1))


def _means(values: np.ndarray, group: np.ndarray) -> np.ndarray:
    return (np.bincount(group, weights=values) / np.bincount(group))[group]


def rates(trial: Trial) -> np.ndarray:
    """Return each row's outcome per unit of exposure."""
    return trial.outcome / trial.exposure


def make(trial: Trial, model: Model, inside: Interval, **more: object) -> Estimate:
    """Return a difference of this trial."""
    options: dict = {"estimand": Estimand.ITT, "clustered": trial.clustered} | more
    return Estimate(
        model=model,
        label=trial.setup.label,
        measure="difference",
        value=inside.value,
        low=inside.low,
        high=inside.high,
        p=inside.p,
        se=inside.se,
        **options,
    )


def from_line(line: Line, alpha: float) -> Interval:
    """Return the interval of the first slope."""
    return around(float(line.slopes[0]), float(np.sqrt(max(line.covariance[0, 0], 0))), alpha=alpha, df=line.df)


def difference(trial: Trial) -> Estimate:
    """Return the difference of means with HC2; of cluster means where whole clusters were drawn."""
    y, arm, model = rates(trial), trial.treated, Model.MEANS_HC2
    if _drawn_whole(trial):
        frame = pd.DataFrame({"g": trial.cluster, "y": trial.outcome, "e": trial.exposure, "t": trial.treated})
        grouped = frame.groupby("g").agg({"y": "sum", "e": "sum", "t": "first"})
        y, arm, model = (grouped["y"] / grouped["e"]).to_numpy(), grouped["t"].to_numpy(), Model.CLUSTER_MEANS_HC2
    if min((arm == 1).sum(), (arm == 0).sum()) < 2:
        inside = Interval(float(y[arm == 1].mean() - y[arm == 0].mean()))
        return make(trial, model, inside, converged=False, note="an arm has one unit only: no interval")
    inside = from_line(least_squares_hc2(y, arm[:, None].astype(float)), trial.setup.alpha)
    note = "each cluster counts once" if model is Model.CLUSTER_MEANS_HC2 else ""
    return make(trial, model, inside, note=note or ("no variation within the arms" if np.isnan(inside.se) else ""))


def _drawn_whole(trial: Trial) -> bool:
    if not trial.clustered:
        return False
    mean = pd.Series(trial.treated).groupby(trial.cluster).nunique()
    return bool((mean == 1).all())


def within_blocks(trial: Trial) -> Estimate | None:
    """Return the difference within blocks, given the baseline, with HC2; None without blocks or where cluster-drawn."""
    if trial.block is None or _drawn_whole(trial):
        return None
    use = np.ones(trial.n, dtype=bool) if trial.baseline is None else np.isfinite(trial.baseline)
    columns = [trial.treated[use].astype(float)]
    if trial.baseline is not None:
        columns.append(trial.baseline[use])
    line = least_squares_hc2(rates(trial)[use], np.column_stack(columns), block=trial.block[use])
    if line.df < 1:
        note = "as many blocks as rows: no interval"
        return make(trial, Model.BLOCK_OLS_HC2, Interval(float(line.slopes[0])), converged=False, note=note)
    gone = int((~use).sum())
    note = "baseline as covariate" if trial.baseline is not None else "no baseline"
    note += f"; {gone} rows without a baseline left out of this model" if gone else ""
    return make(trial, Model.BLOCK_OLS_HC2, from_line(line, trial.setup.alpha), note=note)


def change(trial: Trial) -> Estimate | None:
    """Return the difference in differences of means, clustered on the randomised unit; None without a baseline."""
    if trial.baseline is None:
        return None
    span = np.ones(trial.n) if trial.baseline_exposure is None else trial.baseline_exposure
    use = np.isfinite(trial.baseline) & np.isfinite(span) & (span > 0)
    if len(np.unique(trial.treated[use])) < 2:
        return None
    rate_before = trial.baseline[use] / (trial.exposure[use] if trial.baseline_exposure is None else span[use])
    moved = rates(trial)[use] - rate_before
    line = least_squares_clustered(moved, trial.treated[use][:, None].astype(float), trial.cluster[use])
    same = "" if trial.baseline_exposure is not None else "the baseline is taken to cover as long as the outcome"
    return make(trial, Model.DIFF_IN_DIFF, from_line(line, trial.setup.alpha), note=same)


def complier_effect(trial: Trial) -> tuple[Estimate, dict[str, object]] | None:
    """Return the effect on compliers by two-stage least squares and the first stage; None without compliance.

    Compliance is any (more than 0) of the column, assignment the instrument, standard errors clustered on the
    randomised unit as linearmodels' `IV2SLS(...).fit(cov_type="clustered")` has them. What must also hold: assignment
    works through use alone, and nobody does the opposite of what was drawn.
    """
    if trial.compliance is None:
        return None
    known = np.isfinite(trial.compliance)
    if len(np.unique(trial.treated[known])) < 2:
        return None
    d, z, y = (trial.compliance[known] > 0) * 1.0, trial.treated[known], rates(trial)[known]
    cluster = pd.factorize(trial.cluster[known])[0]
    shares = {arm: float(d[z == arm].mean()) if (z == arm).any() else nan for arm in (1, 0)}
    stage = least_squares_clustered(d, z[:, None].astype(float), cluster)
    inside = from_line(stage, trial.setup.alpha)
    first_stage: dict[str, object] = {
        "treated_share": _or_none(shares[1]),
        "control_share": _or_none(shares[0]),
        "difference": _or_none(inside.value),
        "low": _or_none(inside.low),
        "high": _or_none(inside.high),
        "f": _or_none((inside.value / inside.se) ** 2),
        "unknown": int((~known).sum()),
        "label": trial.setup.label.value,
    }
    centred = z - z.mean()
    bottom = float(centred @ d)
    if abs(bottom) < 1e-12:
        note = "assignment did not change use, so there is no effect on compliers to estimate"
        nothing = make(trial, Model.CACE, Interval(nan), estimand=Estimand.CACE, converged=False, note=note)
        return nothing, first_stage
    slope = float(centred @ y) / bottom
    residual = y - slope * d
    residual = residual - residual.mean()
    se = float(np.sqrt((np.bincount(cluster, weights=centred * residual) ** 2).sum())) / abs(bottom)
    df = small_sample_df(int(cluster.max()) + 1)
    weak = first_stage["f"] is not None and float(first_stage["f"]) < 10  # type: ignore[arg-type]
    note = "assignment as instrument for any use" + ("; the first stage is weak (F below 10)" if weak else "")
    inside = around(slope, se, alpha=trial.setup.alpha, df=df)
    return make(trial, Model.CACE, inside, estimand=Estimand.CACE, note=note), first_stage


def _or_none(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
