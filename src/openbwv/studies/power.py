"""Power of a trial of counts: how large an effect could it see, before anybody is given a camera.

The closed form is that of note "London" in docs/ref/studies.md: variance of the log rate ratio = design effect *
overdispersion * (1/events treated + 1/events control), design effect = 1 + (m - 1) * ICC for m rows a cluster
(Donner & Klar 2000). The simulation draws the same trial: a gamma effect for each cluster, negative binomial rows, the
analysis that will be used.
"""

from dataclasses import dataclass
from itertools import pairwise
from math import exp, log, sqrt

import numpy as np
from scipy import stats
from scipy.optimize import brentq

from openbwv.studies.errors import BadStudyOption
from openbwv.studies.intervals import wilson


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A trial to be: rows and exposure a row in each arm, control rate per exposure, ratio hoped for.

    `clusters_treated` and `clusters_control` are the teams each arm's rows come in; None where every row was drawn by
    itself. `icc` is the correlation of two rows of a cluster, `overdispersion` the variance of a row over its mean.
    """

    rows_treated: int
    rows_control: int
    rate: float
    irr: float
    exposure: float = 1.0
    clusters_treated: int | None = None
    clusters_control: int | None = None
    icc: float = 0.0
    overdispersion: float = 1.0
    alpha: float = 0.05

    def __post_init__(self) -> None:
        wrong = [
            name
            for name, bad in (
                ("rows in both arms", min(self.rows_treated, self.rows_control) < 1),
                ("a rate above 0", not self.rate > 0),
                ("a ratio above 0", not self.irr > 0),
                ("an exposure above 0", not self.exposure > 0),
                ("an ICC from 0 to less than 1", not 0 <= self.icc < 1),
                ("an overdispersion of 1 or more", not self.overdispersion >= 1),
                ("an alpha between 0 and 1", not 0 < self.alpha < 1),
                ("two clusters or more in all, in both arms", self.clusters is not None and self._lone()),
            )
            if bad
        ]
        if wrong:
            raise BadStudyOption(what=f"A trial needs {', '.join(wrong)}.", remedy="Change the options named.")

    def _lone(self) -> bool:
        return min(self.clusters_treated or 0, self.clusters_control or 0) < 1

    @property
    def clusters(self) -> int | None:
        """Clusters in both arms together."""
        if self.clusters_treated is None and self.clusters_control is None:
            return None
        return (self.clusters_treated or 0) + (self.clusters_control or 0)

    @property
    def design_effect(self) -> float:
        """By how much clusters inflate the variance, at the mean cluster size."""
        if self.clusters is None:
            return 1.0
        return 1 + ((self.rows_treated + self.rows_control) / self.clusters - 1) * self.icc


@dataclass(frozen=True)
class Power:
    """What the closed form says: expected events, standard error of the log ratio, power, ratio that is detectable.

    `detectable` takes its standard error at equal rates, as is usual; `solved` at the ratio itself, and is None where
    no ratio below 1, however strong, would be found with the power wanted.
    """

    events_treated: float
    events_control: float
    design_effect: float
    se: float
    power: float
    detectable: float
    solved: float | None


def standard_error(plan: Plan, irr: float) -> float:
    """Return the standard error of the log ratio when the true ratio is `irr`."""
    treated, control = _events(plan, irr)
    return sqrt(plan.design_effect * plan.overdispersion * (1 / treated + 1 / control))


def _events(plan: Plan, irr: float) -> tuple[float, float]:
    each = plan.rate * plan.exposure
    return plan.rows_treated * each * irr, plan.rows_control * each


def power(plan: Plan, *, wanted: float = 0.8) -> Power:
    """Return the closed form for the plan, and what could be detected with power `wanted`."""
    se = standard_error(plan, plan.irr)
    edge = float(stats.norm.ppf(1 - plan.alpha / 2))
    detectable = exp(-(edge + float(stats.norm.ppf(wanted))) * standard_error(plan, 1.0))
    found = _reached(plan, plan.irr), detectable, _solved(plan, wanted)
    return Power(*_events(plan, plan.irr), plan.design_effect, se, *found)


def _reached(plan: Plan, irr: float) -> float:
    edge, distance = stats.norm.ppf(1 - plan.alpha / 2), abs(log(irr)) / standard_error(plan, irr)
    return float(stats.norm.cdf(distance - edge) + stats.norm.cdf(-distance - edge))


def _solved(plan: Plan, wanted: float) -> float | None:
    """Return the weakest ratio below 1 that is found with power `wanted`, its error taken at that ratio."""
    steps = np.exp(-np.linspace(0.0, 6.0, 241))
    for above, below in pairwise(steps):
        if _reached(plan, below) >= wanted:
            return float(brentq(lambda irr: _reached(plan, irr) - wanted, below, above, xtol=1e-10))
    return None


@dataclass(frozen=True)
class Simulated:
    """Share of simulated trials that found the effect, with Wilson's interval for the number of trials."""

    power: float
    low: float
    high: float
    trials: int


def simulate(plan: Plan, *, trials: int, rng: np.random.Generator) -> Simulated:
    """Draw the trial again and again and analyse it by the clustered Poisson ratio, z from 40 clusters on, else t."""
    log_ratio, se, df = simulated_ratios(plan, trials=trials, rng=rng)
    edge = stats.norm.ppf(1 - plan.alpha / 2) if df >= 38 else stats.t.ppf(1 - plan.alpha / 2, df)
    with np.errstate(invalid="ignore", divide="ignore"):
        found = int((np.abs(log_ratio) / se > edge).sum())
    share = wilson(found, trials)
    return Simulated(share.value, share.low, share.high, trials)


def simulated_ratios(plan: Plan, *, trials: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, float]:
    """Return log ratios, their clustered standard errors and the degrees of freedom of `trials` simulated trials.

    A trial with an arm without events has a ratio of nan and counts as one that found nothing.
    """
    arms = (plan.rows_treated, plan.clusters_treated, plan.irr), (plan.rows_control, plan.clusters_control, 1.0)
    logs, variances, units = [], [], 0
    for rows, clusters, irr in arms:
        sizes = _sizes(rows, clusters)
        counts = draw_counts(plan, sizes, irr, trials=trials, rng=rng)
        totals = counts.sum(axis=1)
        exposure = sizes * plan.exposure
        with np.errstate(invalid="ignore", divide="ignore"):
            residual = counts - totals[:, None] / exposure.sum() * exposure
            variances.append((residual**2).sum(axis=1) / totals.astype(float) ** 2)
            logs.append(np.log(totals / exposure.sum()))
        units += len(sizes)
    with np.errstate(invalid="ignore"):
        return logs[0] - logs[1], np.sqrt((variances[0] + variances[1]) * units / max(units - 1, 1)), units - 2


def _sizes(rows: int, clusters: int | None) -> np.ndarray:
    """Return the rows of each cluster, as even as can be; rows of their own where there are none."""
    if clusters is None:
        return np.ones(rows, dtype=int)
    return np.full(clusters, rows // clusters) + (np.arange(clusters) < rows % clusters)


def draw_counts(plan: Plan, sizes: np.ndarray, irr: float, *, trials: int, rng: np.random.Generator) -> np.ndarray:
    """Return counts, trials by clusters, with the plan's rate, ICC and overdispersion.

    In either arm a row has mean mu and variance overdispersion * mu, of which the share ICC is common to its cluster:
    the cluster's gamma effect has variance ICC * overdispersion / mu, and the rows' own spread takes what is left.
    Given its effect, the sum of a cluster of negative binomial rows is negative binomial again.
    """
    mu = plan.rate * plan.exposure * irr
    between = plan.icc * plan.overdispersion / mu
    own = max(((plan.overdispersion - 1) / mu - between) / (1 + between), 0.0)
    shape = (trials, len(sizes))
    effect = rng.gamma(1 / between, between, shape) if between > 0 else np.ones(shape)
    mean = effect * mu * sizes
    if own > 0:
        mean = mean * rng.gamma(sizes / own, own / np.maximum(sizes, 1), shape)
    return rng.poisson(mean)


def curve(plan: Plan, *, ratios: np.ndarray | None = None) -> list[dict[str, float]]:
    """Return the power at each ratio, by default from half to one and a half."""
    values = np.round(np.arange(0.4, 1.5001, 0.05), 4) if ratios is None else ratios
    return [{"irr": float(value), "power": _reached(plan, float(value))} for value in values]
