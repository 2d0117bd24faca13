"""A second opinion on officers' shares: a logistic model with officers and places crossed.

An officer who works where recording is rare looks low for the place's reason. The model gives each officer and each
place an effect of its own (Laplace approximation, normal priors; statsmodels' BinomialBayesMixedGLM). It is a
sensitivity check: where it does not converge, or the data are too large for it, that is said and nothing is shown.
"""

import warnings
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse, stats

MOST_ROWS = 20_000
MOST_EFFECTS = 600


def compare(
    officer: pd.Series, place: pd.Series, recorded: np.ndarray, *, shares: dict[str, float], seed: int
) -> dict[str, Any]:
    """Fit the model and say how far officers and places differ (sd of log-odds), and whether officers keep their order.

    `shares` are the officers' shares after simple shrinkage; `rank_agreement` is Spearman's correlation with them.
    `seed` is where the fit starts from.
    """
    officers, places = pd.Categorical(officer), pd.Categorical(place)
    effects = len(officers.categories) + len(places.categories)
    if len(recorded) > MOST_ROWS or effects > MOST_EFFECTS:
        note = f"not fitted: more than {MOST_ROWS:,} rows or {MOST_EFFECTS} officers and places"
        return {"converged": False, "note": note}
    if len(places.categories) < 3 or len(officers.categories) < 3:
        return {"converged": False, "note": "not fitted: needs three officers and three places"}
    result, trouble = _fit(officers, places, np.asarray(recorded, dtype=float), seed)
    if trouble:
        return {"converged": False, "note": f"not shown: {trouble}"}
    sd_officer, sd_place = (float(each) for each in np.exp(result.vcp_mean))
    effect = pd.Series(result.vc_mean[: len(officers.categories)], index=officers.categories)
    known = [name for name in effect.index if name in shares]
    agreement = stats.spearmanr(effect[known], [shares[name] for name in known]).statistic if len(known) > 2 else np.nan
    return {
        "converged": True,
        "note": "sensitivity only",
        "sd_officers_log_odds": sd_officer,
        "sd_places_log_odds": sd_place,
        "rank_agreement": None if np.isnan(agreement) else float(agreement),
    }


def _fit(officers: pd.Categorical, places: pd.Categorical, recorded: np.ndarray, seed: int) -> tuple[Any, str]:
    from statsmodels.genmod.bayes_mixed_glm import BinomialBayesMixedGLM

    rows = np.arange(len(recorded))
    many = len(officers.categories)
    columns = np.concatenate([officers.codes, places.codes + many])
    design = sparse.csr_matrix(
        (np.ones(2 * len(rows)), (np.tile(rows, 2), columns)), shape=(len(rows), many + len(places.categories))
    )
    kinds = np.concatenate([np.zeros(many, dtype=int), np.ones(len(places.categories), dtype=int)])
    model = BinomialBayesMixedGLM(recorded, np.ones((len(rows), 1)), design, kinds, vcp_p=1.0, fe_p=2.0)
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        result = model.fit_map(minim_opts={"maxiter": 1000, "gtol": 1e-3}, rng=seed)
    if any("converge" in str(each.message).lower() for each in heard):
        return result, "the fit did not converge"
    if not np.isfinite(np.concatenate([result.vcp_mean, result.vc_mean])).all():
        return result, "the fit gave no finite numbers"
    return result, ""
