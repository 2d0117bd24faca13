"""A comparison of two groups in an outcome, with the label of the design it comes from.

As with the estimates of trials, no such number exists without its label: `DesignLabel` is a part of the value.
"""

from dataclasses import dataclass
from math import isfinite
from typing import Any

from openbwv.studies.labels import DesignLabel


@dataclass(frozen=True, kw_only=True)
class Effect:
    """One comparison, treated against control. `measure` says what the number is; None where none exists.

    Raises TypeError for anything but a DesignLabel as label.
    """

    outcome: str
    model: str
    measure: str
    label: DesignLabel
    value: float | None
    low: float | None = None
    high: float | None = None
    p: float | None = None
    converged: bool = True
    note: str = ""

    def __post_init__(self) -> None:
        if not isinstance(self.label, DesignLabel):
            raise TypeError(f"a comparison needs a DesignLabel, not {self.label!r}")
        for name in ("value", "low", "high", "p"):
            number = getattr(self, name)
            if number is not None:
                object.__setattr__(self, name, float(number) if isfinite(number) else None)

    def as_dict(self) -> dict[str, Any]:
        """Return the shape that `--json` prints."""
        return dict(vars(self)) | {"label": self.label.value}

    def __str__(self) -> str:
        """One line for a person; the label is always in it."""
        parts = [_shown(each) for each in (self.value, self.low, self.high)]
        note = f"; {self.note}" if self.note else ""
        return (
            f"{self.outcome}: {self.measure} {parts[0]} ({parts[1]} to {parts[2]}) [{self.model}; {self.label}]{note}"
        )


def _shown(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"
