"""How every benchmark measures: interleaved rounds, medians, a ratio, and an honest word about the machine.

A shared machine is faster and slower by the minute. So each round runs ours and the floor one after the other, the
ratio of a round is taken from those two alone, and the result is the median of the ratios. When the floor itself
varies by more than 15 % between rounds, the result says so.
"""

import datetime
import os
import platform
import statistics
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

NOISY_SPREAD = 0.15


@dataclass
class Series:
    """One thing measured against its floor. Rates: higher is better."""

    name: str
    unit: str
    ours: list[float] = field(default_factory=list)
    floor: list[float] = field(default_factory=list)
    has_goal: bool = True  # False: printed for what it tells, and held against no goal

    @property
    def ratio(self) -> float:
        """Return the median of the rounds' ratios, ours ÷ floor."""
        return statistics.median(ours / floor for ours, floor in zip(self.ours, self.floor, strict=True))

    @property
    def spread(self) -> float:
        """Return how much the floor varied: (largest - smallest) ÷ median."""
        return (max(self.floor) - min(self.floor)) / statistics.median(self.floor)

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON shape."""
        return {
            "name": self.name,
            "unit": self.unit,
            "ours": round(statistics.median(self.ours), 3),
            "floor": round(statistics.median(self.floor), 3),
            "ratio": round(self.ratio, 3),
            "rounds": len(self.ours),
            "ours_all": [round(value, 3) for value in self.ours],
            "floor_all": [round(value, 3) for value in self.floor],
            "floor_spread": round(self.spread, 3),
            "noisy": self.spread > NOISY_SPREAD,
            "has_goal": self.has_goal,
        }


@dataclass
class Goal:
    """What a ratio must reach at the least, and what we aim at; `at_most` turns both round."""

    least: float | None = None
    aim: float | None = None
    at_most: bool = False

    def is_met(self, ratio: float) -> bool | None:
        """Return whether the least is reached; None when there is none."""
        if self.least is None:
            return None
        return ratio <= self.least if self.at_most else ratio >= self.least


@dataclass
class Result:
    """Everything one benchmark found."""

    bench: str
    about: str
    goal: Goal
    series: list[Series]
    notes: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON shape."""
        return {
            "bench": self.bench,
            "about": self.about,
            "date": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d"),
            "machine": machine(),
            "goal": {"least": self.goal.least, "aim": self.goal.aim, "at_most": self.goal.at_most},
            "met": all(self.goal.is_met(each.ratio) is not False for each in self.series if each.has_goal),
            "series": [each.as_dict() for each in self.series],
            "notes": self.notes,
        }

    def as_text(self) -> str:
        """Return it for a terminal."""
        facts = self.as_dict()
        lines = [f"{self.bench}: {self.about}", f"{facts['date']}; {describe(facts['machine'])}"]
        for each in facts["series"]:
            noise = f"   NOISY: the floor varied by {each['floor_spread']:.0%}" if each["noisy"] else ""
            lines.append(
                f"  {each['name']:<28} ours {each['ours']:>10,.1f}   floor {each['floor']:>10,.1f} {each['unit']}"
                f"   ratio {each['ratio']:.2f}{noise}"
            )
        lines += [f"  {note}" for note in self.notes]
        if self.goal.least is not None:
            sign = "<=" if self.goal.at_most else ">="
            lines.append(
                f"  goal: ratio {sign} {self.goal.least}, aim {self.goal.aim}: {'met' if facts['met'] else 'NOT MET'}"
            )
        return "\n".join(lines)


def interleave(series: Series, *, ours: Callable[[], float], floor: Callable[[], float], rounds: int) -> Series:
    """Run ours and floor in turn, one warm-up and `rounds` counted rounds; each returns its rate."""
    ours()
    floor()
    for number in range(rounds):
        pair = (ours, floor) if number % 2 else (floor, ours)
        rates = {each: each() for each in pair}
        series.ours.append(rates[ours])
        series.floor.append(rates[floor])
    return series


def machine() -> dict[str, Any]:
    """Return what matters of this machine, without its name."""
    cpu = "unknown"
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [
            line.partition(":")[2].strip() for line in info.read_text().splitlines() if line.startswith("model name")
        ]
        cpu = names[0] if names else cpu
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "cpu": cpu,
        "cores": os.cpu_count(),
        "memory_gib": round(memory),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "load": round(os.getloadavg()[0], 1),
    }


def describe(facts: dict[str, Any]) -> str:
    """Return the machine in one line."""
    return (
        f"{facts['cpu']}, {facts['cores']} cores, {facts['memory_gib']} GiB, {facts['system']}, "
        f"Python {facts['python']}, load {facts['load']} at the end"
    )
