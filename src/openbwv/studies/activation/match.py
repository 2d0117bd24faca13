"""Match recordings to incidents, in three tiers: identity; officer, time and place; officer and time.

An incident is matched by attendance, that is by incident and officer: each officer who was there could have recorded.
Each recording has at most one home. What decides between several is fixed, never the order of the rows: tier, then the
longer overlap, the shorter distance, the nearer start, the incident's number in alphabetical order. A recording that
runs through two attendances has one home and is `shared` by the other.

The matcher is wrong at times. `truth.score` says how often on a force whose truth is known; an attendance without a
match is not a breach of any rule.
"""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from openbwv.studies.activation import ids
from openbwv.studies.activation.errors import BadRecords
from openbwv.studies.activation.spans import Spans, distance_m, meetings, overlap_ms

NO_TIER, IDENTITY, NEAR, SAME_TIME = 0, 1, 2, 3
TIERS = {
    IDENTITY: "the typed-in number names the incident",
    NEAR: "same officer, times overlap, places near",
    SAME_TIME: "same officer, times overlap, a place unknown or not near",
}
DECIDERS = ("", "only one", "tier", "overlap", "distance", "start", "number")
FAR = np.float32(np.inf)


@dataclass(frozen=True)
class Rules:
    """How far apart a recording and an incident may lie. Defaults are assumptions, printed with every result."""

    slack_s: int = 300  # tier 2: clocks of dispatch and camera differ, and arrival is typed in afterwards
    near_m: float = 300.0
    far_m: float = 5_000.0  # farther contradicts tier 3; nearer does not, as dispatch addresses are rough
    id_slack_s: int = 4 * 3600  # a typed number of an incident farther away in time is taken for a mistake
    assumed_s: int = 1_200  # length of an incident whose end is not known
    shared_share: float = 0.5  # how much of an attendance a recording with another home must cover
    id_style: str = ids.PLAIN

    def as_dict(self) -> dict[str, object]:
        """Return name -> value, for reports."""
        return dict(vars(self))


@dataclass
class Links:
    """One home for each recording, as arrays in the order of the recordings. -1 means none."""

    incident: np.ndarray  # place in `incident_ids`
    attendance: np.ndarray  # row of the incidents; -1 also where the officer is not on the incident's record
    tier: np.ndarray
    cleaned: np.ndarray  # tier 1 only: the number had to be cleaned first
    overlap_ms: np.ndarray
    distance_m: np.ndarray
    candidates: np.ndarray
    decider: np.ndarray  # place in DECIDERS
    problems: dict[str, int] = field(default_factory=dict)

    @classmethod
    def empty(cls, count: int) -> "Links":
        """Return links that say none for everything."""

        def none(kind: type, value: float = 0) -> np.ndarray:
            return np.full(count, value, dtype=kind)

        return cls(
            none(np.int64, -1),
            none(np.int64, -1),
            none(np.int8),
            none(bool),
            none(np.int64),
            none(np.float32, np.nan),
            none(np.int32),
            none(np.int8),
        )


@dataclass(frozen=True)
class Matches:
    """The links of the recordings and, for attendances without one, the recording of another home that covers them."""

    recordings: pd.DataFrame
    incidents: pd.DataFrame
    rules: Rules
    recorded: Spans
    attended: Spans
    incident_ids: list[str]
    incident_code: np.ndarray
    officers: pd.Index
    links: Links
    shared: np.ndarray  # for each attendance the row of a recording, or -1


def match(recordings: pd.DataFrame, incidents: pd.DataFrame, *, rules: Rules | None = None) -> Matches:
    """Match `recordings` to `incidents` (columns: docs/ref/activation.md).

    Raises BadRecords for a recording number or an attendance that stands there twice, and for a span that ends
    before it begins.
    """
    rules = rules or Rules()
    _check(recordings, incidents)
    officers, recorded, attended = _spans(recordings, incidents, rules)
    code, incident_ids = pd.factorize(incidents["incident_id"], sort=True)
    code = code.astype(np.int64)
    index = ids.Index(list(incident_ids), style=rules.id_style)
    links = _by_identity(index, _texts(recordings), recorded, (attended, code), rules)
    _by_time_and_place(links, recorded, attended, code, rules)
    shared = _shared(links, recorded, attended, recordings, rules)
    return Matches(recordings, incidents, rules, recorded, attended, list(incident_ids), code, officers, links, shared)


def _check(recordings: pd.DataFrame, incidents: pd.DataFrame) -> None:
    doubles = {
        "recording": recordings["recording_id"].duplicated(),
        "attendance": incidents.duplicated(["incident_id", "officer"]),
    }
    for what, double in doubles.items():
        if double.any():
            frame = recordings if what == "recording" else incidents
            name = frame[f"{'recording' if what == 'recording' else 'incident'}_id"].iloc[int(np.argmax(double))]
            raise BadRecords(
                what=f"The {what} '{name}' stands there twice, with the same officer.",
                remedy="Leave one of the two rows, or number them differently.",
            )
    for frame, key in ((recordings, "recording_id"), (incidents, "incident_id")):
        wrong = (frame["end_utc"] < frame["start_utc"]).to_numpy()
        if wrong.any():
            name = frame[key].iloc[int(np.argmax(wrong))]
            raise BadRecords(what=f"'{name}' ends before it begins.", remedy="Mend its start or its end.")


def _spans(recordings: pd.DataFrame, incidents: pd.DataFrame, rules: Rules) -> tuple[pd.Index, Spans, Spans]:
    """Give both sides the same codes for officers, and an end to incidents that have none."""
    officers = pd.Index(sorted({*recordings["officer"].cat.categories, *incidents["officer"].cat.categories}))
    both = []
    for frame in (recordings, incidents):
        codes = frame["officer"].cat.set_categories(officers).cat.codes.to_numpy().astype(np.int32)
        start = frame["start_utc"].dt.tz_localize(None).to_numpy(dtype="datetime64[ms]").astype(np.int64)
        end_at = frame["end_utc"].dt.tz_localize(None).to_numpy(dtype="datetime64[ms]")
        end = np.where(np.isnat(end_at), start + rules.assumed_s * 1000, end_at.astype(np.int64))
        place = [frame[name].to_numpy(float) if name in frame else np.full(len(frame), np.nan) for name in PLACE]
        both.append(Spans(codes, start, end, *place))
    return officers, both[0], both[1]


PLACE = ("latitude", "longitude")


def _texts(recordings: pd.DataFrame) -> list[np.ndarray]:
    """Return what was typed in, the number's own field before the title."""
    return [recordings[name].fillna("").to_numpy(dtype=object) for name in ("typed_id", "title") if name in recordings]


def _by_identity(
    index: ids.Index, texts: list[np.ndarray], recorded: Spans, incidents: tuple[Spans, np.ndarray], rules: Rules
) -> Links:
    """Tier 1. A number whose incident lies too far away in time is set aside as contradicted, and counted."""
    attended, code = incidents
    links = Links.empty(len(recorded))
    incident = np.full(len(recorded), -1, dtype=np.int64)
    how = np.full(len(recorded), ids.NONE, dtype=np.int8)
    typed = np.zeros(len(recorded), dtype=bool)
    for each in texts:
        typed |= each != ""
        open_rows = np.flatnonzero(incident < 0)
        incident[open_rows], how[open_rows] = index.find(each[open_rows])
    named = np.flatnonzero(incident >= 0)
    attendance = _attendance(incident[named], recorded.officer[named], code, attended.officer)
    # an officer who is not on the record is compared with whoever was there first
    order = np.lexsort((attended.start_ms, code))
    first_of = order[np.searchsorted(code[order], np.arange(len(index.exact)))] if len(order) else order
    compare = np.where(attendance >= 0, attendance, first_of[incident[named]])
    overlap = overlap_ms(recorded, named, attended, compare)
    holds = overlap >= -rules.id_slack_s * 1000
    rows = named[holds]
    links.incident[rows], links.attendance[rows] = incident[rows], attendance[holds]
    links.tier[rows], links.cleaned[rows] = IDENTITY, how[rows] == ids.CLEANED
    links.overlap_ms[rows] = overlap[holds]
    links.distance_m[rows] = distance_m(recorded, rows, attended, compare[holds])
    links.candidates[rows], links.decider[rows] = 1, DECIDERS.index("only one")
    links.problems = {
        "typed, but no incident has this number": int((typed & (incident < 0)).sum()),
        "typed, but that incident lies too far away in time": int((~holds).sum()),
        "typed, but that officer is not on the incident's record": int((attendance[holds] < 0).sum()),
        "numbers of incidents that cannot be told apart when cleaned": len(index.ambiguous),
    }
    return links


def _attendance(
    incident: np.ndarray, officer: np.ndarray, code: np.ndarray, attended_officer: np.ndarray
) -> np.ndarray:
    """Return the row of each (incident, officer); else the incident's row without an officer; else -1."""
    if not len(code):
        return np.full(len(incident), -1, dtype=np.int64)
    stride = int(max(officer.max(initial=0), attended_officer.max(initial=0))) + 2
    have = code * stride + attended_officer + 1
    order = np.argsort(have, kind="stable")
    wanted = incident * stride + officer + 1
    unknown = incident * stride  # the incident's record names no officer
    out = np.full(len(incident), -1, dtype=np.int64)
    for key in (unknown, wanted):
        found = order[np.minimum(np.searchsorted(have[order], key), len(order) - 1)]
        out = np.where(have[found] == key, found, out)
    return out


def _by_time_and_place(links: Links, recorded: Spans, attended: Spans, code: np.ndarray, rules: Rules) -> None:
    """Tiers 2 and 3, for recordings without an incident or whose number names one that they do not touch."""
    firm = (links.tier == IDENTITY) & (links.overlap_ms >= -rules.slack_s * 1000)
    rows = np.flatnonzero(~firm)
    contradicted = disputed = 0
    for left, right in meetings(recorded.at(rows), attended, slack_ms=rules.slack_s * 1000):
        recording = rows[left]
        overlap = overlap_ms(recorded, recording, attended, right)
        distance = distance_m(recorded, recording, attended, right)
        away = np.where(np.isnan(distance), FAR, distance)
        tier = np.where(away <= rules.near_m, NEAR, SAME_TIME).astype(np.int8)
        place_fits = np.isnan(distance) | (distance <= rules.far_m)
        fits = place_fits & ((tier == NEAR) | (overlap >= 0))  # the slack is for those that are near as well
        # a number that names another incident yields to a recording of this one made on the spot
        named = links.tier[recording] == IDENTITY
        fits &= ~named | (tier == NEAR)
        contradicted += len(np.setdiff1d(recording[~named & ~place_fits & (overlap >= 0)], recording[fits]))
        chosen = best_of(
            recording[fits],
            (
                tier[fits],
                -overlap[fits],
                away[fits],
                np.abs(recorded.start_ms[recording[fits]] - attended.start_ms[right[fits]]),
                code[right[fits]],
            ),
        )
        best, count, decider = chosen
        at = np.flatnonzero(fits)[best]
        home = recording[at]
        disputed += int((links.tier[home] == IDENTITY).sum())
        links.incident[home], links.attendance[home] = code[right[at]], right[at]
        links.tier[home], links.cleaned[home] = tier[at], False
        links.overlap_ms[home], links.distance_m[home] = overlap[at], distance[at]
        links.candidates[home], links.decider[home] = count, decider
    links.problems |= {
        "typed number overruled: the recording was made at another incident of this officer": disputed,
        "overlaps an incident of its officer, but too far away in place": contradicted,
    }


def best_of(group: np.ndarray, ranks: tuple[np.ndarray, ...]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return for each group the row of its least candidate, how many there were, and what decided (DECIDERS).

    `ranks` are compared one after another; groups come out in ascending order.
    """
    order = np.lexsort((*reversed(ranks), group))
    sorted_group = group[order]
    first = np.flatnonzero(np.concatenate(([True], sorted_group[1:] != sorted_group[:-1]))) if len(order) else order
    count = np.diff(np.append(first, len(order)))
    decider = np.full(len(first), 1, dtype=np.int8)
    several = count > 1
    best, second = order[first[several]], order[first[several] + 1]
    why = np.full(len(best), len(DECIDERS) - 1, dtype=np.int8)
    for number in range(len(ranks) - 1, -1, -1):
        why[ranks[number][best] != ranks[number][second]] = number + 2
    decider[several] = why
    return order[first], count, decider


def _shared(links: Links, recorded: Spans, attended: Spans, recordings: pd.DataFrame, rules: Rules) -> np.ndarray:
    """Return for each attendance that is nobody's home the recording of its officer that covers it, or -1."""
    shared = np.full(len(attended), -1, dtype=np.int64)
    taken = np.zeros(len(attended), dtype=bool)
    taken[links.attendance[links.attendance >= 0]] = True
    rows = np.flatnonzero(~taken)
    homed = np.flatnonzero(links.tier > NO_TIER)
    for left, right in meetings(attended.at(rows), recorded.at(homed), slack_ms=0):
        attendance, recording = rows[left], homed[right]
        overlap = overlap_ms(attended, attendance, recorded, recording)
        distance = distance_m(attended, attendance, recorded, recording)
        length = np.maximum(attended.end_ms[attendance] - attended.start_ms[attendance], 1)
        fits = (overlap >= rules.shared_share * length) & ~(distance > rules.far_m)
        attendance, recording = attendance[fits], recording[fits]
        by_name = np.argsort(np.argsort(recordings["recording_id"].to_numpy(dtype=object)[recording], kind="stable"))
        away = np.where(np.isnan(distance[fits]), FAR, distance[fits])
        best, _, _ = best_of(attendance, (-overlap[fits], away, recorded.start_ms[recording], by_name))
        shared[attendance[best]] = recording[best]
    return shared
