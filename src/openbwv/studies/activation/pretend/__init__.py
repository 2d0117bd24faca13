"""A pretend force whose truth is known: what the matcher is judged on, and what the examples show.

Officers work shifts in crews and attend one incident after another; now and then a second crew backs up. Each has a
camera or not, switches it on or not (by an officer's own habit, the type, the hour, and if wanted the subject's
ethnicity), late or on time, and types the incident's number well, badly or wrong. Nothing here is measured on a real
force: every share is an assumption of `Force`.
"""

import numpy as np

from openbwv.studies.activation.pretend.duty import attendances_of, shifts_of
from openbwv.studies.activation.pretend.footage import recordings_of
from openbwv.studies.activation.pretend.force import Force, Pretend, World
from openbwv.studies.activation.pretend.tables import incident_number, tables_of

__all__ = ["Force", "Pretend", "incident_number", "make"]


def make(force: Force | None = None, *, seed: int) -> Pretend:
    """Return the pretend force of `seed`; the same seed gives the same force."""
    force = force or Force()
    rng = np.random.default_rng(seed)
    shifts = shifts_of(force, rng)
    there = attendances_of(force, shifts, rng)
    habit = rng.normal(*force.habit, size=force.officers)
    made = recordings_of(force, shifts, there, habit=habit, rng=rng)
    names = np.array([f"P{number:05d}" for number in rng.permutation(force.officers)], dtype=object)
    return tables_of(force, World(shifts, there, made), names=names, habit=habit)
