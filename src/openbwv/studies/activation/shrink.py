"""Officers' shares, drawn together: a beta-binomial model, fitted by maximum likelihood (empirical Bayes).

An officer with ten reports and one with a thousand cannot be ranked side by side: the first one's share is mostly
chance. The model says how far officers differ beyond chance (a beta distribution of shares, Skellam 1948) and gives for
each the share that is likely after that (Morris 1983).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import optimize, special, stats

MOST = 1e6  # a concentration this high is no spread at all
QUANTILES = (0.05, 0.10, 0.25, 0.50, 0.75, 0.90, 0.95)


@dataclass(frozen=True)
class Spread:
    """A beta distribution of officers' shares: its mean, and its concentration (a + b; high: officers are alike)."""

    mean: float
    concentration: float
    converged: bool
    note: str = ""

    @property
    def sd(self) -> float:
        """How far officers differ, beyond chance."""
        return float(np.sqrt(self.mean * (1 - self.mean) / (1 + self.concentration)))

    def as_dict(self) -> dict[str, Any]:
        """Return the shape that `--json` prints."""
        return {
            "mean": self.mean,
            "sd": self.sd,
            "a": self.mean * self.concentration,
            "b": (1 - self.mean) * self.concentration,
            "converged": self.converged,
            "note": self.note,
        }


def fit(recorded: np.ndarray, n: np.ndarray) -> Spread:
    """Fit the spread of officers to their counts; a fit that fails says so and falls back to no spread."""
    total, all_of = int(recorded.sum()), int(n.sum())
    if len(n) < 3 or not 0 < total < all_of:
        note = "fewer than three officers" if len(n) < 3 else "all shares are the same"
        return Spread(total / all_of if all_of else 0.5, MOST, False, f"no spread can be fitted: {note}")

    def loss(at: np.ndarray) -> float:
        a, b = _shape(at)
        return -float((special.betaln(recorded + a, n - recorded + b) - special.betaln(a, b)).sum())

    start = np.array([special.logit(total / all_of), np.log(10.0)])
    limits = [(-12.0, 12.0), (np.log(1e-2), np.log(MOST))]
    done = optimize.minimize(loss, start, method="L-BFGS-B", bounds=limits)
    if not (done.success and np.isfinite(done.fun)):
        return Spread(total / all_of, MOST, False, f"the fit did not converge ({done.message}); no spread assumed")
    mean, concentration = float(special.expit(done.x[0])), float(np.exp(done.x[1]))
    flat = concentration > 0.5 * MOST
    return Spread(mean, concentration, True, "officers differ no more than chance" if flat else "")


def _shape(at: np.ndarray) -> tuple[float, float]:
    concentration = np.exp(at[1])
    mean = special.expit(at[0])
    return mean * concentration, (1 - mean) * concentration


def shrunk(spread: Spread, recorded: np.ndarray, n: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return each officer's share after shrinkage, with its 95 % credible interval."""
    a = spread.mean * spread.concentration + recorded
    b = (1 - spread.mean) * spread.concentration + n - recorded
    return a / (a + b), stats.beta.ppf(0.025, a, b), stats.beta.ppf(0.975, a, b)


def quantiles(shares: np.ndarray) -> dict[str, float | None]:
    """Return the quantiles of officers' shares as p05, p10 …"""
    found = np.quantile(shares, QUANTILES) if len(shares) else [None] * len(QUANTILES)
    return {
        f"p{round(at * 100):02d}": None if value is None else float(value)
        for at, value in zip(QUANTILES, found, strict=True)
    }
