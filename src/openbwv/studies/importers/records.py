"""Read recordings, incidents, cameras and truth: plain columns, or camera metadata as New Orleans publishes it.

Rows that cannot be used but break nothing (a recording without a start) are listed with the reason; a cell that is not
what its column must hold ends the reading.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from openbwv.studies.errors import BadRow
from openbwv.studies.importers.kinds import Moment, Name, Number, Text, Truth, WallClock
from openbwv.studies.importers.sheet import Field, Sheet, read

PLAIN, NOPD = "plain", "nopd"
NEW_ORLEANS = "America/Chicago"
LONDON = "Europe/London"
STATES = ("issued", "none", "docked", "fault", "battery")


@dataclass(frozen=True)
class Records:
    """A table ready to use, the rows that were left out as {row, line, why}, and the SHA-256 of the file."""

    frame: pd.DataFrame
    excluded: list[dict[str, Any]]
    sha256: str
    lines: np.ndarray


def recordings(
    data: bytes, *, file: str, profile: str = PLAIN, encoding: str = "utf-8", form: str = "ISO8601"
) -> Records:
    """Return recordings: recording_id, officer, start_utc, end_utc, typed_id, title, latitude, longitude, muted_s.

    Profile `nopd`: evidence_id, id_external, title, created_date_record_start, date_record_end, duration_seconds,
    latitude, longitude, and owner_badge_id where the export has it; its times without an offset are New Orleans time.
    Raises BadRow and BadTable.
    """
    fields = _recording_fields(form) if profile == PLAIN else _nopd_fields(form)
    sheet = read(data, fields, file=file, encoding=encoding)
    frame = sheet.frame
    if "officer" not in frame:
        frame["officer"] = pd.Categorical([None] * len(frame), categories=[])
    if "duration_s" in frame:
        length = pd.to_timedelta(frame.pop("duration_s"), unit="s").dt.round("ms")
        frame["end_utc"] = frame["end_utc"].fillna(frame["start_utc"] + length).astype("datetime64[ms, UTC]")
    _once(sheet, ["recording_id"], file, "recording_id" if profile == PLAIN else "evidence_id")
    _in_order(sheet, file, "end_utc" if profile == PLAIN else "date_record_end")
    return without(
        sheet,
        {"its start is not known": frame["start_utc"].isna(), "its end is not known": frame["end_utc"].isna()},
    )


def _recording_fields(form: str) -> Sequence[Field]:
    return (
        Field("recording_id", Text()),
        Field("officer", Name()),
        Field("start_utc", Moment(zone="UTC", form=form), blank=True),
        Field("end_utc", Moment(zone="UTC", form=form), blank=True),
        Field("typed_id", Text(), optional=True, blank=True),
        Field("title", Text(), optional=True, blank=True),
        *_place(),
        Field("muted_s", Number(low=0), optional=True, blank=True),
    )


def _nopd_fields(form: str) -> Sequence[Field]:
    return (
        Field("evidence_id", Text(), "recording_id"),
        Field("owner_badge_id", Name(), "officer", optional=True, blank=True),
        Field("created_date_record_start", Moment(zone=NEW_ORLEANS, form=form), "start_utc", blank=True),
        Field("date_record_end", Moment(zone=NEW_ORLEANS, form=form), "end_utc", blank=True),
        Field("duration_seconds", Number(low=0), "duration_s", optional=True, blank=True),
        Field("id_external", Text(), "typed_id", optional=True, blank=True),
        Field("title", Text(), optional=True, blank=True),
        *_place(),
    )


def _place() -> Sequence[Field]:
    return (
        Field("latitude", Number(low=-90, high=90), optional=True, blank=True),
        Field("longitude", Number(low=-180, high=180), optional=True, blank=True),
    )


def incidents(data: bytes, *, file: str, encoding: str = "utf-8", form: str = "ISO8601") -> Records:
    """Return incidents, one row for each officer who was there.

    Columns: incident_id, officer, start_utc, end_utc, latitude, longitude, type, place, ethnicity. Raises BadRow and
    BadTable.
    """
    fields = (
        Field("incident_id", Text()),
        Field("officer", Name(), blank=True),
        Field("start_utc", Moment(zone="UTC", form=form), blank=True),
        Field("end_utc", Moment(zone="UTC", form=form), optional=True, blank=True),
        *_place(),
        *(Field(name, Name(), optional=True, blank=True) for name in ("type", "place", "ethnicity")),
    )
    sheet = read(data, fields, file=file, encoding=encoding)
    if "end_utc" not in sheet.frame:
        sheet.frame["end_utc"] = pd.Series(pd.NaT, index=sheet.frame.index).astype("datetime64[ms, UTC]")
    _once(sheet, ["incident_id", "officer"], file, "incident_id")
    _in_order(sheet, file, "end_utc")
    return without(sheet, {"its start is not known": sheet.frame["start_utc"].isna()})


def cameras(data: bytes, *, file: str, encoding: str = "utf-8", form: str = "ISO8601") -> Records:
    """Return who had a camera in which state: officer, from_utc, to_utc, state. Raises BadRow and BadTable."""
    fields = (
        Field("officer", Name()),
        Field("from_utc", Moment(zone="UTC", form=form)),
        Field("to_utc", Moment(zone="UTC", form=form)),
        Field("state", Name(STATES)),
    )
    return without(read(data, fields, file=file, encoding=encoding), {})


def truth(data: bytes, *, file: str, encoding: str = "utf-8") -> Records:
    """Return what is known to be true: recording_id, incident_id, role (home, covers). Raises BadRow and BadTable."""
    fields = (
        Field("recording_id", Text()),
        Field("incident_id", Text()),
        Field("role", Name(("home", "covers"))),
    )
    return without(read(data, fields, file=file, encoding=encoding), {})


@dataclass(frozen=True)
class ReportColumns:
    """Which columns of a file of reports are what; `eligible` and `arm` may be "" for none."""

    recorded: str
    officer: str
    incident: str
    date: str
    groups: tuple[str, ...] = ()
    eligible: str = ""
    arm: str = ""
    place: str = ""


@dataclass(frozen=True)
class Words:
    """How this file says yes and no, and writes dates."""

    yes: tuple[str, ...] = ()
    no: tuple[str, ...] = ()
    form: str = "ISO8601"
    zone: str = LONDON
    encoding: str = "utf-8"


def reports(data: bytes, columns: ReportColumns, *, file: str, words: Words | None = None) -> Records:
    """Return reports under the names recorded, officer, incident, date, group:NAME, arm and place.

    A row whose recorded, officer, incident or date is blank or unknown is left out, with the reason, and so is one that
    `eligible` says no of. Raises BadRow and BadTable.
    """
    words = words or Words()
    truth_kind: Callable[[], Truth] = lambda: Truth(yes=words.yes, no=words.no)  # noqa: E731
    fields = [
        Field(columns.recorded, truth_kind(), "recorded", blank=True),
        Field(columns.officer, Name(), "officer", blank=True),
        Field(columns.incident, Text(), "incident", blank=True),
        Field(columns.date, WallClock(zone=words.zone, form=words.form), "date", blank=True),
    ]
    fields += [Field(name, Name(), f"group:{name}", blank=True) for name in columns.groups]
    if columns.eligible:
        fields.append(Field(columns.eligible, truth_kind(), "eligible", blank=True))
    if columns.arm:
        arm = Truth(yes=("treated", "treatment", "camera"), no=("control",))
        fields.append(Field(columns.arm, arm, "arm", blank=True))
    if columns.place:
        fields.append(Field(columns.place, Name(), "place", blank=True))
    sheet = read(data, fields, file=file, encoding=words.encoding)
    frame = sheet.frame
    reasons = {
        f"'{columns.recorded}' does not say whether it was recorded": frame["recorded"].isna(),
        f"'{columns.officer}' is blank": frame["officer"].isna(),
        f"'{columns.incident}' is blank": frame["incident"] == "",
        f"'{columns.date}' is blank": frame["date"].isna(),
    }
    if columns.eligible:
        reasons[f"'{columns.eligible}' does not say yes"] = frame["eligible"] != 1
    if columns.arm:
        reasons[f"'{columns.arm}' names no arm"] = frame["arm"].isna()
    if columns.place:
        reasons[f"'{columns.place}' is blank"] = frame["place"].isna()
    return without(sheet, reasons)


def _once(sheet: Sheet, keys: list[str], file: str, column: str) -> None:
    double = sheet.frame.duplicated(keys).to_numpy()
    if double.any():
        place = int(np.argmax(double))
        same = np.logical_and.reduce([_same(sheet.frame[key], place) for key in keys])
        first = int(sheet.lines[int(np.argmax(same))])
        raise BadRow(
            file=file,
            line=int(sheet.lines[place]),
            column=column,
            problem=f"'{sheet.frame[keys[0]].iloc[place]}' stands in line {first} already.",
            remedy="Leave one of the two rows, or number them differently.",
        )


def _same(column: pd.Series, place: int) -> np.ndarray:
    value = column.iloc[place]
    return np.asarray(column.isna() if pd.isna(value) else column == value, dtype=bool)


def _in_order(sheet: Sheet, file: str, column: str) -> None:
    wrong = (sheet.frame["end_utc"] < sheet.frame["start_utc"]).to_numpy()
    if wrong.any():
        line = int(sheet.lines[int(np.argmax(wrong))])
        raise BadRow(
            file=file,
            line=line,
            column=column,
            problem="it ends before it begins.",
            remedy="Mend the start or the end.",
        )


def without(sheet: Sheet, reasons: dict[str, Any]) -> Records:
    """Leave out the rows that a reason holds for; the first reason is the one that is told."""
    out = np.full(len(sheet.frame), "", dtype=object)
    for why, holds in reasons.items():
        at = np.asarray(holds, dtype=bool) & (out == "")
        out[at] = why
    gone = out != ""
    excluded = sheet.listed({int(sheet.lines[place]): out[place] for place in np.flatnonzero(gone)})
    kept = sheet.frame if not gone.any() else sheet.frame[~gone].reset_index(drop=True)
    return Records(kept, excluded, sheet.sha256, sheet.lines[~gone])
