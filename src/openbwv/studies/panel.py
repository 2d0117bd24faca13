"""A panel of units by periods in which every unit starts at some time or never."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from openbwv.studies.errors import BadRow, BadStudyOption, CannotAnalyse
from openbwv.studies.setup import Excluded, Setup, fixed_exposure
from openbwv.studies.table import Table


@dataclass(frozen=True)
class Panel:
    """`outcome[i, j]` of unit i in period j, nan where there is none; `start[i]` the index of the first period with a
    camera, `len(periods)` for never; `cluster[i]` numbers what was drawn together."""

    setup: Setup
    outcome: np.ndarray
    start: np.ndarray
    cluster: np.ndarray
    periods: np.ndarray
    excluded: list[dict[str, int | str]]
    rows: int
    notes: list[str]

    @property
    def units(self) -> int:
        """How many units there are."""
        return len(self.start)

    @property
    def treated(self) -> np.ndarray:
        """1 where unit i has cameras in period j."""
        return (np.arange(len(self.periods))[None, :] >= self.start[:, None]).astype(float)


def prepare_panel(table: Table, setup: Setup, *, starts: np.ndarray | None = None) -> Panel:
    """Read unit, time, outcome and first, or take `starts` from an allocation.

    A `first` that is blank, never, inf, 0 or after the end is never.

    Raises BadRow for a unit that starts at two times or has one period twice, BadStudyOption for missing columns,
    CannotAnalyse for a panel without two periods or two different starts.
    """
    for name, option in ((setup.unit, "--unit"), (setup.time, "--time"), (setup.first, "--first")):
        if name is None and not (option == "--first" and starts is not None):
            raise BadStudyOption(what=f"A staggered start needs {option}.", remedy="Name unit, time and first period.")
    excluded = Excluded()
    unit, time = table.text(str(setup.unit)), table.periods(str(setup.time))
    first = table.periods(str(setup.first), missing=("never", "inf")) if starts is None else starts
    if np.nanmin(time, initial=np.inf) > 0:
        first = np.where(first == 0, np.nan, first)  # 0 for never, as R's `did` has it, where no period is called 0
    outcome = table.numbers(setup.outcome, least=0 if setup.kind == "count" else None, whole=setup.kind == "count")
    if isinstance(setup.exposure, str):
        exposure = table.numbers(setup.exposure, least=0)
        outcome = np.where(exposure > 0, outcome / np.where(exposure > 0, exposure, 1), np.nan)
    else:
        outcome = outcome / fixed_exposure(setup.exposure)
    for problem, why in (
        (unit == "", f"no value in '{setup.unit}'"),
        (np.isnan(time), f"no value in '{setup.time}'"),
        (np.isnan(outcome), f"no value in '{setup.outcome}' or no exposure"),
        (np.isnan(first) & (starts is not None), "no arm given"),
    ):
        for row in np.flatnonzero(problem):
            excluded.add(row, why)
    kept = np.setdiff1d(np.arange(len(table.lines)), np.fromiter(excluded.why, dtype=int, count=len(excluded.why)))
    frame = pd.DataFrame(
        {"unit": unit[kept], "time": time[kept], "first": np.nan_to_num(first[kept], nan=np.inf), "y": outcome[kept]}
    )
    frame["row"] = kept
    frame["cluster"] = table.text(setup.cluster)[kept] if setup.cluster else frame["unit"]
    _consistent(frame, table, setup)
    return _panel(frame, table, setup, excluded)


def _consistent(frame: pd.DataFrame, table: Table, setup: Setup) -> None:
    for bad, column, problem, remedy in (
        (frame.duplicated(["unit", "time"]), setup.time, "this unit has this period twice", "Add up its rows first."),
        (
            frame["first"] != frame.groupby("unit")["first"].transform("first"),
            setup.first,
            "this unit had another first period above",
            "A unit starts once.",
        ),
        (
            frame["cluster"] != frame.groupby("unit")["cluster"].transform("first"),
            setup.cluster,
            "this unit was in another cluster above",
            "A unit belongs to one cluster.",
        ),
        (
            frame["first"] != frame.groupby("cluster")["first"].transform("first"),
            setup.cluster,
            "this cluster holds units with different first periods",
            "A cluster starts whole; name what was drawn together.",
        ),
    ):
        if bad.any():
            line = int(table.lines[frame.loc[bad.idxmax(), "row"]])
            raise BadRow(file=table.file, line=line, column=str(column), problem=problem + ".", remedy=remedy)


def _panel(frame: pd.DataFrame, table: Table, setup: Setup, excluded: Excluded) -> Panel:
    periods = np.unique(frame["time"].to_numpy()) if len(frame) else np.array([])
    if len(periods) < 2:
        raise CannotAnalyse(what="There are fewer than two periods.", remedy="Look at the column named by --time.")
    wide = frame.pivot(index="unit", columns="time", values="y")
    by_unit = frame.groupby("unit").first()
    start = np.searchsorted(periods, by_unit["first"].to_numpy())
    notes = []
    holes = int(wide.isna().to_numpy().sum())
    if holes:
        notes.append(f"{holes} cells of the panel are empty; each comparison uses the units that have both periods.")
    early = int((start == 0).sum())
    if early:
        notes.append(f"{early} units had cameras from the first period on; no change of theirs can be seen.")
    if len(np.unique(start[start > 0])) < 2:
        raise CannotAnalyse(
            what="All units that are seen to start do so in the same period, and none starts later or never.",
            remedy="Use --design before-after; it will be called what it is.",
        )
    cluster = pd.factorize(by_unit["cluster"])[0]
    lines = [int(line) for line in table.lines]
    return Panel(setup, wide.to_numpy(), start, cluster, periods, excluded.as_list(lines), len(table.lines), notes)
