"""The rows of a two-arm trial, checked and ready: outcome, arm, exposure, block, randomised unit.

A row that cannot be used is listed with its reason. A row that contradicts the design (one cluster in both arms, one
officer twice) stops the analysis, because leaving it out would hide a fault in the data.
"""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from openbwv.studies.errors import BadRow, BadStudyOption, CannotAnalyse
from openbwv.studies.setup import KINDS, Design, Excluded, Setup, fixed_exposure
from openbwv.studies.table import Table


@dataclass(frozen=True)
class Trial:
    """Arrays of equal length, one entry a row that is analysed. `cluster` numbers the randomised units from 0.

    `clustered` is False where every row is a randomised unit of its own without a partner. `block` is None where
    nothing was drawn inside blocks. Baseline and compliance are nan where they are not known.
    """

    setup: Setup
    outcome: np.ndarray
    treated: np.ndarray
    exposure: np.ndarray
    cluster: np.ndarray
    clustered: bool
    block: np.ndarray | None
    baseline: np.ndarray | None
    baseline_exposure: np.ndarray | None
    compliance: np.ndarray | None
    covariates: dict[str, np.ndarray]
    unit: np.ndarray | None
    together: np.ndarray | None
    excluded: list[dict[str, int | str]]
    rows: int
    is_count: bool
    notes: list[str] = field(default_factory=list)

    @property
    def n(self) -> int:
        """How many rows are analysed."""
        return len(self.outcome)

    @property
    def clusters(self) -> int:
        """How many randomised units are analysed."""
        return len(np.unique(self.cluster))

    def arm(self, treated: int) -> dict[str, float]:
        """Return rows, events, exposure and rate of an arm."""
        here = self.treated == treated
        events, exposure = float(self.outcome[here].sum()), float(self.exposure[here].sum())
        units = len(np.unique(self.cluster[here]))
        return {"n": int(here.sum()), "units": units, "events": events, "exposure": exposure, "rate": events / exposure}


def codes(text: np.ndarray) -> np.ndarray:
    """Return words as numbers from 0 in order of first appearance; a blank one becomes a group of its own."""
    named = pd.factorize(text)[0]
    blank = text == ""
    if blank.any():
        named = named.copy()
        named[blank] = named.max() + 1 + np.arange(int(blank.sum()))
        named = pd.factorize(named)[0]
    return np.asarray(named)


def prepare(table: Table, setup: Setup, *, arms: np.ndarray | None = None, blocks: np.ndarray | None = None) -> Trial:
    """Read the columns that `setup` names; `arms` (1, 0) and `blocks` (words) replace them, as an allocation has them.

    Raises BadRow and BadTable for cells and columns, BadStudyOption for options that do not fit, CannotAnalyse when no
    row or only one arm is left.
    """
    if setup.kind not in KINDS:
        raise BadStudyOption(what=f"There is no kind '{setup.kind}'.", remedy=f"Use {', '.join(KINDS)}.")
    if setup.assigned is None and arms is None:
        raise BadStudyOption(what="Nothing says which arm a row is in.", remedy="Name the column with --assigned.")
    excluded, notes = Excluded(), []
    outcome, is_count = _outcome(table, setup, notes)
    treated = table.arms(setup.assigned) if arms is None else arms  # type: ignore[arg-type]
    exposure = _exposure(table, setup.exposure)
    for problem, why in (
        (np.isnan(outcome), f"no value in '{setup.outcome}'"),
        (np.isnan(treated), "no arm given"),
        (np.isnan(exposure), f"no value in '{setup.exposure}'"),
        (exposure == 0, f"no exposure in '{setup.exposure}'"),
    ):
        for row in np.flatnonzero(problem):
            excluded.add(row, _why(table, row, why))
    block_text = table.text(setup.block) if setup.block else blocks
    if setup.design is Design.PAIRS and block_text is None:
        raise BadStudyOption(what="Pairs need the column of the pair.", remedy="Name it with --block.")
    drawn = _drawn_whole(setup, allocated=arms is not None)
    cluster_text = _cluster_text(table, drawn, excluded)
    kept = np.setdiff1d(np.arange(len(table.lines)), np.fromiter(excluded.why, dtype=int, count=len(excluded.why)))
    if not len(kept) or len(np.unique(treated[kept])) < 2:
        what = (
            "No row can be analysed." if not len(kept) else "All rows are in one arm, so there is nothing to compare."
        )
        raise CannotAnalyse(what=f"{what} {len(excluded.why)} of {len(table.lines)} rows were left out.", remedy=_LOOK)
    if setup.design is Design.PAIRS:
        cluster = codes(block_text[kept])  # type: ignore[index]
        notes += _about_pairs(cluster, treated[kept])
    else:
        cluster = np.arange(len(kept)) if cluster_text is None else codes(cluster_text[kept])
    if setup.design is Design.CLUSTERS:
        _one_arm_each(table, setup, str(drawn), kept, treated[kept])
    block = None if block_text is None else codes(block_text[kept])
    unit = table.text(setup.unit)[kept] if setup.unit else None
    if setup.design is Design.PAIRS and unit is not None:
        _nobody_twice(table, str(setup.unit), unit, kept)
    if setup.design is not Design.SHIFTS:
        notes += _same_rows(table, kept)
    return Trial(
        setup=setup,
        outcome=outcome[kept],
        treated=treated[kept].astype(int),
        exposure=exposure[kept],
        cluster=cluster,
        clustered=len(np.unique(cluster)) < len(cluster),
        block=block,
        baseline=table.numbers(setup.baseline)[kept] if setup.baseline else None,
        baseline_exposure=_exposure(table, setup.baseline_exposure)[kept] if setup.baseline_exposure else None,
        compliance=table.numbers(setup.compliance, least=0)[kept] if setup.compliance else None,
        covariates={name: table.numbers(name)[kept] for name in setup.covariates},
        unit=unit,
        together=table.text(setup.together)[kept] if setup.together else None,
        excluded=excluded.as_list([int(line) for line in table.lines]),
        rows=len(table.lines),
        is_count=is_count,
        notes=notes,
    )


_LOOK = "`excluded` of --json lists the rows; look at the column of arms and of the outcome."


def _outcome(table: Table, setup: Setup, notes: list[str]) -> tuple[np.ndarray, bool]:
    if setup.kind == "measure":
        return table.numbers(setup.outcome), False
    if setup.kind == "count":
        return table.numbers(setup.outcome, least=0, whole=True), True
    values = table.numbers(setup.outcome, least=0)
    broken = np.flatnonzero(np.isfinite(values) & (values != np.round(values)))
    if len(broken):
        notes.append(
            f"'{setup.outcome}' holds {len(broken)} values that are not whole (first: line {table.lines[broken[0]]}): "
            "analysed as a measure, without exact interval and negative binomial. --kind count makes this an error."
        )
    return values, not len(broken)


def _exposure(table: Table, exposure: str | float | None) -> np.ndarray:
    if isinstance(exposure, str):
        return table.numbers(exposure, least=0)
    return np.full(len(table.lines), fixed_exposure(exposure))


def _drawn_whole(setup: Setup, *, allocated: bool) -> str | None:
    """Return the column of what was drawn whole; an allocation lists just that, by the ids in --unit.

    Raises BadStudyOption for whole clusters that nothing names: rows taken for them would make the interval too narrow.
    """
    if setup.design is Design.PAIRS:
        return None
    column = setup.cluster or (setup.unit if allocated else None)
    if setup.design is Design.CLUSTERS and not column:
        remedy = "Name it with --cluster, also where every row is a cluster of its own."
        raise BadStudyOption(what="Clusters need the column of what was drawn whole.", remedy=remedy)
    return column


def _cluster_text(table: Table, column: str | None, excluded: Excluded) -> np.ndarray | None:
    if not column:
        return None
    text = table.text(column)
    for row in np.flatnonzero(text == ""):
        excluded.add(row, _why(table, row, f"no value in '{column}'"))
    return text


def _why(table: Table, row: int, why: str) -> str:
    return "blank line" if not any(value.strip() for value in table.cells.iloc[row]) else why


def _about_pairs(pair: np.ndarray, treated: np.ndarray) -> list[str]:
    frame = pd.DataFrame({"pair": pair, "treated": treated}).groupby("pair")["treated"].agg(["size", "nunique"])
    single = int((frame["size"] == 1).sum())
    alike = int(((frame["size"] > 1) & (frame["nunique"] == 1)).sum())
    large = int((frame["size"] > 2).sum())
    notes = []
    if single:
        notes.append(f"{single} have no partner in the data; they are kept, each as a pair of one.")
    if alike:
        notes.append(f"{alike} pairs have both members in the same arm.")
    if large:
        notes.append(f"{large} pairs hold more than two; they are taken as blocks.")
    return notes


def _one_arm_each(table: Table, setup: Setup, column: str, kept: np.ndarray, treated: np.ndarray) -> None:
    names = table.text(column)[kept]
    mean = pd.Series(treated).groupby(names).transform("mean").to_numpy()
    mixed = np.flatnonzero((mean > 0) & (mean < 1))
    if len(mixed):
        raise BadRow(
            file=table.file,
            line=int(table.lines[kept[mixed[0]]]),
            column=str(setup.assigned or "allocation"),
            problem=f"'{names[mixed[0]]}' of '{column}' is in both arms.",
            remedy="A cluster is drawn whole. If smaller units were drawn, name their column with --cluster.",
        )


def _nobody_twice(table: Table, column: str, unit: np.ndarray, kept: np.ndarray) -> None:
    again = np.flatnonzero(pd.Series(unit).duplicated().to_numpy() & (unit != ""))
    if len(again):
        raise BadRow(
            file=table.file,
            line=int(table.lines[kept[again[0]]]),
            column=column,
            problem=f"'{unit[again[0]]}' was there before.",
            remedy="In pairs a row is an officer; add up an officer's rows first.",
        )


def _same_rows(table: Table, kept: np.ndarray) -> list[str]:
    if len(table.cells.columns) < 3:
        return []
    same = int(table.cells.iloc[kept].duplicated().sum())
    return [f"{same} rows repeat an earlier one cell by cell; they are kept: are they copies?"] if same else []
