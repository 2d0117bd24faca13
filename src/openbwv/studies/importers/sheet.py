"""Read a CSV into columns of known kind: every row is used or named, every complaint has a line and a column.

A column's kind turns its texts into values, some thousand rows at a time, so that a million rows need little more
memory than their bytes.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from openbwv.studies.csv_rows import CsvRows
from openbwv.studies.errors import BadRow, BadTable
from openbwv.studies.importers.kinds import Kind

NOT_TEXT = "Save the file as UTF-8, or name its encoding, such as --encoding cp1252."


@dataclass(frozen=True)
class Field:
    """One column to read: its name in the file, its kind, and whether the file may lack it.

    `key` is the name in the table that comes out. A blank cell is an error unless `blank` allows it.
    """

    name: str
    kind: Kind
    key: str = ""
    optional: bool = False
    blank: bool = False


@dataclass(frozen=True)
class Sheet:
    """What was read, the columns that nobody asked for, and the lines that hold nothing."""

    frame: pd.DataFrame
    lines: np.ndarray  # the line each row begins on; the header is line 1
    unread: tuple[str, ...]
    blank_lines: tuple[int, ...]
    sha256: str  # of the file as it was given

    def listed(self, why_by_line: Mapping[int, str]) -> list[dict[str, Any]]:
        """Return {row, line, why} for each of these lines and each blank one; rows count from 1, blank ones too."""
        blank = np.array(self.blank_lines, dtype=np.int64)
        every = np.sort(np.concatenate([self.lines, blank]))
        reasons = dict.fromkeys(self.blank_lines, "the line is blank") | dict(why_by_line)
        at = sorted(reasons)
        rows = np.searchsorted(every, at) + 1
        return [{"row": int(row), "line": line, "why": reasons[line]} for row, line in zip(rows, at, strict=True)]


def read(data: bytes, fields: Sequence[Field], *, file: str, encoding: str = "utf-8") -> Sheet:
    """Return the rows of `data`.

    Raises BadRow with line and column for a cell that is not of its kind and for a row of another length than the
    header; BadTable for a missing, doubled or unnamed column, bytes that are no text, and more than LARGEST_BYTES.
    """
    source = CsvRows(data, file=file, encoding=encoding, not_text_remedy=NOT_TEXT)
    names = source.names
    wanted = []
    for field in fields:
        if field.name in names:
            wanted.append((names.index(field.name), field))
        elif not field.optional:
            raise BadTable(what=f"{file} has no column '{field.name}'.", remedy=f"Its columns are: {', '.join(names)}.")
    parts: list[list[Any]] = [[] for _ in wanted]
    lines: list[np.ndarray] = []
    blank: list[int] = []
    for numbers, rows in _holding_something(source, blank):
        lines.append(np.asarray(numbers, dtype=np.int64))
        columns = list(zip(*rows, strict=True))
        for part, (place, field) in zip(parts, wanted, strict=True):
            part.append(_values(field, columns[place], numbers, file))
    columns_by_key = {
        field.key or field.name: field.kind.join(part) for part, (_, field) in zip(parts, wanted, strict=True)
    }
    frame = pd.DataFrame(columns_by_key, copy=False)
    asked = {field.name for field in fields}
    joined = np.concatenate(lines) if lines else np.empty(0, dtype=np.int64)
    return Sheet(frame, joined, tuple(name for name in names if name not in asked), tuple(blank), source.sha256)


def _holding_something(source: CsvRows, blank: list[int]) -> Iterator[tuple[list[int], list[list[str]]]]:
    """Yield lines and rows without the blank ones, whose lines are noted in `blank`."""
    for lines, rows in source.chunks():
        if all(rows):
            yield lines, rows
            continue
        blank += [line for line, row in zip(lines, rows, strict=True) if not row]
        kept = [(line, row) for line, row in zip(lines, rows, strict=True) if row]
        if kept:
            yield [line for line, _ in kept], [row for _, row in kept]


def _values(field: Field, texts: tuple[str, ...], numbers: list[int], file: str) -> Any:
    values, bad, blank = field.kind.values(texts)
    wrong = bad if field.blank else bad | blank
    if wrong.any():
        place = int(np.argmax(wrong))
        shown = texts[place].strip()
        problem = f"'{shown[:80]}' is not {field.kind.wants}." if shown else "the cell is blank."
        raise BadRow(
            file=file, line=numbers[place], column=field.name, problem=problem, remedy=f"Give {field.kind.wants}."
        )
    return values
