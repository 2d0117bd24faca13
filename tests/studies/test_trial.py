"""What is left out is listed with its reason; what contradicts the design stops the analysis."""

import numpy as np
import pytest

from openbwv.studies.analyse import analyse
from openbwv.studies.errors import BadRow, BadStudyOption, CannotAnalyse
from openbwv.studies.setup import Design, Setup
from openbwv.studies.trial import codes, prepare
from tests.studies.trials import table

CLUSTERS = Setup(design=Design.CLUSTERS, outcome="y", assigned="t", cluster="g", draws=0)


def test_every_row_that_is_left_out_is_listed_with_its_line_and_reason():
    setup = Setup(design=Design.SHIFTS, outcome="y", assigned="t", exposure="e", draws=0)
    text = "t,y,e\n1,2,1\n0,,1\n,3,1\n1,4,NA\n0,5,0\n\n0,6,2\n"
    trial = prepare(table(text), setup)
    assert trial.n == 2
    assert [(row["row"], row["line"]) for row in trial.excluded] == [(2, 3), (3, 4), (4, 5), (5, 6), (6, 7)]
    assert [row["why"] for row in trial.excluded] == [
        "no value in 'y'",
        "no arm given",
        "no value in 'e'",
        "no exposure in 'e'",
        "blank line",
    ]
    assert trial.n + len(trial.excluded) == trial.rows


def test_a_negative_count_is_an_error_and_a_measure_may_be_negative():
    text = "t,y\n1,2\n0,-3\n1,4\n0,1\n"
    setup = Setup(design=Design.SHIFTS, outcome="y", assigned="t", draws=0)
    with pytest.raises(BadRow, match="line 3, column 'y'"):
        prepare(table(text), setup)
    result = analyse(table(text), Setup(design=Design.SHIFTS, outcome="y", assigned="t", kind="measure", draws=0))
    assert result.headline.measure == "difference"
    assert result.headline.value == pytest.approx(4.0)


def test_fractions_make_a_measure_and_are_said_or_refused():
    text = "t,y\n" + "".join(f"{i % 2},{i / 4}\n" for i in range(40))
    result = analyse(table(text), Setup(design=Design.SHIFTS, outcome="y", assigned="t", draws=0))
    assert any("not whole (first: line 3)" in note for note in result.notes)
    assert not {"exact-conditional", "negative-binomial-nb2"} & {each.model.value for each in result.estimates}
    with pytest.raises(BadRow, match=r"line 3, column 'y': '0\.25' is not a whole number"):
        prepare(table(text), Setup(design=Design.SHIFTS, outcome="y", assigned="t", kind="count"))


def test_a_cluster_in_both_arms_is_named():
    with pytest.raises(BadRow, match="line 2, column 't': 'a' of 'g' is in both arms"):
        prepare(table("g,t,y\na,1,2\na,0,3\nb,0,1\n"), CLUSTERS)


def test_an_officer_twice_in_pairs_is_named():
    setup = Setup(design=Design.PAIRS, outcome="y", assigned="t", block="p", unit="o")
    with pytest.raises(BadRow, match="line 4, column 'o'"):
        prepare(table("o,p,t,y\nA,1,1,2\nB,1,0,3\nA,2,0,1\n"), setup)


def test_rows_that_repeat_are_kept_and_said():
    trial = prepare(table("g,t,y\na,1,2\na,1,2\nb,0,1\n"), CLUSTERS)
    assert trial.n == 3
    assert any("1 rows repeat" in note for note in trial.notes)


@pytest.mark.parametrize("text", ["g,t,y\n", "g,t,y\na,1,\n", "g,t,y\na,1,3\nb,1,4\n"])
def test_nothing_to_compare(text):
    with pytest.raises(CannotAnalyse):
        prepare(table(text), CLUSTERS)


@pytest.mark.parametrize(
    "setup",
    [
        Setup(design=Design.PAIRS, outcome="y", assigned="t"),
        Setup(design=Design.CLUSTERS, outcome="y", assigned="t"),
        Setup(design=Design.SHIFTS, outcome="y"),
        Setup(design=Design.SHIFTS, outcome="y", assigned="t", exposure=0.0),
        Setup(design=Design.SHIFTS, outcome="y", assigned="t", kind="odd"),
    ],
)
def test_options_that_do_not_fit(setup):
    with pytest.raises(BadStudyOption):
        prepare(table("t,y\n1,2\n0,3\n"), setup)


def test_blank_words_are_groups_of_their_own():
    assert codes(np.array(["a", "", "a", "b", ""], dtype=object)).tolist() == [0, 1, 0, 2, 3]


def test_contamination_and_balance():
    text = "g,t,y,v,b,s\n" + "".join(
        f"{i},{i % 2},{i % 3},{3 if i % 2 or i < 4 else 0},{i % 5},{i // 4}\n" for i in range(40)
    )
    setup = Setup(
        design=Design.CLUSTERS,
        outcome="y",
        assigned="t",
        cluster="g",
        baseline="b",
        compliance="v",
        together="s",
        draws=0,
    )
    result = analyse(table(text), setup)
    found = result.contamination
    assert (found["control_with_any"], found["control_n"], found["control_total"]) == (2, 20, 6.0)
    assert (found["treated_with_none"], found["control_beside_a_camera"]) == (0, 20)
    assert found["control_before_after"]["label"] == "before-after only, not randomised"
    assert {row["name"] for row in result.balance} == {"exposure", "b"}
    assert result.first_stage["difference"] == pytest.approx(0.9)


def test_in_shifts_the_same_officers_in_both_arms_are_counted():
    setup = Setup(design=Design.SHIFTS, outcome="y", assigned="t", unit="o", draws=0)
    found = analyse(table("o,t,y\nA,1,1\nA,0,2\nB,1,1\nC,0,3\n"), setup).contamination
    assert (found["units_in_both_arms"], found["units"]) == (1, 3)
