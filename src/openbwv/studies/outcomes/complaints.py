"""Complaint rates: cases and allegations apart, and the definitions before and after February 2020 apart.

Since 1 February 2020 a complaint in England and Wales is any expression of dissatisfaction (Police Reform Act 2002,
section 12, as amended by the Policing and Crime Act 2017), where before it was one about the conduct of a person. A
series across that day shows the law, not the police. So a rate carries its definition and its unit, and two that
differ in either cannot be added.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np
import pandas as pd

from openbwv.studies.errors import BadStudyOption, BwvError
from openbwv.studies.outcomes.rates import rate

BREAK = np.datetime64("2020-02-01")


class DefinitionsDiffer(BwvError):
    """Complaint counts of different definitions or units were about to be added or compared. Keep them apart."""

    code = "definitions-differ"


class Definition(Enum):
    """What counts as a complaint."""

    BEFORE_2020 = "England and Wales before February 2020"
    SINCE_2020 = "England and Wales since February 2020"
    OWN = "the force's own"


class Unit(Enum):
    """What is counted: one case holds one allegation or more."""

    CASES = "cases"
    ALLEGATIONS = "allegations"


@dataclass(frozen=True, kw_only=True)
class ComplaintRate:
    """Complaints over exposure (officer-years unless said otherwise), with definition and unit."""

    unit: Unit
    definition: Definition
    events: int
    exposure: float

    def __add__(self, other: "ComplaintRate") -> "ComplaintRate":
        """Return both together; raises DefinitionsDiffer where definition or unit differ."""
        same(self, other)
        return ComplaintRate(
            unit=self.unit,
            definition=self.definition,
            events=self.events + other.events,
            exposure=self.exposure + other.exposure,
        )

    def ratio(self, other: "ComplaintRate") -> float:
        """Return this rate over the other; raises DefinitionsDiffer where definition or unit differ."""
        same(self, other)
        return (self.events / self.exposure) / (other.events / other.exposure)

    def as_dict(self) -> dict[str, Any]:
        """Return the shape that `--json` prints."""
        counted = rate(self.events, self.exposure)
        return {"unit": self.unit.value, "definition": self.definition.value} | counted


def same(one: ComplaintRate, other: ComplaintRate) -> None:
    """Raise DefinitionsDiffer unless both count the same thing."""
    for what in ("unit", "definition"):
        mine, theirs = getattr(one, what).value, getattr(other, what).value
        if mine != theirs:
            raise DefinitionsDiffer(
                what=f"One of the two complaint rates has the {what} '{mine}', the other '{theirs}'.",
                remedy="Report them side by side; a difference between them is not an effect.",
            )


def definitions_of(received: pd.Series, *, england_and_wales: bool = True) -> np.ndarray:
    """Return the definition under which each complaint was received, by the local date."""
    if not england_and_wales:
        return np.full(len(received), Definition.OWN, dtype=object)
    since = received.to_numpy(dtype="datetime64[ms]") >= BREAK
    return np.where(since, Definition.SINCE_2020, Definition.BEFORE_2020)


def rates_of(
    cases: pd.DataFrame,
    allegations: pd.DataFrame,
    exposure: Mapping[Definition, float],
    *,
    england_and_wales: bool = True,
) -> list[ComplaintRate]:
    """Return the rates of cases and of allegations for each definition that `exposure` names.

    `cases` and `allegations` have a column `received`. Raises BadStudyOption when there are complaints under a
    definition without an exposure: they would be dropped in silence.
    """
    out = []
    for unit, frame in ((Unit.CASES, cases), (Unit.ALLEGATIONS, allegations)):
        under = definitions_of(frame["received"], england_and_wales=england_and_wales)
        for definition in Definition:
            events = int(sum(each is definition for each in under))
            if definition in exposure:
                out.append(
                    ComplaintRate(unit=unit, definition=definition, events=events, exposure=exposure[definition])
                )
            elif events:
                what = f"{events} {unit.value} fall under '{definition.value}', for which there is no exposure."
                raise BadStudyOption(what=what, remedy="Give the officer-years on each side of February 2020.")
    return out
