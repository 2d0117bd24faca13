"""By when a request must be answered, as a date with the steps that lead to it.

Rule: footage of oneself: the earlier of 31 days and one calendar month from receipt, the last day of the month where
none corresponds; the internal date is 28 days. Footage of others or an event: 20 working days of England. While proof
of identity is outstanding the clock stands still: the days it stood are added. An extension is added last.
Sources: Data Protection Act 2018, sections 45 and 54; Freedom of Information Act 2000, section 10; Bank Holidays
Schedule of the Banking and Financial Dealings Act 1971; ruling R12.
Does not know: bank holidays proclaimed for one year alone after 2026 (a table to add to, below).

Pure: days in, days and sentences out. A day is a day of the force's local time; the caller converts.
"""

import calendar
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

DAY = timedelta(days=1)
SUBJECT_DAYS = 31
INTERNAL_DAYS = 28
WORKING_DAYS = 20
SATURDAY = 5
MONDAY = 0

# Proclaimed for one year, or moved by proclamation: (added, taken away).
PROCLAIMED: dict[int, tuple[tuple[date, ...], tuple[date, ...]]] = {
    2020: ((date(2020, 5, 8),), (date(2020, 5, 4),)),
    2022: ((date(2022, 6, 2), date(2022, 6, 3), date(2022, 9, 19)), (date(2022, 5, 30),)),
    2023: ((date(2023, 5, 8),), ()),
}


@dataclass(frozen=True)
class Explanation:
    """A date is never bare: the day, the internal day, the rule, and the steps that lead there."""

    due: date
    internal: date
    rule: str
    steps: tuple[str, ...]


@dataclass(frozen=True)
class Paused:
    """The clock stood still from the day proof was asked for until the day it came; open while `until` is None."""

    since: date
    until: date | None = None

    def days(self, today: date) -> int:
        """Return how many days it stood by `today`."""
        return max(((self.until or today) - self.since).days, 0)


def subject_deadline(
    received: date, *, paused: Sequence[Paused] = (), extended_days: int = 0, today: date | None = None
) -> Explanation:
    """Return by when a request for footage of oneself is to be answered."""
    by_days, by_month = received + SUBJECT_DAYS * DAY, month_after(received)
    due = min(by_days, by_month)
    rule = "one-calendar-month" if by_month < by_days else "31-days"
    steps = [
        f"Received on {_day(received)}.",
        f"One calendar month later is {_day(by_month)}; 31 days later is {_day(by_days)}. The earlier counts.",
    ]
    internal = received + INTERNAL_DAYS * DAY
    stood, said = _pauses(paused, today or received)
    due, internal = due + stood * DAY, internal + stood * DAY
    steps += said
    if extended_days:
        due += extended_days * DAY
        steps.append(f"Extended by {extended_days} days by letter, to {_day(due)}.")
    return Explanation(due, min(internal, due), rule, tuple(steps))


def information_deadline(
    received: date, *, paused: Sequence[Paused] = (), extended_days: int = 0, today: date | None = None
) -> Explanation:
    """Return by when a freedom-of-information request is to be answered: 20 working days after the day of receipt."""
    stood, said = _pauses(paused, today or received)
    due = add_working_days(received, WORKING_DAYS)
    steps = [f"Received on {_day(received)}.", f"20 working days later is {_day(due)}."]
    skipped = [day for day in _days(received, due) if day.weekday() < SATURDAY and not is_working_day(day)]
    steps += [f"{_day(day)} is a bank holiday and does not count." for day in skipped]
    if stood:
        due = next_working_day(due + stood * DAY)
        steps += said
    if extended_days:
        due = add_working_days(due, extended_days)
        steps.append(f"Extended by {extended_days} working days by letter, to {_day(due)}.")
    internal = min(due, received + INTERNAL_DAYS * DAY + stood * DAY)
    return Explanation(due, internal, "20-working-days", tuple(steps))


def month_after(start: date) -> date:
    """Return the corresponding day of the next month, or its last day where there is none."""
    year, month = (start.year + 1, 1) if start.month == 12 else (start.year, start.month + 1)
    return date(year, month, min(start.day, calendar.monthrange(year, month)[1]))


def months_after(start: date, count: int) -> date:
    """Return the corresponding day `count` months later, or the last day of that month where there is none."""
    year, month0 = divmod(start.year * 12 + start.month - 1 + count, 12)
    return date(year, month0 + 1, min(start.day, calendar.monthrange(year, month0 + 1)[1]))


def add_working_days(start: date, count: int) -> date:
    """Return the day that is `count` working days after `start`; `start` itself does not count."""
    day = start
    while count:
        day += DAY
        count -= is_working_day(day)
    return day


def next_working_day(day: date) -> date:
    """Return `day`, or the first working day after it."""
    while not is_working_day(day):
        day += DAY
    return day


def is_working_day(day: date) -> bool:
    """Say whether `day` is a working day in England."""
    return day.weekday() < SATURDAY and day not in bank_holidays(day.year)


def bank_holidays(year: int) -> frozenset[date]:
    """Return the bank and public holidays of England in `year`; one on a weekend is moved to the next weekday."""
    easter = easter_sunday(year)
    days = {
        _substitute(date(year, 1, 1), set()),
        easter - 2 * DAY,  # Good Friday
        easter + DAY,  # Easter Monday
        _first_monday(year, 5),
        _last_monday(year, 5),
        _last_monday(year, 8),
    }
    christmas, boxing = date(year, 12, 25), date(year, 12, 26)
    taken = {day for day in (christmas, boxing) if day.weekday() < SATURDAY}
    for holiday in (christmas, boxing):
        moved = _substitute(holiday, taken)
        taken.add(moved)
    added, removed = PROCLAIMED.get(year, ((), ()))
    return frozenset((days | taken | set(added)) - set(removed))


def easter_sunday(year: int) -> date:
    """Return Easter Sunday by the Gregorian computus (Meeus, Jones, Butcher)."""
    a, (b, c) = year % 19, divmod(year, 100)
    d, e = divmod(b, 4)
    g = (8 * b + 13) // 25
    h = (19 * a + b - d - g + 15) % 30
    i, k = divmod(c, 4)
    m = (32 + 2 * e + 2 * i - h - k) % 7
    n = (a + 11 * h + 22 * m) // 451
    month, day = divmod(h + m - 7 * n + 114, 31)
    return date(year, month, day + 1)


def _substitute(holiday: date, taken: set[date]) -> date:
    """Return the holiday, or the next weekday that is not one already."""
    day = holiday
    while day.weekday() >= SATURDAY or (day in taken and day != holiday):
        day += DAY
    return day


def _first_monday(year: int, month: int) -> date:
    first = date(year, month, 1)
    return first + ((MONDAY - first.weekday()) % 7) * DAY


def _last_monday(year: int, month: int) -> date:
    last = date(year, month, calendar.monthrange(year, month)[1])
    return last - ((last.weekday() - MONDAY) % 7) * DAY


def _pauses(paused: Sequence[Paused], today: date) -> tuple[int, list[str]]:
    stood, said = 0, []
    for pause in paused:
        days = pause.days(today)
        stood += days
        if pause.until is None:
            said.append(f"The clock stands still since {_day(pause.since)}, until you show who you are.")
        else:
            said.append(
                f"The clock stood still from {_day(pause.since)} to {_day(pause.until)}: {days} days are added."
            )
    return stood, said


def _days(start: date, end: date) -> list[date]:
    return [start + number * DAY for number in range(1, (end - start).days + 1)]


def _day(day: date) -> str:
    return f"{day:%a} {day.day} {day:%b %Y}"
