"""The deletion clock, at one second each side of every edge."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openbwv.server.retention import rules
from openbwv.server.retention.rules import Facts, Policy, choose_capture, explain_due, window_of

SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)
DAY = timedelta(hours=24)
ENDED = datetime(2026, 11, 20, 14, 3, 11, tzinfo=UTC)
POLICY = Policy(number=1)
LONDON = ZoneInfo("Europe/London")


def facts(*, docked_after=2 * HOUR, ended=ENDED, clock_set=True, **more):
    return Facts(ended_utc=ended, ingest_utc=ended + docked_after, clock_set=clock_set, **more)


# ── capture ──────────────────────────────────────────────────────────────────────────────────────────────────────
def test_the_signed_clock_counts_when_nothing_speaks_against_it():
    capture = choose_capture(facts())
    assert (capture.utc, capture.rule) == (ENDED, "signed-clock")


def test_a_clock_that_was_not_set_counts_for_nothing():
    capture = choose_capture(facts(clock_set=False))
    assert (capture.utc, capture.rule) == (ENDED + 2 * HOUR, "ingest-clock-not-set")
    assert "because the camera's clock was not set" in capture.step


@pytest.mark.parametrize(("late", "rule"), [(0 * SECOND, "signed-clock"), (SECOND, "ingest-clock-ahead")])
def test_an_end_after_ingest_is_not_believed(late, rule):
    made = Facts(ended_utc=ENDED + late, ingest_utc=ENDED, clock_set=True)
    assert choose_capture(made).rule == rule
    assert choose_capture(made).utc == ENDED


@pytest.mark.parametrize(("before", "rule"), [(0 * SECOND, "signed-clock"), (SECOND, "ingest-clock-behind")])
def test_a_start_before_the_checkpoint_the_camera_was_given_is_not_believed(before, rule):
    opened = ENDED - 60 * SECOND
    made = facts(opened_utc=opened, after_utc=opened + rules.BRACKET_SLACK + before)
    assert choose_capture(made).rule == rule


@pytest.mark.parametrize("years", [-2, 2])
@pytest.mark.parametrize("docked_to_it", [True, False])
def test_a_clock_two_years_off_never_shortens_a_life_below_the_least(years, docked_to_it):
    true_end = ENDED
    shown = true_end + years * 365 * DAY
    ingest = true_end + 2 * HOUR
    made = Facts(
        ended_utc=shown,
        ingest_utc=ingest,
        clock_set=True,
        opened_utc=shown - 60 * SECOND,
        after_utc=true_end - DAY if docked_to_it else None,
    )
    due = explain_due(made, POLICY).utc
    if years > 0 or docked_to_it:
        assert due == ingest + 31 * DAY
    else:  # nothing contradicts it: it is old footage that came late, and still stays a week
        assert due == ingest + 7 * DAY


# ── due ──────────────────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize(
    ("day", "due_after_end", "rule"),
    [
        (0, 31, "capture-31-days"),
        (24, 31, "capture-31-days"),
        (27, 34, "least-after-ingest"),
        (29, 36, "least-after-ingest"),
        (30, 37, "least-after-ingest"),
        (31, 38, "least-after-ingest"),
        (40, 47, "least-after-ingest"),
    ],
)
def test_docking_late_leaves_a_week(day, due_after_end, rule):
    explained = explain_due(facts(docked_after=day * DAY), POLICY)
    assert explained.utc == ENDED + due_after_end * DAY
    assert explained.rule == rule
    window = window_of(explained.utc, rules.proposal_due(explained.utc))
    assert window.due_utc == explained.utc
    assert window.opens_utc - window.proposed_utc == rules.WAIT


@pytest.mark.parametrize(("offset", "rule"), [(-SECOND, "capture-31-days"), (SECOND, "least-after-ingest")])
def test_the_edge_between_the_two_terms_is_exact(offset, rule):
    docked = 24 * DAY + offset
    explained = explain_due(facts(docked_after=docked), POLICY)
    assert explained.rule == rule
    assert explained.utc == ENDED + max(31 * DAY, docked + 7 * DAY)


@pytest.mark.parametrize(
    ("ended", "shown"),
    [
        (datetime(2026, 3, 10, 12, 0, tzinfo=UTC), "2026-04-10 13:00"),  # clocks go forward on 29 March 2026
        (datetime(2026, 10, 5, 11, 0, tzinfo=UTC), "2026-11-05 11:00"),  # clocks go back on 25 October 2026
        (datetime(2026, 2, 26, 0, 30, tzinfo=UTC), "2026-03-29 00:30"),  # due half an hour before the change
        (datetime(2026, 2, 26, 1, 30, tzinfo=UTC), "2026-03-29 02:30"),  # due half an hour after it
        (datetime(2026, 9, 24, 0, 30, tzinfo=UTC), "2026-10-25 01:30"),  # the hour that comes twice, first time
        (datetime(2026, 9, 24, 1, 30, tzinfo=UTC), "2026-10-25 01:30"),  # second time
    ],
)
def test_thirty_one_days_are_744_hours_whatever_the_local_clock_does(ended, shown):
    due = explain_due(facts(ended=ended), POLICY).utc
    assert due - ended == timedelta(hours=744)
    assert f"{due.astimezone(LONDON):%Y-%m-%d %H:%M}" == shown


def test_steps_lead_to_the_date():
    explained = explain_due(facts(docked_after=30 * DAY), POLICY, not_before=ENDED + 50 * DAY)
    assert explained.rule == "after-last-reason"
    assert explained.steps == (
        "Recording ended Fri 20 Nov 2026, 14:03:11 UTC by its signed clock.",
        "31 days later is Mon 21 Dec 2026, 14:03:11 UTC (policy version 1).",
        "It was stored Sun 20 Dec 2026, 14:03:11 UTC; it stays at least 7 days after that, "
        "until Sun 27 Dec 2026, 14:03:11 UTC.",
        "What kept it ended; seven days after that is Sat 9 Jan 2027, 14:03:11 UTC.",
    )


def test_a_policy_without_a_least_term_still_waits_72_hours():
    explained = explain_due(facts(docked_after=31 * DAY), Policy(number=2, least_days=0))
    assert explained.rule == "wait-after-ingest"
    window = window_of(explained.utc, ENDED + 31 * DAY)
    assert window.opens_utc == ENDED + 31 * DAY + rules.WAIT
    assert window.due_utc - window.opens_utc == rules.EXECUTE_BEFORE


def test_the_later_of_old_date_and_a_week_counts_after_the_last_reason():
    old = ENDED + 31 * DAY
    for ended, wanted in ((ENDED, old), (ENDED + 24 * DAY, old), (ENDED + 24 * DAY + SECOND, old + SECOND)):
        assert explain_due(facts(), POLICY, not_before=rules.after_last_reason(ended)).utc == wanted


# ── window ───────────────────────────────────────────────────────────────────────────────────────────────────────
def test_the_window_opens_twelve_hours_before_due_and_not_a_second_earlier():
    due = ENDED + 31 * DAY
    window = window_of(due, rules.proposal_due(due))
    assert window.proposed_utc == due - timedelta(hours=84)
    assert not window.is_open(due - timedelta(hours=12) - SECOND)
    assert window.is_open(due - timedelta(hours=12))
    assert window.is_open(due)
    assert not window.is_late(due)
    assert window.is_late(due + SECOND)


@pytest.mark.parametrize("late", [SECOND, 6 * HOUR, 12 * HOUR])
def test_a_late_proposal_waits_72_hours_and_keeps_the_date_while_it_can(late):
    due = ENDED + 31 * DAY
    window = window_of(due, due - rules.PROPOSE_BEFORE + late)
    assert window.due_utc == due
    assert window.opens_utc == window.proposed_utc + rules.WAIT


def test_a_proposal_later_than_that_moves_the_date_and_the_explanation_says_so():
    due = ENDED + 31 * DAY
    explained = explain_due(facts(), POLICY)
    window = window_of(due, due - rules.WAIT + SECOND)
    assert window.due_utc == window.proposed_utc + rules.PROPOSE_BEFORE
    assert window.opens_utc == window.proposed_utc + rules.WAIT
    late = rules.moved(explained, window)
    assert (late.utc, late.rule) == (window.due_utc, "wait-after-proposal")
    assert rules.moved(explained, window_of(due, rules.proposal_due(due))) is explained


@pytest.mark.parametrize(
    ("before", "days"), [(7 * DAY + SECOND, ()), (7 * DAY, (7,)), (3 * DAY, (7, 3)), (DAY, (7, 3))]
)
def test_warnings_are_given_seven_and_three_days_ahead(before, days):
    due = ENDED + 31 * DAY
    assert rules.warnings_due(due, due - before) == days


def test_a_leap_of_more_than_a_day_needs_a_person():
    assert not rules.clock_leapt(None, ENDED)
    assert not rules.clock_leapt(ENDED, ENDED + DAY)
    assert rules.clock_leapt(ENDED, ENDED + DAY + SECOND)


def test_what_stays_longer_only_because_it_came_late_is_told_apart():
    late, early = facts(docked_after=30 * DAY), facts()
    assert rules.kept_longer_because_late(late, explain_due(late, POLICY).utc)
    assert not rules.kept_longer_because_late(early, explain_due(early, POLICY).utc)


# ── properties ───────────────────────────────────────────────────────────────────────────────────────────────────
moments = st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC))
policies = st.builds(Policy, number=st.just(1), days=st.integers(1, 31), least_days=st.integers(0, 31))


@given(
    ended=moments, ingest=moments, opened=moments, after=st.none() | moments, clock_set=st.booleans(), policy=policies
)
def test_whatever_a_camera_says_it_stays_the_least_time_and_never_longer_than_from_ingest(
    ended, ingest, opened, after, clock_set, policy
):
    made = Facts(ended_utc=ended, ingest_utc=ingest, clock_set=clock_set, opened_utc=opened, after_utc=after)
    due = explain_due(made, policy).utc
    assert due >= ingest + max(policy.least_days * DAY, rules.WAIT)
    assert due <= ingest + max(policy.days * DAY, policy.least_days * DAY, rules.PROPOSE_BEFORE)


@given(due=moments, lateness=st.timedeltas(timedelta(0), timedelta(days=400)))
def test_the_wait_is_always_whole_and_the_window_never_empty_of_meaning(due, lateness):
    window = window_of(due, rules.proposal_due(due) + lateness)
    assert window.opens_utc - window.proposed_utc >= rules.WAIT
    assert window.opens_utc <= window.due_utc
    assert window.due_utc - window.opens_utc <= rules.EXECUTE_BEFORE
    assert window.due_utc >= due


@given(made=st.builds(Facts, ended_utc=moments, ingest_utc=moments, clock_set=st.booleans()), floor=moments)
def test_a_reason_that_ends_never_brings_a_date_forward(made, floor):
    assert explain_due(made, POLICY, not_before=floor).utc >= explain_due(made, POLICY).utc
