"""A CSV file as columns of known type; a cell that is not what its column must hold is named by line and column.

Lines are those of the file, the header being line 1. Nothing is guessed: blank, NA, N/A, NaN, null, None and a single
dot are missing, everything else must parse. Bytes may be gzipped.
"""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import pandas as pd

from openbwv.studies.csv_rows import CsvRows
from openbwv.studies.errors import BadRow, BadTable

MISSING = frozenset({"", "na", "n/a", "nan", "null", "none", "."})
TREATED = frozenset({"1", "1.0", "treated", "treatment", "t", "true", "yes", "camera"})
CONTROL = frozenset({"0", "0.0", "control", "c", "false", "no", "none given"})
AFTER, BEFORE = frozenset({"after", "post"}), frozenset({"before", "pre"})
MONTH = r"^(\d{4})-(0[1-9]|1[0-2])$"


@dataclass(frozen=True)
class Table:
    """The cells of a file as text, the line each row begins on, and the SHA-256 of the file as it was given."""

    file: str
    cells: pd.DataFrame
    lines: np.ndarray
    sha256: str

    def text(self, column: str) -> np.ndarray:
        """Return a column as stripped text, "" where it is missing; raises BadTable when there is none."""
        if column not in self.cells.columns:
            raise BadTable(
                what=f"{self.file} has no column '{column}'.",
                remedy=f"Its columns are: {', '.join(map(str, self.cells.columns))}.",
            )
        stripped = (value.strip() for value in self.cells[column])
        return np.array(["" if value.lower() in MISSING else value for value in stripped], dtype=object)

    def numbers(
        self, column: str, *, least: float | None = None, whole: bool = False, missing: Collection[str] = ()
    ) -> np.ndarray:
        """Return a column as floats, nan where it is missing or is one of the words `missing`.

        Raises BadRow for text, infinity, a value under `least`, or, with `whole`, a fraction.
        """
        text = self.text(column)
        if missing:
            text = np.array(["" if value.lower() in missing else value for value in text], dtype=object)
        values = pd.to_numeric(pd.Series(text), errors="coerce").to_numpy(dtype=float, na_value=np.nan)
        given = text != ""
        self._refuse(column, text, given & ~np.isfinite(values), "is not a number", "Write digits, a point, no commas.")
        if least is not None:
            remedy = "Mend the cell, or leave it blank if the value is not known."
            self._refuse(column, text, given & (values < least), f"is less than {least:g}", remedy)
        if whole:
            remedy = "A count has no fraction; use --kind measure if this is not a count."
            self._refuse(column, text, given & (values != np.round(values)), "is not a whole number", remedy)
        return values

    def periods(self, column: str, *, missing: Collection[str] = ()) -> np.ndarray:
        """Return a column of periods as floats: numbers, or months such as 2016-10, counted from the year 0.

        Raises BadRow for what is neither, and for months and numbers in one column ("0", never, aside).
        """
        text = self.text(column)
        months = pd.Series(text, dtype="str").str.extract(MONTH)
        if not months[0].notna().any():
            return self.numbers(column, missing=missing)
        given = np.array([value.lower() not in {"", "0", *missing} for value in text])
        remedy = "Write all of them as 2016-10, or number the periods."
        self._refuse(column, text, given & months[0].isna().to_numpy(), "is not a month like the others", remedy)
        return (months[0].astype(float) * 12 + months[1].astype(float) - 1).to_numpy()

    def arms(self, column: str, *, times: bool = False) -> np.ndarray:
        """Return a column of arms as 1 (treated), 0 (control) and nan (missing); raises BadRow for any other word.

        With `times` the arms are two times, and may be called after (1) and before (0).
        """
        text = self.text(column)
        low = pd.Series(text).str.lower()
        treated = low.isin(TREATED | AFTER if times else TREATED)
        control, missing = low.isin(CONTROL | BEFORE if times else CONTROL), low == ""
        bad = ~(treated | control | missing)
        words = "after and before" if times else "treated and control"
        remedy = f"Use 1 and 0, or {words}; leave it blank if it is not known."
        self._refuse(column, text, bad.to_numpy(), "names no arm", remedy)
        return np.where(treated, 1.0, np.where(control, 0.0, np.nan))

    def _refuse(self, column: str, text: np.ndarray, bad: np.ndarray, problem: str, remedy: str) -> None:
        places = np.flatnonzero(bad)
        if len(places):
            more = f" ({len(places)} such cells)" if len(places) > 1 else ""
            line = int(self.lines[places[0]])
            words = f"'{str(text[places[0]])[:40]}' {problem}{more}."
            raise BadRow(file=self.file, line=line, column=column, problem=words, remedy=remedy)


def read_table(data: bytes, *, file: str) -> Table:
    """Read the bytes of a CSV file, gzipped or not; `file` is its name for messages.

    Raises BadTable for bytes that are no table (broken gzip, no text, no header, a name twice) and BadRow for a line
    with too few or too many fields. A blank line becomes a row of missing values, so that it is listed, not lost.
    """
    source = CsvRows(data, file=file)
    nothing = [""] * len(source.names)
    cells: list[list[str]] = []
    lines: list[int] = []
    for numbers, rows in source.chunks():
        lines += numbers
        cells += [row or nothing for row in rows]
    frame = pd.DataFrame(cells, columns=pd.Index(source.names), dtype=object)
    return Table(file, frame, np.array(lines, dtype=int), source.sha256)
