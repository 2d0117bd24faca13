"""What was recorded: by habit, type and hour; late, short, muted; labelled well, badly or wrong."""

import numpy as np

from openbwv.studies.activation.pretend.force import (
    HOUR_MS,
    LONDON,
    M_PER_DEGREE,
    SHIFT_MS,
    TYPE_LOGITS,
    Columns,
    Force,
)


def recordings_of(
    force: Force, shifts: Columns, there: Columns, *, habit: np.ndarray, rng: np.random.Generator
) -> Columns:
    """Return the recordings, each with the attendance it is of (-1: none), and for each attendance the reason."""
    shift, count = there["shift"], len(there["shift"])
    officer = shifts["officer"][shift]
    hour = there["arrival"] // HOUR_MS % 24
    logit = habit[officer] + np.array(TYPE_LOGITS)[there["kind"]] + force.night_logit * ((hour >= 21) | (hour < 5))
    logit = logit + np.array(force.ethnicity_logits)[there["ethnicity"]]
    reason = shifts["state"][shift].astype(np.int64)
    reason = np.where((reason == 0) & (there["arrival"] >= shifts["empty_at"][shift]), 4, reason)
    on = (reason == 0) & (rng.random(count) < 1 / (1 + np.exp(-logit)))
    reason = np.where((reason == 0) & ~on, 5, reason)
    length = there["leave"] - there["arrival"]
    late = np.where(
        rng.random(count) < force.late, rng.exponential(180_000, count) + 60_000, rng.normal(0, 15_000, count)
    )
    early = np.where(
        rng.random(count) < force.early, rng.exponential(180_000, count) + 60_000, rng.normal(-20_000, 30_000, count)
    )
    late, early = np.minimum(late, 0.7 * length), np.minimum(early, 0.2 * length)
    start, end = there["arrival"] + late, there["leave"] - early
    reason = np.where(on & (late > 60_000), 6, np.where(on & (early > 60_000), 7, reason))
    # the recording of one goes on into the next: no recording of its own there
    next_same = np.append(shift[1:] == shift[:-1], False)
    runs_on = on & next_same & (rng.random(count) < force.runs_on)
    runs_on[1:] &= ~runs_on[:-1]
    end = np.where(runs_on, np.append(there["leave"][1:], 0), end)
    covered = np.append(False, runs_on[:-1])
    reason = np.where(covered, 0, np.where(runs_on & (reason == 7), 0, reason))
    own = np.flatnonzero(on & ~covered)
    parts = [(own, start[own], end[own])]
    cut = own[(rng.random(len(own)) < force.restarted) & ~runs_on[own]]
    middle = start[cut] + rng.uniform(0.3, 0.7, len(cut)) * (end[cut] - start[cut])
    parts[0][2][np.isin(own, cut)] = middle
    parts.append((cut, middle + rng.uniform(2_000, 40_000, len(cut)), end[cut]))
    other, begin, close = _others(force, shifts, there, rng)
    parts.append((np.full(len(other), -1), begin, close))
    attendance = np.concatenate([part[0] for part in parts])
    start = np.concatenate([part[1] for part in parts]).astype(np.int64)
    end = np.maximum(np.concatenate([part[2] for part in parts]).astype(np.int64), start + 3_000)
    owner = np.concatenate([officer[own], officer[cut], shifts["officer"][other]])
    after = np.flatnonzero(runs_on)  # rows of `there` come by shift and time: the next row is what it runs into
    covers = np.column_stack([np.searchsorted(own, after), after + 1])
    made = {"covers": covers, "attendance": attendance, "start": start, "end": end, "officer": owner, "reason": reason}
    made |= _labels(force, there, attendance, end - start, rng)
    made["order"] = np.lexsort((rng.random(len(start)), start))
    return made


def _others(
    force: Force, shifts: Columns, there: Columns, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return recordings of nothing on record: their shift, start and end, always between two attendances."""
    works = np.flatnonzero(shifts["state"] == 0)
    other = np.repeat(works, rng.poisson(force.others_per_shift, len(works)))
    begin = (shifts["start"][other] + rng.uniform(0, 0.98, len(other)) * SHIFT_MS).astype(np.int64)
    close = begin + (rng.exponential(90_000, len(other)) + 10_000).astype(np.int64)
    if len(there["shift"]):
        stride = 4 * SHIFT_MS
        own = there["shift"] * stride - shifts["start"][there["shift"]] + SHIFT_MS
        latest = np.maximum.accumulate(own + there["leave"])
        at = other * stride - shifts["start"][other] + SHIFT_MS
        before = np.searchsorted(own + there["arrival"], at + close)  # attendances that begin before it ends
        free = (before == 0) | (latest[np.maximum(before - 1, 0)] < at + begin)
        other, begin, close = other[free], begin[free], close[free]
    return other, begin, close


def _labels(
    force: Force, there: Columns, attendance: np.ndarray, length: np.ndarray, rng: np.random.Generator
) -> Columns:
    """What is typed in, where the camera thinks it was, how long it was muted."""
    count = len(attendance)
    of = attendance >= 0
    typed = of & (rng.random(count) < force.typed)
    wrong = typed & (rng.random(count) < force.wrong)
    untidy = typed & (rng.random(count) < force.untidy)
    total = int(there["incident"].max(initial=0)) + 1
    number = np.where(of, there["incident"][attendance], -1)
    number = np.where(wrong, (number + rng.integers(-3, 4, count)) % total, number)
    spread = np.where(rng.random(count) < force.lost_fix, 4_000.0, 18.0)
    spread = np.where(of, spread, 3_000.0)
    no_fix = rng.random(count) < force.no_fix
    north, east = rng.normal(0, 1, (2, count)) * spread / M_PER_DEGREE
    latitude = np.where(no_fix, np.nan, np.where(of, there["latitude"][attendance], LONDON[0]) + north)
    east /= np.cos(np.radians(LONDON[0]))
    longitude = np.where(no_fix, np.nan, np.where(of, there["longitude"][attendance], LONDON[1]) + east)
    muted = np.where(of & (rng.random(count) < force.muted), rng.uniform(0.05, 0.6, count) * length / 1000, 0.0)
    return {
        "number": np.where(typed, number, -1),
        "how": np.where(untidy, rng.integers(1, 6, count), 0),
        "latitude": latitude.round(6),
        "longitude": longitude.round(6),
        "muted_s": muted.round(),
    }
