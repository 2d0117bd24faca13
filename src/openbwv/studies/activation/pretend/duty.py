"""Who was on duty with which camera, and who went to which incident."""

import numpy as np

from openbwv.studies.activation.pretend.force import (
    ETHNICITIES,
    ETHNICITY_WEIGHTS,
    HOUR_MS,
    LONDON,
    SHIFT_HOURS_UTC,
    SHIFT_MS,
    START,
    TYPE_WEIGHTS,
    TYPES,
    Columns,
    Force,
)


def shifts_of(force: Force, rng: np.random.Generator) -> Columns:
    """One row for each crew and day: two officers or one, a place, a start; one row for each officer's camera."""
    present = rng.random((force.days, force.officers)) < 5 / 7
    day, officer = np.nonzero(present)
    watch = (officer + day // 4) % len(SHIFT_HOURS_UTC)
    place = officer % force.places
    order = np.lexsort((rng.random(len(day)), watch, place, day))
    day, officer, watch, place = day[order], officer[order], watch[order], place[order]
    start = START.astype(np.int64) + (day * 24 + np.array(SHIFT_HOURS_UTC)[watch]) * HOUR_MS
    crew_of = np.zeros(len(day), dtype=np.int64)
    same = (day[1:] == day[:-1]) & (watch[1:] == watch[:-1]) & (place[1:] == place[:-1])
    pair = rng.random(len(day)) < 0.8
    second = False
    for row in range(1, len(day)):  # one after another: whether two pair depends on the row before
        second = bool(same[row - 1] and pair[row] and not second)
        crew_of[row] = crew_of[row - 1] + (not second)
    state = rng.choice(
        4,
        size=len(day),
        p=[1 - force.no_camera - force.docked - force.fault, force.no_camera, force.docked, force.fault],
    )
    drained = (state == 0) & (rng.random(len(day)) < force.battery)
    empty_at = np.where(drained, start + rng.uniform(0.3, 0.95, len(day)) * SHIFT_MS, start + 2 * SHIFT_MS)
    return {
        "officer": officer,
        "crew": crew_of,
        "start": start,
        "place": place,
        "state": state,
        "drained": drained,
        "empty_at": empty_at.astype(np.int64),
    }


def attendances_of(force: Force, shifts: Columns, rng: np.random.Generator) -> Columns:
    """One row for each incident and officer, in the order of shifts."""
    crews, first = np.unique(shifts["crew"], return_index=True)
    count = rng.poisson(force.incidents_per_shift, len(crews))
    crew = np.repeat(np.arange(len(crews)), count)
    number = np.arange(len(crew)) - np.repeat(np.cumsum(count) - count, count)
    slot = SHIFT_MS / np.repeat(np.maximum(count, 1), count)
    begin = shifts["start"][first][crew] + (number + rng.uniform(0.0, 0.45, len(crew))) * slot
    length = np.clip(rng.lognormal(np.log(12 * 60_000), 0.6, len(crew)), 120_000, slot * 0.5)
    kind = rng.choice(len(TYPES), size=len(crew), p=TYPE_WEIGHTS)
    ethnicity = rng.choice(len(ETHNICITIES), size=len(crew), p=ETHNICITY_WEIGHTS)
    place = shifts["place"][first][crew]
    latitude = LONDON[0] + 0.03 * (place % 3 - 1) + rng.normal(0, 0.012, len(crew))
    longitude = LONDON[1] + 0.06 * (place // 3 - 0.5) + rng.normal(0, 0.018, len(crew))
    member = np.append(first, len(shifts["crew"]))  # officers of a crew lie side by side
    size = np.diff(member)
    incident = np.repeat(np.arange(len(crew)), size[crew])
    inside = np.arange(len(incident)) - np.repeat(np.cumsum(size[crew]) - size[crew], size[crew])
    shift = first[crew[incident]] + inside
    helped = np.flatnonzero((rng.random(len(crew)) < force.backup) & (crew + 1 < len(crews)))
    other = first[np.minimum(crew[helped] + 1, len(crews) - 1)]
    fits = (shifts["start"][other] == shifts["start"][first][crew[helped]]) & (shifts["place"][other] == place[helped])
    incident = np.concatenate([incident, helped[fits]])
    shift = np.concatenate([shift, other[fits]])
    arrival = (
        begin[incident]
        + rng.exponential(45_000, len(incident))
        + np.where(np.arange(len(incident)) < len(incident) - fits.sum(), 0, 180_000)
    )
    leave = np.maximum(begin[incident] + length[incident], arrival + 90_000)
    order = np.lexsort((arrival, shift))
    return {
        key: value[order]
        for key, value in {
            "incident": incident,
            "shift": shift,
            "arrival": arrival.astype(np.int64),
            "leave": leave.astype(np.int64),
            "kind": kind[incident],
            "ethnicity": ethnicity[incident],
            "place": place[incident],
            "latitude": latitude[incident],
            "longitude": longitude[incident],
            "no_address": (rng.random(len(crew)) < force.no_address)[incident],
        }.items()
    }
