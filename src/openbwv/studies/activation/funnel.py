"""Funnel limits: between which shares an officer lies by chance alone, given how many reports there are.

Two sets. The binomial one takes every report for independent of every other; real reports are not, and it flags too
many. The other one allows officers to differ as officers do (beta-binomial, the overdispersion measured on winsorised
scores so that a few extreme officers do not hide themselves; Spiegelhalter 2005, Statistics in Medicine 24:1185).
Flags come from the second. Whoever lies outside is worth a talk about why, not a verdict: by chance alone one in 500
lies outside the outer limits.
"""

from dataclasses import dataclass

import numpy as np
from scipy import special, stats

LEVELS = {"95": 0.95, "998": 0.998}
WINSORISED = 0.1  # at each end
# A normal score's variance after that (0.679): divided out, so that officers without extremes get their full spread.
_EDGE = stats.norm.ppf(1 - WINSORISED)
LEFT = 1 - 2 * WINSORISED - 2 * _EDGE * stats.norm.pdf(_EDGE) + 2 * WINSORISED * _EDGE**2
ROUNDING = 1e-12
INSIDE, LOW, VERY_LOW, HIGH, VERY_HIGH = (
    "inside",
    "below 95 %",
    "below 99.8 %",
    "above 95 %",
    "above 99.8 %",
)


@dataclass(frozen=True)
class Funnel:
    """The common share, and how strongly one officer's reports go together (intra-officer correlation)."""

    centre: float
    correlation: float
    winsorised_phi: float

    def limits(self, n: np.ndarray, *, overdispersed: bool = True) -> dict[str, np.ndarray]:
        """Return the lowest and highest share inside, for each number of reports, as low_95, high_998 …"""
        tails = np.array([tail for level in LEVELS.values() for tail in ((1 - level) / 2, (1 + level) / 2)])
        names = [f"{side}_{name}" for name in LEVELS for side in ("low", "high")]
        sizes, place = np.unique(n, return_inverse=True)
        if overdispersed and self.correlation > 0:
            counts = np.array([self._quantiles(int(size), tails) for size in sizes])
        else:
            counts = stats.binom.ppf(tails[None, :], sizes[:, None], self.centre)
        shares = counts.reshape(-1, len(tails)) / sizes[:, None]
        return {name: shares[place, column] for column, name in enumerate(names)}

    def _quantiles(self, n: int, tails: np.ndarray) -> np.ndarray:
        """Return the beta-binomial counts at `tails`: the first whose cumulative probability reaches each."""
        both = 1 / self.correlation - 1
        a, b, k = self.centre * both, (1 - self.centre) * both, np.arange(n + 1)
        chance = (
            special.betaln(k + a, n - k + b) - special.betaln(a, b) - special.betaln(n - k + 1, k + 1) - np.log(n + 1)
        )
        return np.minimum(np.searchsorted(np.cumsum(np.exp(chance)), tails - ROUNDING), n)

    def places(self, recorded: np.ndarray, n: np.ndarray) -> list[str]:
        """Return where each officer lies; the outer limits win."""
        share, limits = recorded / n, self.limits(n)
        tests = (
            (share < limits["low_998"], VERY_LOW),
            (share > limits["high_998"], VERY_HIGH),
            (share < limits["low_95"], LOW),
            (share > limits["high_95"], HIGH),
        )
        return [str(each) for each in np.select([test for test, _ in tests], [word for _, word in tests], INSIDE)]


def fit(recorded: np.ndarray, n: np.ndarray) -> Funnel | None:
    """Return the funnel of officers' counts; None where nobody or everybody recorded, as no limits exist then."""
    total, all_of = float(recorded.sum()), float(n.sum())
    if not 0 < total < all_of:
        return None
    centre = total / all_of
    score = (recorded - n * centre) / np.sqrt(n * centre * (1 - centre))
    low, high = np.quantile(score, [WINSORISED, 1 - WINSORISED])
    square = np.clip(score, low, high) ** 2 / LEFT
    more = float((n - 1).sum())
    # a beta-binomial count has variance n p (1 - p) (1 + (n - 1) rho)
    correlation = min(max((square - 1).sum() / more, 0.0), 0.99) if more else 0.0
    return Funnel(centre, float(correlation), float(square.mean()))
