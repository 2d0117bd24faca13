"""The pretend force's files, as its systems would export them, and the truth apart from them."""

from collections.abc import Callable

import numpy as np
import pandas as pd

from openbwv.studies.activation.pretend.force import (
    ETHNICITIES,
    HOUR_MS,
    REASONS,
    SHIFT_MS,
    TYPES,
    Columns,
    Force,
    Pretend,
    World,
)


def incident_number(number: int) -> str:
    """Return an item number in New Orleans style: letter, five digits, year."""
    return f"{'ABCDEFGHJKLM'[number // 100_000 % 12]}-{number % 100_000:05d}-16"


UNTIDY = (
    str,
    str.lower,
    lambda text: f"  {text} ",
    lambda text: text.replace("-", ""),
    lambda text: text.replace("-", " "),
    lambda text: text.replace("-", "\u2013").lower(),
)


def tables_of(force: Force, world: World, *, names: np.ndarray, habit: np.ndarray) -> Pretend:
    """Return the files and the truth; `names` and `habit` are the officers'."""
    shifts, there, made = world.shifts, world.there, world.made
    order = made["order"]
    numbers = np.array(
        [incident_number(each) for each in range(int(there["incident"].max(initial=0)) + 1)], dtype=object
    )
    ids = np.array([f"R{each:07d}" for each in range(len(order))], dtype=object)
    officers = pd.Index(sorted(names))

    def named(codes: np.ndarray) -> pd.Categorical:
        return pd.Categorical(names[codes], categories=officers)

    recordings = pd.DataFrame(
        {
            "recording_id": ids,
            "officer": named(made["officer"][order]),
            "start_utc": _moments(made["start"][order]),
            "end_utc": _moments(made["end"][order]),
            "typed_id": _typed(numbers, made["number"][order], made["how"][order]),
            "latitude": made["latitude"][order],
            "longitude": made["longitude"][order],
            "muted_s": made["muted_s"][order],
        }
    )
    officer = named(shifts["officer"][there["shift"]])
    blank = there["no_address"]
    incidents = pd.DataFrame(
        {
            "incident_id": numbers[there["incident"]],
            "officer": officer,
            "start_utc": _moments(there["arrival"]),
            "end_utc": _moments(there["leave"]),
            "latitude": np.where(blank, np.nan, there["latitude"]).round(6),
            "longitude": np.where(blank, np.nan, there["longitude"]).round(6),
            "type": pd.Categorical.from_codes(there["kind"], categories=list(TYPES)),
            "place": pd.Categorical.from_codes(
                there["place"], categories=[f"Place {each + 1:02d}" for each in range(force.places)]
            ),
            "ethnicity": pd.Categorical.from_codes(there["ethnicity"], categories=list(ETHNICITIES)),
        }
    )
    return Pretend(
        recordings,
        incidents,
        _cameras(shifts, named),
        _truth(made, ids, numbers[there["incident"]]),
        pd.DataFrame(
            {
                "incident_id": numbers[there["incident"]],
                "officer": officer,
                "reason": pd.Categorical.from_codes(made["reason"], categories=list(REASONS)),
            }
        ),
        pd.DataFrame({"officer": named(np.arange(force.officers)), "habit": 1 / (1 + np.exp(-habit))}),
    )


def _typed(numbers: np.ndarray, number: np.ndarray, how: np.ndarray) -> np.ndarray:
    """Return what was typed in: "" for nothing, else the number, well or badly."""
    texts = [UNTIDY[way](numbers[at]) if at >= 0 else "" for at, way in zip(number, how, strict=True)]
    out = np.empty(len(texts), dtype=object)
    out[:] = texts
    return out


def _truth(made: Columns, ids: np.ndarray, incident_of: np.ndarray) -> pd.DataFrame:
    """Return the true home of each recording, and what it runs on into; `incident_of` names each attendance's."""
    order, into = made["order"], made["covers"]
    of = made["attendance"][order]
    home = of >= 0
    row_of = np.empty(len(order), dtype=np.int64)
    row_of[order] = np.arange(len(order))
    return pd.DataFrame(
        {
            "recording_id": np.concatenate([ids[home], ids[row_of[into[:, 0]]]]),
            "incident_id": incident_of[np.concatenate([of[home], into[:, 1]])],
            "role": ["home"] * int(home.sum()) + ["covers"] * len(into),
        }
    )


def _cameras(shifts: Columns, named: Callable[[np.ndarray], pd.Categorical]) -> pd.DataFrame:
    """One row for each officer's shift, two where the battery ran out."""
    states = np.array(["issued", "none", "docked", "fault", "battery"], dtype=object)
    start, end = shifts["start"], shifts["start"] + SHIFT_MS + HOUR_MS
    drained = np.flatnonzero(shifts["drained"])
    until = np.where(shifts["drained"], shifts["empty_at"], end)
    officer = np.concatenate([shifts["officer"], shifts["officer"][drained]])
    state = np.concatenate([shifts["state"], np.full(len(drained), 4)])
    begin = np.concatenate([start, shifts["empty_at"][drained]])
    close = np.concatenate([until, end[drained]])
    order = np.lexsort((begin, officer))
    return pd.DataFrame(
        {
            "officer": named(officer[order]),
            "from_utc": _moments(begin[order]),
            "to_utc": _moments(close[order]),
            "state": pd.Categorical(states[state[order]], categories=list(states)),
        }
    )


def _moments(ms: np.ndarray) -> pd.Series:
    seconds = ms // 1000 * 1000
    return pd.Series(seconds.astype("datetime64[ms]")).dt.tz_localize("UTC")
