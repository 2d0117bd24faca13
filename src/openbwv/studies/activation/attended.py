"""One row for each attendance: was it recorded, from when to when, and if not, why as far as the records tell.

"No recording" is what is left when the records explain nothing else. It is not a breach of any rule: the matcher errs,
records are typed afterwards, and a policy leaves room for not recording.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from openbwv.studies.activation.match import NO_TIER, Matches, best_of
from openbwv.studies.activation.spans import Spans, meetings, overlap_ms

RECORDED, LATE, EARLY = "recorded", "started late", "stopped early"
NO_CAMERA, DOCKED, FAULT, BATTERY = "no camera issued", "docked", "fault", "battery"
NOT_MATCHED, NO_RECORDING = "not matched", "no recording"
REASONS = (RECORDED, LATE, EARLY, NO_CAMERA, DOCKED, FAULT, BATTERY, NOT_MATCHED, NO_RECORDING)
STATES = {"issued": "", "none": NO_CAMERA, "docked": DOCKED, "fault": FAULT, "battery": BATTERY}
NO_MEANS = frozenset({NO_CAMERA, DOCKED, FAULT, BATTERY})


@dataclass(frozen=True)
class Limits:
    """From when on a recording counts as late or short, and how near an unmatched one raises doubt; in seconds."""

    late_s: int = 60
    early_s: int = 60
    doubt_s: int = 1_800

    def as_dict(self) -> dict[str, int]:
        """Return name -> value, for reports."""
        return dict(vars(self))


def attendances(matches: Matches, *, cameras: pd.DataFrame | None = None, limits: Limits | None = None) -> pd.DataFrame:
    """Return the incidents' rows with what was found out about each (columns: docs/ref/activation.md).

    `cameras` says who had a camera in which state from when to when (officer, from_utc, to_utc, state). Without it
    `camera` is "not known" everywhere and `eligible` holds for all.
    """
    limits = limits or Limits()
    found = _found(matches)
    incidents = matches.incidents
    state = _camera_state(matches, cameras)
    recorded = found["recordings"] > 0
    doubt = _doubt(matches, limits)
    reason = np.full(len(incidents), NO_RECORDING, dtype=object)
    reason[~recorded & doubt] = NOT_MATCHED
    for name, meaning in STATES.items():
        if meaning:
            reason[~recorded & (state == name)] = meaning
    reason[recorded] = RECORDED
    reason[recorded & (found["early_s"] > limits.early_s)] = EARLY
    reason[recorded & (found["late_s"] > limits.late_s)] = LATE
    out = incidents.drop(columns=[name for name in ("latitude", "longitude") if name in incidents]).copy()
    out["recorded"] = recorded
    out["incident_recorded"] = _anyone(matches)
    out["eligible"] = ~np.isin(reason.astype(str), list(NO_MEANS))
    out["reason"] = pd.Categorical(reason, categories=list(REASONS))
    out["camera"] = pd.Categorical(state)
    for name in ("tier", "recordings", "shared", "late_s", "early_s", "muted_s", "covered_s"):
        out[name] = found[name]
    ids = np.append(matches.recordings["recording_id"].to_numpy(dtype=object), "")
    out["recording_id"] = ids[found["recording"]]
    return out


def _found(matches: Matches) -> dict[str, np.ndarray]:
    """Sum up each attendance's recordings: its own, and the one it shares with another home."""
    links, recorded, attended = matches.links, matches.recorded, matches.attended
    own = np.flatnonzero(links.attendance >= 0)
    lent = np.flatnonzero(matches.shared >= 0)
    attendance = np.concatenate([links.attendance[own], lent])
    recording = np.concatenate([own, matches.shared[lent]])
    count = len(attended)
    overlap = overlap_ms(attended, attendance, recorded, recording)
    first, last = attended.end_ms.copy(), attended.start_ms.copy()
    first[attendance], last[attendance] = recorded.start_ms[recording], recorded.end_ms[recording]
    np.minimum.at(first, attendance, recorded.start_ms[recording])
    np.maximum.at(last, attendance, recorded.end_ms[recording])
    many = np.bincount(attendance, minlength=count)
    seen = many > 0
    known_end = matches.incidents["end_utc"].notna().to_numpy()
    muted = (
        matches.recordings["muted_s"].to_numpy(float) if "muted_s" in matches.recordings else np.zeros(len(recorded))
    )
    gap = np.abs(recorded.start_ms[recording] - attended.start_ms[attendance])
    chosen, _, _ = best_of(attendance, (links.tier[recording], -overlap, gap, _by_name(matches, recording)))
    best = np.full(count, -1, dtype=np.int64)
    best[attendance[chosen]] = recording[chosen]
    length = attended.end_ms - attended.start_ms
    covered = np.bincount(attendance, weights=np.maximum(overlap, 0), minlength=count)
    return {
        "recordings": many,
        "recording": best,
        "tier": np.where(seen, np.append(links.tier, NO_TIER)[best], NO_TIER),
        "shared": matches.shared >= 0,
        "late_s": np.where(seen, np.maximum(first - attended.start_ms, 0) / 1000, np.nan),
        "early_s": np.where(seen & known_end, np.maximum(attended.end_ms - last, 0) / 1000, np.nan),
        "muted_s": np.where(
            seen, np.bincount(attendance, weights=np.nan_to_num(muted[recording]), minlength=count), np.nan
        ),
        "covered_s": np.where(seen & known_end, np.minimum(covered, length) / 1000, np.nan),
    }


def _anyone(matches: Matches) -> np.ndarray:
    """Say whether any recording at all names or meets the attendance's incident."""
    named = np.zeros(len(matches.incident_ids) + 1, dtype=bool)
    named[matches.links.incident] = True
    named[matches.incident_code[matches.shared >= 0]] = True
    named[-1] = False  # where recordings without an incident point
    return named[matches.incident_code]


def _by_name(matches: Matches, recording: np.ndarray) -> np.ndarray:
    """Return a rank by the recording's number, so that the order of the rows decides nothing."""
    _, rank = np.unique(matches.recordings["recording_id"].to_numpy(dtype=str)[recording], return_inverse=True)
    return rank


def _camera_state(matches: Matches, cameras: pd.DataFrame | None) -> np.ndarray:
    """Return the state of each attendance's camera when it began: the newest entry that still holds."""
    state = np.full(len(matches.attended), "not known", dtype=object)
    if cameras is None or not len(cameras):
        return state
    officers = matches.officers
    code = cameras["officer"].cat.set_categories(officers).cat.codes.to_numpy().astype(np.int64)
    begin, end = (
        cameras[name].dt.tz_localize(None).to_numpy(dtype="datetime64[ms]").astype(np.int64)
        for name in ("from_utc", "to_utc")
    )
    order = np.lexsort((end, begin, code))
    attended = matches.attended
    zero = int(min(begin.min(), attended.start_ms.min(initial=begin.min()))) - 1
    stride = int(max(begin.max(), attended.start_ms.max(initial=begin.max()))) - zero + 2
    key = (code * stride + begin - zero)[order]
    place = (
        np.searchsorted(key, attended.officer.astype(np.int64) * stride + attended.start_ms - zero, side="right") - 1
    )
    row = order[np.maximum(place, 0)]
    holds = (place >= 0) & (code[row] == attended.officer) & (end[row] > attended.start_ms) & (attended.officer >= 0)
    state[holds] = cameras["state"].astype(object).to_numpy()[row[holds]]
    return state


def _doubt(matches: Matches, limits: Limits) -> np.ndarray:
    """Say which attendances have a recording of their officer without a home so near that we may have missed it."""
    doubt = np.zeros(len(matches.attended), dtype=bool)
    homeless = np.flatnonzero(matches.links.tier == NO_TIER)
    near: Spans = matches.recorded.at(homeless)
    for rows, _ in meetings(matches.attended, near, slack_ms=limits.doubt_s * 1000):
        doubt[rows] = True
    return doubt
