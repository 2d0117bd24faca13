"""A figure that we did not measure ourselves, with what it rests on.

Nothing is printed without a status. The design labels are those of the studies, as texts: a figure about an effect says
how its two groups came about.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

SOURCED = "sourced"
UNVERIFIED = "reported, unverified"
COMPUTED = "computed"
ASSUMPTION = "assumption"
MODELLED = "modelled"
LAW = "law"
GIVEN = "given"  # by whoever ran the command
STATUSES = (SOURCED, UNVERIFIED, COMPUTED, ASSUMPTION, MODELLED, LAW, GIVEN)

RANDOMISED = "randomised"
QUASI = "quasi-experimental"
BEFORE_AFTER = "before-after only, not randomised"
LABELS = (RANDOMISED, QUASI, BEFORE_AFTER)


@dataclass(frozen=True)
class Fact:
    """A name, a value (None: no figure known) with its unit, a status of `STATUSES` and the source in words."""

    name: str
    value: float | int | str | None
    unit: str
    status: str
    source: str

    def __post_init__(self) -> None:
        if self.status not in STATUSES:
            raise ValueError(f"'{self.status}' is no status; use one of {', '.join(STATUSES)}")

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON shape."""
        return asdict(self)


def rows(facts: Iterable[Fact]) -> list[dict[str, Any]]:
    """Return facts as rows of a table."""
    return [fact.as_dict() for fact in facts]
