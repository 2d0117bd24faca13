"""An interval for a rate ratio from few clusters: the score wild cluster bootstrap, inverted.

Kline & Santos, Journal of Econometric Methods 1 (2012): the Poisson model is fitted with the ratio held at a value,
each cluster's share of the score gets a random sign, and the value belongs to the interval when the score is not
extreme among those. Signs are Webb's six points below 12 clusters, where two points give too few different draws
(Webb, Canadian Journal of Economics 56, 2023).
"""

from math import exp, inf, log, nan, sqrt

import numpy as np
from scipy.optimize import brentq

from openbwv.studies.counts import ONE_CLUSTER, lone_cluster, make, obstacle
from openbwv.studies.estimates import Estimate, Model
from openbwv.studies.intervals import Interval
from openbwv.studies.trial import Trial

WEBB = np.array([-sqrt(1.5), -1.0, -sqrt(0.5), sqrt(0.5), 1.0, sqrt(1.5)])
FEW_FOR_TWO_POINTS = 12
ALIKE = "the units do not differ within the arms, so nothing can be said about chance"
FARTHEST = log(1000.0)  # how far from the estimate an end is looked for, on the log scale


class Score:
    """The score of the log rate ratio, one share a cluster, with the common rate estimated under each null value."""

    def __init__(self, trial: Trial, signs: np.ndarray) -> None:
        groups = int(trial.cluster.max()) + 1

        def summed(values: np.ndarray) -> np.ndarray:
            return np.bincount(trial.cluster, weights=values, minlength=groups)

        arm = trial.treated
        self.events = summed(trial.outcome * arm), summed(trial.outcome * (1 - arm))
        self.exposure = summed(trial.exposure * arm), summed(trial.exposure * (1 - arm))
        self.signs = signs

    def shares(self, beta: float) -> np.ndarray:
        """Return each cluster's share of the efficient score at the log ratio `beta`."""
        expected = exp(beta) * self.exposure[0], self.exposure[1]
        rate = (self.events[0].sum() + self.events[1].sum()) / (expected[0].sum() + expected[1].sum())
        share = expected[0].sum() / (expected[0].sum() + expected[1].sum())
        residual = self.events[0] - rate * expected[0], self.events[1] - rate * expected[1]
        return residual[0] * (1 - share) - residual[1] * share

    def p(self, beta: float) -> float:
        """Return the bootstrap p of the log ratio `beta`."""
        shares = self.shares(beta)
        drawn = self.signs * shares
        spread = np.sqrt(((drawn - drawn.mean(axis=1, keepdims=True)) ** 2).sum(axis=1))
        seen_spread = sqrt(float(((shares - shares.mean()) ** 2).sum()))
        if seen_spread == 0:
            return nan
        with np.errstate(divide="ignore", invalid="ignore"):
            values = np.abs(drawn.sum(axis=1)) / spread
        return float((1 + (values >= abs(shares.sum()) / seen_spread - 1e-12).sum()) / (1 + len(values)))


def wild_signs(clusters: int, draws: int, rng: np.random.Generator) -> np.ndarray:
    """Return random weights, draws by clusters."""
    if clusters < FEW_FOR_TWO_POINTS:
        return rng.choice(WEBB, size=(draws, clusters))
    return rng.choice(np.array([-1.0, 1.0]), size=(draws, clusters))


def wild_bootstrap(trial: Trial) -> Estimate | None:
    """Return the rate ratio with its bootstrap interval and p; None when no draws are wanted."""
    if trial.setup.draws < 1:
        return None
    stopped = obstacle(trial)
    if stopped or lone_cluster(trial):
        inside, why = stopped or (Interval(nan), ONE_CLUSTER)
        return make(trial, Model.WILD_BOOTSTRAP, inside, converged=False, note=why)
    rng = np.random.default_rng(trial.setup.seed)
    score = Score(trial, wild_signs(trial.clusters, trial.setup.draws, rng))
    beta = log(trial.arm(1)["rate"] / trial.arm(0)["rate"])
    if np.isnan([score.p(beta), score.p(0.0)]).any():
        return make(trial, Model.WILD_BOOTSTRAP, Interval(exp(beta)), converged=False, note=ALIKE)
    ends = [_end(score, beta, way * FARTHEST, trial.setup.alpha) for way in (-1, 1)]
    low, high = (exp(end) if np.isfinite(end) else (0.0 if end < 0 else inf) for end in ends)
    note = f"{trial.setup.draws} draws, seed {trial.setup.seed}"
    if high == inf or low == 0:
        note += "; so few clusters that an end of the interval is open"
    return make(trial, Model.WILD_BOOTSTRAP, Interval(exp(beta), low, high, score.p(0.0)), note=note)


def _end(score: Score, beta: float, way: float, alpha: float) -> float:
    def above(value: float) -> float:
        return score.p(value) - alpha

    if above(beta + way) > 0:
        return way * inf
    return float(brentq(above, beta, beta + way, xtol=1e-4))
