"""What a plan must keep, as data: units, pools, rules. Weeks count from 0 here; money is in pence.

A unit draws on every pool that names its force. A unit's installation fills the `install_weeks` weeks that end with the
week in which it goes live, without a gap.
"""

from dataclasses import dataclass, field, replace
from typing import Any

from openbwv.rollout.weeks import Calendar

GATES = {
    "consultation": "the consultation is held",
    "dpia": "the data protection impact assessment is signed",
    "training": "its officers are trained",
    "site_test": "its site has passed the test",
}
OBJECTIVES = ("finish", "benefit", "fairness", "stability")


@dataclass(frozen=True)
class Gate:
    """When a gate is passed: a week, `by_plan` (the plan itself brings it about), or neither: not held, no date."""

    week: int | None = None
    by_plan: bool = False


@dataclass(frozen=True)
class Unit:
    """A borough or specialist unit that goes live as a whole."""

    name: str
    force: str
    cameras: int
    officers: int
    install_weeks: int = 1
    teams: int = 1
    phase: int = 1
    group: str = ""
    weight: int = 0
    site_pence: int = 0
    network_ready: int = 0
    gates: dict[str, Gate] = field(default_factory=dict)
    about: dict[str, str] = field(default_factory=dict)

    @property
    def seats(self) -> int:
        """Training seats that the plan has to find for it."""
        return self.officers if self.gates.get("training", Gate(by_plan=True)).by_plan else 0


@dataclass(frozen=True)
class Teams:
    """Installation teams at work in each week."""

    name: str
    forces: tuple[str, ...]
    by_week: tuple[int, ...]


@dataclass(frozen=True)
class Seats:
    """Training seats in each week; training is good for `valid_weeks` weeks, the week of going live among them."""

    name: str
    forces: tuple[str, ...]
    by_week: tuple[int, ...]
    valid_weeks: int


@dataclass(frozen=True)
class Stock:
    """Cameras delivered by the end of each week, from the beginning."""

    name: str
    forces: tuple[str, ...]
    delivered: tuple[int, ...]


@dataclass(frozen=True)
class Money:
    """Pence for each calendar quarter; with `carry_over` what is left goes to the next."""

    name: str
    forces: tuple[str, ...]
    by_quarter: dict[str, int]
    carry_over: bool


@dataclass(frozen=True)
class Blackout:
    """Weeks, both ends included, in which nobody installs and nothing goes live."""

    first: int
    last: int
    why: str
    forces: tuple[str, ...] = ()
    units: tuple[str, ...] = ()

    def covers(self, unit: Unit) -> bool:
        """Say whether it binds `unit`: by name, by force, or everybody when it names neither."""
        return unit.name in self.units or unit.force in self.forces or not (self.units or self.forces)


@dataclass(frozen=True)
class Window:
    """A unit goes live not before one week and not after another."""

    unit: str
    earliest: int | None
    latest: int | None


@dataclass(frozen=True)
class Objective:
    """What is aimed at: in order, or (`weights`) one weighted sum.

    In order, each aim is kept while the next is improved; aims other than the finish may give `give_percent` of their
    value to later ones.
    """

    order: tuple[str, ...] = ("finish", "benefit", "fairness")
    weights: dict[str, int] = field(default_factory=dict)
    give_percent: int = 0

    @property
    def words(self) -> str:
        """Say it in a sentence."""
        if self.weights:
            return "weighted sum: " + ", ".join(f"{weight} x {name}" for name, weight in self.weights.items())
        give = f" (but for the finish, each may give {self.give_percent} %)" if self.give_percent else ""
        return f"in this order, each kept while the next is improved{give}: " + ", ".join(self.order)


@dataclass(frozen=True)
class Trial:
    """What the power of a randomised roll-out is worked out with: log rates of allegations by unit and period."""

    rate_per_officer_year: float = 0.39
    rate_ratio: float = 0.85
    cv_between: float = 0.25
    overdispersion: float = 1.5
    period_weeks: int = 4
    baseline_periods: int = 6
    later_weeks: int = 2
    alpha: float = 0.05


@dataclass(frozen=True)
class Problem:
    """A whole planning problem."""

    calendar: Calendar
    units: tuple[Unit, ...]
    teams: tuple[Teams, ...] = ()
    seats: tuple[Seats, ...] = ()
    stock: tuple[Stock, ...] = ()
    money: tuple[Money, ...] = ()
    blackouts: tuple[Blackout, ...] = ()
    windows: tuple[Window, ...] = ()
    afters: tuple[tuple[str, str], ...] = ()
    phases_in_order: bool = False
    finish_by: int | None = None
    camera_pence: int = 0
    objective: Objective = Objective()
    trial: Trial = Trial()
    title: str = "Roll-out"

    @property
    def horizon(self) -> int:
        """Weeks of the plan."""
        return self.calendar.weeks

    @property
    def forces(self) -> tuple[str, ...]:
        """Every force that has a unit, in order of appearance."""
        return tuple(dict.fromkeys(unit.force for unit in self.units))

    def cost_pence(self, unit: Unit) -> int:
        """Return what a unit costs in the quarter in which it goes live."""
        return unit.cameras * self.camera_pence + unit.site_pence

    def drawing_on(self, pool: Teams | Seats | Stock | Money) -> list[int]:
        """Return the indices of the units whose force a pool names."""
        return [i for i, unit in enumerate(self.units) if unit.force in pool.forces]

    def with_changes(self, **changes: Any) -> "Problem":
        """Return a copy with some fields replaced."""
        return replace(self, **changes)
