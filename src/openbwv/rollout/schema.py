"""The plan file: YAML fields to a problem. `docs/ref/rollout.md` describes them; every error has line and column."""

from collections.abc import Iterable, Sequence
from dataclasses import fields

from openbwv.rollout.marked import Fields, Part, parse
from openbwv.rollout.problem import (
    OBJECTIVES,
    Blackout,
    Money,
    Objective,
    Problem,
    Seats,
    Stock,
    Teams,
    Trial,
    Unit,
    Window,
)
from openbwv.rollout.weeks import Calendar

LONGEST_WEEKS = 520
DEAREST_POUNDS = 100_000  # a camera; keeps sums of pence inside what the solver counts with


class PlanFile:
    """A plan file that was read and waits for its units: `units_file` names them, `calendar` counts their weeks."""

    def __init__(self, data: bytes, *, file: str) -> None:
        """Parse `data`; raises BadPlanFile."""
        self._fields = parse(data, file=file).fields()
        start, weeks = self._fields.take("start"), self._fields.take("horizon_weeks")
        if start.day().weekday() != 0:
            start.refuse(f"{start.value} is no Monday.", "Weeks begin on Mondays: give the first one.")
        self.calendar = Calendar(start.day(), weeks.whole(least=1, most=LONGEST_WEEKS))
        units = self._fields.maybe("units")
        self.units_file = units.text() if units else None

    def problem(self, units: Sequence[Unit]) -> Problem:
        """Return the whole problem. Raises BadPlanFile for whatever does not fit the schema or the units."""
        own = self._fields
        reader = Reader(self.calendar, units)
        title, finish = own.maybe("title"), own.maybe("finish_by")
        camera, phases = own.maybe("camera_pounds"), own.maybe("phases_in_order")
        problem = Problem(
            calendar=self.calendar,
            units=tuple(units),
            teams=tuple(reader.teams(part) for part in own.all("installation_teams")),
            seats=tuple(reader.seats(part) for part in own.all("training")),
            stock=tuple(reader.stock(part) for part in own.all("deliveries")),
            money=tuple(reader.money(part) for part in own.all("budget")),
            blackouts=tuple(reader.blackout(part) for part in own.all("blackout")),
            windows=tuple(reader.window(part) for part in own.all("fixed")),
            afters=tuple(reader.after(part) for part in own.all("after")),
            phases_in_order=phases.flag() if phases else False,
            finish_by=reader.week(finish) if finish else None,
            camera_pence=round(camera.number(most=DEAREST_POUNDS) * 100) if camera else 0,
            objective=reader.objective(own.maybe("objective")),
            trial=reader.trial(own.maybe("trial")),
            title=title.text() if title else "Roll-out",
        )
        reader.unique("installation_teams", own.part, problem.teams)
        reader.unique("training", own.part, problem.seats)
        reader.unique("deliveries", own.part, problem.stock)
        reader.unique("budget", own.part, problem.money)
        reader.totals(own.all("forces"))
        own.done()
        return problem


class Reader:
    """Reads the parts of a plan file against its calendar and units."""

    def __init__(self, calendar: Calendar, units: Sequence[Unit]) -> None:
        self.calendar = calendar
        self.units = {unit.name: unit for unit in units}
        self.forces = tuple(dict.fromkeys(unit.force for unit in units))

    def week(self, part: Part) -> int:
        """Return a week (from 0) from a date or a week's number; weeks before the start count as below 0."""
        if isinstance(part.value, int) and not isinstance(part.value, bool):
            return part.whole(least=1, most=LONGEST_WEEKS) - 1
        return self.calendar.index(part.day())

    def inside(self, part: Part) -> int:
        """Return a week that lies inside the plan."""
        week = self.week(part)
        if not 0 <= week < self.calendar.weeks:
            part.refuse(f"{part.value} lies outside the plan's {self.calendar.weeks} weeks.")
        return week

    def unit(self, part: Part) -> str:
        """Return the name of a unit of the units file."""
        name = part.text()
        if name not in self.units:
            part.refuse(f"no unit is called '{name}'.", "Use a name of the units file.")
        return name

    def names(self, own: Fields) -> tuple[str, tuple[str, ...]]:
        """Return a pool's name and the forces it serves (all, when it names none)."""
        name, forces = own.take("name").text(), []
        for part in own.all("forces"):
            if part.text() not in self.forces:
                part.refuse(f"no unit belongs to '{part.text()}'.", f"Forces: {', '.join(self.forces)}.")
            forces.append(part.text())
        return name, tuple(forces) or self.forces

    def by_week(self, own: Fields, name: str) -> list[int]:
        """Return an amount for each week: the usual one, changed from some weeks on or for a time."""
        weeks = [own.take(name).whole()] * self.calendar.weeks
        for part in own.all("changes"):
            change = part.fields()
            first = max(self.week(change.take("from")), 0)
            until = change.maybe("until")
            last = self.week(until) if until else self.calendar.weeks - 1
            amount = change.take(name).whole()
            change.done()
            if last < first:
                part.refuse("it ends before it begins.")
            for week in range(first, min(last + 1, self.calendar.weeks)):
                weeks[week] = amount
        return weeks

    def teams(self, part: Part) -> Teams:
        """Return a pool of installation teams."""
        own = part.fields()
        name, forces = self.names(own)
        pool = Teams(name, forces, tuple(self.by_week(own, "teams")))
        own.done()
        return pool

    def seats(self, part: Part) -> Seats:
        """Return a pool of training seats."""
        own = part.fields()
        name, forces = self.names(own)
        valid = own.maybe("valid_weeks")
        good = valid.whole(least=1, most=LONGEST_WEEKS) if valid else self.calendar.weeks
        pool = Seats(name, forces, tuple(self.by_week(own, "seats_per_week")), good)
        own.done()
        return pool

    def stock(self, part: Part) -> Stock:
        """Return a delivery schedule: what is there at the start, so many a week, pauses, and single batches."""
        own = part.fields()
        name, forces = self.names(own)
        there, most = own.maybe("in_stock"), own.maybe("at_most")
        arriving = self.by_week(own, "per_week")
        for entry in own.all("pauses"):
            pause = entry.fields()
            first, weeks = self.week(pause.take("from")), pause.take("weeks").whole(least=1, most=LONGEST_WEEKS)
            pause.maybe("why")
            pause.done()
            for week in range(max(first, 0), min(first + weeks, self.calendar.weeks)):
                arriving[week] = 0
        for entry in own.all("batches"):
            batch = entry.fields()
            arriving[self.inside(batch.take("week"))] += batch.take("cameras").whole()
            batch.done()
        own.done()
        limit = most.whole() if most else None
        return Stock(name, forces, running(arriving, there.whole() if there else 0, limit))

    def money(self, part: Part) -> Money:
        """Return a budget by calendar quarter, in pounds."""
        own = part.fields()
        name, forces = self.names(own)
        carry = own.maybe("carry_over")
        amounts = {}
        quarters = own.take("by_quarter").fields()
        known = {self.calendar.quarter(week) for week in range(self.calendar.weeks)}
        for quarter in sorted(known):
            amount = quarters.maybe(quarter)
            if amount is not None:
                amounts[quarter] = round(amount.number() * 100)
        quarters.done()
        own.done()
        return Money(name, forces, amounts, carry.flag() if carry else True)

    def blackout(self, part: Part) -> Blackout:
        """Return weeks in which nobody works and nothing goes live."""
        own = part.fields()
        first, last = self.week(own.take("from")), self.week(own.take("until"))
        why = own.take("why").text()
        units = tuple(self.unit(each) for each in own.all("units"))
        forces = tuple(each.text() for each in own.all("forces"))
        own.done()
        if last < first:
            part.refuse("it ends before it begins.")
        return Blackout(first, last, why, forces, units)

    def window(self, part: Part) -> Window:
        """Return a fixed date, or a span, for a unit."""
        own = part.fields()
        unit = self.unit(own.take("unit"))
        live, early, late = own.maybe("live"), own.maybe("not_before"), own.maybe("not_after")
        own.done()
        if live is not None:
            week = self.week(live)
            return Window(unit, week, week)
        if early is None and late is None:
            part.refuse("a fixed date needs live, not_before or not_after.")
        return Window(unit, self.week(early) if early else None, self.week(late) if late else None)

    def after(self, part: Part) -> tuple[str, str]:
        """Return a pair: the first unit goes live after the second."""
        own = part.fields()
        pair = self.unit(own.take("unit")), self.unit(own.take("follows"))
        own.done()
        return pair

    def objective(self, part: Part | None) -> Objective:
        """Return the objective: `order` (lexicographic, with `give_percent`) or `weights`."""
        if part is None:
            return Objective()
        own = part.fields()
        order, weights, give = own.all("order"), own.maybe("weights"), own.maybe("give_percent")
        own.done()
        percent = give.whole(most=100) if give else 0
        if bool(order) == (weights is not None):
            part.refuse("an objective has either an order or weights.")
        for each in order:
            if each.text() not in OBJECTIVES:
                each.refuse(f"'{each.text()}' is no objective.", f"Known: {', '.join(OBJECTIVES)}.")
        if weights is None:
            return Objective(tuple(dict.fromkeys(each.text() for each in order)), {}, percent)
        given = weights.fields()
        found = {name: w.whole(most=1000) for name in OBJECTIVES if (w := given.maybe(name)) is not None}
        given.done()
        if not any(found.values()):
            weights.refuse("at least one weight is more than 0.")
        return Objective((), found)

    def trial(self, part: Part | None) -> Trial:
        """Return what the power of a randomised roll-out is worked out with."""
        if part is None:
            return Trial()
        own = part.fields()
        given = {}
        for each in fields(Trial):
            found = own.maybe(each.name)
            if found is not None:
                whole = isinstance(each.default, int)
                given[each.name] = found.whole(least=1, most=520) if whole else found.number(least=1e-6, most=100)
        own.done()
        return Trial(**given)

    def unique(self, field: str, part: Part, pools: Iterable[Teams | Seats | Stock | Money]) -> None:
        """Refuse two pools of one kind with one name."""
        names = [pool.name for pool in pools]
        for name in names:
            if names.count(name) > 1:
                part.refuse(f"two entries of {field} are called '{name}'.")

    def totals(self, parts: Iterable[Part]) -> None:
        """Refuse a force whose stated number of cameras is not that of its units."""
        for part in parts:
            own = part.fields()
            name, cameras = own.take("name"), own.take("cameras")
            own.done()
            there = sum(unit.cameras for unit in self.units.values() if unit.force == name.text())
            if there != cameras.whole():
                cameras.refuse(f"{name.text()} has {cameras.value:,} cameras here and {there:,} in the units file.")


def running(arriving: Sequence[int], there: int, limit: int | None) -> tuple[int, ...]:
    """Return the total by the end of each week, never more than `limit`."""
    totals, total = [], there
    for amount in arriving:
        total += amount
        totals.append(total if limit is None else min(total, limit))
    return tuple(totals)
