"""Small planning problems, and a brute force that shares no code with the planner."""

from dataclasses import replace
from datetime import date
from itertools import product

import numpy as np
from hypothesis import strategies as st

from openbwv.rollout.problem import Blackout, Gate, Money, Problem, Seats, Stock, Teams, Unit, Window
from openbwv.rollout.weeks import Calendar

START = date(2016, 10, 17)
YEARS_END = date(2016, 12, 12)  # three weeks of 2016Q4, then 2017Q1
FORCE = "Force"
OPEN = {"consultation": Gate(0), "dpia": Gate(0), "training": Gate(by_plan=True), "site_test": Gate(by_plan=True)}


def unit(name, cameras=10, **more):
    gates = {**OPEN, **more.pop("gates", {})}
    given = {"officers": cameras, "weight": cameras, "group": "", "force": FORCE} | more
    return Unit(name=name, cameras=cameras, gates=gates, **given)


def problem(units, weeks=8, start=START, **more):
    return Problem(calendar=Calendar(start, weeks), units=tuple(units), **more)


def teams(by_week, weeks=8):
    return (Teams("teams", (FORCE,), tuple(by_week) if isinstance(by_week, list) else (by_week,) * weeks),)


def seats(by_week, valid=99, weeks=8):
    return (Seats("seats", (FORCE,), tuple(by_week) if isinstance(by_week, list) else (by_week,) * weeks, valid),)


def stock(delivered):
    return (Stock("cameras", (FORCE,), tuple(delivered)),)


def every_plan(given):
    """Yield every assignment of weeks to units that keeps every constraint, by looking at all of them."""
    spans = [range(u.install_weeks - 1, given.horizon) for u in given.units]
    for weeks in product(*spans):
        if keeps(given, weeks):
            yield weeks


def keeps(given, weeks):
    """Say whether a plan keeps everything; training by maximum flow, the rest by arrays."""
    units, horizon = given.units, given.horizon
    for own, week in zip(units, weeks, strict=True):
        if week - own.install_weeks + 1 < own.network_ready:
            return False
        for gate in own.gates.values():
            if not gate.by_plan and (gate.week is None or week < gate.week):
                return False
        for black in given.blackouts:
            named = own.name in black.units or own.force in black.forces or not (black.units + black.forces)
            if named and set(range(week - own.install_weeks + 1, week + 1)) & set(range(black.first, black.last + 1)):
                return False
    at = {own.name: week for own, week in zip(units, weeks, strict=True)}
    for window in given.windows:
        if window.earliest is not None and at[window.unit] < window.earliest:
            return False
        if window.latest is not None and at[window.unit] > window.latest:
            return False
    if any(at[later] <= at[first] for later, first in given.afters):
        return False
    if given.finish_by is not None and max(weeks) > given.finish_by:
        return False
    if given.phases_in_order:
        pairs = product(zip(units, weeks, strict=True), repeat=2)
        if any(a.phase < b.phase and x > y for (a, x), (b, y) in pairs):
            return False
    return all(
        [
            *(np.all(busy(given, pool, weeks) <= np.array(pool.by_week)) for pool in given.teams),
            *(np.all(issued(given, pool, weeks) <= np.array(pool.delivered)) for pool in given.stock),
            *(affordable(given, pool, weeks) for pool in given.money),
            *(trainable(given, pool, weeks, horizon) for pool in given.seats),
        ]
    )


def busy(given, pool, weeks):
    found = np.zeros(given.horizon, dtype=int)
    for own, week in zip(given.units, weeks, strict=True):
        if own.force in pool.forces:
            found[week - own.install_weeks + 1 : week + 1] += own.teams
    return found


def issued(given, pool, weeks):
    found = np.zeros(given.horizon, dtype=int)
    for own, week in zip(given.units, weeks, strict=True):
        if own.force in pool.forces:
            found[week:] += own.cameras
    return found


def affordable(given, pool, weeks):
    quarters = sorted({given.calendar.quarter(w) for w in range(given.horizon)} | set(pool.by_quarter))
    spent = dict.fromkeys(quarters, 0)
    for own, week in zip(given.units, weeks, strict=True):
        if own.force in pool.forces:
            spent[given.calendar.quarter(week)] += given.cost_pence(own)
    left = [pool.by_quarter.get(q, 0) - spent[q] for q in quarters]
    return min(np.cumsum(left) if pool.carry_over else left) >= 0


def trainable(given, pool, weeks, horizon):
    """Maximum flow from seats of a week to officers of a unit (scipy), against what is needed."""
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import maximum_flow

    own = [(u, w) for u, w in zip(given.units, weeks, strict=True) if u.force in pool.forces and u.seats]
    size = 2 + horizon + len(own)
    capacity = np.zeros((size, size), dtype=np.int32)
    for week, there in enumerate(pool.by_week):
        capacity[0, 2 + week] = there
        for n, (_, live) in enumerate(own):
            if live - pool.valid_weeks < week <= live:
                capacity[2 + week, 2 + horizon + n] = 10**6
    for n, (u, _) in enumerate(own):
        capacity[2 + horizon + n, 1] = u.seats
    need = sum(u.seats for u, _ in own)
    return maximum_flow(csr_array(capacity), 0, 1).flow_value == need


WEEKS = 6


@st.composite
def small_problems(draw):
    """Problems of up to 4 units and 6 weeks with a few of everything, feasible or not."""
    count = draw(st.integers(2, 4))
    some = st.integers(0, WEEKS)
    units = []
    for n in range(count):
        gates = {}
        if draw(st.booleans()):
            gates["dpia"] = draw(st.sampled_from([Gate(1), Gate(3), Gate(5)]))
        own = unit(
            f"u{n}",
            draw(st.integers(1, 9)),
            install_weeks=draw(st.integers(1, 3)),
            phase=draw(st.integers(1, 2)),
            weight=draw(st.integers(0, 9)),
            network_ready=draw(st.sampled_from([0, 0, 1, 3])),
            group=draw(st.sampled_from(["east", "west"])),
            gates=gates,
        )
        units.append(own)
    total = sum(u.cameras for u in units)
    amounts = st.lists(st.integers(0, total), min_size=WEEKS, max_size=WEEKS)
    given = problem(units, weeks=WEEKS, start=YEARS_END, phases_in_order=draw(st.booleans()))
    if draw(st.booleans()):
        given = replace(given, teams=teams(draw(st.integers(1, 2)), WEEKS))
    if draw(st.booleans()):
        given = replace(given, stock=stock(np.cumsum(draw(amounts)).tolist()))
    if draw(st.booleans()):
        given = replace(given, seats=seats(draw(amounts), draw(st.integers(1, 4)), WEEKS))
    if draw(st.booleans()):
        first = draw(st.integers(0, WEEKS - 1))
        given = replace(given, blackouts=(Blackout(first, first, "closed"),))
    if draw(st.booleans()):
        week = draw(some)
        given = replace(given, windows=(Window("u0", week, draw(st.sampled_from([week, None]))),))
    if draw(st.booleans()):
        purse = {quarter: draw(st.integers(0, total)) * 100 for quarter in ("2016Q4", "2017Q1")}
        money = Money("money", (FORCE,), purse, draw(st.booleans()))
        given = replace(given, money=(money,), camera_pence=100)
    if draw(st.booleans()):
        given = replace(given, afters=(("u0", "u1"),))
    if draw(st.booleans()):
        given = replace(given, finish_by=draw(st.integers(1, WEEKS - 1)))
    return given
