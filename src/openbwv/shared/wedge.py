"""Power of a stepped wedge trial in closed form: Hussey & Hughes, Contemporary Clinical Trials 28 (2007) 182-191.

The model is y_ij = mu + alpha_i + beta_j + theta * x_ij + e_ij with alpha_i ~ N(0, tau²) for unit i and e_ij ~ N(0, s²)
for the mean of unit i in period j. What it leaves out: an effect that grows or fades with time since the start, and
correlation that fades between periods; both make a real trial weaker than this says.
"""

from math import isfinite, sqrt
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray


def wedge_variance(cells: NDArray, *, sigma2_between: float, sigma2_within_cell: float) -> float:
    """Return the variance of the treatment effect's estimate (equation 8 of the paper), in outcome units squared.

    `cells[i, j]` is 1 when unit i is treated in period j, else 0. `sigma2_between` is tau², `sigma2_within_cell` the
    variance of one cell's mean (s² over the cell's size). Infinite when the cells cannot tell the effect from the
    periods. Raises ValueError for cells that are no 0/1 table of two dimensions and for impossible variances.
    """
    table = np.asarray(cells, dtype=float)
    if table.ndim != 2 or table.size == 0 or not np.isin(table, (0.0, 1.0)).all():
        raise ValueError("cells must be a table of units by periods that holds only 0 and 1")
    if not (isfinite(sigma2_between) and isfinite(sigma2_within_cell) and sigma2_between >= 0 < sigma2_within_cell):
        raise ValueError("sigma2_between must be 0 or more and sigma2_within_cell more than 0")
    units, periods = table.shape
    u = table.sum()
    w = (table.sum(axis=0) ** 2).sum()
    v = (table.sum(axis=1) ** 2).sum()
    tau2, sigma2 = sigma2_between, sigma2_within_cell
    information = (units * u - w) * sigma2 + (u**2 + units * periods * u - periods * w - units * v) * tau2
    if information <= 1e-12 * units * u * sigma2:
        return float("inf")
    return float(units * sigma2 * (sigma2 + periods * tau2) / information)


def wedge_power(
    cells: NDArray, *, effect: float, sigma2_between: float, sigma2_within_cell: float, alpha: float = 0.05
) -> float:
    """Return the chance that a two-sided Wald test at `alpha` finds `effect` (equation 7, without the far tail)."""
    se = sqrt(wedge_variance(cells, sigma2_between=sigma2_between, sigma2_within_cell=sigma2_within_cell))
    normal = NormalDist()
    return normal.cdf(abs(effect) / se - normal.inv_cdf(1 - alpha / 2)) if isfinite(se) else 0.0


def wedge_detectable(
    cells: NDArray,
    *,
    sigma2_between: float,
    sigma2_within_cell: float,
    power: float = 0.8,
    alpha: float = 0.05,
) -> float:
    """Return the smallest effect, in outcome units, that is found with chance `power`."""
    se = sqrt(wedge_variance(cells, sigma2_between=sigma2_between, sigma2_within_cell=sigma2_within_cell))
    normal = NormalDist()
    return se * (normal.inv_cdf(1 - alpha / 2) + normal.inv_cdf(power))


def wedge_cells(first_treated: NDArray, periods: int) -> NDArray:
    """Return the 0/1 cells for units that start in the given periods, counted from 0; `periods` or more means never."""
    starts = np.asarray(first_treated)
    return (np.arange(periods)[None, :] >= starts[:, None]).astype(int)
