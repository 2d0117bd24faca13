"""Storage: note 07's oracles, the closed form, and every byte accounted for."""

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openbwv.rollout.capacity import cohort
from openbwv.rollout.capacity.cohort import EvidenceClass, Review

MET_BYTES = 440 * 10**12
SHARES = st.fractions(0, 1, max_denominator=50)


@pytest.mark.parametrize(("evidential", "printed_tb"), [("0.10", 931.3), ("0.20", 1414.5), ("0.30", 1897.7)])
def test_twelve_months_of_the_met_are_what_note_07_says(evidential, printed_tb):
    last = cohort.series(bytes_a_month=MET_BYTES, parts=cohort.bands(evidential=Fraction(evidential)), months=12)[-1]
    assert round(last.kept / 1e12, 1) == printed_tb
    exact = 440 * ((1 - Fraction(evidential)) * Fraction(496, 487) + Fraction(evidential) * 12)
    assert abs(last.kept - exact * 10**12) <= 2


def test_the_closed_form_never_stores_more_than_came_in():
    early = cohort.closed_form_tb(inflow_tb_month=440, evidential=0.1, months=1)
    assert early == pytest.approx(440)
    assert cohort.closed_form_tb(inflow_tb_month=440, evidential=0.1, months=12) == pytest.approx(931.318, abs=0.001)


def one_by_one(*, bytes_a_month, parts, steps):
    """A store that keeps a list of cohorts and visits each one at every step: slow, and shares no formula with ours."""
    cohorts, deleted, before = [], 0, [0] * len(parts)
    for step in range(1, steps + 1):
        now = cohort.split(step * bytes_a_month // cohort.STEPS_A_MONTH, parts)
        assert all(new >= old for new, old in zip(now, before, strict=True))
        for index, (new, old) in enumerate(zip(now, before, strict=True)):
            cohorts.append([index, step, new - old])
        before = now
        for each in cohorts:
            for age, keep in parts[each[0]].exits:
                if step - each[1] == age:
                    gone = each[2] - int(each[2] * keep)
                    each[2] -= gone
                    deleted += gone
    return sum(each[2] for each in cohorts), deleted


@settings(max_examples=5)
@given(
    evidential=SHARES,
    held=SHARES,
    keep=SHARES,
    bytes_a_month=st.integers(0, 10**15),
    hold_days=st.integers(0, 60),
)
def test_cohorts_followed_one_by_one_agree(evidential, held, keep, bytes_a_month, hold_days):
    classes = (
        EvidenceClass("reviewed", Fraction(1, 3), (Review(1, keep), Review(2, keep))),
        EvidenceClass("kept", Fraction(2, 3)),
    )
    parts = cohort.bands(evidential=evidential, classes=classes, held=held, hold_days=hold_days)
    last = cohort.series(bytes_a_month=bytes_a_month, parts=parts, months=2)[-1]
    kept, deleted = one_by_one(bytes_a_month=bytes_a_month, parts=parts, steps=2 * cohort.STEPS_A_MONTH)
    slack = 2 * 2 * cohort.STEPS_A_MONTH  # each cohort is rounded by itself there, all of them at once here
    assert abs(last.kept - kept) <= slack
    assert abs(last.deleted - deleted) <= slack
    assert kept + deleted == last.received


@settings(max_examples=25)
@given(evidential=SHARES, held=SHARES, keep=SHARES, bytes_a_month=st.integers(0, 10**18), months=st.integers(0, 80))
def test_what_came_in_is_kept_or_deleted_to_the_byte(evidential, held, keep, bytes_a_month, months):
    classes = (*cohort.MOPI[:2], EvidenceClass("rest", Fraction(6, 10), (Review(5, keep), Review(7, keep))))
    parts = cohort.bands(evidential=evidential, classes=classes, held=held, hold_days=45)
    for moment in cohort.series(bytes_a_month=bytes_a_month, parts=parts, months=months):
        assert moment.received == moment.kept + moment.deleted
        assert min(moment.kept_by_band.values()) >= 0


def test_a_hold_stops_the_31_day_exit_and_its_end_restores_it():
    def stored(hold_days):
        parts = cohort.bands(evidential=Fraction(0), held=Fraction(1, 2), hold_days=hold_days)
        return cohort.series(bytes_a_month=MET_BYTES, parts=parts, months=12)[-1].kept

    assert stored(62) == pytest.approx(stored(31) * 1.5)
    assert stored(0) == stored(31)


def test_a_review_at_six_years_shows_after_six_years_only():
    def stored(months, classes):
        parts = cohort.bands(evidential=Fraction("0.1"), classes=classes)
        return cohort.series(bytes_a_month=MET_BYTES, parts=parts, months=months)[-1].kept

    assert stored(72, cohort.MOPI) == pytest.approx(stored(72, cohort.KEEP_ALL), rel=1e-12)
    assert stored(84, cohort.MOPI) < stored(84, cohort.KEEP_ALL)


@pytest.mark.parametrize(
    "wrong",
    [
        {"evidential": Fraction(2)},
        {"evidential": Fraction(1, 2), "held": Fraction(-1)},
        {"evidential": Fraction(1, 2), "classes": (EvidenceClass("half", Fraction(1, 2)),)},
        {
            "evidential": Fraction(1, 2),
            "classes": (EvidenceClass("x", Fraction(1), (Review(9, Fraction(1)), Review(3, Fraction(0)))),),
        },
    ],
)
def test_shares_and_reviews_that_make_no_sense_are_refused(wrong):
    with pytest.raises(ValueError, match=r"share|review"):
        cohort.bands(**wrong)
