"""What people have to do: requests for footage, redaction by hand, and how many of them that takes.

Volumes of requests are not published for the Met, so every volume is an assumption until the force puts in its own. The
staff figure takes requests as coming at random to a shared pile (M/M/c): it shows a team that is too small, no roster.
"""

from dataclasses import dataclass
from math import ceil
from typing import Any

from openbwv.rollout.capacity.queueing import mmc_wait_over
from openbwv.rollout.facts import ASSUMPTION, LAW, SOURCED, UNVERIFIED, Fact

REDACTION_LOW, REDACTION_HIGH = 5.0, 10.0
HOURS_A_MONTH = 120.0
CLOCK_MONTHS = 1.0
LATE_AT_MOST = 0.01
DC_USD, DC_MINUTES, DC_USD_PRINTED = 23.0, 229.0, 5387.0


@dataclass(frozen=True)
class Workload:
    """Requests a month, minutes of footage each, and the hours a person has for it in a month."""

    requests_month: float
    minutes_each: float
    hours_a_month: float = HOURS_A_MONTH

    def hours_month(self, factor: float) -> float:
        """Return the hours of redaction a month at `factor` hours for an hour of footage."""
        return self.requests_month * self.minutes_each / 60 * factor

    def staff_for(self, factor: float) -> int:
        """Return the fewest people of whom at most 1 in 100 requests would wait longer than the clock allows."""
        service = self.minutes_each / 60 * factor / self.hours_a_month  # months of one person's time
        people = max(1, ceil(self.requests_month * service))
        while (
            mmc_wait_over(servers=people, rate=self.requests_month, service=service, limit=CLOCK_MONTHS - service)
            > LATE_AT_MOST
            and service < CLOCK_MONTHS
        ):
            people += 1
        return people

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON shape: a low and a high reading, and what an outside firm once asked."""
        return {
            "footage_hours_month": self.requests_month * self.minutes_each / 60,
            "redaction_hours_month_low": self.hours_month(REDACTION_LOW),
            "redaction_hours_month_high": self.hours_month(REDACTION_HIGH),
            "staff_low": self.staff_for(REDACTION_LOW),
            "staff_high": self.staff_for(REDACTION_HIGH),
            "outside_price_usd_month": self.requests_month * self.minutes_each * DC_USD,
        }

    def facts(self) -> list[Fact]:
        """Return what it rests on."""
        return [
            Fact(
                "requests for footage", self.requests_month, "a month", ASSUMPTION, "no published Met figure was found"
            ),
            Fact("footage in a request", self.minutes_each, "min", ASSUMPTION, "no published figure was found"),
            Fact("redaction by hand", f"{REDACTION_LOW:g}-{REDACTION_HIGH:g}", "h an hour of video", SOURCED, "GovQA"),
            Fact("a person's time for it", self.hours_a_month, "h a month", ASSUMPTION, "after leave, training"),
            Fact(
                "clock",
                CLOCK_MONTHS,
                "calendar month",
                LAW,
                "UK GDPR art. 12(3); for FOI 20 working days",
            ),
            Fact(
                "outside price, Washington DC 2019",
                DC_USD,
                "USD a minute",
                UNVERIFIED,
                f"229 min were quoted at {DC_USD_PRINTED:,.0f} USD; 229 * 23 is {DC_MINUTES * DC_USD:,.0f}: the "
                "source's own figures differ",
            ),
        ]
