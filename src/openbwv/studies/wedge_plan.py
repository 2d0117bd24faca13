"""Power of a roll-out whose order is drawn: in closed form (openbwv.shared.wedge), as a curve, and by simulation.

The simulation draws what the closed form takes for granted, normal values with one spread between units and one from
period to period, and analyses them as `study analyse` does: variances estimated, errors clustered, Student's t. With
few units it shows what the closed form leaves out.
"""

from dataclasses import dataclass
from math import isfinite, sqrt

import numpy as np

from openbwv.shared.wedge import wedge_cells, wedge_detectable, wedge_power, wedge_variance
from openbwv.studies.errors import BadStudyOption
from openbwv.studies.hussey_hughes import hussey_hughes
from openbwv.studies.intervals import wilson
from openbwv.studies.panel import Panel
from openbwv.studies.power import Simulated
from openbwv.studies.setup import Design, Setup

POINTS = 20


@dataclass(frozen=True, kw_only=True)
class WedgePlan:
    """A roll-out to be: `units` start in `steps` even groups from the second of `periods` on.

    `effect` is the change per unit and period, `between` the variance between units, `within` that of a unit's value
    from period to period; all in the units of the outcome (squared).
    """

    units: int
    periods: int
    steps: int
    effect: float
    between: float
    within: float
    alpha: float = 0.05

    def __post_init__(self) -> None:
        fits = self.units >= 2 and self.steps >= 2 and self.periods > self.steps and 0 < self.alpha < 1
        numbers = all(isfinite(value) for value in (self.effect, self.between, self.within))
        if not (fits and numbers and self.between >= 0 < self.within):
            raise BadStudyOption(
                what="A staggered start needs 2 units, 2 steps (or all start at once and nobody is left to compare "
                "with), more periods than steps, an effect, variances above 0, and an alpha between 0 and 1.",
                remedy="Change --units, --steps, --periods, --effect, --between, --within or --alpha.",
            )

    @property
    def starts(self) -> np.ndarray:
        """The first period with cameras of each unit, counted from 0."""
        return 1 + np.arange(self.units) * self.steps // self.units

    @property
    def cells(self) -> np.ndarray:
        """1 where a unit has cameras."""
        return wedge_cells(self.starts, self.periods)

    @property
    def spread(self) -> dict[str, float]:
        """The variances as the closed form names them."""
        return {"sigma2_between": self.between, "sigma2_within_cell": self.within}


def power(plan: WedgePlan, *, wanted: float = 0.8) -> dict[str, float]:
    """Return `power`, the effect detectable with chance `wanted` (`mde`), and the standard error (`se`)."""
    return {
        "power": wedge_power(plan.cells, effect=plan.effect, alpha=plan.alpha, **plan.spread),
        "mde": wedge_detectable(plan.cells, power=wanted, alpha=plan.alpha, **plan.spread),
        "se": sqrt(wedge_variance(plan.cells, **plan.spread)),
    }


def curve(plan: WedgePlan, *, widest: float) -> list[dict[str, float]]:
    """Return the power at even steps of the effect up to `widest`, with the sign of the effect hoped for."""
    effects = np.copysign(np.linspace(0, widest, POINTS + 1)[1:], plan.effect)
    cells = plan.cells
    return [
        {"effect": float(effect), "power": wedge_power(cells, effect=effect, alpha=plan.alpha, **plan.spread)}
        for effect in effects
    ]


def simulate(plan: WedgePlan, *, trials: int, rng: np.random.Generator) -> Simulated:
    """Draw the roll-out again and again and analyse it by Hussey & Hughes with clustered errors."""
    setup = Setup(design=Design.STAGGERED, outcome="drawn", alpha=plan.alpha)
    cells, shape = plan.cells, (plan.units, plan.periods)
    found = 0
    for _ in range(trials):
        level = rng.normal(0, sqrt(plan.between), plan.units)
        outcome = level[:, None] + plan.effect * cells + rng.normal(0, sqrt(plan.within), shape)
        panel = Panel(setup, outcome, plan.starts, np.arange(plan.units), np.arange(plan.periods), [], cells.size, [])
        fit = hussey_hughes(panel)
        found += fit is not None and fit.effect.p < plan.alpha
    share = wilson(found, trials)
    return Simulated(share.value, share.low, share.high, trials)
