"""Results of several trials together: fixed effect, Cochran's Q, I² and the random effects of DerSimonian & Laird
(Controlled Clinical Trials 7, 1986)."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
from scipy import stats

from openbwv.studies.errors import CannotAnalyse
from openbwv.studies.intervals import Interval, around


@dataclass(frozen=True)
class Pooled:
    """Fixed and random effect with their intervals, and how much the trials disagree beyond chance."""

    fixed: Interval
    random: Interval
    q: float
    q_p: float
    i2: float
    tau2: float
    studies: int


def pool(effects: Sequence[float], errors: Sequence[float], *, alpha: float = 0.05) -> Pooled:
    """Pool effects with their standard errors; raises CannotAnalyse for fewer than two, or errors that are not above 0.

    One study more or fewer changes a between-study variance that rests on a handful: the random interval of three
    studies is a rough one.
    """
    y, se = np.asarray(effects, dtype=float), np.asarray(errors, dtype=float)
    if len(y) < 2 or len(y) != len(se) or not (np.isfinite(y).all() and np.isfinite(se).all() and (se > 0).all()):
        raise CannotAnalyse(
            what="Pooling needs two results or more, each with a standard error above 0.",
            remedy="Leave out results whose standard error is not known, and say so.",
        )
    w = 1 / se**2
    fixed = float((w * y).sum() / w.sum())
    q = float((w * (y - fixed) ** 2).sum())
    df = len(y) - 1
    tau2 = max(0.0, (q - df) / float(w.sum() - (w**2).sum() / w.sum()))
    v = 1 / (se**2 + tau2)
    return Pooled(
        fixed=around(fixed, 1 / sqrt(w.sum()), alpha=alpha),
        random=around(float((v * y).sum() / v.sum()), 1 / sqrt(v.sum()), alpha=alpha),
        q=q,
        q_p=float(stats.chi2.sf(q, df)),
        i2=max(0.0, (q - df) / q) if q > 0 else 0.0,
        tau2=tau2,
        studies=len(y),
    )
