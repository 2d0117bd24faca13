"""What can go wrong in a roll-out plan or a capacity model, one class per remedy."""

from collections.abc import Sequence
from typing import Any

from openbwv.recording.errors import EXIT_CANNOT_CREATE, EXIT_TRY_LATER, EXIT_USAGE, BwvError


class BadPlanFile(BwvError):
    """A plan or actuals file (YAML) breaks its schema."""

    code = "bad-plan-file"

    def __init__(self, *, file: str, line: int, column: int, problem: str, remedy: str = "") -> None:
        remedy = remedy or "docs/ref/rollout.md lists the fields; `./bwv rollout plan --example DIR` writes one."
        super().__init__(what=f"{file}, line {line}, column {column}: {problem}", remedy=remedy)
        self.file, self.line, self.column = file, line, column


class BadUnitsFile(BwvError):
    """A row of the units file (CSV) is not what its column must hold."""

    code = "bad-units-file"

    def __init__(self, *, file: str, line: int, column: str, problem: str, remedy: str) -> None:
        super().__init__(what=f"{file}, line {line}, column '{column}': {problem}", remedy=remedy)
        self.file, self.line, self.column = file, line, column


class PlanInfeasible(BwvError):
    """No order of the units keeps every constraint; the smallest set in conflict is named.

    `also` are gates that never open within the plan: each is a conflict by itself, and would be found one at a time.
    """

    code = "plan-infeasible"
    http_status = 422

    def __init__(
        self, *, conflict: Sequence[dict[str, str]], smallest: bool, always: str, also: Sequence[dict[str, str]]
    ) -> None:
        listed = "\n".join(f"  - {each['words']}" for each in conflict)
        size = "The smallest set of constraints in conflict" if smallest else "A set of constraints in conflict"
        remedy = "Change or drop any one of them and plan again; without one of them the others fit together."
        if also:
            lines = "".join(f"\n  - {each['words']}" for each in also)
            remedy = (
                f"Change it, and give these {len(also)} dates within the plan: each is in the way by itself.{lines}"
            )
        super().__init__(
            what=f"No plan keeps every constraint. {size} ({len(conflict)}), {always}:\n{listed}", remedy=remedy
        )
        self.conflict, self.smallest, self.also = list(conflict), smallest, list(also)

    def as_dict(self) -> dict[str, Any]:
        """Return the shape that `--json` prints, with the conflict as a list."""
        return {**super().as_dict(), "conflict": self.conflict, "smallest": self.smallest, "also": self.also}


class SearchTooShort(BwvError):
    """The solver's effort ran out before it found a plan or showed that there is none."""

    code = "search-too-short"
    http_status = 503
    exit_code = EXIT_TRY_LATER


class CertificateBroken(BwvError):
    """A plan breaks a constraint when it is checked without the solver."""

    code = "certificate-broken"


class NoRandomOrder(BwvError):
    """No random order that was drawn keeps the constraints within the allowed delay."""

    code = "no-random-order"


class BadRolloutOption(BwvError):
    """The options of a roll-out or capacity command do not fit together."""

    code = "bad-rollout-option"
    exit_code = EXIT_USAGE


class OutputExists(BwvError):
    """A file that would be written is already there."""

    code = "output-exists"
    http_status = 409
    exit_code = EXIT_CANNOT_CREATE
