"""Early guilty pleas: with the case mix, and with cases that are still open left out and counted.

A plea is early when it comes no later than the first hearing. Cases whose first hearing lies after the day the data
were drawn cannot be early or late yet; leaving them out without a word would favour whichever group is slower. Footage
is not given to cases by chance: officers record where they expect trouble, and domestic abuse pleads differently. So
the result is quasi-experimental, whatever the model adjusts for.
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import statsmodels.api as sm
from scipy import stats
from statsmodels.tools.sm_exceptions import ConvergenceWarning, PerfectSeparationError, PerfectSeparationWarning

from openbwv.studies.activation.rates import wilson
from openbwv.studies.errors import CannotAnalyse
from openbwv.studies.labels import DesignLabel
from openbwv.studies.outcomes.effect import Effect

OUTCOME = "early guilty plea"
MODEL = "logistic with case mix"
LARGEST_SE = 10.0  # of log-odds: beyond it the likelihood has no top, only a slope (separation)


@dataclass(frozen=True)
class Pleas:
    """What was found: shares by group and stratum, comparisons with their label, and how many cases are still open."""

    shares: list[dict[str, Any]]
    effects: list[Effect]
    censored: list[dict[str, Any]]

    def as_dict(self) -> dict[str, Any]:
        """Return the shape that `--json` prints."""
        effects = [each.as_dict() for each in self.effects]
        return {"shares": self.shares, "effects": effects, "censored": self.censored}


def early_pleas(
    cases: pd.DataFrame,
    *,
    drawn: pd.Timestamp,
    case_mix: Sequence[str] = ("domestic_abuse",),
    cluster: str = "",
    label: DesignLabel = DesignLabel.QUASI,
) -> Pleas:
    """Compare cases with footage (`camera` 1) and without, on the day `drawn`.

    `cases` has `camera` (1/0), `first_hearing`, `plea` (date of a guilty plea or NaT) and the case mix as 1/0 or
    numbers; `cluster` names a column whose cases go together (an officer). Raises CannotAnalyse when a group is empty
    or the outcome never varies.
    """
    # also a case that has pleaded is open until its hearing: its neighbours that will not plead are not seen yet
    known = cases["first_hearing"] <= drawn
    early = cases["plea"] <= cases["first_hearing"]
    judged = cases[known].assign(early=early[known].astype(float))
    for camera in (0, 1):
        if not (judged["camera"] == camera).any():
            what = f"No case {'with' if camera else 'without'} footage has reached its first hearing."
            raise CannotAnalyse(what=what, remedy="Wait for more cases, or draw the data later.")
    censored = [
        {"camera": camera, "open": int((~known & (cases["camera"] == camera)).sum()), "judged": int(n)}
        for camera, n in judged["camera"].value_counts().sort_index().items()
    ]
    return Pleas(_shares(judged), _effects(judged, case_mix, cluster, label), censored)


def _shares(judged: pd.DataFrame) -> list[dict[str, Any]]:
    """Return shares by camera, and by camera within domestic abuse and the rest."""
    strata = {"all": np.ones(len(judged), dtype=bool)}
    if "domestic_abuse" in judged:
        flag = judged["domestic_abuse"].to_numpy() == 1
        strata |= {"domestic abuse": flag, "other": ~flag}
    rows = []
    for name, inside in strata.items():
        for camera in (0, 1):
            part = judged[inside & (judged["camera"] == camera).to_numpy()]
            count, of = int(part["early"].sum()), len(part)
            low, high = wilson(count, of)
            share = count / of if of else None
            rows.append(
                {"stratum": name, "camera": camera, "n": of, "early": count, "share": share, "low": low, "high": high}
            )
    return rows


def _effects(judged: pd.DataFrame, case_mix: Sequence[str], cluster: str, label: DesignLabel) -> list[Effect]:
    both = [judged[judged["camera"] == camera]["early"].to_numpy() for camera in (0, 1)]
    (x0, n0), (x1, n1) = ((part.sum(), len(part)) for part in both)
    (l0, h0), (l1, h1) = wilson(int(x0), n0), wilson(int(x1), n1)
    p0, p1 = x0 / n0, x1 / n1
    crude = Effect(
        outcome=OUTCOME,
        model="no adjustment",
        measure="risk difference",
        label=label,
        value=p1 - p0,
        low=p1 - p0 - np.hypot(p1 - l1, h0 - p0),  # Newcombe 1998, method 10
        high=p1 - p0 + np.hypot(h1 - p1, p0 - l0),
    )
    return [crude, *_adjusted(judged, case_mix, cluster, label)]


def _adjusted(judged: pd.DataFrame, case_mix: Sequence[str], cluster: str, label: DesignLabel) -> list[Effect]:
    """Return the adjusted odds ratio and the standardised risk difference (average over the cases of both groups)."""
    varying = [name for name in case_mix if judged[name].nunique() > 1]
    design = sm.add_constant(judged[["camera", *varying]].astype(float), has_constant="add")
    kind = (
        {"cov_type": "cluster", "cov_kwds": {"groups": pd.factorize(judged[cluster])[0]}}
        if cluster
        else {"cov_type": "HC1"}
    )
    names = {"outcome": OUTCOME, "model": MODEL, "label": label}
    with warnings.catch_warnings():
        for trouble in (ConvergenceWarning, PerfectSeparationWarning):
            warnings.simplefilter("error", trouble)
        try:
            fit = sm.Logit(judged["early"], design).fit(disp=0, maxiter=100, **kind)
        except (ConvergenceWarning, PerfectSeparationWarning, PerfectSeparationError, np.linalg.LinAlgError) as problem:
            return _failed(str(problem)[:80], names)
    if not np.isfinite(fit.bse).all() or fit.bse.max() > LARGEST_SE:
        return _failed("a group or stratum always or never pleads early, so that no odds exist", names)
    low, high = np.exp(fit.conf_int().loc["camera"])
    note = f"adjusted for {', '.join(varying) or 'nothing'}" + (f"; clustered on {cluster}" if cluster else "")
    odds = Effect(
        measure="odds ratio",
        value=np.exp(fit.params["camera"]),
        low=low,
        high=high,
        p=fit.pvalues["camera"],
        note=note,
        **names,
    )
    difference, se = _standardised(fit, design)
    width = stats.norm.ppf(0.975) * se
    standard = Effect(
        measure="risk difference",
        value=difference,
        low=difference - width,
        high=difference + width,
        note=note + "; standardised over all cases",
        **names,
    )
    return [odds, standard]


def _failed(why: str, names: dict[str, Any]) -> list[Effect]:
    return [
        Effect(measure=each, value=None, converged=False, note=f"the fit failed: {why}", **names)
        for each in ("odds ratio", "risk difference")
    ]


def _standardised(fit: Any, design: pd.DataFrame) -> tuple[float, float]:
    """Return the mean difference if every case had footage and if none had, with its standard error (delta method)."""
    values, slopes = [], []
    for camera in (0.0, 1.0):
        rows = design.assign(camera=camera).to_numpy()
        chance = 1 / (1 + np.exp(-rows @ fit.params.to_numpy()))
        values.append(chance.mean())
        slopes.append((rows * (chance * (1 - chance))[:, None]).mean(axis=0))
    slope = slopes[1] - slopes[0]
    return float(values[1] - values[0]), float(np.sqrt(slope @ fit.cov_params().to_numpy() @ slope))
