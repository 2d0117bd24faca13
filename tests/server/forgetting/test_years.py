"""Calendar years of UTC: to the second, over leap days, and as two people approved them."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django.db import IntegrityError, transaction

from openbwv.custody import EventType
from openbwv.server.retention import actions
from openbwv.server.retention.errors import PolicyWrong
from openbwv.server.retention.models import PolicyVersion
from openbwv.server.retention.rules import years_before
from openbwv.server.trail.models import Event
from tests.server.retention.steps import approve

SECOND = timedelta(seconds=1)


def moment(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("ended", "goes"),
    [
        ("2026-11-20 14:02:11", "2032-11-20 14:02:11"),
        ("2028-02-28 23:59:59", "2034-02-28 23:59:59"),
        ("2028-02-29 00:00:00", "2034-03-01 00:00:00"),
        ("2028-02-29 18:30:00", "2034-03-01 00:00:00"),
        ("2028-03-01 00:00:00", "2034-03-01 00:00:00"),
        ("2026-02-28 12:00:00", "2032-02-28 12:00:00"),
        ("2026-03-01 00:00:00", "2032-03-01 00:00:00"),
    ],
)
def test_six_years_to_the_second(ended, goes):
    ended, goes = moment(ended), moment(goes)
    assert years_before(goes - SECOND, 6) < ended
    assert years_before(goes, 6) >= ended
    assert years_before(goes + SECOND, 6) >= ended


def test_what_ended_on_a_leap_day_goes_on_the_leap_day_when_there_is_one():
    assert years_before(moment("2032-02-29 10:00:00"), 4) == moment("2028-02-29 10:00:00")


def test_the_local_clock_moves_nothing():
    summer = timezone(timedelta(hours=1))
    assert years_before(datetime(2032, 7, 1, 0, 30, tzinfo=summer), 6) == moment("2026-06-30 23:30:00")


@given(st.integers(0, 200 * 366 * 86_400), st.integers(0, 3 * 86_400), st.integers(1, 100))
def test_time_that_passes_never_brings_words_back(seconds, later, years):
    now = datetime(2101, 1, 1, tzinfo=UTC) + seconds * SECOND
    cutoff = years_before(now, years)
    assert cutoff <= years_before(now + later * SECOND, years)
    assert years * 365 - 1 <= (now - cutoff).days <= years * 366


@pytest.mark.parametrize("years", [0, -1, 101])
def test_years_out_of_bounds_are_refused(units, indra, lou, clock, years):
    with pytest.raises(PolicyWrong, match="1 to 100"):
        approve(indra, lou, clock, log_years=years)
    version = approve(indra, lou, clock)
    if years >= 0:
        with pytest.raises(IntegrityError), transaction.atomic():
            PolicyVersion.objects.filter(pk=version.pk).update(log_years=years)


def test_two_people_decide_the_years_and_the_log_says_which(units, indra, lou, clock):
    version = approve(indra, lou, clock, log_years=10)
    assert version.log_years == 10
    told = Event.objects.filter(type=EventType.POLICY).values_list("details", flat=True)
    assert [each["log_years"] for each in told] == [10, 10]


def test_six_unless_somebody_says_otherwise(units, indra, clock):
    version = actions.propose_policy(days=31, least_days=7, reason="rule", actor=indra, session="one", clock=clock)
    assert version.log_years == 6
