"""Our figures beside the published ones: the same counts through our own functions, with the difference and the label.

Every row says what it is a figure of, under which design, and whether the counts behind it were read or remembered.
"""

from math import isfinite
from typing import Any

import numpy as np

from openbwv.studies.intervals import exact_ratio, wald_ratio, wilson
from openbwv.studies.labels import DesignLabel, Status
from openbwv.studies.meta import pool
from openbwv.studies.power import Plan, power, simulate
from openbwv.studies.published import (
    COUNTS,
    DISCRETION,
    DISCRETION_GROUPS,
    DISCRETION_NOTE,
    DISCRETION_POOLED,
    LONDON,
    LONDON_EXPECTED,
    REPORTED,
    SHARES,
    Counts,
)

TRIALS = 4000


def replicate(*, seed: int = 1) -> dict[str, Any]:
    """Return `rows` (ours beside published), `reported` (figures nobody can recompute) and `power` (London, Rialto)."""
    rows = [row for counts in COUNTS for row in _count_rows(counts)]
    rows += [row for share in SHARES for row in _share_rows(share)]
    rows += _discretion_rows()
    rows += _london_rows()
    reported = [
        {
            "study": each.study,
            "outcome": each.outcome,
            "figure": each.figure,
            "label": each.label.value,
            "status": each.status.value,
            "source": each.source,
            "note": each.note,
        }
        for each in REPORTED
    ]
    return {"rows": rows, "reported": reported, "power": simulated(seed=seed), "seed": seed}


def _row(study: str, outcome: str, figure: str, ours: float, published: float | None, **more: str) -> dict[str, Any]:
    ours_or_none = float(ours) if isfinite(ours) else None
    gap = None if published is None or ours_or_none is None else ours_or_none - published
    row = {"study": study, "outcome": outcome, "figure": figure, "ours": ours_or_none, "published": published}
    return row | {"difference": gap, "label": "", "status": "", "source": "", "note": ""} | more


def _count_rows(counts: Counts) -> list[dict[str, Any]]:
    four = counts.events, counts.exposure, counts.events_0, counts.exposure_0
    wald, exact = wald_ratio(*four), exact_ratio(*four)
    ours = {
        "irr": wald.value,
        "low": wald.low,
        "high": wald.high,
        "exact_low": exact.low,
        "exact_high": exact.high,
        "exact_p": exact.p,
        "change_percent": 100 * (wald.value - 1),
    }
    more = {
        "label": counts.label.value,
        "status": counts.status.value,
        "source": counts.source,
        "note": f"{counts.events} in {counts.exposure:g} against {counts.events_0} in {counts.exposure_0:g}"
        + (f"; {counts.note}" if counts.note else ""),
    }
    return [
        _row(counts.study, counts.outcome, figure, value, counts.published.get(figure), **more)
        for figure, value in ours.items()
    ]


def _share_rows(share: Any) -> list[dict[str, Any]]:
    inside = wilson(share.hits, share.of)
    ours = {"share": inside.value, "low": inside.low, "high": inside.high}
    note = f"{share.hits:,} of {share.of:,}" + (f"; {share.note}" if share.note else "")
    more = {"label": "a share, no comparison", "status": share.status.value, "source": share.source, "note": note}
    return [
        _row(share.study, share.outcome, name, value, share.published.get(name), **more) for name, value in ours.items()
    ]


def _discretion_rows() -> list[dict[str, Any]]:
    pooled = pool([group.smd for group in DISCRETION_GROUPS], [group.se for group in DISCRETION_GROUPS])
    ours = {
        "fixed": pooled.fixed.value,
        "fixed_se": pooled.fixed.se,
        "q": pooled.q,
        "q_p": pooled.q_p,
        "i2": pooled.i2,
        "tau2": pooled.tau2,
        "random": pooled.random.value,
        "random_se": pooled.random.se,
    }
    more = {
        "label": f"{DesignLabel.RANDOMISED.value} within sites; the grouping by compliance is not",
        "status": Status.COMPUTED.value,
        "source": DISCRETION,
        "note": DISCRETION_NOTE,
    }
    study = "Discretion meta-analysis 2016"
    return [_row(study, "use of force", name, value, DISCRETION_POOLED[name], **more) for name, value in ours.items()]


def london_plan() -> Plan:
    """Return the London trial as its power was worked out in the notes."""
    return Plan(
        rows_treated=int(LONDON["rows_treated"]),
        rows_control=int(LONDON["rows_control"]),
        rate=LONDON["rate_used"],
        irr=LONDON["irr"],
        clusters_treated=int(LONDON["clusters_treated"]),
        clusters_control=int(LONDON["clusters_control"]),
        icc=LONDON["icc"],
        overdispersion=LONDON["overdispersion"],
    )


def rialto_plan() -> Plan:
    """Return the Rialto trial by shift, with the control arm's rate and the ratio that was seen."""
    counts = COUNTS[0]
    return Plan(
        rows_treated=int(counts.exposure),
        rows_control=int(counts.exposure_0),
        rate=counts.events_0 / counts.exposure_0,
        irr=counts.published["irr"],
    )


def _london_rows() -> list[dict[str, Any]]:
    plan = london_plan()
    found = power(plan)
    ours = {
        "mean_team": (plan.rows_treated + plan.rows_control) / float(plan.clusters or 1),
        "design_effect": found.design_effect,
        "events_treated": found.events_treated,
        "events_control": found.events_control,
        "se": found.se,
        "power": found.power,
        "detectable": found.detectable,
    }
    note = "ratio 0.67 reported, unverified; ICC 0.02 and overdispersion 1.5 are assumptions"
    more = {
        "label": "a plan, no result",
        "status": f"{Status.COMPUTED.value}, on an {Status.ASSUMPTION.value}",
        "source": "met.police.uk trials page; 0.39 allegations per officer a year",
        "note": note,
    }
    return [_row("London 2015", "allegations, power", name, ours[name], LONDON_EXPECTED[name], **more) for name in ours]


def simulated(*, seed: int, trials: int = TRIALS) -> list[dict[str, Any]]:
    """Return power by simulation of London and Rialto beside the closed form."""
    rng = np.random.default_rng(seed)
    rows = []
    for name, plan in (("London 2015", london_plan()), ("Rialto 2015, by shift", rialto_plan())):
        drawn, closed = simulate(plan, trials=trials, rng=rng), power(plan)
        rows.append(
            {
                "study": name,
                "irr": plan.irr,
                "closed": closed.power,
                "simulated": drawn.power,
                "low": drawn.low,
                "high": drawn.high,
                "trials": drawn.trials,
                "detectable": closed.detectable,
            }
        )
    return rows
