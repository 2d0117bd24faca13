"""The rows of a CSV file, read strictly: each as wide as the header, each with the line it begins on.

RFC 4180 with a header line, UTF-8 (with or without byte order mark), UTF-16 with one, or the encoding that is named;
plain or gzip. What is no such file is refused by name and line, and a packed one cannot fill the memory.
"""

import csv
import gzip
import hashlib
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any

from openbwv.studies.errors import BadRow, BadTable

ROWS_AT_A_TIME = 8_000  # few enough that the collector of garbage has little to walk through
LARGEST_BYTES = 2 * 2**30  # unpacked; a million recordings are about 130 MB
GZIP_MAGIC = b"\x1f\x8b"
UTF_16_MARKS = (b"\xff\xfe", b"\xfe\xff")
NAMES = "The first line names the columns, each with a name of its own."
AS_UTF_8 = "Save the file as UTF-8."


class CsvRows:
    """One file: the `names` of its columns, the `sha256` of its bytes as they were given, and its rows."""

    def __init__(self, data: bytes, *, file: str, encoding: str = "utf-8", not_text_remedy: str = AS_UTF_8) -> None:
        """Read the header; raises BadTable for a column without a name, one name twice, and bytes that are no text."""
        self.file, self.sha256 = file, hashlib.sha256(data).hexdigest()
        self._data, self._not_text_remedy = data, not_text_remedy
        self._line = 1  # where the next row begins
        self._encoding = "utf-8-sig" if encoding.lower().replace("_", "-") in ("utf-8", "utf8") else encoding
        with self._refusing():
            stream = io.BufferedReader(_Bounded(_unpacked(data), file))
            if stream.peek(2)[:2] in UTF_16_MARKS:
                self._encoding = "utf-16"
            text = io.TextIOWrapper(stream, encoding=self._encoding, newline="")
            self._rows = csv.reader(text, strict=True)
            self.names = self._header()

    def _header(self) -> list[str]:
        names = [name.strip() for name in next(self._rows, [])]
        self._line = self._rows.line_num + 1
        if not names:
            raise BadTable(what=f"{self.file} is empty, or its first line is.", remedy=NAMES)
        for number, name in enumerate(names, start=1):
            if not name:
                raise BadTable(what=f"{self.file}, line 1: column {number} has no name.", remedy=NAMES)
            if names.index(name) != number - 1:
                raise BadTable(what=f"{self.file}, line 1: the column '{name}' stands there twice.", remedy=NAMES)
        return names

    def chunks(self) -> Iterator[tuple[list[int], list[list[str]]]]:
        """Yield some lines and their rows at a time; the row of a blank line is empty.

        Raises BadRow for a row of another length than the header, BadTable for bytes that are no text or no CSV.
        """
        width = len(self.names)
        with self._refusing():
            while True:
                lines, rows = [], []
                for row in islice(self._rows, ROWS_AT_A_TIME):
                    if len(row) != width and row:
                        raise self._ragged(row)
                    lines.append(self._line)
                    rows.append(row)
                    self._line = self._rows.line_num + 1
                if not rows:
                    return
                yield lines, rows

    def _ragged(self, row: list[str]) -> BadRow:
        width = len(self.names)
        return BadRow(
            file=self.file,
            line=self._line,
            column=self.names[min(len(row), width - 1)],
            problem=f"the line has {len(row)} fields, the header {width}.",
            remedy="Every line needs as many fields as the header; quote fields that hold commas.",
        )

    @contextmanager
    def _refusing(self) -> Iterator[None]:
        try:
            yield
        except csv.Error as problem:
            what = f"{self.file}, line {self._line}: {problem}."
            raise BadTable(what=what, remedy="Quote fields that hold commas or quotes.") from problem
        except UnicodeDecodeError as problem:
            raise self._not_text() from problem
        except (OSError, EOFError, zlib.error) as problem:
            what = f"{self.file}: the packed file is damaged ({problem})."
            raise BadTable(what=what, remedy="Fetch it again.") from problem

    def _not_text(self) -> BadTable:
        """Find the first bytes that are no text; the stream's own error counts from its last block."""
        whole, place = _unpacked(self._data).read(LARGEST_BYTES), ""
        try:
            whole.decode(self._encoding)
        except UnicodeDecodeError as problem:
            before = whole[: problem.start].split(b"\n")
            place = f", line {len(before)}, byte {len(before[-1]) + 1}"
        name = self._encoding.removesuffix("-sig").upper()
        return BadTable(what=f"{self.file}{place}: this is not {name} text.", remedy=self._not_text_remedy)


class _Bounded(io.RawIOBase):
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
