"""An analysis that takes the arms from the allocation file, not from a column that somebody may have tidied."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from openbwv.studies.allocation import Allocation
from openbwv.studies.draw import redraw
from openbwv.studies.errors import BadRow, BadStudyOption
from openbwv.studies.estimates import Estimate, Model
from openbwv.studies.intervals import Interval
from openbwv.studies.means import make
from openbwv.studies.permutation import EPSILON, Units, statistic
from openbwv.studies.setup import Design, Setup
from openbwv.studies.table import Table
from openbwv.studies.trial import Trial


@dataclass(frozen=True)
class Matched:
    """The arm and block of each row by the allocation (nan and "" where it does not list the unit), and what the
    report says of it."""

    arms: np.ndarray
    blocks: np.ndarray
    about: dict[str, Any]


def match(table: Table, setup: Setup, allocation: Allocation) -> Matched:
    """Look up each row's unit. Raises BadRow where the data's own column of arms says otherwise."""
    if setup.unit is None:
        raise BadStudyOption(what="The allocation lists units by id.", remedy="Name the id's column with --unit.")
    if allocation.rules.design is not setup.design:
        what = f"The allocation is one of {allocation.rules.design.value}, the analysis asks for {setup.design.value}."
        raise BadStudyOption(what=what, remedy="Analyse the trial as it was drawn.")
    names = table.text(setup.unit)
    arm_of = dict(zip(allocation.ids, allocation.arms.tolist(), strict=True))
    arms = np.array([arm_of.get(name, np.nan) for name in names], dtype=float)
    if setup.design is Design.STAGGERED:
        arms = arms + allocation.rules.start
    column = setup.first if setup.design is Design.STAGGERED else setup.assigned
    if column is not None:
        said = table.numbers(column) if setup.design is Design.STAGGERED else table.arms(column)
        differ = np.flatnonzero(np.isfinite(said) & np.isfinite(arms) & (said != arms))
        if len(differ):
            raise BadRow(
                file=table.file,
                line=int(table.lines[differ[0]]),
                column=column,
                problem=f"'{names[differ[0]]}' was allocated otherwise ({len(differ)} such rows).",
                remedy="Leave out the column; the arms are then those of the allocation, used or not.",
            )
    block_of = dict(zip(allocation.ids, map(str, allocation.block.tolist()), strict=True))
    missing = sorted(set(allocation.ids) - set(map(str, names)))
    return Matched(
        arms,
        np.array([block_of.get(name, "") for name in names], dtype=object),
        {
            "sha256": allocation.sha256,
            "seed": allocation.document["seed"],
            "allocated": allocation.document["counts"],
            "units": len(allocation.ids),
            "without_data": missing,
            "rows_not_allocated": int(np.isnan(arms).sum()),
        },
    )


def as_drawn(trial: Trial, allocation: Allocation) -> Estimate | None:
    """Return the randomisation p with fresh draws made just as the allocation was, its restriction included."""
    if trial.setup.draws < 1 or trial.unit is None:
        return None
    place = {name: index for index, name in enumerate(allocation.ids)}
    where = np.array([place[str(name)] for name in trial.unit])
    rng = np.random.default_rng(trial.setup.seed)
    arms = redraw(
        allocation.rules,
        allocation.block,
        allocation.covariates,
        allocation.threshold,
        draws=trial.setup.draws,
        rng=rng,
    ).astype(float)
    units = Units(
        allocation.arms,
        np.bincount(where, weights=trial.outcome, minlength=len(place)),
        np.bincount(where, weights=trial.exposure, minlength=len(place)),
        allocation.block,
    )
    seen = float(statistic(units, units.treated[None, :].astype(float))[0])
    extreme = int((np.abs(statistic(units, arms)) >= abs(seen) * (1 - EPSILON) - EPSILON**2).sum())
    note = f"{trial.setup.draws} draws made as the allocation was, seed {trial.setup.seed}"
    return make(trial, Model.RANDOMISATION, Interval(seen, p=(1 + extreme) / (1 + trial.setup.draws)), note=note)
