"""Read a month of stop and search as data.police.uk publishes it, and count it.

What the file cannot tell: it has no officer and no word on cameras, and its coordinates are moved to the nearest of a
fixed set of map points. So it gives denominators by place and hour; matching needs the force's own record. Dates are in
UTC: a file's month begins at midnight UTC or London time, and the first summer minute of a London day lies in the day
before.
"""

from typing import Any

import pandas as pd

from openbwv.studies.importers.kinds import Kind, Moment, Name, Number, Text, Truth
from openbwv.studies.importers.records import LONDON
from openbwv.studies.importers.sheet import Field, Sheet, read

COLUMNS: dict[str, tuple[str, type[Kind]]] = {
    "Type": ("type", Name),
    "Date": ("when_utc", Moment),
    "Part of a policing operation": ("in_operation", Truth),
    "Policing operation": ("operation", Text),
    "Latitude": ("latitude", Number),
    "Longitude": ("longitude", Number),
    "Gender": ("gender", Name),
    "Age range": ("age_range", Name),
    "Self-defined ethnicity": ("self_defined_ethnicity", Name),
    "Officer-defined ethnicity": ("officer_defined_ethnicity", Name),
    "Legislation": ("legislation", Name),
    "Object of search": ("object", Name),
    "Outcome": ("outcome", Name),
    "Outcome linked to object of search": ("outcome_linked", Truth),
    "Removal of more than just outer clothing": ("more_than_outer_clothing", Truth),
}
NEVER_BLANK = ("Type", "Date")
BLANK = "(blank)"


def read_stops(data: bytes, *, file: str) -> Sheet:
    """Return the stops, one row each, under short names. Raises BadRow and BadTable; all 15 columns must be there."""
    fields = [
        Field(name, kind(), key, blank=name not in NEVER_BLANK)  # type: ignore[call-arg]
        for name, (key, kind) in COLUMNS.items()
    ]
    return read(data, fields, file=file)


def local(frame: pd.DataFrame) -> pd.Series:
    """Return when each stop was made, by the clock on the wall in London (naive)."""
    return frame["when_utc"].dt.tz_convert(LONDON).dt.tz_localize(None)


def counts(frame: pd.DataFrame) -> dict[str, Any]:
    """Return how many stops there are, by each column that people ask about, by local month and by local hour."""
    wall = local(frame)
    placed = int((frame["latitude"].notna() & frame["longitude"].notna()).sum())
    return {
        "rows": len(frame),
        "first_utc": frame["when_utc"].min().isoformat() if len(frame) else None,
        "first_local": wall.min().isoformat() if len(frame) else None,
        "last_utc": frame["when_utc"].max().isoformat() if len(frame) else None,
        "last_local": wall.max().isoformat() if len(frame) else None,
        "by_month_utc": _by(frame["when_utc"].dt.strftime("%Y-%m")),
        "by_month_local": _by(wall.dt.strftime("%Y-%m")),
        "by_hour_local": {hour: int((wall.dt.hour == hour).sum()) for hour in range(24)},
        "with_coordinates": placed,
        "share_with_coordinates": placed / len(frame) if len(frame) else None,
        "type": _by(frame["type"]),
        "object": _by(frame["object"]),
        "outcome": _by(frame["outcome"]),
        "officer_defined_ethnicity": _by(frame["officer_defined_ethnicity"]),
    }


def _by(column: pd.Series) -> dict[str, int]:
    """Return name -> count, most first, blanks by their own name."""
    named = column.astype(object).fillna(BLANK)
    found = named.value_counts()
    return {str(name): int(found[name]) for name in sorted(found.index, key=lambda name: (-found[name], str(name)))}
