"""Read complaints as New Orleans publishes them: one row is one allegation, one case has many of them.

Two tables come out, because there are two rates: cases and allegations. In London in 2014-15 there were 6,828 cases and
12,418 allegations; whoever compares the one with the other finds an effect that is none.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from openbwv.studies.errors import BadTable
from openbwv.studies.importers.kinds import Name, Text, WallClock
from openbwv.studies.importers.records import LONDON
from openbwv.studies.importers.sheet import Field, read

# our name -> the names the column has had
CASE = {
    "case_id": ("Complaint Tracking Number",),
    "incident_type": ("Incident Type",),
    "occurred": ("Date Complaint Occurred",),
    "received": ("Date Complaint Received by NOPD (PIB)", "Date Complaint Received"),
    "completed": ("Date Complaint Investigation Complete",),
    "classification": ("Complaint classification", "Complaint Classification"),
    "status": ("Investigation status", "Investigation Status"),
    "bureau": ("Bureau of Complainant",),
    "division": ("Division of Complainant",),
    "unit": ("Unit of Complainant",),
    "shift": ("Shift of Complainant",),
}
ALLEGATION = {
    "allegation_id": ("Unique Officer Allegation ID",),
    "rule": ("Rule Violation",),
    "paragraph": ("Paragraph Violation",),
    "disposition": ("Disposition",),
}
DATES = ("occurred", "received", "completed")
NEEDED = ("case_id", "received")


@dataclass(frozen=True)
class Complaints:
    """Cases, one row each, and allegations, one row each with its case; what was left out; where rows disagree."""

    cases: pd.DataFrame
    allegations: pd.DataFrame
    excluded: list[dict[str, Any]]
    disagreeing: list[dict[str, Any]]
    sha256: str


def read_complaints(
    data: bytes, *, file: str, zone: str = LONDON, form: str = "ISO8601", encoding: str = "utf-8"
) -> Complaints:
    """Return the two tables. Raises BadRow and BadTable.

    Allegation ids are "" where the file gives none. Where rows of one case disagree about the case (say, its date), the
    first row holds and the case is listed in `disagreeing`. A row without a case number or a date received is left out
    and listed.
    """
    fields = [
        Field(
            name,
            WallClock(zone=zone, form=form) if key in DATES else Text() if key.endswith("_id") else Name(),
            key + ("" if name == names[0] else "/other"),
            optional=True,
            blank=True,
        )
        for key, names in (CASE | ALLEGATION).items()
        for name in names
    ]
    sheet = read(data, fields, file=file, encoding=encoding)
    frame = sheet.frame
    for key, names in CASE.items():
        other = f"{key}/other"
        if other in frame and key not in frame:
            frame = frame.rename(columns={other: key})
        elif other in frame:
            what = f"{file} has both '{names[0]}' and '{names[1]}'."
            raise BadTable(what=what, remedy="Leave only one of the two columns.")
    for key in NEEDED:
        if key not in frame:
            raise BadTable(what=f"{file} has no column '{CASE[key][0]}'.", remedy="Use the header the city publishes.")
    if "allegation_id" not in frame:
        frame["allegation_id"] = ""
    no_case, no_date = (frame["case_id"] == "").to_numpy(), frame["received"].isna().to_numpy()
    excluded = sheet.listed(
        dict.fromkeys(sheet.lines[no_date].tolist(), "the date received is not known")
        | dict.fromkeys(sheet.lines[no_case].tolist(), "there is no case number")
    )
    kept = ~(no_case | no_date)
    frame, lines = frame[kept].reset_index(drop=True), sheet.lines[kept]
    own = [key for key in CASE if key in frame]
    disagreeing = _disagreeing(frame, lines, [key for key in own if key != "case_id"])
    cases = frame[own].drop_duplicates("case_id").reset_index(drop=True)
    sizes = frame.groupby("case_id").size()
    cases["allegations"] = sizes[cases["case_id"]].to_numpy()
    allegations = frame[["case_id", *[key for key in ALLEGATION if key in frame], "received"]]
    return Complaints(cases, allegations, excluded, disagreeing, sheet.sha256)


def _disagreeing(frame: pd.DataFrame, lines: np.ndarray, keys: list[str]) -> list[dict[str, Any]]:
    first = frame.groupby("case_id")[keys].transform("first") if len(frame) else frame[keys]
    out = []
    for key in keys:
        given = frame[key].astype(object)
        differs = (given.notna() & (given != first[key].astype(object))).to_numpy()
        out += [
            {"line": int(lines[place]), "why": f"its case {frame['case_id'].iloc[place]} has another {key} above"}
            for place in np.flatnonzero(differs)
        ]
    return sorted(out, key=lambda each: (each["line"], each["why"]))
