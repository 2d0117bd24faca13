"""Incidence rate ratios of a two-arm trial by the models that analysts of counts use.

Poisson with log exposure and standard errors clustered on the randomised unit (statsmodels, with the G/(G-1) factor);
GEE with an exchangeable correlation and the bias-reduced covariance of Mancl & DeRouen (Biometrics 57, 2001);
quasi-Poisson and NB2 as sensitivity only. NB2 may fail without a word: what its fitter says is looked at, and told.
"""

import warnings
from math import inf, isfinite, nan
from typing import Any

import numpy as np
import statsmodels.api as sm
from statsmodels.discrete.discrete_model import NegativeBinomial

from openbwv.studies.estimates import Estimand, Estimate, Model
from openbwv.studies.intervals import Interval, exact_ratio, ratio_around, small_sample_df
from openbwv.studies.trial import Trial

NO_EVENTS = "no events at all"
EMPTY_ARM = "an arm has no events, so the ratio is at its edge and this model has no interval: read the exact one"
ONE_CLUSTER = "an arm has one randomised unit only, so nothing can be said about chance"
TOO_LITTLE = "fewer than three rows or two randomised units: no interval"
ROWS_ALONE = "takes every row for independent; sensitivity only"
SMALLEST_ALPHA = 1e-6
LARGEST_GEE_CLUSTER = 2000  # rows; the correction inverts a matrix of that size for each cluster


def design_matrix(trial: Trial) -> np.ndarray:
    """Return constant and arm."""
    return np.column_stack([np.ones(trial.n), trial.treated])


def make(trial: Trial, model: Model, inside: Interval, *, converged: bool = True, note: str = "") -> Estimate:
    """Return an intention-to-treat rate ratio of this trial."""
    return Estimate(
        model=model,
        label=trial.setup.label,
        estimand=Estimand.ITT,
        measure="irr",
        value=inside.value,
        low=inside.low,
        high=inside.high,
        p=inside.p,
        se=inside.se,
        converged=converged,
        note=note,
        clustered=trial.clustered,
    )


def obstacle(trial: Trial) -> tuple[Interval, str] | None:
    """Return the bare ratio and the reason when no model on the log scale can have an interval, else None."""
    treated, control = trial.arm(1), trial.arm(0)
    if treated["events"] == 0 and control["events"] == 0:
        return Interval(nan), NO_EVENTS
    if min(treated["events"], control["events"]) <= 0:
        return Interval(0.0 if control["events"] > 0 else inf), EMPTY_ARM
    if trial.n < 3 or trial.clusters < 2:
        return Interval(treated["rate"] / control["rate"]), TOO_LITTLE
    return None


def lone_cluster(trial: Trial) -> bool:
    """Say whether an arm holds one randomised unit only."""
    return min(trial.arm(1)["units"], trial.arm(0)["units"]) < 2


def poisson_clustered(trial: Trial) -> Estimate:
    """Return the Poisson rate ratio with standard errors clustered on the randomised unit."""
    stopped = obstacle(trial)
    if stopped:
        return make(trial, Model.POISSON_CLUSTERED, stopped[0], converged=False, note=stopped[1])
    fit, said = _poisson(trial, cov_type="cluster", cov_kwds={"groups": trial.cluster})
    if lone_cluster(trial):
        inside = Interval(float(np.exp(fit.params[1])))
        return make(trial, Model.POISSON_CLUSTERED, inside, converged=False, note=ONE_CLUSTER)
    inside = ratio_around(float(fit.params[1]), float(fit.bse[1]), alpha=trial.setup.alpha)
    few = f"too narrow with {trial.clusters} units" if trial.clustered and trial.clusters < 40 else ""
    return make(trial, Model.POISSON_CLUSTERED, inside, converged=bool(fit.converged), note=few or said)


def _poisson(trial: Trial, **options: object) -> tuple[Any, str]:
    """Return the fitted Poisson model and what the fitter warned of."""
    model = sm.GLM(trial.outcome, design_matrix(trial), family=sm.families.Poisson(), exposure=trial.exposure)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        return model.fit(**options), words(said)


def gee(trial: Trial) -> Estimate | None:
    """Return the GEE rate ratio, or None where no cluster holds two rows or one is too large for the correction."""
    sizes = np.bincount(trial.cluster)
    if sizes.max() < 2 or sizes.max() > LARGEST_GEE_CLUSTER:
        return None
    stopped = obstacle(trial)
    if stopped or lone_cluster(trial):
        inside, why = stopped or (Interval(nan), ONE_CLUSTER)
        return make(trial, Model.GEE, inside, converged=False, note=why)
    order = np.argsort(trial.cluster, kind="stable")  # groups in one piece, in the same order for every seed
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        fit = sm.GEE(
            trial.outcome[order],
            design_matrix(trial)[order],
            groups=trial.cluster[order],
            family=sm.families.Poisson(),
            cov_struct=sm.cov_struct.Exchangeable(),
            exposure=trial.exposure[order],
        ).fit(cov_type="bias_reduced")
    se = float(fit.bse[1])
    if not isfinite(se):
        return make(trial, Model.GEE, Interval(nan), converged=False, note="the fit broke down: " + words(said))
    df = small_sample_df(trial.clusters)
    inside = ratio_around(float(fit.params[1]), se, alpha=trial.setup.alpha, df=df)
    note = "Mancl-DeRouen correction" + ("" if df == inf else f", t with {df:.0f} df")
    return make(trial, Model.GEE, inside, converged=bool(fit.converged), note=note)


def poisson_rows(trial: Trial) -> Estimate:
    """Return the plain Poisson ratio (Wald) of the summed counts: right only if events come one by one."""
    stopped = obstacle(trial)
    if stopped:
        return make(trial, Model.POISSON, stopped[0], converged=False, note=stopped[1])
    fit, _ = _poisson(trial)
    inside = ratio_around(float(fit.params[1]), float(fit.bse[1]), alpha=trial.setup.alpha)
    return make(trial, Model.POISSON, inside, note="variance equals mean, rows independent; sensitivity only")


def quasi_poisson(trial: Trial) -> Estimate:
    """Return the Poisson ratio with the variance scaled by Pearson's chi-square over its degrees of freedom."""
    stopped = obstacle(trial)
    if stopped:
        return make(trial, Model.QUASI_POISSON, stopped[0], converged=False, note=stopped[1])
    fit, _ = _poisson(trial)
    scale = float(fit.pearson_chi2 / fit.df_resid)
    inside = ratio_around(float(fit.params[1]), float(fit.bse[1]) * scale**0.5, alpha=trial.setup.alpha)
    note = f"dispersion {scale:.2f}; {ROWS_ALONE}"
    return make(trial, Model.QUASI_POISSON, inside, converged=bool(fit.converged), note=note)


def nb2(trial: Trial) -> Estimate:
    """Return the NB2 ratio with its model-based interval, or none and the reason when the fit cannot be trusted."""
    stopped = obstacle(trial)
    if stopped:
        return make(trial, Model.NB2, stopped[0], converged=False, note=stopped[1])
    model = NegativeBinomial(trial.outcome, design_matrix(trial), loglike_method="nb2", exposure=trial.exposure)
    with warnings.catch_warnings(record=True) as said, np.errstate(all="ignore"):
        warnings.simplefilter("always")
        try:
            fit = model.fit(disp=0, maxiter=300)
        except (np.linalg.LinAlgError, ValueError, FloatingPointError) as problem:
            return _no_nb2(trial, f"the fit broke down ({problem})")
        slope, spread, alpha = float(fit.params[1]), float(np.asarray(fit.bse)[1]), float(fit.params[-1])
    if not fit.mle_retvals["converged"]:
        return _no_nb2(trial, "it did not converge" + (f" ({words(said)})" if said else ""))
    if not (isfinite(spread) and isfinite(slope)) or not np.all(np.isfinite(np.asarray(fit.bse))):
        return _no_nb2(trial, "its standard errors are not numbers")
    if alpha < SMALLEST_ALPHA:
        return _no_nb2(trial, "its overdispersion ran to 0")
    inside = ratio_around(slope, spread, alpha=trial.setup.alpha)
    return make(trial, Model.NB2, inside, note=f"alpha {alpha:.3g}; model-based interval, {ROWS_ALONE}")


def _no_nb2(trial: Trial, why: str) -> Estimate:
    instead = "Poisson with clustered errors" if trial.clustered else "quasi-Poisson"
    return make(trial, Model.NB2, Interval(nan), converged=False, note=f"not used: {why}; read {instead} instead")


def exact(trial: Trial) -> Estimate:
    """Return the exact conditional ratio of the summed counts; for rare events, where no large-sample rule holds."""
    one, none = trial.arm(1), trial.arm(0)
    inside = exact_ratio(
        int(one["events"]), one["exposure"], int(none["events"]), none["exposure"], alpha=trial.setup.alpha
    )
    note = "takes events for independent; sensitivity only" if trial.clustered else "conditional on the sum of events"
    open_end = "; no upper end: no events in the control arm" if inside.high == inf else ""
    return make(trial, Model.EXACT, inside, note=note + open_end)


def words(said: list[warnings.WarningMessage]) -> str:
    """Return what a fitter warned of, in short."""
    return "; ".join(dict.fromkeys(str(each.message).split("\n", maxsplit=1)[0][:80] for each in said))[:160]
