"""The draw: who gets a camera, or who gets one when, by a seed, restricted to draws that balance what is known.

Restricted randomisation (Moulton 2004; Li and others 2016): many candidates are drawn as the design says, each gets a
score (the largest standardised difference, for an order the largest correlation), the best share of them is accepted,
and one accepted candidate is taken at random. The share is stated, and the analysis draws again from the same accepted
set. Too tight a restriction decides what should be left to chance; pairs of units that are (almost) always together or
apart are counted, so that it shows.
"""

from dataclasses import dataclass

import numpy as np

from openbwv.studies.balance import standardised_difference
from openbwv.studies.errors import BadStudyOption, CannotAnalyse
from openbwv.studies.setup import Design

ALWAYS = 0.95  # of accepted draws
LARGEST_FOR_COUPLES = 200
FEWEST_ACCEPTED = 100


@dataclass(frozen=True, kw_only=True)
class Rules:
    """How the draw is made. `share` of each block is treated; `steps` starts for a staggered design, from `start`."""

    design: Design
    share: float = 0.5
    steps: int = 0
    start: int = 1
    candidates: int = 10_000
    acceptance: float = 0.1

    def __post_init__(self) -> None:
        if self.design is Design.BEFORE_AFTER:
            raise BadStudyOption(what="Before and after are not drawn.", remedy="Choose another design.")
        if not 0 < self.share < 1 or not 0 < self.acceptance <= 1 or self.candidates < 1:
            raise BadStudyOption(
                what="A share must lie between 0 and 1, an acceptance above 0 and up to 1, candidates from 1 on.",
                remedy="Change --share, --accept or --candidates.",
            )
        if self.design is Design.STAGGERED and self.steps < 2:
            raise BadStudyOption(what="A staggered start needs two steps or more.", remedy="Give --steps.")


@dataclass(frozen=True)
class Drawn:
    """The draw that was taken, its score, the largest score that was accepted and what the restriction did."""

    arms: np.ndarray
    score: float | None
    threshold: float | None
    accepted: int
    distinct: int
    always_together: int | None
    always_apart: int | None


def candidates(rules: Rules, block: np.ndarray, *, count: int, rng: np.random.Generator) -> np.ndarray:
    """Return `count` unrestricted draws, one a row: 1 and 0, or for a staggered start the step from 0."""
    keys = rng.random((count, len(block)))
    drawn = np.empty((count, len(block)), dtype=np.int16)
    for name in np.unique(block):
        members = np.flatnonzero(block == name)
        ranks = np.argsort(np.argsort(keys[:, members], axis=1), axis=1)
        if rules.design is Design.STAGGERED:
            turned = rng.integers(rules.steps, size=(count, 1))  # whose step is the short one differs by block
            drawn[:, members] = ((ranks * rules.steps) // len(members) + turned) % rules.steps
            if len(members) % rules.steps == 0:
                drawn[:, members] = (ranks * rules.steps) // len(members)
        else:
            exact = rules.share * len(members)
            size = np.floor(exact) + (rng.random((count, 1)) < exact - np.floor(exact))
            drawn[:, members] = ranks < size
    return drawn


def scores(rules: Rules, drawn: np.ndarray, covariates: np.ndarray) -> np.ndarray:
    """Return how unbalanced each draw is: largest absolute standardised difference, or correlation with the step."""
    values = np.nan_to_num(covariates - np.nanmean(covariates, axis=0))
    arms = drawn.astype(float)
    if rules.design is Design.STAGGERED:
        arms = arms - arms.mean(axis=1, keepdims=True)
        spread = np.sqrt((arms**2).sum(axis=1))[:, None] * np.sqrt((values**2).sum(axis=0))[None, :]
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.nan_to_num(np.abs(arms @ values) / spread).max(axis=1)
    treated = arms.sum(axis=1)[:, None]
    control = arms.shape[1] - treated
    with np.errstate(invalid="ignore", divide="ignore"):
        one, none = arms @ values / treated, (1 - arms) @ values / control
        spread_one = arms @ values**2 / treated - one**2
        spread_none = (1 - arms) @ values**2 / control - none**2
        pooled = np.sqrt((spread_one * treated / (treated - 1) + spread_none * control / (control - 1)) / 2)
        return np.nan_to_num(np.abs(one - none) / pooled).max(axis=1)


def draw(rules: Rules, block: np.ndarray, covariates: np.ndarray, *, seed: int) -> Drawn:
    """Draw once, restricted where there are covariates. Raises CannotAnalyse when a draw would leave an arm empty."""
    rng = np.random.default_rng(seed)
    if covariates.shape[1] == 0:
        one = candidates(rules, block, count=1, rng=rng)[0]
        _both_arms(one)
        return Drawn(one, None, None, 1, 1, None, None)
    many = candidates(rules, block, count=rules.candidates, rng=rng)
    score = scores(rules, many, covariates)
    threshold = float(np.quantile(score, rules.acceptance, method="lower"))
    good = np.flatnonzero(score <= threshold)
    taken = int(good[rng.integers(len(good))])
    _both_arms(many[taken])
    distinct = len(np.unique(many[good], axis=0))
    together, apart = _couples(many[good]) if len(block) <= LARGEST_FOR_COUPLES else (None, None)
    return Drawn(many[taken], float(score[taken]), threshold, len(good), distinct, together, apart)


def _both_arms(arms: np.ndarray) -> None:
    if len(np.unique(arms)) < 2:
        raise CannotAnalyse(what="The draw put everyone in one arm.", remedy="Give more units, or larger blocks.")


def _couples(accepted: np.ndarray) -> tuple[int, int]:
    """Return how many couples of units share an arm in (almost) all accepted draws, and how many in (almost) none."""
    values = accepted.astype(np.float32)
    same = sum((values == arm).T.astype(np.float32) @ (values == arm) for arm in np.unique(accepted)) / len(values)
    share = same[np.triu_indices(values.shape[1], 1)]
    return int((share >= ALWAYS).sum()), int((share <= 1 - ALWAYS).sum())


def redraw(
    rules: Rules,
    block: np.ndarray,
    covariates: np.ndarray,
    threshold: float | None,
    *,
    draws: int,
    rng: np.random.Generator,
) -> np.ndarray:
    """Return `draws` fresh draws as the trial's own was made, its restriction included."""
    if threshold is None or covariates.shape[1] == 0:
        return candidates(rules, block, count=draws, rng=rng)
    kept, have = [], 0
    while have < draws:
        many = candidates(rules, block, count=max(1000, min(20_000, 4_000_000 // len(block))), rng=rng)
        good = many[scores(rules, many, covariates) <= threshold]
        kept.append(good)
        have += len(good)
    return np.concatenate(kept)[:draws]


def balance_rows(names: list[str], covariates: np.ndarray, arms: np.ndarray, design: Design) -> list[dict]:
    """Return the balance of the draw: means and standardised difference, or correlation with the step."""
    rows = []
    for name, values in zip(names, covariates.T, strict=True):
        known = np.isfinite(values)
        row: dict = {"name": name, "missing": int((~known).sum())}
        if design is Design.STAGGERED:
            varied = known.sum() > 2 and np.ptp(values[known]) > 0
            row["correlation"] = float(np.corrcoef(values[known], arms[known])[0, 1]) if varied else None
        else:
            row |= {
                "n_treated": int((known & (arms == 1)).sum()),
                "n_control": int((known & (arms == 0)).sum()),
                "mean_treated": _mean(values[known & (arms == 1)]),
                "mean_control": _mean(values[known & (arms == 0)]),
                "smd": standardised_difference(values[known], arms[known]),
            }
        rows.append(row)
    return rows


def _mean(values: np.ndarray) -> float | None:
    return float(values.mean()) if len(values) else None
