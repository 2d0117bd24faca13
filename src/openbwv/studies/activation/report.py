"""Oversight of activation from reports that say "was it recorded": shares, officers after shrinkage, funnel, mixed.

One row of the data is one report: an officer, an incident, a date, recorded or not. Nothing here compares arms of a
trial: the label is descriptive, and differences between groups may be due to what the groups' incidents were like.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from openbwv.studies.activation import contamination, crossed, funnel, mixed, rates, shrink
from openbwv.studies.activation.errors import BadRecords
from openbwv.studies.activation.pseudonyms import renumber
from openbwv.studies.activation.suppress import THRESHOLD, hide

LABEL = "descriptive, not randomised"
LEAST_REPORTS = 10
LIMITS_AT = (10, 15, 20, 30, 50, 75, 100, 150, 200, 300, 500, 1000)


@dataclass(frozen=True)
class Options:
    """How a report is made.

    `names` shows the file's own officers and incidents; `publish` lists neither officers nor incidents one by one.
    """

    seed: int = 1
    least_reports: int = LEAST_REPORTS
    threshold: int = THRESHOLD
    names: bool = False
    publish: bool = False

    def __post_init__(self) -> None:
        if self.least_reports < 2 or self.threshold < 1:
            raise BadRecords(
                what="An officer's share needs at least 2 reports, and a threshold is at least 1.",
                remedy="Use for example --least-reports 10 --threshold 5; 1 suppresses nothing.",
            )


@dataclass(frozen=True)
class Reports:
    """The rows that count: no blanks among them. `groups` holds further columns by name; `arm` is 1, 0 or absent."""

    officer: np.ndarray
    incident: np.ndarray
    recorded: np.ndarray
    when: np.ndarray  # datetime64[ms], the clock on the wall
    groups: Mapping[str, np.ndarray] = field(default_factory=dict)
    arm: np.ndarray | None = None
    place: np.ndarray | None = None


def from_records(frame: pd.DataFrame) -> Reports:
    """Return the reports of a table with the columns that `importers.records.reports` gives."""
    groups = [name for name in frame if name.startswith("group:")]
    return Reports(
        officer=frame["officer"].astype(object).to_numpy(),
        incident=frame["incident"].to_numpy(dtype=object),
        recorded=frame["recorded"].to_numpy() == 1,
        when=frame["date"].to_numpy(dtype="datetime64[ms]"),
        groups={name.removeprefix("group:"): frame[name].astype(object).to_numpy() for name in groups},
        arm=frame["arm"].to_numpy() == 1 if "arm" in frame else None,
        place=frame["place"].astype(object).to_numpy() if "place" in frame else None,
    )


def analyse(data: Reports, *, options: Options | None = None) -> dict[str, Any]:
    """Return everything the report prints, as plain values. Raises BadRecords when there is no row."""
    options = options or Options()
    if not len(data.recorded):
        raise BadRecords(what="No row is left to count.", remedy="See which were excluded, and why; mend the file.")
    whole = rates.row("all", len(data.recorded), int(data.recorded.sum()))
    officers, limits, shares = _officers(data, options)
    found = mixed.per_incident(data.incident, data.officer, data.recorded)
    out: dict[str, Any] = {"label": LABEL, "seed": options.seed, "least_reports": options.least_reports}
    out |= {"threshold": options.threshold, "pseudonymised": not options.names}
    out["all"] = rates.suppressed([whole], threshold=options.threshold)[0]
    out["years"] = _table(data.when.astype("datetime64[Y]").astype(int) + 1970, data, options)
    hours = data.when.astype("datetime64[h]").astype(np.int64) % 24
    has_times = bool((data.when != data.when.astype("datetime64[D]")).any())
    out["hours"] = _table(hours, data, options) if has_times else []
    out["groups"] = {name: _table(values, data, options) for name, values in data.groups.items()}
    out |= {"officers": officers, "funnel": limits}
    out["mixed"] = _mixed(data, found, options)
    out["contamination"] = []
    if data.arm is not None:
        out["contamination"] = contamination.exposure(
            data.incident, data.officer, data.recorded, data.arm, threshold=options.threshold
        )
    if data.place is not None:
        out["crossed"] = crossed.compare(data.officer, data.place, data.recorded, shares=shares, seed=options.seed)
    return _published(out, options.threshold) if options.publish else out


def _published(out: dict[str, Any], threshold: int) -> dict[str, Any]:
    """Take out what is about single officers and incidents: the lists, and small counts of officers."""
    out["officers"]["list"] = []
    out["mixed"]["list"] = []
    outside = out["funnel"]["outside"]
    out["funnel"]["outside"] = {where: None if 0 < count < threshold else count for where, count in outside.items()}
    return out


def _table(keys: np.ndarray, data: Reports, options: Options) -> list[dict[str, Any]]:
    plain = [each.item() if isinstance(each, np.generic) else each for each in keys]
    return rates.by(plain, data.recorded, threshold=options.threshold)


def _officers(data: Reports, options: Options) -> tuple[dict[str, Any], dict[str, Any], dict[str, float]]:
    """Return the distribution and list of officers, the funnel, and each officer's share after shrinkage."""
    sums = (
        pd.DataFrame({"officer": data.officer, "recorded": data.recorded})
        .groupby("officer", sort=True)["recorded"]
        .agg(["size", "sum"])
    )
    counts = sums.to_numpy(dtype=np.int64)
    few = counts[:, 0] < options.least_reports
    _, also = hide(counts[:, :1], threshold=options.threshold, small=few)
    kept = ~(few | also)
    n, recorded = counts[kept, 0], counts[kept, 1]
    spread = shrink.fit(counts[:, 1], counts[:, 0])  # the spread is learnt from all, shown for those with enough
    share, low, high = shrink.shrunk(spread, recorded, n)
    shape = funnel.fit(recorded, n)
    places = shape.places(recorded, n) if shape else [funnel.INSIDE] * len(n)
    shown = renumber(sums.index, word="Officer", seed=options.seed)
    own = sums.index[kept]
    listed = [
        {
            "officer": own[at] if options.names else shown[own[at]],
            "n": int(n[at]),
            "recorded": int(recorded[at]),
            "share": float(recorded[at] / n[at]),
            "shrunk": float(share[at]),
            "low": float(low[at]),
            "high": float(high[at]),
            "place": places[at],
        }
        for at in range(len(n))
    ]
    officers = {
        "count": len(sums),
        "with_enough": int(kept.sum()),
        "not_listed": {
            "officers": int((~kept).sum()),
            "with_fewer_reports": int(few.sum()),
            "to_protect": int(also.sum()),
        },
        "spread": spread.as_dict(),
        "after_shrinkage": shrink.quantiles(share),
        "before_shrinkage": shrink.quantiles(recorded / n),
        "list": sorted(listed, key=lambda each: str(each["officer"])),
    }
    return officers, _funnel(shape, places, len(n)), dict(zip(own, share.tolist(), strict=True))


def _funnel(shape: funnel.Funnel | None, places: list[str], many: int) -> dict[str, Any]:
    if shape is None:
        return {"centre": None, "limits": [], "outside": {}, "note": "Everybody or nobody recorded: no limits exist."}
    at = np.array(LIMITS_AT)
    wide, narrow = shape.limits(at), shape.limits(at, overdispersed=False)
    limits = [
        {"n": int(n)}
        | {name: float(values[row]) for name, values in wide.items()}
        | {f"binomial_{name}": float(values[row]) for name, values in narrow.items()}
        for row, n in enumerate(at)
    ]
    words = (funnel.VERY_LOW, funnel.LOW, funnel.INSIDE, funnel.HIGH, funnel.VERY_HIGH)
    return {
        "centre": shape.centre,
        "correlation": shape.correlation,
        "winsorised_phi": shape.winsorised_phi,
        "limits": limits,
        "outside": {word: places.count(word) for word in words},
        "expected_by_chance": {"outside 95 %": 0.05 * many, "outside 99.8 %": 0.002 * many},
        "note": "Limits allow officers to differ as officers do (beta-binomial); the binomial ones flag too many.",
    }


def _mixed(data: Reports, found: pd.DataFrame, options: Options) -> dict[str, Any]:
    """Return the mixed incidents: how many, by year, and a list.

    Their number is not suppressed: it says nothing about a person, and it is the signal that oversight looks for.
    """
    when = pd.Series(data.when).groupby(np.asarray(data.incident, dtype=object)).min()
    year = when.reindex(found.index).dt.year
    several = found["officers"] > 1
    some = found.assign(year=year)[found["mixed"]]
    shown = renumber(found.index, word="Incident", seed=options.seed)
    listed = [
        {
            "incident": incident if options.names else shown[incident],
            "year": int(in_year),
            "officers": int(officers),
            "recorded": int(recorded),
        }
        for incident, in_year, officers, recorded in zip(
            some.index, some["year"], some["officers"], some["recorded"], strict=True
        )
    ]
    by_year = rates.by(
        year[several].astype(int).tolist(), found.loc[several, "mixed"].to_numpy(), threshold=options.threshold
    )
    rename = {"recorded": "mixed", "not_recorded": "not_mixed"}
    return mixed.summary(found) | {
        "officers_contradicting_themselves": mixed.conflicting(data.incident, data.officer, data.recorded),
        "years": [{rename.get(name, name): value for name, value in each.items()} for each in by_year],
        "list": sorted(listed, key=lambda each: str(each["incident"])),
    }
