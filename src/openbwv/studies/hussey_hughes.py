"""The stepped wedge model of Hussey & Hughes (Contemporary Clinical Trials 28, 2007): a fixed effect for each period, a
random one for each unit, one effect of treatment, fitted by generalised least squares with REML variances.

It takes the effect to be there at once and to stay; where it grows or fades, the estimate of Callaway & Sant'Anna is
the one to read. Its standard error is clustered on what was drawn together and does not lean on the random effect.
"""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize_scalar

from openbwv.studies.intervals import Interval, around, small_sample_df
from openbwv.studies.panel import Panel

WIDEST_LOG_RATIO = 12.0
DEGENERATE = 1e-6  # of the model's standard error: no clustered one can be had


@dataclass(frozen=True)
class Fit:
    """Effect with its clustered interval, the model's own standard error, and the variances."""

    effect: Interval
    model_se: float
    sigma2_between: float
    sigma2_within: float


class Gram:
    """The sums that the likelihood needs, per unit: presence by period, treated periods, outcomes."""

    def __init__(self, panel: Panel) -> None:
        self.present = np.isfinite(panel.outcome).astype(float)
        self.y = np.nan_to_num(panel.outcome)
        self.x = panel.treated * self.present
        self.sizes = self.present.sum(axis=1)
        columns = np.column_stack([self.present, self.x.sum(axis=1)])
        total = np.diag(np.append(self.present.sum(axis=0), (self.x**2).sum()))
        total[-1, :-1] = total[:-1, -1] = self.x.sum(axis=0)
        self.by_unit, self.total = columns, total
        self.y_by_unit = self.y.sum(axis=1)
        self.xy = np.append(self.y.sum(axis=0), (self.x * self.y).sum())

    def solve(self, ratio: float) -> tuple[np.ndarray, np.ndarray, float, float]:
        """Return (coefficients, X'V⁻¹X, residual sum, -2 log restricted likelihood) at between/within `ratio`."""
        shrink = ratio / (1 + ratio * self.sizes)
        gram = self.total - self.by_unit.T @ (self.by_unit * shrink[:, None])
        right = self.xy - self.by_unit.T @ (shrink * self.y_by_unit)
        slopes = np.linalg.lstsq(gram, right, rcond=None)[0]
        residual = float((self.y**2).sum() - (shrink * self.y_by_unit**2).sum() - right @ slopes)
        df = self.sizes.sum() - len(slopes)
        sign, log_det = np.linalg.slogdet(gram)
        deviance = df * np.log(max(residual, 1e-300) / df) + np.log1p(ratio * self.sizes).sum() + sign * log_det
        return slopes, gram, residual, float(deviance)


def hussey_hughes(panel: Panel) -> Fit | None:
    """Fit the model; None when periods and treatment cannot be told apart or nothing is left to estimate from."""
    sums = Gram(panel)
    if sums.sizes.sum() <= len(sums.xy) or np.linalg.matrix_rank(sums.total) < len(sums.total):
        return None
    best = minimize_scalar(
        lambda log_ratio: sums.solve(float(np.exp(log_ratio)))[3],
        bounds=(-WIDEST_LOG_RATIO, WIDEST_LOG_RATIO),
        method="bounded",
    )
    ratio = float(np.exp(best.x))
    slopes, gram, residual, _ = sums.solve(ratio)
    df = float(sums.sizes.sum() - len(slopes))
    sigma2 = residual / df
    inverse = np.linalg.pinv(gram)
    if not np.isfinite(inverse).all() or inverse[-1, -1] <= 0 or not sigma2 > 0:
        return None
    se = _clustered_se(sums, panel, slopes, ratio, inverse)
    model_se = float(np.sqrt(sigma2 * inverse[-1, -1]))
    if se < DEGENERATE * model_se:  # two units: period effects take up all that differs, rounding is left
        se = 0.0
    groups = int(panel.cluster.max()) + 1
    effect = around(float(slopes[-1]), se, alpha=panel.setup.alpha, df=small_sample_df(groups, 2))
    return Fit(effect, model_se, ratio * sigma2, sigma2)


def _clustered_se(sums: Gram, panel: Panel, slopes: np.ndarray, ratio: float, inverse: np.ndarray) -> float:
    residual = (sums.y - slopes[:-1][None, :] - slopes[-1] * sums.x) * sums.present
    shrink = ratio / (1 + ratio * sums.sizes)
    weighted = (residual - (shrink * residual.sum(axis=1))[:, None]) * sums.present
    scores = np.column_stack([weighted, (weighted * sums.x).sum(axis=1)]) @ inverse[:, -1]
    summed = np.bincount(panel.cluster, weights=scores)
    groups = len(summed)
    return float(np.sqrt(groups / max(groups - 1, 1) * (summed**2).sum()))
