"""What has happened since a plan, from an actuals file: units that are live, and changes with their reason.

A change is applied to a problem, or not: so each can be put right on its own to see what it did.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from openbwv.rollout.marked import Fields, Part, parse
from openbwv.rollout.problem import GATES, Blackout, Gate, Problem
from openbwv.rollout.schema import Reader

Edit = Callable[[Problem], Problem]


@dataclass(frozen=True)
class Change:
    """A change: kind, the words for it, the first week it touches (from 0), and what it does to a problem."""

    kind: str
    words: str
    first: int
    apply: Edit

    def as_dict(self) -> dict[str, object]:
        """Return the JSON shape; weeks from 1."""
        return {"kind": self.kind, "words": self.words, "from_week": self.first + 1}


@dataclass(frozen=True)
class Actuals:
    """The week of the report (from 0; nothing is known from it on), unit -> week it went live, and the changes."""

    as_of: int
    live: dict[str, int]
    changes: tuple[Change, ...]


def read_actuals(data: bytes, *, file: str, problem: Problem, planned: Mapping[str, int]) -> Actuals:
    """Return an actuals file read against the problem and the plan it is about. Raises BadPlanFile."""
    own = parse(data, file=file).fields()
    reader = ChangeReader(problem, planned)
    as_of = reader.inside(own.take("as_of"))
    follow = own.maybe("as_planned")
    live = {name: week for name, week in planned.items() if follow and follow.flag() and week < as_of}
    for part in own.all("not_yet"):
        live.pop(reader.unit(part), None)
    for part in own.all("live"):
        fields = part.fields()
        name, week = reader.unit(fields.take("unit")), reader.inside(fields.take("week"))
        fields.done()
        if week >= as_of:
            part.refuse(f"{name} cannot be live before it happened: {part.fields().take('week').value} is not past.")
        live[name] = week
    changes = tuple(_change(part, problem, reader) for part in own.all("changes"))
    own.done()
    return Actuals(as_of, live, changes)


class ChangeReader(Reader):
    """Reads changes; knows when each unit was to go live, for a delay before that does nothing."""

    def __init__(self, problem: Problem, planned: Mapping[str, int]) -> None:
        super().__init__(problem.calendar, problem.units)
        self.planned = planned

    def begins(self, name: str) -> int:
        """Return the week in which the installation of a unit was to begin."""
        return self.planned[name] - self.units[name].install_weeks + 1


def _change(part: Part, problem: Problem, reader: ChangeReader) -> Change:
    own = part.fields()
    kind_part = own.take("kind")
    kind, why = kind_part.text(), own.take("why").text()
    makers = {
        "deliveries": _deliveries,
        "training": _training,
        "teams": _teams,
        "network": _network,
        "gate": _gate,
        "blackout": _blackout,
    }
    if kind not in makers:
        kind_part.refuse(f"'{kind}' is no kind of change.", f"Known: {', '.join(makers)}.")
    about, first, edit = makers[kind](own, problem, reader)
    own.done()
    return Change(kind, f"{about}: {why}", max(first, 0), edit)


def _pool(own: Fields, names: Sequence[str]) -> int:
    part = own.take("pool")
    if part.text() not in names:
        part.refuse(f"the plan has no '{part.text()}'.", f"Known: {', '.join(names) or 'none'}.")
    return names.index(part.text())


def _deliveries(own: Fields, problem: Problem, reader: ChangeReader) -> tuple[str, int, Edit]:
    index = _pool(own, [pool.name for pool in problem.stock])
    pause = own.take("pause").fields()
    start, weeks = pause.take("from"), pause.take("weeks").whole(least=1, most=520)
    pause.done()
    first = reader.inside(start)
    if first < 1:
        start.refuse("a pause begins after the first week; before that, change the plan's in_stock.")

    def edit(given: Problem) -> Problem:
        pool = given.stock[index]
        then = pool.delivered
        late = [t if w < first else then[max(w - weeks, first - 1)] for w, t in enumerate(then)]
        return given.with_changes(stock=_with(given.stock, index, replace(pool, delivered=tuple(late))))

    return f"{problem.stock[index].name}: no deliveries for {weeks} weeks", first, edit


def _span(own: Fields, problem: Problem, reader: ChangeReader) -> tuple[int, int]:
    first, until = reader.week(own.take("from")), own.maybe("until")
    return first, (reader.week(until) if until else problem.horizon - 1)


def _lowered(by_week: Sequence[int], first: int, last: int, amount: int) -> tuple[int, ...]:
    return tuple(amount if first <= week <= last else usual for week, usual in enumerate(by_week))


def _training(own: Fields, problem: Problem, reader: ChangeReader) -> tuple[str, int, Edit]:
    index = _pool(own, [pool.name for pool in problem.seats])
    first, last = _span(own, problem, reader)
    seats = own.take("seats_per_week").whole()

    def edit(given: Problem) -> Problem:
        pool = given.seats[index]
        changed = replace(pool, by_week=_lowered(pool.by_week, first, last, seats))
        return given.with_changes(seats=_with(given.seats, index, changed))

    return f"{problem.seats[index].name}: {seats:,} seats a week", first, edit


def _teams(own: Fields, problem: Problem, reader: ChangeReader) -> tuple[str, int, Edit]:
    index = _pool(own, [pool.name for pool in problem.teams])
    first, last = _span(own, problem, reader)
    teams = own.take("teams").whole()

    def edit(given: Problem) -> Problem:
        pool = given.teams[index]
        changed = replace(pool, by_week=_lowered(pool.by_week, first, last, teams))
        return given.with_changes(teams=_with(given.teams, index, changed))

    return f"{problem.teams[index].name}: {teams} teams", first, edit


def _network(own: Fields, problem: Problem, reader: ChangeReader) -> tuple[str, int, Edit]:
    name, ready = reader.unit(own.take("unit")), reader.week(own.take("ready"))

    def edit(given: Problem) -> Problem:
        units = tuple(replace(u, network_ready=ready) if u.name == name else u for u in given.units)
        return given.with_changes(units=units)

    return f"{name}: network ready from {problem.calendar.name(ready)}", reader.begins(name), edit


def _gate(own: Fields, problem: Problem, reader: ChangeReader) -> tuple[str, int, Edit]:
    name, gate_part = reader.unit(own.take("unit")), own.take("gate")
    gate, week_part = gate_part.text(), own.maybe("week")
    if gate not in GATES:
        gate_part.refuse(f"'{gate}' is no gate.", f"Known: {', '.join(GATES)}.")
    week = reader.week(week_part) if week_part else None

    def edit(given: Problem) -> Problem:
        units = tuple(replace(u, gates={**u.gates, gate: Gate(week)}) if u.name == name else u for u in given.units)
        return given.with_changes(units=units)

    when = problem.calendar.name(week) if week is not None else "no date"
    return f"{name}: {GATES[gate]}, {when}", reader.begins(name), edit


def _blackout(own: Fields, problem: Problem, reader: ChangeReader) -> tuple[str, int, Edit]:
    first, last = _span(own, problem, reader)
    units = tuple(reader.unit(part) for part in own.all("units"))
    black = Blackout(first, last, "added later", (), units)

    def edit(given: Problem) -> Problem:
        return given.with_changes(blackouts=(*given.blackouts, black))

    span = f"{problem.calendar.name(first)} to {problem.calendar.name(last)}"
    return f"blackout, {span}", first, edit


def _with(pools: Sequence[Any], index: int, changed: Any) -> tuple[Any, ...]:
    return tuple(changed if number == index else pool for number, pool in enumerate(pools))
