"""What a plan comes to under each aim, by plain arithmetic on its weeks: no solver, no scaling."""

from collections.abc import Mapping

from openbwv.rollout.problem import Problem


def finish(live: Mapping[str, int]) -> float:
    """Return the week (from 1) in which the last unit goes live."""
    return 1.0 + max(live.values())


def benefit(problem: Problem, live: Mapping[str, int]) -> float:
    """Return the mean week (from 1) of going live, each unit counted by its weight; 1 when nothing has a weight."""
    whole = sum(unit.weight for unit in problem.units) or 1
    return 1.0 + sum(unit.weight * live[unit.name] for unit in problem.units) / whole


def group_weeks(problem: Problem, live: Mapping[str, int]) -> dict[str, float]:
    """Return each group's mean week (from 1) of going live, by cameras; units without a group go by their force."""
    found = {}
    for group in dict.fromkeys(unit.group or unit.force for unit in problem.units):
        own = [unit for unit in problem.units if (unit.group or unit.force) == group]
        cameras = sum(unit.cameras for unit in own)
        if cameras:
            found[group] = 1.0 + sum(unit.cameras * live[unit.name] for unit in own) / cameras
    return found


def fairness(problem: Problem, live: Mapping[str, int]) -> float:
    """Return the weeks between the first and the last group's mean."""
    means = group_weeks(problem, live).values()
    return max(means) - min(means) if means else 0.0


def stability(live: Mapping[str, int], earlier: Mapping[str, int]) -> float:
    """Return the weeks by which units moved from an earlier plan, summed over units."""
    return float(sum(abs(week - earlier[name]) for name, week in live.items() if name in earlier))
