"""What is asked of a trial's data: its design, its columns, its choices. Values only, so that it can be registered."""

from dataclasses import dataclass, field
from enum import Enum
from math import isfinite

from openbwv.studies.errors import BadStudyOption
from openbwv.studies.labels import DesignLabel


class Design(Enum):
    """How cameras were given out; the values are the words of the command line."""

    PAIRS = "pairs"
    SHIFTS = "shifts"
    CLUSTERS = "clusters"
    STAGGERED = "staggered"
    BEFORE_AFTER = "before-after"

    @property
    def sentence(self) -> str:
        """What was randomised, if anything was."""
        return _SENTENCES[self]


_SENTENCES = {
    Design.PAIRS: "Officers in matched pairs; one of each pair drawn for a camera.",
    Design.SHIFTS: "Shifts drawn for cameras; the same officers work in both arms.",
    Design.CLUSTERS: "Whole teams or boroughs drawn; everyone in one is in the same arm.",
    Design.STAGGERED: "Every unit gets cameras in the end, at different times.",
    Design.BEFORE_AFTER: "The same units before and after; nothing was drawn.",
}
KINDS = ("auto", "count", "measure")


@dataclass(frozen=True, kw_only=True)
class Setup:
    """The design, one outcome, and the columns that describe the rows.

    `exposure` is a column or a number of units of time per row (officer-years, shifts, hours); rates are per unit of
    it. `kind` is `count` (whole, none negative), `measure` (anything) or `auto` (none negative). `order_randomised`
    says that the order of a staggered start was drawn; without it the label is quasi-experimental. `draws` is the
    number of permutations and bootstrap draws; 0 leaves them out. `window_days` is how long the outcome was counted.
    """

    design: Design
    outcome: str
    assigned: str | None = None
    block: str | None = None
    cluster: str | None = None
    exposure: str | float | None = None
    baseline: str | None = None
    baseline_exposure: str | float | None = None
    compliance: str | None = None
    covariates: tuple[str, ...] = ()
    together: str | None = None
    unit: str | None = None
    time: str | None = None
    first: str | None = None
    kind: str = "auto"
    order_randomised: bool = False
    window_days: float | None = None
    alpha: float = 0.05
    draws: int = 5000
    seed: int = 1

    @property
    def label(self) -> DesignLabel:
        """The label of every estimate of this design."""
        if self.design is Design.BEFORE_AFTER:
            return DesignLabel.BEFORE_AFTER
        if self.design is Design.STAGGERED and not self.order_randomised:
            return DesignLabel.QUASI
        return DesignLabel.RANDOMISED


def fixed_exposure(value: float | None) -> float:
    """Return an exposure that is the same in every row, 1 where none was named. Raises BadStudyOption for 0 or less."""
    exposure = 1.0 if value is None else float(value)
    if not isfinite(exposure) or exposure <= 0:
        raise BadStudyOption(what=f"An exposure of {exposure:g} is none.", remedy="Give a number above 0, or a column.")
    return exposure


@dataclass
class Excluded:
    """Rows that were left out, each with the reason; a row is listed once, with the first reason found."""

    why: dict[int, str] = field(default_factory=dict)

    def add(self, row: int, why: str) -> None:
        """Note that a row (counted from 0) is left out."""
        self.why.setdefault(int(row), why)

    def as_list(self, lines: list[int]) -> list[dict[str, int | str]]:
        """Return {row, line, why} in order: row counts data rows from 1, line is the file's."""
        return [{"row": row + 1, "line": lines[row], "why": self.why[row]} for row in sorted(self.why)]
