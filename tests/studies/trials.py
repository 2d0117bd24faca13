"""Trials for tests: made by hand or by chance, straight into the tables that the analysis reads."""

import io

import numpy as np
import pandas as pd

from openbwv.studies.setup import Design, Setup
from openbwv.studies.table import Table, read_table
from openbwv.studies.trial import Trial, prepare


def table(columns: dict | str, file: str = "trial.csv") -> Table:
    """A table from columns, or from CSV text."""
    if isinstance(columns, dict):
        out = io.StringIO()
        pd.DataFrame(columns).to_csv(out, index=False)
        columns = out.getvalue()
    return read_table(columns.encode(), file=file)


def clusters(
    rng: np.random.Generator,
    *,
    teams: int = 24,
    size: int = 20,
    rate: float = 0.5,
    irr: float = 1.0,
    between: float = 0.1,
    own: float = 0.5,
    treated: int | None = None,
    draws: int = 0,
    alpha: float = 0.05,
) -> Trial:
    """Whole teams drawn; gamma effects of teams (variance `between`) and of rows (variance `own`)."""
    arm = rng.permutation(np.arange(teams) < (teams // 2 if treated is None else treated)).astype(int)
    level = rng.gamma(1 / between, between, teams) if between else np.ones(teams)
    team = np.repeat(np.arange(teams), size)
    mean = rate * level[team] * np.where(arm[team] == 1, irr, 1.0)
    if own:
        mean = mean * rng.gamma(1 / own, own, len(team))
    return Trial(
        setup=Setup(design=Design.CLUSTERS, outcome="y", assigned="t", cluster="g", draws=draws, alpha=alpha),
        outcome=rng.poisson(mean).astype(float),
        treated=arm[team],
        exposure=np.ones(len(team)),
        cluster=team,
        clustered=size > 1,
        block=None,
        baseline=None,
        baseline_exposure=None,
        compliance=None,
        covariates={},
        unit=None,
        together=None,
        excluded=[],
        rows=len(team),
        is_count=True,
    )


def pairs(columns: dict, **more: object) -> Trial:
    """Pairs from columns `pair`, `t`, `y` and whatever `more` names."""
    setup = Setup(design=Design.PAIRS, outcome="y", assigned="t", block="pair", **more)
    return prepare(table(columns), setup)
