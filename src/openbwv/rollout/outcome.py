"""A plan as data: what `--json` prints and `plan.json` keeps. Weeks count from 1 here, dates are Mondays."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from openbwv.rollout.errors import BadPlanFile
from openbwv.rollout.facts import QUASI, RANDOMISED
from openbwv.rollout.plan import Plan
from openbwv.rollout.problem import Problem

PLANNED = "planned; whoever planned it knew the units, so it is no trial"
DRAWN = "drawn by chance within the constraints"
PHASE_ONE_WEEKS = 14


def digest(*parts: bytes) -> str:
    """Return the SHA-256 of files one after another, each with its length before it."""
    total = hashlib.sha256()
    for part in parts:
        total.update(len(part).to_bytes(8, "big") + part)
    return total.hexdigest()


def outcome(
    problem: Problem, plan: Plan, *, inputs_sha256: str, seed: int, trial: dict[str, Any] | None
) -> dict[str, Any]:
    """Return a plan as data, with its certificate."""
    calendar = problem.calendar
    units = [
        {
            "unit": unit.name,
            "force": unit.force,
            "group": unit.group,
            "phase": unit.phase,
            "cameras": unit.cameras,
            "install_from_week": plan.live[unit.name] - unit.install_weeks + 2,
            "live_week": plan.live[unit.name] + 1,
            "live_monday": calendar.monday(plan.live[unit.name]).isoformat(),
            "status": unit.about.get("status", "given"),
            "source": unit.about.get("source", ""),
        }
        for unit in problem.units
    ]
    body = {
        "title": problem.title,
        "label": RANDOMISED if trial else QUASI,
        "order": DRAWN if trial else PLANNED,
        "objective": problem.objective.words,
        "stages": [stage.as_dict() for stage in plan.stages],
        "start": calendar.start.isoformat(),
        "horizon_weeks": calendar.weeks,
        "finish_week": plan.finish + 1,
        "finish_monday": calendar.monday(plan.finish).isoformat(),
        "finish_by_force": {
            force: 1 + max(plan.live[u.name] for u in problem.units if u.force == force) for force in problem.forces
        },
        "cameras": sum(unit.cameras for unit in problem.units),
        "units": units,
        "seats_in_14_weeks": {
            force: sum(sum(pool.by_week[:PHASE_ONE_WEEKS]) for pool in problem.seats if force in pool.forces)
            for force in problem.forces
        },
        "cumulative": cumulative(problem, plan.live),
        "roster": [
            {"pool": each.pool, "week": each.week + 1, "unit": each.unit, "seats": each.seats} for each in plan.roster
        ],
        "trial": trial,
        "assumptions": assumptions(problem),
    }
    return {**body, "seed": seed, "certificate": certificate(plan, inputs_sha256, units)}


def certificate(plan: Plan, inputs_sha256: str, units: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the certificate: what was checked apart from the solver, and which files and plan it speaks of."""
    return {
        "holds": all(check.holds for check in plan.checks),
        "checked": len(plan.checks),
        "checks": [check.as_dict() for check in plan.checks],
        "inputs_sha256": inputs_sha256,
        "plan_sha256": hashlib.sha256(json.dumps(units, sort_keys=True).encode()).hexdigest(),
        "proves": "this plan keeps these constraints as they were read",
        "does_not_prove": "that the inputs are true; whether a better plan exists is said by each stage's bound",
    }


def cumulative(problem: Problem, live: Mapping[str, int]) -> list[dict[str, Any]]:
    """Return for each week what is live by its end, delivered and trained for, over all pools."""
    found = []
    seats = [0] * problem.horizon
    for pool in problem.seats:
        for week, amount in enumerate(pool.by_week):
            seats[week] += amount
    trained = 0
    for week in range(problem.horizon):
        trained += seats[week]
        found.append(
            {
                "week": week + 1,
                "monday": problem.calendar.monday(week).isoformat(),
                "cameras_live": sum(u.cameras for u in problem.units if live[u.name] <= week),
                "units_live": sum(live[u.name] <= week for u in problem.units),
                "delivered": sum(pool.delivered[week] for pool in problem.stock) if problem.stock else None,
                "seats_so_far": trained if problem.seats else None,
            }
        )
    return found


def assumptions(problem: Problem) -> list[dict[str, str]]:
    """Return what a reader has to know of how the plan was read: limits that are not there, and how units count."""
    lines = [
        ("weeks", "a unit goes live in a week when it is live by that week's Sunday", "this planner"),
        ("installation", "fills the weeks that end with the week of going live, without a gap", "this planner"),
        ("cameras", "a unit's cameras are issued in the week in which it goes live", "this planner"),
    ]
    kinds = {
        "installation teams": problem.teams,
        "training seats": problem.seats,
        "deliveries": problem.stock,
        "budget": problem.money,
    }
    for kind, pools in kinds.items():
        for force in problem.forces:
            if not any(force in pool.forces for pool in pools):
                lines.append((kind, f"no limit was given for {force}", "plan file"))
    counts: dict[str, int] = {}
    for unit in problem.units:
        status = unit.about.get("status", "given")
        counts[status] = counts.get(status, 0) + unit.cameras
    lines += [("cameras by status", f"{number:,} {status}", "units file") for status, number in counts.items()]
    return [dict(zip(("name", "value", "source"), line, strict=True)) for line in lines]


def planned_weeks(data: bytes, *, file: str, problem: Problem) -> dict[str, int]:
    """Return unit -> week (from 0) of a `plan.json`. Raises BadPlanFile when it is none or is about other units."""
    try:
        units = json.loads(data)["units"]
        weeks = {str(unit["unit"]): int(unit["live_week"]) - 1 for unit in units}
    except (ValueError, KeyError, TypeError) as problem_found:
        words, remedy = "this is no plan.", "Give the plan.json that `./bwv rollout plan --out DIR` wrote."
        raise BadPlanFile(file=file, line=1, column=1, problem=words, remedy=remedy) from problem_found
    names = {unit.name for unit in problem.units}
    if set(weeks) != names or not all(0 <= week < problem.horizon for week in weeks.values()):
        other = ", ".join(sorted(names ^ set(weeks))[:3]) or "its weeks"
        words = f"it is a plan for other units or weeks ({other})."
        raise BadPlanFile(file=file, line=1, column=1, problem=words, remedy="Plan again, then replan.")
    return weeks
