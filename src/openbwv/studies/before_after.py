"""Before against after, with nothing drawn: the weakest comparison there is, and the one most often in the news.

The 93 % fewer complaints of the Cambridge trials are such a number: both arms together, before against after. It can be
printed here, and cannot be printed without saying so.
"""

import numpy as np

from openbwv.studies.errors import BadStudyOption, CannotAnalyse
from openbwv.studies.estimates import Estimand, Estimate, Model, one_headline
from openbwv.studies.intervals import Interval, around, exact_ratio, wald_ratio
from openbwv.studies.labels import DesignLabel
from openbwv.studies.means import from_line, least_squares_hc2
from openbwv.studies.result import Result
from openbwv.studies.setup import Excluded, Setup
from openbwv.studies.table import Table

FEW_EVENTS = 10
NOTE = "whatever else changed between the two times is in it"


def before_after_ratios(
    events: float, exposure: float, events_before: float, exposure_before: float, *, alpha: float = 0.05
) -> list[Estimate]:
    """Return the Wald and, for whole counts, the exact ratio of after to before; the exact one leads where rare."""
    counts = events, exposure, events_before, exposure_before
    found = [_ratio(Model.POISSON, wald_ratio(*counts, alpha=alpha))]
    if float(events).is_integer() and float(events_before).is_integer():
        found.append(
            _ratio(Model.EXACT, exact_ratio(int(events), exposure, int(events_before), exposure_before, alpha=alpha))
        )
    rare = min(events, events_before) < FEW_EVENTS and len(found) > 1
    return one_headline(found, Model.EXACT if rare else Model.POISSON)


def _ratio(model: Model, inside: Interval) -> Estimate:
    return Estimate(
        model=model,
        label=DesignLabel.BEFORE_AFTER,
        estimand=Estimand.BEFORE_AFTER,
        measure="irr",
        value=inside.value,
        low=inside.low,
        high=inside.high,
        p=inside.p,
        converged=bool(np.isfinite(inside.value)),
        note=NOTE,
    )


def analyse_before_after(table: Table, setup: Setup) -> Result:
    """Compare the outcome with the baseline of the same rows, or rows after with rows before.

    With `baseline`, each row holds a count before (`baseline`) and after (`outcome`). With `assigned`, its column says
    before (0) or after (1). With `time` and `first`, a row is after from its first period on.
    """
    excluded = Excluded()
    outcome = table.numbers(setup.outcome, least=0, whole=setup.kind == "count")
    exposure = _span(table, setup.exposure)
    if setup.baseline:
        before = table.numbers(setup.baseline, least=0, whole=setup.kind == "count")
        span = exposure if setup.baseline_exposure is None else _span(table, setup.baseline_exposure)
        use = _known(
            excluded,
            (outcome, setup.outcome),
            (before, setup.baseline),
            (exposure, "exposure"),
            (span, "exposure before"),
        )
        moved = outcome[use] / exposure[use] - before[use] / span[use]
        totals = outcome[use].sum(), exposure[use].sum(), before[use].sum(), span[use].sum()
        spread = _mean_change(moved, setup)
    else:
        after = _after(table, setup)
        use = _known(excluded, (outcome, setup.outcome), (after, "before or after"), (exposure, "exposure"))
        late = use & (after == 1)
        early = use & (after == 0)
        if not late.any() or not early.any():
            raise CannotAnalyse(what="One of the two times has no rows.", remedy="Look at the column of the time.")
        totals = outcome[late].sum(), exposure[late].sum(), outcome[early].sum(), exposure[early].sum()
        line = least_squares_hc2(outcome[use] / exposure[use], after[use][:, None])
        spread = from_line(line, setup.alpha)
    found = before_after_ratios(*map(float, totals), alpha=setup.alpha)
    found.append(
        Estimate(
            model=Model.MEANS_HC2,
            label=DesignLabel.BEFORE_AFTER,
            estimand=Estimand.BEFORE_AFTER,
            measure="difference",
            value=spread.value,
            low=spread.low,
            high=spread.high,
            p=spread.p,
            se=spread.se,
            note=NOTE,
        )
    )
    arms = {
        "after": {"events": float(totals[0]), "exposure": float(totals[1])},
        "before": {"events": float(totals[2]), "exposure": float(totals[3])},
    }
    lines = [int(line) for line in table.lines]
    return Result(setup, int(use.sum()), int(use.sum()), found, len(lines), excluded.as_list(lines), arms, notes=[_WHY])


def _span(table: Table, exposure: str | float | None) -> np.ndarray:
    if isinstance(exposure, str):
        values = table.numbers(exposure, least=0)
        return np.where(values > 0, values, np.nan)
    return np.full(len(table.lines), 1.0 if exposure is None else float(exposure))


def _after(table: Table, setup: Setup) -> np.ndarray:
    if setup.assigned:
        return table.arms(setup.assigned)
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


def _mean_change(moved: np.ndarray, setup: Setup) -> Interval:
    """Return the mean change with Student's interval."""
    se = float(moved.std(ddof=1) / np.sqrt(len(moved))) if len(moved) > 1 else np.nan
    return around(float(moved.mean()), se, alpha=setup.alpha, df=max(len(moved) - 1, 1))


_WHY = DesignLabel.BEFORE_AFTER.sentence
