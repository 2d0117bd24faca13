"""Small, odd and broken data by chance: an answer that can be printed, or an error with a remedy; never a crash."""

import json
import warnings

import numpy as np
import pandas as pd
import pytest

from openbwv.recording.errors import BwvError
from openbwv.studies.analyse import analyse
from openbwv.studies.report import study_report
from openbwv.studies.setup import Design, Setup
from openbwv.studies.table import read_table


def column(rng, n, kind):
    return [
        lambda: rng.poisson(rng.choice([0, 0.05, 1, 20]), n),
        lambda: rng.integers(0, 2, n),
        lambda: np.round(rng.normal(5, 3, n), 2),
        lambda: rng.integers(0, max(1, n // 3) + 1, n),
        lambda: np.full(n, rng.integers(0, 3)),
        lambda: np.round(rng.uniform(0, 2, n), 1),
    ][kind]().astype(object)


def columns(rng, n):
    made = {name: column(rng, n, int(rng.integers(0, 6))) for name in "yabcdeftu"}
    if rng.random() < 0.8:
        made["a"] = column(rng, n, 1)
    if rng.random() < 0.8:
        made["y"] = column(rng, n, 0)
    if rng.random() < 0.5:
        made["c"] = (np.arange(n) // max(1, int(rng.integers(1, 6)))).astype(object)
        made["a"] = made["c"] % 2
    if rng.random() < 0.6:
        made["u"], made["t"] = (np.arange(n) // 5).astype(object), (np.arange(n) % 5).astype(object)
        made["f"] = made["u"] % 4 + 1
    for values in made.values():
        if n and rng.random() < 0.15:
            values[rng.integers(0, n, 2)] = ""
    return made


def choices(rng):
    def one(*options):
        return options[int(rng.integers(len(options)))]

    design = one(*Design)
    return Setup(
        design=design,
        outcome="y",
        assigned="a",
        block=one("b", None),
        cluster=one("c", None),
        exposure=one(None, "e", 2.0),
        baseline=one("d", None),
        baseline_exposure=one(None, "e", 3.0),
        compliance=one("b", None),
        together=one("u", None),
        unit="u" if design is Design.STAGGERED else None,
        time="t",
        first="f",
        draws=one(0, 20),
        kind=one("auto", "count", "measure"),
        covariates=one((), ("e",)),
        window_days=one(None, 30.0),
    )


def check_survives(seed, trials):
    rng = np.random.default_rng(seed)
    answers = poor = 0
    for _ in range(trials):
        setup, data = choices(rng), pd.DataFrame(columns(rng, int(rng.integers(0, 40)))).to_csv(index=False)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            try:
                result = analyse(read_table(data.encode(), file="x"), setup)
            except BwvError as error:
                poor += not error.remedy
                continue
        answers += 1
        json.dumps(result.as_dict(), allow_nan=False)
        study_report([result], code_version="1").files()
        assert [each.headline for each in result.estimates].count(True) == 1
        assert {each.label for each in result.estimates} == {setup.label}
        if setup.design is not Design.STAGGERED:
            assert result.n + len(result.excluded) == result.rows
    assert answers > trials / 5
    assert not poor


def test_odd_data_give_an_answer_or_an_error_with_a_remedy():
    check_survives(seed=1, trials=120)


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize("seed", range(10, 12))
def test_much_odd_data(seed):
    check_survives(seed, trials=1000)
