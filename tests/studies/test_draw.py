"""The draw: balanced where it was restricted, by chance where it was not, never changed afterwards."""

import json

import numpy as np
import pytest

from openbwv.studies.allocated import as_drawn, match
from openbwv.studies.allocation import fingerprint, make_allocation, read_allocation
from openbwv.studies.analyse import analyse
from openbwv.studies.draw import Rules, candidates, draw, redraw, scores
from openbwv.studies.errors import AllocationChanged, BadRow, BadStudyOption, CannotAnalyse
from openbwv.studies.examples import example_units
from openbwv.studies.pairing import match_pairs
from openbwv.studies.setup import Design, Setup
from openbwv.studies.table import read_table
from openbwv.studies.trial import prepare
from tests.studies.trials import table

UNITS = read_table(example_units(), file="officers.csv")
PAIRS, CLUSTERS = Rules(design=Design.PAIRS), Rules(design=Design.CLUSTERS)
WEDGE = Rules(design=Design.STAGGERED, steps=4, start=3)


def allocate(rules=CLUSTERS, seed=1, **more):
    return make_allocation(UNITS, rules, id_column="officer", seed=seed, **more)[0]


def kept(document):
    return read_allocation(json.dumps(document).encode(), file="a.json")


def test_the_same_seed_draws_the_same_and_another_does_not():
    one, same, other = (allocate(seed=seed, balance=("years_served",)) for seed in (1, 1, 2))
    assert one == same
    assert one["units"] != other["units"]
    assert one["inputs_sha256"] == UNITS.sha256


def test_pairs_are_split_and_singletons_get_a_coin():
    document = allocate(PAIRS, block="station", pair_on=("years_served", "force_before"))
    arms = {}
    for unit in document["units"]:
        arms.setdefault(unit["block"], []).append(unit["arm"])
    assert {tuple(sorted(each)) for each in arms.values() if len(each) == 2} == {("control", "treated")}
    assert max(map(len, arms.values())) == 2


def test_pairing_takes_the_nearest_and_stays_inside_blocks():
    values = np.array([[1.0], [9.0], [1.1], [9.2], [5.0], [2.0], [2.1]])
    block = np.array([0, 0, 0, 0, 0, 1, 1])
    pair = match_pairs(values, block)
    assert pair[0] == pair[2] != pair[1] == pair[3]
    assert pair[5] == pair[6]
    assert (pair == pair[4]).sum() == 1
    with pytest.raises(CannotAnalyse, match="Row 2"):
        match_pairs(np.array([[1.0], [np.nan]]), np.zeros(2))


def test_pairing_is_close_to_the_best_there_is():
    rng = np.random.default_rng(3)
    points = rng.normal(size=(10, 2))
    pair = match_pairs(points, np.zeros(10))
    assert sorted(np.bincount(pair)) == [2] * 5
    assert match_pairs(points, np.zeros(10)).tolist() == pair.tolist()


def test_a_restricted_draw_is_balanced_and_says_how_many_were_acceptable():
    document = allocate(balance=("years_served", "force_before"))
    restriction = document["restriction"]
    assert restriction["score"] <= restriction["threshold"]
    assert 1000 <= restriction["accepted"] < 2000
    assert max(abs(row["smd"]) for row in document["balance"]) == pytest.approx(restriction["score"])
    assert "standardised difference over years_served, force_before, the best 0.1" in restriction["criterion"]


def test_the_score_is_the_largest_standardised_difference():
    rng = np.random.default_rng(1)
    values = rng.normal(size=(30, 2))
    arms = candidates(CLUSTERS, np.zeros(30, int), count=20, rng=rng)
    for row, score in zip(arms, scores(CLUSTERS, arms, values), strict=True):
        one, none = values[row == 1], values[row == 0]
        smd = (one.mean(axis=0) - none.mean(axis=0)) / np.sqrt((one.var(axis=0, ddof=1) + none.var(axis=0, ddof=1)) / 2)
        assert score == pytest.approx(np.abs(smd).max())


def test_each_unit_is_treated_as_often_as_not():
    arms = candidates(PAIRS, np.repeat(np.arange(11), [2] * 10 + [1]), count=4000, rng=np.random.default_rng(1))
    assert np.abs(arms.mean(axis=0) - 0.5).max() < 0.05
    steps = candidates(WEDGE, np.zeros(10, int), count=4000, rng=np.random.default_rng(1))
    assert np.abs(steps.mean(axis=0) - 1.5).max() < 0.1
    sizes = np.array([np.bincount(row, minlength=4) for row in steps[:50]])
    assert sizes.min() == 2
    assert sizes.max() == 3


def test_a_restriction_that_leaves_nothing_to_chance_is_said():
    rules = Rules(design=Design.CLUSTERS, candidates=200, acceptance=0.01)
    warnings = allocate(rules, balance=("years_served", "force_before"))["warnings"]
    assert any("chance has little left" in warning for warning in warnings)
    assert any("almost always together" in warning for warning in warnings)


def test_a_drawn_order_balances_by_correlation():
    document = allocate(WEDGE, balance=("force_before",))
    assert document["counts"] == {"3": 10, "4": 10, "5": 10, "6": 10}
    assert abs(document["balance"][0]["correlation"]) == pytest.approx(document["restriction"]["score"])


def test_the_document_holds_its_own_hash_and_that_of_its_list():
    document, listed = make_allocation(UNITS, PAIRS, id_column="officer", block="station", seed=1)
    assert document["sha256"] == fingerprint(document)
    assert kept(document).sha256 == document["sha256"]
    assert listed.splitlines()[0] == "id,block,arm"


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d["units"][0].update(arm="control" if d["units"][0]["arm"] == "treated" else "treated"),
        lambda d: d.update(seed=99),
        lambda d: d["units"].pop(),
        lambda d: d.update(sha256="0" * 64),
        lambda d: d.pop("rules"),
        lambda d: d.update(kind="something"),
    ],
)
def test_a_changed_allocation_is_refused(change):
    document = json.loads(json.dumps(allocate()))
    change(document)
    with pytest.raises(AllocationChanged):
        kept(document)


def test_one_that_was_made_anew_is_not_the_one_that_was_registered():
    document = allocate(seed=2)
    with pytest.raises(AllocationChanged, match="not the allocation that was registered"):
        read_allocation(json.dumps(document).encode(), file="a.json", expected=allocate(seed=1)["sha256"])


@pytest.mark.parametrize(("text", "line"), [("id,x\nA,1\nA,2\n", 3), ("id,x\nA,1\n,2\n", 3)])
def test_an_id_twice_or_missing(text, line):
    with pytest.raises(BadRow, match=f"line {line}, column 'id'"):
        make_allocation(table(text), CLUSTERS, id_column="id", seed=1)


@pytest.mark.parametrize(
    "options", [{"design": Design.BEFORE_AFTER}, {"design": Design.STAGGERED}, {"design": Design.PAIRS, "share": 1.0}]
)
def test_rules_that_draw_nothing(options):
    with pytest.raises(BadStudyOption):
        Rules(**options)
    with pytest.raises(CannotAnalyse):
        draw(CLUSTERS, np.zeros(1, int), np.empty((1, 0)), seed=1)


def trial_of(document, rng, assigned=True):
    arm = {"treated": 1, "control": 0}
    rows = "officer,t,force\n" + "".join(
        f"{unit['id']},{arm[unit['arm']]},{rng.poisson(3)}\n" for unit in document["units"]
    )
    setup = Setup(
        design=Design.CLUSTERS, outcome="force", assigned="t" if assigned else None, unit="officer", draws=200
    )
    return table(rows), setup


def test_the_analysis_takes_its_arms_from_the_allocation_and_draws_as_it_was_drawn():
    document = allocate(balance=("years_served",))
    allocation = kept(document)
    data, setup = trial_of(document, np.random.default_rng(1), assigned=False)
    result = analyse(data, setup, allocation=allocation)
    assert result.allocation["sha256"] == document["sha256"]
    assert result.arms["treated"]["n"] == 20
    notes = [each.note for each in result.estimates if each.model.value == "randomisation-inference"]
    assert notes == ["200 draws made as the allocation was, seed 1"]
    trial = prepare(data, setup, arms=match(data, setup, allocation).arms)
    assert as_drawn(trial, allocation) == as_drawn(trial, allocation)
    again = redraw(
        allocation.rules,
        allocation.block,
        allocation.covariates,
        allocation.threshold,
        draws=500,
        rng=np.random.default_rng(1),
    )
    assert scores(allocation.rules, again, allocation.covariates).max() <= allocation.threshold


@pytest.mark.parametrize("design", [Design.CLUSTERS, Design.SHIFTS])
def test_what_the_allocation_lists_is_the_cluster_where_no_other_is_named(design):
    allocation = kept(allocate(Rules(design=design)))
    rows = "id,y\n" + "".join(f"{name},{i % 4}\n" for i, name in enumerate(3 * allocation.ids))
    result = analyse(table(rows), Setup(design=design, outcome="y", unit="id", draws=0), allocation=allocation)
    assert (result.n, result.clusters) == (120, 40)


def test_data_that_contradict_the_allocation_are_named():
    document = allocate()
    data, setup = trial_of(document, np.random.default_rng(1))
    swapped = data.cells.copy()
    swapped.loc[4, "t"] = "0" if swapped.loc[4, "t"] == "1" else "1"
    with pytest.raises(BadRow, match=r"line 6, column 't': 'P0005' was allocated otherwise \(1 such rows\)"):
        analyse(table(swapped.to_csv(index=False)), setup, allocation=kept(document))


def test_rows_nobody_allocated_are_listed_and_units_without_rows_too():
    document = allocate()
    data, setup = trial_of(document, np.random.default_rng(1), assigned=False)
    text = data.cells.iloc[1:].to_csv(index=False) + "stranger,1,4\n"
    result = analyse(table(text), setup, allocation=kept(document))
    assert [row["why"] for row in result.excluded] == ["no arm given"]
    assert result.allocation["without_data"] == ["P0001"]


def test_an_allocated_order_is_a_randomised_one():
    document = allocate(WEDGE)
    rows = "u,t,y\n" + "".join(
        f"{u['id']},{t},{(t * 7 + int(u['id'][1:])) % 5}\n" for u in document["units"] for t in range(1, 8)
    )
    setup = Setup(design=Design.STAGGERED, outcome="y", unit="u", time="t", draws=20)
    result = analyse(table(rows), setup, allocation=kept(document))
    assert result.label.value == "randomised"
    assert result.clusters == 40
