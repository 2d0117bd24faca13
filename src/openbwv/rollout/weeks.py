"""Weeks of a plan: counted from 1 for people, from 0 inside; a week begins on a Monday.

A unit that goes live in week N is live by the Sunday that ends it; whatever must come before has until then.
"""

from dataclasses import dataclass
from datetime import date, timedelta


@dataclass(frozen=True)
class Calendar:
    """The weeks of a plan: its first Monday and how many there are. Raises ValueError for another day."""

    start: date
    weeks: int

    def __post_init__(self) -> None:
        if self.start.weekday() != 0:
            raise ValueError(f"{self.start} is no Monday")

    def index(self, day: date) -> int:
        """Return the week (from 0) that holds `day`; below 0 before the start."""
        return (day - self.start).days // 7

    def monday(self, week: int) -> date:
        """Return the first day of a week (from 0)."""
        return self.start + timedelta(weeks=week)

    def name(self, week: int) -> str:
        """Return a week as people read it, such as `week 12 (from 2 Jan 2017)`."""
        day = self.monday(week)
        return f"week {week + 1} (from {day.day} {day:%b %Y})"

    def quarter(self, week: int) -> str:
        """Return the calendar quarter of a week's Monday, such as `2016Q4`."""
        day = self.monday(week)
        return f"{day.year}Q{(day.month + 2) // 3}"
