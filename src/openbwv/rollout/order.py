"""A random order within the constraints, so that the roll-out is itself a trial: a stepped wedge.

Units without a fixed place are shuffled (by the seed; within each phase when phases are in order), placed one by one in
the first week that breaks nothing, and the draw is taken if the whole is finished not later than allowed. Draws that do
not fit are thrown away: so every order that fits is equally likely, which is the law that a randomisation test of the
result has to use. How many draws were thrown away is part of the answer.

Power is the closed form of Hussey & Hughes (2007) for log rates of allegations by unit and period. It takes the effect
as full from the first period that begins after the unit is live, and leaves out contamination: the authors of the
"contagious accountability" trial hold that officers without cameras changed too, which would make it less.
"""

from dataclasses import asdict, dataclass
from math import exp, log
from typing import Any

import numpy as np

from openbwv.rollout.errors import NoRandomOrder
from openbwv.rollout.facts import ASSUMPTION, COMPUTED, Fact
from openbwv.rollout.greedy import place_all
from openbwv.rollout.problem import Problem, Trial
from openbwv.shared.wedge import wedge_cells, wedge_detectable, wedge_power

DRAWS = 300
WEEKS_A_YEAR = 365.25 / 7


@dataclass(frozen=True)
class RandomOrder:
    """An accepted draw: unit -> week (from 0), the order drawn, units not drawn, and how many draws it took."""

    live: dict[str, int]
    order: tuple[str, ...]
    not_drawn: tuple[str, ...]
    draws: int
    latest: int


def fixed_units(problem: Problem) -> set[str]:
    """Return the units whose place is not left to chance: a fixed date or a latest one, or part of `after`."""
    bound = {window.unit for window in problem.windows if window.latest is not None}
    return bound | {name for pair in problem.afters for name in pair}


def random_order(problem: Problem, *, finish: int, seed: int, draws: int = DRAWS) -> RandomOrder:
    """Return a random order that is finished by `finish` (from 0) plus the trial's `later_weeks`.

    Raises NoRandomOrder when none of `draws` draws fits.
    """
    latest = min(finish + problem.trial.later_weeks, problem.horizon - 1)
    fixed = fixed_units(problem)
    names = [unit.name for unit in problem.units]
    first = sorted((i for i, name in enumerate(names) if name in fixed), key=lambda i: (_latest(problem, names[i]), i))
    free = [i for i, name in enumerate(names) if name not in fixed]
    rng = np.random.default_rng(seed)
    for draw in range(1, draws + 1):
        shuffled = [free[i] for i in rng.permutation(len(free))]
        if problem.phases_in_order:
            order = sorted([*first, *shuffled], key=lambda i: problem.units[i].phase)  # stable: chance decides within
        else:
            order = [*first, *shuffled]
        live = place_all(problem, order)
        if live is not None and max(live.values()) <= latest:
            drawn = tuple(names[i] for i in shuffled)
            return RandomOrder(live, drawn, tuple(names[i] for i in first), draw, latest)
    raise NoRandomOrder(
        what=f"None of {draws} random orders keeps every constraint and ends by {problem.calendar.name(latest)}.",
        remedy="Raise trial.later_weeks, add a team, or randomise fewer units; chance needs some room.",
    )


def _latest(problem: Problem, name: str) -> int:
    return min((w.latest for w in problem.windows if w.unit == name and w.latest is not None), default=problem.horizon)


def power(problem: Problem, chosen: RandomOrder) -> dict[str, Any]:
    """Return the cells of the wedge and its power, with every assumption. Only units drawn by chance count."""
    trial = problem.trial
    drawn = [unit for unit in problem.units if unit.name in chosen.order and unit.officers]
    weeks = np.array([chosen.live[unit.name] for unit in drawn])
    steps = weeks // trial.period_weeks + 1  # the first period that begins after the week of going live
    periods = trial.baseline_periods + int(steps.max(initial=0)) + 1
    cells = wedge_cells(trial.baseline_periods + steps, periods)
    officers = np.array([unit.officers for unit in drawn], dtype=float)
    years = trial.period_weeks / WEEKS_A_YEAR
    events = officers * trial.rate_per_officer_year * years
    within = float(np.mean(trial.overdispersion / events)) if drawn else float("nan")
    between = log(1 + trial.cv_between**2)
    effect = log(trial.rate_ratio)
    if len(drawn) < 2 or within <= 0:
        return {
            "power": 0.0,
            "detectable_rate_ratio": None,
            "units": len(drawn),
            "periods": periods,
            "cells": [],
            "assumptions": [],
        }
    found = wedge_power(cells, effect=effect, sigma2_between=between, sigma2_within_cell=within, alpha=trial.alpha)
    least = wedge_detectable(cells, sigma2_between=between, sigma2_within_cell=within, alpha=trial.alpha)
    return {
        "power": found,
        "detectable_rate_ratio": exp(-least) if np.isfinite(least) else None,
        "units": len(drawn),
        "periods": periods,
        "events_a_cell": float(events.mean()),
        "cells": [{"unit": unit.name, "treated": row} for unit, row in zip(drawn, cells.tolist(), strict=True)],
        "assumptions": [fact.as_dict() for fact in _facts(trial, between, within)],
    }


def _facts(trial: Trial, between: float, within: float) -> list[Fact]:
    about = {
        "rate_per_officer_year": (
            "allegations an officer and year",
            COMPUTED,
            "12,418 / 31,780, Met 2014-15",
        ),
        "rate_ratio": ("effect looked for, rate ratio", ASSUMPTION, "the plan's trial.rate_ratio"),
        "cv_between": ("spread of units' rates", ASSUMPTION, "coefficient of variation"),
        "overdispersion": ("overdispersion of counts", ASSUMPTION, "as in the London power calculation"),
        "period_weeks": ("weeks in a period", ASSUMPTION, "the plan's trial.period_weeks"),
        "baseline_periods": ("periods before the first unit", ASSUMPTION, "counts exist before the roll-out"),
        "later_weeks": ("weeks given up for chance", ASSUMPTION, "the plan's trial.later_weeks"),
        "alpha": ("two-sided level", ASSUMPTION, "convention"),
    }
    facts = [Fact(about[name][0], value, "", *about[name][1:]) for name, value in asdict(trial).items()]
    facts.append(Fact("variance between units, log rate", between, "", COMPUTED, "log(1 + cv²)"))
    facts.append(Fact("variance of a cell, log rate", within, "", COMPUTED, "mean of overdispersion / expected count"))
    facts.append(Fact("contamination", "none", "", ASSUMPTION, "with contamination the power is less"))
    return facts
