"""An estimate: a number with its interval, its model, its estimand and, always, its design label.

The rules of the room live in the constructor, so that no report can break them: no estimate without a label, no
headline with an interval that ignores how units were randomised, one headline in a family.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import Enum
from math import isfinite
from typing import Any, Literal

from openbwv.studies.errors import HeadlineRefused
from openbwv.studies.labels import DesignLabel


class Model(Enum):
    """How an estimate was made; the values are the names that `--json` prints."""

    POISSON_CLUSTERED = "poisson-clustered"
    GEE = "gee-poisson-exchangeable"
    WILD_BOOTSTRAP = "poisson-wild-cluster-bootstrap"
    POISSON = "poisson-model-based"
    QUASI_POISSON = "quasi-poisson"
    NB2 = "negative-binomial-nb2"
    EXACT = "exact-conditional"
    MEANS_HC2 = "difference-in-means-hc2"
    CLUSTER_MEANS_HC2 = "difference-in-cluster-means-hc2"
    MEANS_CLUSTERED = "difference-in-means-clustered"
    BLOCK_OLS_HC2 = "block-fixed-effects-ols-hc2"
    DIFF_IN_DIFF = "difference-in-differences"
    RANDOMISATION = "randomisation-inference"
    CACE = "cace-2sls"
    CALLAWAY_SANTANNA = "callaway-santanna"
    HUSSEY_HUGHES = "hussey-hughes"

    @property
    def ignores_clusters(self) -> bool:
        """Whether its interval takes every row for independent of every other."""
        return self in (Model.POISSON, Model.QUASI_POISSON, Model.NB2, Model.EXACT)

    @property
    def title(self) -> str:
        """Its name for people."""
        return _TITLES[self]


_TITLES = {
    Model.POISSON_CLUSTERED: "Poisson, clustered errors",
    Model.GEE: "GEE Poisson, Mancl-DeRouen",
    Model.WILD_BOOTSTRAP: "Poisson, wild cluster bootstrap",
    Model.POISSON: "Poisson, rows independent",
    Model.QUASI_POISSON: "quasi-Poisson",
    Model.NB2: "negative binomial (NB2)",
    Model.EXACT: "exact conditional",
    Model.MEANS_HC2: "difference in means, HC2",
    Model.CLUSTER_MEANS_HC2: "difference in cluster means, HC2",
    Model.MEANS_CLUSTERED: "difference in means, clustered",
    Model.BLOCK_OLS_HC2: "within blocks, HC2",
    Model.DIFF_IN_DIFF: "difference in differences",
    Model.RANDOMISATION: "randomisation inference",
    Model.CACE: "compliers (2SLS)",
    Model.CALLAWAY_SANTANNA: "Callaway-Sant'Anna",
    Model.HUSSEY_HUGHES: "Hussey-Hughes",
}


class Estimand(Enum):
    """What the number is a number of."""

    ITT = "intention-to-treat"
    CACE = "complier-average-causal-effect"
    ATT = "average-effect-on-the-treated"
    BEFORE_AFTER = "before-after"


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """One number. `value` is an incidence rate ratio or a difference, as `measure` says; None where none exists.

    `clustered` says whether the randomised unit holds several rows. Raises HeadlineRefused for a headline whose model
    takes rows for independent in a clustered design, or that is a model-based negative binomial in any design, or that
    is no intention-to-treat estimate of a randomised trial; TypeError for anything but a DesignLabel as label.
    """

    model: Model
    label: DesignLabel
    estimand: Estimand
    measure: Literal["irr", "difference"]
    value: float | None
    low: float | None = None
    high: float | None = None
    p: float | None = None
    se: float | None = None
    converged: bool = True
    note: str = ""
    clustered: bool = False
    headline: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.label, DesignLabel):
            raise TypeError(f"an estimate needs a DesignLabel, not {self.label!r}")
        for name in ("value", "low", "high", "p", "se"):
            number = getattr(self, name)
            if number is not None:
                object.__setattr__(self, name, float(number) if isfinite(number) else None)
        if self.headline:
            self._may_be_headline()

    def _may_be_headline(self) -> None:
        if self.model is Model.NB2 or (self.clustered and self.model.ignores_clusters):
            raise HeadlineRefused(
                what=f"The interval of {self.model.value} takes rows for independent; this design does not allow that.",
                remedy="Take a model whose standard errors follow the randomised unit; this one may stand beside it.",
            )
        if self.label is DesignLabel.RANDOMISED and self.estimand is Estimand.CACE:
            raise HeadlineRefused(
                what="The effect on compliers cannot stand for the effect of the offer.",
                remedy="The headline of a randomised trial is intention to treat; print this estimate beside it.",
            )

    def as_headline(self) -> "Estimate":
        """Return the same estimate as headline; raises HeadlineRefused where its interval is wrong for the design."""
        return replace(self, headline=True)

    def as_dict(self) -> dict[str, Any]:
        """Return the shape that `--json` prints; the number stands under `irr` or `difference`."""
        return {
            "model": self.model.value,
            "label": self.label.value,
            "headline": self.headline,
            "estimand": self.estimand.value,
            self.measure: self.value,
            "low": self.low,
            "high": self.high,
            "p": self.p,
            "se": self.se,
            "converged": self.converged,
            "note": self.note,
        }

    def __str__(self) -> str:
        """One line for a person; the label is always in it."""
        name = "IRR" if self.measure == "irr" else "difference"
        inside = f" ({shown(self.low)} to {shown(self.high)})" if self.low is not None or self.high is not None else ""
        chance = "" if self.p is None else f", p {chance_shown(self.p)}"
        note = f"; {self.note}" if self.note else ""
        return f"{name} {shown(self.value)}{inside}{chance} [{self.model.value}; {self.label.value}]{note}"


def shown(value: float | None) -> str:
    """Return a number to four digits, a dash for one that does not exist."""
    return "–" if value is None else f"{value:.4f}"


def chance_shown(p: float | None) -> str:
    """Return a p to four digits, never as 0."""
    return "–" if p is None else "<0.0001" if p < 0.0001 else f"{p:.4f}"


def one_headline(estimates: Iterable[Estimate], wanted: Model) -> list[Estimate]:
    """Return the estimates with exactly the first of model `wanted` as headline, and that one in front."""
    listed = [replace(each, headline=False) for each in estimates]
    chosen = next(index for index, each in enumerate(listed) if each.model is wanted)
    return [listed[chosen].as_headline(), *listed[:chosen], *listed[chosen + 1 :]]
