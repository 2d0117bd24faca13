"""What an analysis hands over: estimates in order, what was left out, and all that a reader needs to judge them."""

from dataclasses import dataclass, field
from typing import Any

from openbwv.studies.estimates import Estimate
from openbwv.studies.labels import DesignLabel
from openbwv.studies.setup import Setup


@dataclass
class Result:
    """One outcome, analysed. `label` is the design label of the headline; `estimates[0]` is the headline.

    `p_holm` is set by a family of outcomes; `preregistration` and `allocation` by a study that has those files.
    """

    setup: Setup
    n: int
    clusters: int
    estimates: list[Estimate]
    rows: int
    excluded: list[dict[str, int | str]]
    arms: dict[str, dict[str, float]] = field(default_factory=dict)
    balance: list[dict[str, Any]] = field(default_factory=list)
    contamination: dict[str, Any] | None = None
    first_stage: dict[str, Any] | None = None
    event_study: list[dict[str, Any]] = field(default_factory=list)
    pre_trend: dict[str, Any] | None = None
    notes: list[str] = field(default_factory=list)
    data_sha256: str = ""
    p_holm: float | None = None
    preregistration: dict[str, Any] | None = None
    allocation: dict[str, Any] | None = None

    @property
    def label(self) -> DesignLabel:
        """The label under which this result may be told."""
        return self.headline.label

    @property
    def headline(self) -> Estimate:
        """The one estimate that is told first."""
        return self.estimates[0]

    def as_dict(self) -> dict[str, Any]:
        """Return the shape that `./bwv study analyse --json` prints."""
        return {
            "design": self.setup.design.value,
            "outcome": self.setup.outcome,
            "label": self.label.value,
            "n": self.n,
            "clusters": self.clusters,
            "rows": self.rows,
            "excluded": self.excluded,
            "arms": self.arms,
            "estimates": [estimate.as_dict() for estimate in self.estimates],
            "p_holm": self.p_holm,
            "balance": self.balance,
            "contamination": self.contamination,
            "first_stage": self.first_stage,
            "event_study": self.event_study,
            "pre_trend": self.pre_trend,
            "preregistration": self.preregistration,
            "allocation": self.allocation,
            "notes": self.notes,
            "alpha": self.setup.alpha,
            "draws": self.setup.draws,
            "seed": self.setup.seed,
            "data_sha256": self.data_sha256,
        }
