"""Before against after, with nothing drawn: the weakest comparison there is, and the one most often in the news.

The 93 % fewer complaints of the Cambridge trials are such a number: both arms together, before against after. It can be
printed here, and cannot be printed without saying so.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from openbwv.studies.errors import BadStudyOption, CannotAnalyse
from openbwv.studies.estimates import Estimand, Estimate, Model, one_headline
from openbwv.studies.intervals import Interval, exact_ratio, ratio_around, small_sample_df, wald_ratio
from openbwv.studies.labels import DesignLabel
from openbwv.studies.means import from_line, least_squares_clustered
from openbwv.studies.result import Result
from openbwv.studies.setup import Excluded, Setup, fixed_exposure
from openbwv.studies.table import Table
from openbwv.studies.trial import codes

FEW_EVENTS = 10
NOTE = "whatever else changed between the two times is in it"


@dataclass(frozen=True)
class Rows:
    """Outcome and exposure of a unit at one of the two times, `late` 1 after and 0 before; equal `unit` is the same."""

    outcome: np.ndarray
    exposure: np.ndarray
    late: np.ndarray
    unit: np.ndarray

    def total(self, late: int) -> tuple[float, float]:
        """Return events and exposure of one of the times."""
        here = self.late == late
        return float(self.outcome[here].sum()), float(self.exposure[here].sum())


def before_after_ratios(
    events: float, exposure: float, events_before: float, exposure_before: float, *, alpha: float = 0.05
) -> list[Estimate]:
    """Return the Wald and, for whole counts, the exact ratio of after to before; the exact one leads where rare."""
    found = _summed(events, exposure, events_before, exposure_before, alpha=alpha, clustered=False)
    rare = min(events, events_before) < FEW_EVENTS and len(found) > 1
    return one_headline(found, Model.EXACT if rare else Model.POISSON)


def _summed(
    events: float, exposure: float, events_before: float, exposure_before: float, *, alpha: float, clustered: bool
) -> list[Estimate]:
    counts = events, exposure, events_before, exposure_before
    found = [_estimate(Model.POISSON, wald_ratio(*counts, alpha=alpha), clustered=clustered)]
    if float(events).is_integer() and float(events_before).is_integer():
        inside = exact_ratio(int(events), exposure, int(events_before), exposure_before, alpha=alpha)
        found.append(_estimate(Model.EXACT, inside, clustered=clustered))
    return found


def _estimate(
    model: Model, inside: Interval, *, clustered: bool, measure: Literal["irr", "difference"] = "irr"
) -> Estimate:
    return Estimate(
        model=model,
        label=DesignLabel.BEFORE_AFTER,
        estimand=Estimand.BEFORE_AFTER,
        measure=measure,
        value=inside.value,
        low=inside.low,
        high=inside.high,
        p=inside.p,
        se=inside.se,
        converged=bool(np.isfinite(inside.value)),
        note=NOTE,
        clustered=clustered,
    )


def analyse_before_after(table: Table, setup: Setup) -> Result:
    """Compare the outcome with the baseline of the same rows, or rows after with rows before.

    With `baseline`, each row holds a count before (`baseline`) and after (`outcome`). With `assigned`, its column says
    before (0) or after (1). With `time` and `first`, a row is after from its first period on. Where there are several
    units (rows, or what `cluster` or `unit` names) the interval is clustered on them and leads.
    """
    excluded = Excluded()
    rows, used = (_side_by_side if setup.baseline else _one_below_the_other)(table, setup, excluded)
    late, early = rows.total(1), rows.total(0)
    units = len(np.unique(rows.unit))
    several = min((rows.late == 1).sum(), (rows.late == 0).sum()) > 1 and units > 1
    found = _summed(*late, *early, alpha=setup.alpha, clustered=several)
    line = least_squares_clustered(rows.outcome / rows.exposure, rows.late[:, None], rows.unit)
    inside = from_line(line, setup.alpha) if several else Interval(float(line.slopes[0]))
    found.append(_estimate(Model.MEANS_CLUSTERED, inside, clustered=several, measure="difference"))
    if several and min(late[0], early[0]) > 0:
        found.append(_estimate(Model.POISSON_CLUSTERED, clustered_ratio(rows, alpha=setup.alpha), clustered=True))
        found = one_headline(found, Model.POISSON_CLUSTERED)
    elif several:
        found = one_headline(found, Model.MEANS_CLUSTERED)
    else:
        rare = min(late[0], early[0]) < FEW_EVENTS and any(each.model is Model.EXACT for each in found)
        found = one_headline(found, Model.EXACT if rare else Model.POISSON)
    arms = {name: {"events": events, "exposure": span} for name, (events, span) in (("after", late), ("before", early))}
    lines = [int(line) for line in table.lines]
    return Result(setup, used, units, found, len(lines), excluded.as_list(lines), arms, notes=[_WHY])


def clustered_ratio(rows: Rows, *, alpha: float) -> Interval:
    """Return the ratio of after to before with the sandwich clustered on the unit, G/(G-1); t below 40 units."""
    score = np.zeros(len(rows.outcome))
    for late, sign in ((1, 1), (0, -1)):
        here = rows.late == late
        events, exposure = rows.total(late)
        score[here] = sign * (rows.outcome[here] - events / exposure * rows.exposure[here]) / events
    summed = np.bincount(rows.unit, weights=score)
    units = len(summed)
    se = float(np.sqrt(units / (units - 1) * (summed**2).sum()))
    after, before = rows.total(1), rows.total(0)
    log_ratio = float(np.log(after[0] / after[1] * before[1] / before[0]))
    return ratio_around(log_ratio, se, alpha=alpha, df=small_sample_df(units, 1))


def _side_by_side(table: Table, setup: Setup, excluded: Excluded) -> tuple[Rows, int]:
    whole = setup.kind == "count"
    after = table.numbers(setup.outcome, least=0, whole=whole)
    before = table.numbers(str(setup.baseline), least=0, whole=whole)
    span = _span(table, setup.exposure)
    span_before = span if setup.baseline_exposure is None else _span(table, setup.baseline_exposure)
    columns = (
        (after, setup.outcome),
        (before, str(setup.baseline)),
        (span, "exposure"),
        (span_before, "exposure before"),
    )
    use = _known(excluded, *columns)
    n = int(use.sum())
    group = _groups(table, setup, use)
    rows = Rows(
        np.concatenate([after[use], before[use]]),
        np.concatenate([span[use], span_before[use]]),
        np.repeat([1.0, 0.0], n),
        np.tile(group, 2),
    )
    return rows, n


def _one_below_the_other(table: Table, setup: Setup, excluded: Excluded) -> tuple[Rows, int]:
    outcome = table.numbers(setup.outcome, least=0, whole=setup.kind == "count")
    after, span = _after(table, setup), _span(table, setup.exposure)
    use = _known(excluded, (outcome, setup.outcome), (after, "before or after"), (span, "exposure"))
    if len(np.unique(after[use])) < 2:
        raise CannotAnalyse(what="One of the two times has no rows.", remedy="Look at the column of the time.")
    return Rows(outcome[use], span[use], after[use], _groups(table, setup, use)), int(use.sum())


def _groups(table: Table, setup: Setup, use: np.ndarray) -> np.ndarray:
    name = setup.cluster or setup.unit
    return codes(table.text(name)[use]) if name else np.arange(int(use.sum()))


def _span(table: Table, exposure: str | float | None) -> np.ndarray:
    if isinstance(exposure, str):
        values = table.numbers(exposure, least=0)
        return np.where(values > 0, values, np.nan)
    return np.full(len(table.lines), fixed_exposure(exposure))


def _after(table: Table, setup: Setup) -> np.ndarray:
    if setup.assigned:
        return table.arms(setup.assigned, times=True)
    if setup.time and setup.first:
        time, first = table.numbers(setup.time), table.numbers(setup.first, missing=("never", "inf"))
        known = np.isfinite(time)
        return np.where(known, (time >= np.nan_to_num(first, nan=np.inf)) * 1.0, np.nan)
    raise BadStudyOption(
        what="Nothing says what was before and what after.",
        remedy="Name the count before with --baseline, or a column of 0 (before) and 1 (after) with --assigned.",
    )


def _known(excluded: Excluded, *columns: tuple[np.ndarray, str]) -> np.ndarray:
    for values, name in columns:
        for row in np.flatnonzero(np.isnan(values)):
            excluded.add(row, f"no value in '{name}'")
    use = np.ones(len(columns[0][0]), dtype=bool)
    use[list(excluded.why)] = False
    if not use.any():
        raise CannotAnalyse(what="No row can be analysed.", remedy="`excluded` says why; look at the columns named.")
    return use


_WHY = DesignLabel.BEFORE_AFTER.sentence
