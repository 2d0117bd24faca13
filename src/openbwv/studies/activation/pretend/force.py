"""What a pretend force is like, and what is made of it."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

HOUR_MS = 3_600_000
SHIFT_MS = 8 * HOUR_MS
START = np.datetime64("2016-05-30T00:00:00", "ms")
SHIFT_HOURS_UTC = (5, 13, 21)
TYPES = ("stop and search", "domestic abuse", "assault", "traffic stop", "theft")
TYPE_WEIGHTS = (0.30, 0.16, 0.14, 0.25, 0.15)
TYPE_LOGITS = (0.4, 0.5, 0.2, 0.0, -0.7)
ETHNICITIES = ("White", "Black", "Asian", "Other")
ETHNICITY_WEIGHTS = (0.45, 0.38, 0.13, 0.04)
LONDON = (51.5, -0.12)
M_PER_DEGREE = 111_195.0


REASONS = (
    "recorded",
    "no camera issued",
    "docked",
    "fault",
    "battery",
    "no recording",
    "started late",
    "stopped early",
)


@dataclass(frozen=True)
class Force:
    """How large the pretend force is and how it behaves; shares are probabilities."""

    officers: int = 120
    days: int = 28
    places: int = 6
    incidents_per_shift: float = 4.0
    others_per_shift: float = 0.5  # recordings of no incident on record: a camera check, a talk
    habit: tuple[float, float] = (1.6, 1.0)  # mean and sd over officers of the log-odds to record
    night_logit: float = -0.3
    ethnicity_logits: tuple[float, ...] = (0.0, 0.0, 0.0, 0.0)
    no_camera: float = 0.06
    docked: float = 0.02
    fault: float = 0.01
    battery: float = 0.02
    backup: float = 0.08
    late: float = 0.12
    early: float = 0.10
    muted: float = 0.05
    restarted: float = 0.06
    runs_on: float = 0.03  # the recording of one incident goes on into the next
    typed: float = 0.60
    untidy: float = 0.45  # of those typed
    wrong: float = 0.03  # of those typed
    no_fix: float = 0.25
    lost_fix: float = 0.01
    no_address: float = 0.08


@dataclass(frozen=True)
class Pretend:
    """The files of a pretend force, and its truth apart from them."""

    recordings: pd.DataFrame
    incidents: pd.DataFrame
    cameras: pd.DataFrame
    truth: pd.DataFrame  # recording_id, incident_id, role: home, or covers where it runs on into another
    reasons: pd.DataFrame  # incident_id, officer, why there is no (whole) recording
    habits: pd.DataFrame  # officer, the share that officer's habit amounts to


Columns = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class World:
    """Everything that happened, as columns: shifts (officer and day), attendances, recordings."""

    shifts: Columns
    there: Columns
    made: Columns
