"""Deadlines: months that are short, pauses, extensions, bank holidays of England."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openbwv.server.disclosure import deadlines
from openbwv.server.disclosure.deadlines import Paused, bank_holidays, information_deadline, subject_deadline


@pytest.mark.parametrize(
    ("received", "due", "rule"),
    [
        (date(2026, 11, 20), date(2026, 12, 20), "one-calendar-month"),  # 30-day month: a month is sooner
        (date(2026, 12, 20), date(2027, 1, 20), "31-days"),  # 31-day month: the same day
        (date(2026, 1, 31), date(2026, 2, 28), "one-calendar-month"),  # no 31 February
        (date(2028, 1, 31), date(2028, 2, 29), "one-calendar-month"),  # leap year
        (date(2026, 2, 15), date(2026, 3, 15), "one-calendar-month"),
        (date(2026, 8, 31), date(2026, 9, 30), "one-calendar-month"),
        (date(2026, 12, 31), date(2027, 1, 31), "31-days"),
    ],
)
def test_the_earlier_of_31_days_and_one_calendar_month(received, due, rule):
    explained = subject_deadline(received)
    assert (explained.due, explained.rule) == (due, rule)
    assert explained.internal == min(received + timedelta(days=28), due)


def test_steps_lead_to_the_date():
    explained = subject_deadline(
        date(2026, 11, 20),
        paused=[Paused(date(2026, 11, 24), date(2026, 12, 1))],
        extended_days=10,
    )
    assert explained.due == date(2027, 1, 6)
    assert explained.steps == (
        "Received on Fri 20 Nov 2026.",
        "One calendar month later is Sun 20 Dec 2026; 31 days later is Mon 21 Dec 2026. The earlier counts.",
        "The clock stood still from Tue 24 Nov 2026 to Tue 1 Dec 2026: 7 days are added.",
        "Extended by 10 days by letter, to Wed 6 Jan 2027.",
    )


def test_an_open_pause_moves_the_date_with_every_day():
    pause = [Paused(date(2026, 11, 24))]
    before = subject_deadline(date(2026, 11, 20), paused=pause, today=date(2026, 11, 24))
    after = subject_deadline(date(2026, 11, 20), paused=pause, today=date(2026, 11, 29))
    assert (after.due - before.due).days == 5
    assert "stands still" in after.steps[-1]


# As published by the government for England and Wales.
PUBLISHED = {
    2022: "01-03 04-15 04-18 05-02 06-02 06-03 08-29 09-19 12-26 12-27",
    2023: "01-02 04-07 04-10 05-01 05-08 05-29 08-28 12-25 12-26",
    2024: "01-01 03-29 04-01 05-06 05-27 08-26 12-25 12-26",
    2025: "01-01 04-18 04-21 05-05 05-26 08-25 12-25 12-26",
    2026: "01-01 04-03 04-06 05-04 05-25 08-31 12-25 12-28",
    2027: "01-01 03-26 03-29 05-03 05-31 08-30 12-27 12-28",
    2028: "01-03 04-14 04-17 05-01 05-29 08-28 12-25 12-26",
}


@pytest.mark.parametrize("year", PUBLISHED)
def test_bank_holidays_are_those_published(year):
    assert sorted(f"{day:%m-%d}" for day in bank_holidays(year)) == PUBLISHED[year].split()


@pytest.mark.parametrize(
    ("received", "due"),
    [
        (date(2026, 11, 20), date(2026, 12, 18)),
        (date(2026, 12, 10), date(2027, 1, 12)),  # over Christmas Day, its Monday and New Year's Day
        (date(2026, 3, 20), date(2026, 4, 21)),  # over Easter
        (date(2026, 11, 21), date(2026, 12, 18)),  # received on a Saturday
    ],
)
def test_twenty_working_days_leave_out_weekends_and_bank_holidays(received, due):
    assert information_deadline(received).due == due


def test_the_steps_name_the_holidays_left_out():
    steps = information_deadline(date(2026, 12, 10)).steps
    assert "Fri 25 Dec 2026 is a bank holiday and does not count." in steps
    assert len(steps) == 5


days = st.dates(date(2020, 1, 1), date(2040, 12, 31))


@given(received=days)
def test_a_subject_request_is_never_due_later_than_31_days_nor_sooner_than_28(received):
    explained = subject_deadline(received)
    assert 28 <= (explained.due - received).days <= 31
    assert explained.internal <= explained.due


@given(received=days, length=st.integers(0, 60), extended=st.integers(0, 62))
def test_pauses_and_extensions_add_exactly_their_days(received, length, extended):
    pause = Paused(received, received + timedelta(days=length))
    explained = subject_deadline(received, paused=[pause], extended_days=extended)
    assert (explained.due - subject_deadline(received).due).days == length + extended


@given(received=days)
def test_an_information_request_is_due_on_a_working_day(received):
    due = information_deadline(received).due
    assert deadlines.is_working_day(due)
    assert 26 <= (due - received).days <= 36


@given(start=days, count=st.integers(0, 36))
def test_months_after_agrees_with_one_month_steps_of_the_first_day(start, count):
    later = deadlines.months_after(start, count)
    assert (later.year * 12 + later.month) - (start.year * 12 + start.month) == count
    assert later.day <= start.day
