"""Read a CSV strictly: every row is used or named, every complaint has a line and a column.

RFC 4180 with a header line, UTF-8 (with or without byte order mark) or UTF-16 with one, plain or gzip. A column's kind
turns its texts into values, some thousand rows at a time, so that a million rows need little more memory than
their bytes.
"""

import csv
import gzip
import hashlib
import io
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
import pandas as pd

from openbwv.studies.errors import BadRow, BadTable
from openbwv.studies.importers.kinds import Kind

ROWS_AT_A_TIME = 8_000  # few enough that the collector of garbage has little to walk through
LARGEST_BYTES = 2 * 2**30  # unpacked; a million recordings are about 130 MB
GZIP_MAGIC = b"\x1f\x8b"
UTF_16_MARKS = (b"\xff\xfe", b"\xfe\xff")


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
    stream = Bounded(_unpacked(data), file)
    text = io.TextIOWrapper(io.BufferedReader(stream), encoding=_encoding(data, stream, encoding), newline="")
    try:
        return _read(text, fields, file, hashlib.sha256(data).hexdigest())
    except UnicodeDecodeError as problem:
        raise _not_text(data, file, encoding) from problem
    except (OSError, EOFError, zlib.error) as problem:
        raise BadTable(what=f"{file}: the packed file is damaged ({problem}).", remedy="Fetch it again.") from problem


class Bounded(io.RawIOBase):
    """A stream that stops with BadTable after LARGEST_BYTES, so that a packed file cannot fill the memory."""

    def __init__(self, stream: Any, file: str) -> None:
        self.stream, self.file, self.given = stream, file, 0

    def readable(self) -> bool:
        """Say yes."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill `buffer` and return how much was there."""
        count = int(self.stream.readinto(buffer))
        self.given += count
        if self.given > LARGEST_BYTES:
            raise BadTable(
                what=f"{self.file} holds more than {LARGEST_BYTES // 2**20:,} MiB.",
                remedy="Split it by month and read the parts one by one.",
            )
        return count


def _unpacked(data: bytes) -> Any:
    return gzip.GzipFile(fileobj=io.BytesIO(data)) if data.startswith(GZIP_MAGIC) else io.BytesIO(data)


def _encoding(data: bytes, stream: Bounded, encoding: str) -> str:
    try:
        begin = _unpacked(data).read(2)
    except (OSError, EOFError, zlib.error) as problem:
        raise BadTable(
            what=f"{stream.file}: the packed file is damaged ({problem}).", remedy="Fetch it again."
        ) from problem
    if begin in UTF_16_MARKS:
        return "utf-16"
    return "utf-8-sig" if encoding.lower().replace("_", "-") in ("utf-8", "utf8") else encoding


def _not_text(data: bytes, file: str, encoding: str) -> BadTable:
    """Find the first bytes that are no text; the stream's own error counts from its last block."""
    whole = _unpacked(data).read()
    try:
        whole.decode(encoding)
        place = ""
    except UnicodeDecodeError as problem:
        before = whole[: problem.start].split(b"\n")
        place = f", line {len(before)}, byte {len(before[-1]) + 1}"
    remedy = "Save the file as UTF-8, or name its encoding, such as --encoding cp1252."
    return BadTable(what=f"{file}{place}: this is not {encoding.upper()} text.", remedy=remedy)


def _header(rows: Any, file: str) -> list[str]:
    remedy = "The first line names the columns, each with a name of its own."
    try:
        names = [name.strip() for name in next(rows)]
    except StopIteration:
        raise BadTable(what=f"{file} is empty.", remedy=remedy) from None
    except csv.Error as problem:
        raise BadTable(what=f"{file}, line 1: {problem}.", remedy=remedy) from problem
    for number, name in enumerate(names, start=1):
        if not name:
            raise BadTable(what=f"{file}, line 1: column {number} has no name.", remedy=remedy)
        if names.index(name) != number - 1:
            raise BadTable(what=f"{file}, line 1: the column '{name}' stands there twice.", remedy=remedy)
    return names


def _read(text: io.TextIOWrapper, fields: Sequence[Field], file: str, sha256: str) -> Sheet:
    rows = csv.reader(text, strict=True)
    names = _header(rows, file)
    wanted = []
    for field in fields:
        if field.name in names:
            wanted.append((names.index(field.name), field))
        elif not field.optional:
            raise BadTable(what=f"{file} has no column '{field.name}'.", remedy=f"Its columns are: {', '.join(names)}.")
    parts: list[list[Any]] = [[] for _ in wanted]
    lines: list[np.ndarray] = []
    blank: list[int] = []
    for numbers, chunk in _chunks(rows, names, file, blank):
        lines.append(np.asarray(numbers, dtype=np.int64))
        columns = list(zip(*chunk, strict=True))
        for part, (place, field) in zip(parts, wanted, strict=True):
            part.append(_values(field, columns[place], numbers, file))
    columns_by_key = {
        field.key or field.name: field.kind.join(part) for part, (_, field) in zip(parts, wanted, strict=True)
    }
    frame = pd.DataFrame(columns_by_key, copy=False)
    asked = {field.name for field in fields}
    joined = np.concatenate(lines) if lines else np.empty(0, dtype=np.int64)
    return Sheet(frame, joined, tuple(name for name in names if name not in asked), tuple(blank), sha256)


def _chunks(rows: Any, names: list[str], file: str, blank: list[int]) -> Iterator[tuple[list[int], list[list[str]]]]:
    """Yield the lines and fields of some rows at a time; a line that holds nothing is noted in `blank`."""
    width, before = len(names), rows.line_num
    while True:
        numbers, chunk, seen = [], [], False
        try:
            for row in islice(rows, ROWS_AT_A_TIME):
                seen = True
                if len(row) == width:
                    numbers.append(before + 1)
                    chunk.append(row)
                elif row:
                    raise BadRow(
                        file=file,
                        line=before + 1,
                        column=names[min(len(row), width - 1)],
                        problem=f"the line has {len(row)} fields, the header {width}.",
                        remedy="Every line needs as many fields as the header; quote fields that hold commas.",
                    )
                else:
                    blank.append(before + 1)
                before = rows.line_num
        except csv.Error as problem:
            what = f"{file}, line {before + 1}: {problem}."
            raise BadTable(what=what, remedy="Quote fields that hold commas or quotes.") from problem
        if not seen:
            return
        if numbers:
            yield numbers, chunk


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
