"""Randomisation inference: the trial is drawn again and again as it was drawn, and nothing else is assumed.

Fisher's sharp null (the camera changed nobody's count) fixes what every other draw would have shown. The statistic is
the difference of the arms' rates. Where there are no more possible draws than were asked for, all are taken and the p
is exact; otherwise (1 + as extreme) / (1 + draws), Phipson & Smyth 2010.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from math import comb, nan, prod

import numpy as np
from scipy.special import gammaln

from openbwv.studies.estimates import Estimate, Model
from openbwv.studies.intervals import Interval
from openbwv.studies.means import make
from openbwv.studies.trial import Trial

MOST_CELLS = 100_000_000  # units times draws, some ten seconds; beyond it fewer draws are made, and the note says so
CHUNK_CELLS = 4_000_000  # permuted cells held at a time, about 32 MB
EPSILON = 1e-9
LOG_COUNTABLE = 25.0
UNCOUNTED = 10**11  # stands for any number of draws past counting


@dataclass(frozen=True)
class Units:
    """What was drawn: the arm of each randomised unit, its summed outcome and exposure, the block it was drawn in."""

    treated: np.ndarray
    outcome: np.ndarray
    exposure: np.ndarray
    block: np.ndarray


def randomised_units(trial: Trial) -> Units:
    """Return the units of the draw: rows in pairs and shifts, clusters where whole clusters were drawn.

    Those without a partner form one block of their own, so that they can trade places with one another.
    """
    whole = not (_share(trial.treated, trial.cluster) % 1).any()
    unit = trial.cluster if trial.clustered and whole else np.arange(trial.n)
    first = np.unique(unit, return_index=True)[1]
    block = np.zeros(len(first), dtype=int) if trial.block is None else trial.block[first].copy()
    if trial.block is not None:
        alone = np.bincount(block)[block] == 1
        block[alone] = block.max() + 1
    return Units(
        treated=trial.treated[first],
        outcome=np.bincount(unit, weights=trial.outcome),
        exposure=np.bincount(unit, weights=trial.exposure),
        block=block,
    )


def _share(treated: np.ndarray, cluster: np.ndarray) -> np.ndarray:
    return np.bincount(cluster, weights=treated) / np.bincount(cluster)


def statistic(units: Units, arms: np.ndarray) -> np.ndarray:
    """Return the difference of rates for each row of `arms` (draws by units)."""
    events, exposure = arms @ units.outcome, arms @ units.exposure
    with np.errstate(divide="ignore", invalid="ignore"):
        return events / exposure - (units.outcome.sum() - events) / (units.exposure.sum() - exposure)


def possible_draws(units: Units) -> int:
    """Return in how many ways as many in each block could have been treated."""
    sizes = np.bincount(units.block)
    chosen = np.bincount(units.block, weights=units.treated)
    if (gammaln(sizes + 1) - gammaln(chosen + 1) - gammaln(sizes - chosen + 1)).sum() > LOG_COUNTABLE:
        return UNCOUNTED
    return prod(comb(int(size), int(picked)) for size, picked in zip(sizes, chosen, strict=True))


def every_draw(units: Units) -> np.ndarray:
    """Return all possible draws, one a row."""
    choices = []
    for b in np.unique(units.block):
        members = np.flatnonzero(units.block == b)
        choices.append(list(itertools.combinations(members, int(units.treated[members].sum()))))
    arms = np.zeros((prod(map(len, choices)), len(units.treated)))
    for row, picks in enumerate(itertools.product(*choices)):
        arms[row, [index for pick in picks for index in pick]] = 1
    return arms


def some_draws(units: Units, draws: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """Yield `draws` random draws in chunks: within each block the arms trade places."""
    order = np.argsort(units.block, kind="stable")
    arms_in_order, block_in_order = units.treated[order].astype(float), units.block[order]
    step = max(1, CHUNK_CELLS // len(order))
    for begin in range(0, draws, step):
        size = min(step, draws - begin)
        keys = rng.random((size, len(order))) + block_in_order
        shuffled = np.empty((size, len(order)))
        shuffled[:, order] = arms_in_order[np.argsort(keys, axis=1)]
        yield shuffled


def fisher_p(units: Units, *, draws: int, rng: np.random.Generator) -> tuple[float, int, bool]:
    """Return (p, draws made, whether those were all that are possible)."""
    seen = float(statistic(units, units.treated[None, :].astype(float))[0])
    reach = abs(seen) * (1 - EPSILON) - EPSILON**2
    if possible_draws(units) <= draws:
        values = statistic(units, every_draw(units))
        return float(np.mean(np.abs(values) >= reach)), len(values), True
    draws = min(draws, max(MOST_CELLS // len(units.treated), 199))
    extreme = sum(int((np.abs(statistic(units, arms)) >= reach).sum()) for arms in some_draws(units, draws, rng))
    return (1 + extreme) / (1 + draws), draws, False


def randomisation_inference(trial: Trial) -> Estimate | None:
    """Return the difference of rates with its randomisation p; None when no draws are wanted."""
    if trial.setup.draws < 1:
        return None
    units = randomised_units(trial)
    seen = float(statistic(units, units.treated[None, :].astype(float))[0])
    if possible_draws(units) < 2:
        note = "only one draw was possible, so the draw says nothing about chance"
        return make(trial, Model.RANDOMISATION, Interval(seen), converged=False, note=note)
    p, made, everything = fisher_p(units, draws=trial.setup.draws, rng=np.random.default_rng(trial.setup.seed))
    note = f"all {made} possible draws" if everything else f"{made} draws, seed {trial.setup.seed}"
    if not everything and made < trial.setup.draws:
        note += f" ({trial.setup.draws} were asked for: too many for {len(units.treated)} units)"
    return make(trial, Model.RANDOMISATION, Interval(seen, nan, nan, p), note=note)
