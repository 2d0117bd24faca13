"""The effect of cameras in a staggered roll-out: Callaway & Sant'Anna (Journal of Econometrics 225, 2021).

ATT(g, t) is the mean change from the period before g to t of the cohort that started in g, less the same change of
units that had not started by t. No unit that already has cameras ever serves as a control, which is what goes wrong
with unit and period effects in one regression when effects grow with time (Goodman-Bacon 2021). The simple average
weights each ATT(g, t) with g <= t by the cohort's size; the event study groups them by t - g. Standard errors come
from the influence functions summed by what was drawn together; the weights are taken as given, as the sizes of cohorts
are in a roll-out.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import sqrt

import numpy as np
from scipy import stats

from openbwv.studies.errors import CannotAnalyse
from openbwv.studies.intervals import Interval, around, small_sample_df
from openbwv.studies.panel import Panel

PRE_TREND_LAGS = 5


@dataclass(frozen=True)
class Cell:
    """One ATT(g, t): cohort start and period as indexes, the cohort's size, the effect, each unit's influence."""

    start: int
    period: int
    size: int
    effect: float
    influence: np.ndarray

    @property
    def lag(self) -> int:
        """Periods since the start; negative before it."""
        return self.period - self.start


@dataclass(frozen=True)
class EventStudy:
    """The effect at each lag, and a joint test of the lags before the start (the one right before is the base)."""

    lags: list[dict[str, float | int | None]]
    pre_trend: dict[str, object]


def cells(panel: Panel) -> Iterator[Cell]:
    """Yield every ATT(g, t) that has controls: after the start against the not yet treated, before it against later
    cohorts."""
    y, start = panel.outcome, panel.start
    for g in np.unique(start[(start > 0) & (start < len(panel.periods))]):
        for t in range(len(panel.periods)):
            if t == g - 1:
                continue
            moved = y[:, t] - y[:, g - 1]
            there = np.isfinite(moved)
            treated, controls = there & (start == g), there & (start > max(t, g))
            n, m = int(treated.sum()), int(controls.sum())
            if n == 0 or m == 0:
                continue
            one, none = moved[treated].mean(), moved[controls].mean()
            influence = np.zeros(len(start))
            influence[treated] = (moved[treated] - one) / n * _unbiased(n)
            influence[controls] = -(moved[controls] - none) / m * _unbiased(m)
            yield Cell(int(g), t, n, float(one - none), influence)


def _unbiased(n: int) -> float:
    return sqrt(n / (n - 1)) if n > 1 else 1.0


class Average:
    """An average of cells weighted by cohort size, gathered one cell at a time."""

    def __init__(self, units: int) -> None:
        self.weight = 0
        self.effect = 0.0
        self.influence = np.zeros(units)

    def add(self, cell: Cell) -> None:
        """Take one more cell in."""
        self.weight += cell.size
        self.effect += cell.size * cell.effect
        self.influence += cell.size * cell.influence

    def close(self, cluster: np.ndarray, *, alpha: float) -> tuple[Interval, np.ndarray]:
        """Return the average with its interval, and its influence summed by what was drawn together."""
        summed = np.bincount(cluster, weights=self.influence / self.weight)
        groups = len(summed)
        factor = groups / max(groups - 1, 1) if groups < len(cluster) else 1.0
        se = sqrt(factor * float((summed**2).sum()))
        return around(self.effect / self.weight, se, alpha=alpha, df=small_sample_df(groups)), summed


def effects(panel: Panel) -> tuple[Interval, EventStudy]:
    """Return the simple average over all ATT(g, t) at and after the start, and the event study."""
    simple, by_lag = Average(panel.units), dict[int, Average]()
    for cell in cells(panel):
        by_lag.setdefault(cell.lag, Average(panel.units)).add(cell)
        if cell.lag >= 0:
            simple.add(cell)
    if simple.weight == 0:
        raise CannotAnalyse(
            what="No cohort has both a period before its start and units that start later.",
            remedy="Add periods before the first start, or units that start later or never.",
        )
    rows: list[dict[str, float | int | None]] = []
    scores: dict[int, tuple[float, np.ndarray]] = {}
    for lag, gathered in sorted(by_lag.items()):
        inside, summed = gathered.close(panel.cluster, alpha=panel.setup.alpha)
        scores[lag] = inside.value, summed
        low, high, p = (float(end) if np.isfinite(end) else None for end in (inside.low, inside.high, inside.p))
        rows.append(
            {"lag": lag, "difference": inside.value, "low": low, "high": high, "p": p, "units": gathered.weight}
        )
    return simple.close(panel.cluster, alpha=panel.setup.alpha)[0], EventStudy(rows, _pre_trend(scores))


def _pre_trend(scores: dict[int, tuple[float, np.ndarray]]) -> dict[str, object]:
    lags = sorted((lag for lag in scores if lag < -1), reverse=True)[:PRE_TREND_LAGS]
    if not lags:
        return {"lags": [], "p": None, "note": "no cohort is seen two periods before its start, so nothing is checked"}
    found = np.array([scores[lag][0] for lag in lags])
    influence = np.column_stack([scores[lag][1] for lag in lags])
    covariance = influence.T @ influence
    rank = int(np.linalg.matrix_rank(covariance, hermitian=True))
    groups = len(influence)
    if rank == 0 or groups <= rank + 1:
        return {"lags": lags, "p": None, "note": "too few units for a joint test"}
    wald = float(found @ np.linalg.pinv(covariance, hermitian=True) @ found)
    p = float(stats.f.sf(wald / rank, rank, groups - rank))
    note = "a small p says that cohorts moved apart before cameras came; a large one does not prove that they did not"
    return {"lags": lags, "p": p, "f": wald / rank, "note": note}


def simple_value(outcome: np.ndarray, start: np.ndarray) -> float:
    """Return the simple average alone, by sums over cohorts; for a panel without holes, quickly."""
    periods = outcome.shape[1]
    order = np.argsort(start, kind="stable")
    starts, first = np.unique(start[order], return_index=True)
    sums = np.add.reduceat(outcome[order], first, axis=0)
    sizes = np.diff(np.append(first, len(start)))
    # later[k]: everyone who starts in cohort k or after it
    later, later_n = np.cumsum(sums[::-1], axis=0)[::-1], np.cumsum(sizes[::-1])[::-1]
    top = bottom = 0.0
    for k, g in enumerate(starts):
        if not 0 < g < periods:
            continue
        t = np.arange(g, periods)
        control = np.searchsorted(starts, t, side="right")
        t, control = t[control < len(starts)], control[control < len(starts)]
        change = (sums[k, t] - sums[k, g - 1]) / sizes[k]
        control_change = (later[control, t] - later[control, g - 1]) / later_n[control]
        top += sizes[k] * float((change - control_change).sum())
        bottom += sizes[k] * len(t)
    return top / bottom


def permutation_p(panel: Panel, *, draws: int, rng: np.random.Generator) -> float | None:
    """Return Fisher's p of the simple average: the starts are dealt anew to what was drawn together.

    It answers a randomised order only. None for a panel with holes, whose units are not exchangeable.
    """
    if draws < 1 or np.isnan(panel.outcome).any():
        return None
    first = np.unique(panel.cluster, return_index=True)[1]
    starts = panel.start[first]
    seen = abs(simple_value(panel.outcome, panel.start)) * (1 - 1e-9)
    values = (simple_value(panel.outcome, rng.permutation(starts)[panel.cluster]) for _ in range(draws))
    return (1 + sum(abs(value) >= seen for value in values)) / (1 + draws)
