"""From an estimate and its standard error to interval and p; the exact ones need no standard error.

Sources: exact ratio of two Poisson counts by conditioning on their sum, Przyborowski & Wilenski (Biometrika 31, 1940)
with the interval of Clopper & Pearson (Biometrika 26, 1934); Wilson (JASA 22, 1927) for shares.
"""

from dataclasses import dataclass
from math import inf, isfinite, log, nan, sqrt

import numpy as np
from scipy import stats

MANY_CLUSTERS = 40  # from here on the normal distribution; below it Student's t


@dataclass(frozen=True)
class Interval:
    """A value, its ends and its two-sided p; nan where one does not exist."""

    value: float
    low: float = nan
    high: float = nan
    p: float = nan
    se: float = nan


def around(value: float, se: float, *, alpha: float = 0.05, df: float = inf) -> Interval:
    """Return the Wald interval of `value`; `df` of Student's t, or infinite for the normal distribution."""
    if not (isfinite(se) and se > 0):
        return Interval(value)
    reference = stats.norm() if df == inf else stats.t(max(df, 1))
    reach = float(reference.ppf(1 - alpha / 2)) * se
    return Interval(value, value - reach, value + reach, float(2 * reference.sf(abs(value) / se)), se)


def ratio_around(log_ratio: float, se: float, *, alpha: float = 0.05, df: float = inf) -> Interval:
    """Return the interval of a ratio from its logarithm; `se` stays that of the logarithm."""
    inside = around(log_ratio, se, alpha=alpha, df=df)
    with np.errstate(over="ignore"):
        value, low, high = (float(np.exp(end)) for end in (log_ratio, inside.low, inside.high))
    return Interval(value, low, high, inside.p, se)


def wald_ratio(events: float, exposure: float, events_0: float, exposure_0: float, *, alpha: float = 0.05) -> Interval:
    """Return the ratio of two Poisson rates with the interval on the logarithm, variance 1/events + 1/events_0."""
    if events <= 0 or events_0 <= 0:
        return Interval(0.0 if events_0 > 0 else nan)
    return ratio_around(log(events / exposure * exposure_0 / events_0), sqrt(1 / events + 1 / events_0), alpha=alpha)


def exact_ratio(events: int, exposure: float, events_0: int, exposure_0: float, *, alpha: float = 0.05) -> Interval:
    """Return the ratio of two Poisson rates with its exact conditional interval and p (smallest likelihoods summed).

    With no events at all nothing is known; with none in one arm one end is 0 or infinite.
    """
    total = int(events + events_0)
    if total == 0:
        return Interval(nan, 0.0, inf, 1.0)
    test = stats.binomtest(int(events), total, exposure / (exposure + exposure_0))
    share = test.proportion_ci(1 - alpha, method="exact")
    ends = [inf if p == 1 else p / (1 - p) * exposure_0 / exposure for p in (share.low, share.high)]
    value = events / exposure * exposure_0 / events_0 if events_0 else inf
    return Interval(value, ends[0], ends[1], float(test.pvalue))


def wilson(hits: int, of: int, *, alpha: float = 0.05) -> Interval:
    """Return a share with Wilson's interval; nan for a share of nothing."""
    if of <= 0:
        return Interval(nan)
    inside = stats.binomtest(int(hits), int(of)).proportion_ci(1 - alpha, method="wilson")
    return Interval(hits / of, float(inside.low), float(inside.high))


def small_sample_df(clusters: int, parameters: int = 2) -> float:
    """Return the degrees of freedom for that many clusters: infinite from 40 on, else clusters less parameters."""
    return inf if clusters >= MANY_CLUSTERS else float(max(clusters - parameters, 1))
