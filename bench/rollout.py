"""The planner: proving the earliest finish of 40 units over 80 weeks, against the minute it may take.

Each round is another problem, drawn by its number: teams, training that goes stale, deliveries with a pause, quarterly
money, network dates, gates, blackouts and fixed weeks are all there. A round counts only if the finish is proved best
and the certificate, which knows no solver, holds.
"""

import itertools
import random
import time
from datetime import date

from bench.measure import Goal, Result, Series, interleave

UNITS, WEEKS = 40, 80
DATED = (7, 9)  # units with a date of their own: nothing else may forbid it
LIMIT_S = 60.0


def run(rounds: int) -> Result:
    """Measure proofs a minute; the floor is one."""
    from openbwv.rollout.plan import make_plan

    numbers = itertools.count(1)
    finishes = []

    def ours() -> float:
        own = problem(next(numbers))
        began = time.perf_counter()
        plan = make_plan(own)
        seconds = time.perf_counter() - began
        if not plan.stages[0].proved or not all(check.holds for check in plan.checks):
            raise AssertionError("the earliest finish was not proved")
        finishes.append(f"week {plan.finish + 1} in {seconds:.1f} s")
        return 60 / seconds

    series = Series("40 units, 80 weeks, proved", "proofs/min")
    interleave(series, ours=ours, floor=lambda: 60 / LIMIT_S, rounds=rounds)
    notes = [
        "Earliest finishes: " + ", ".join(finishes),
        f"Slowest: {60 / min(series.ours):.1f} s (limit {LIMIT_S:.0f} s).",
    ]
    return Result("rollout", "proving the earliest finish ÷ one a minute", Goal(1.0, 6.0), [series], notes)


def problem(number: int):  # type: ignore[no-untyped-def]
    """Return the problem of a number; the same number, the same problem."""
    from openbwv.rollout import problem as p
    from openbwv.rollout.weeks import Calendar

    rng = random.Random(number)
    calendar = Calendar(date(2016, 10, 17), WEEKS)
    forces = ("First", "Second")
    units = []
    for n in range(UNITS):
        cameras = rng.randrange(100, 1000, 10)
        dpia = p.Gate(rng.choice([0, 0, rng.randint(0, 30)]) if n not in DATED else 0)
        gates = {"consultation": p.Gate(0), "dpia": dpia, "training": p.Gate(by_plan=True)}
        units.append(
            p.Unit(
                name=f"unit {n}",
                force=forces[n % 8 == 0],
                cameras=cameras,
                officers=cameras,
                install_weeks=rng.randint(2, 5),
                weight=rng.randint(20, 500),
                group=f"group {n % 6}",
                network_ready=rng.choice([0, 0, 0, rng.randint(0, 25)]) if n not in DATED else 0,
                gates=gates,
            )
        )
    total = sum(unit.cameras for unit in units)
    pace = total // 50
    delivered, stock = [], 3 * pace
    for week in range(WEEKS):
        stock += 0 if 18 <= week < 26 else pace + 60
        delivered.append(stock)
    quarters = dict.fromkeys([calendar.quarter(week) for week in range(WEEKS)], total * 100 // 4)
    return p.Problem(
        calendar=calendar,
        units=tuple(units),
        teams=(p.Teams("teams", forces, tuple(4 if week % 9 else 3 for week in range(WEEKS))),),
        seats=(p.Seats("seats", forces, (pace,) * WEEKS, 8),),
        stock=(p.Stock("cameras", forces, tuple(delivered)),),
        money=(p.Money("money", forces, quarters, carry_over=True),),
        camera_pence=100,
        blackouts=(p.Blackout(10, 11, "Christmas"), p.Blackout(40, 40, "state visit", (), ("unit 3", "unit 4"))),
        windows=(p.Window("unit 7", 17, 17), p.Window("unit 9", None, 30)),
        afters=(("unit 5", "unit 6"),),
        objective=p.Objective(("finish",)),
    )
