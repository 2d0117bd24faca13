"""The units file: one row a borough or specialist unit. Lines are those of the file, the header being line 1."""

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from openbwv.rollout.errors import BadUnitsFile
from openbwv.rollout.problem import GATES, Gate, Unit
from openbwv.rollout.weeks import Calendar

NEEDED = ("unit", "force", "cameras")
WHOLE = {
    "cameras": (0, 10**6),
    "officers": (0, 10**6),
    "install_weeks": (1, 52),
    "teams": (0, 100),
    "phase": (1, 99),
    "weight": (0, 10**6),
    "site_pounds": (0, 10**9),
}
SPAN = ("network_ready", *GATES)
ABOUT = ("ons_code", "kind", "status", "source", "note")
KNOWN = ("unit", "force", "group", *WHOLE, *SPAN, *ABOUT)
DONE = ("done", "yes", "held", "signed", "passed", "ready")
PLANNED = "plan"
MOST_UNITS = 1_000


@dataclass(frozen=True)
class Units:
    """The units of a file, and the columns nobody here reads."""

    units: tuple[Unit, ...]
    unread_columns: tuple[str, ...]


def read_units(data: bytes, *, file: str, calendar: Calendar) -> Units:
    """Return the units of a CSV file. Raises BadUnitsFile with line and column; no row is left out."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        line = data[: problem.start].count(b"\n") + 1
        raise _bad(file, line, "unit", "a byte is not UTF-8.", "Save the file as UTF-8.") from problem
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    units: list[Unit] = []
    names: dict[str, int] = {}
    header: list[str] = []
    before = 0
    try:
        for fields in reader:
            line, before = before + 1, reader.line_num
            if not header:
                header = _header(fields, file)
                continue
            if not fields:
                raise _bad(file, line, "unit", "the line is empty.", "Remove it.")
            if len(fields) != len(header):
                problem_words = f"the line has {len(fields)} fields, the header {len(header)}."
                raise _bad(file, line, header[-1], problem_words, "Quote fields that hold commas.")
            unit = _unit(_Row(dict(zip(header, fields, strict=True)), file, line, calendar))
            if unit.name in names:
                words = f"'{unit.name}' stands in line {names[unit.name]} already."
                raise _bad(file, line, "unit", words, "Give every unit one row and a name of its own.")
            if len(units) == MOST_UNITS:
                raise _bad(file, line, "unit", f"there are more than {MOST_UNITS:,} units.", "Plan them in parts.")
            names[unit.name] = line
            units.append(unit)
    except csv.Error as problem:
        raise _bad(file, reader.line_num, "unit", f"{problem}.", "Quote fields that hold quotes.") from problem
    if not units:
        raise _bad(file, 1, "unit", "there is no unit.", "Write one row for each borough or specialist unit.")
    return Units(tuple(units), tuple(name for name in header if name not in KNOWN))


def write_units(rows: Iterable[dict[str, object]], columns: Iterable[str]) -> str:
    """Return rows as a units file."""
    out = io.StringIO()
    writer = csv.DictWriter(out, list(columns), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def _bad(file: str, line: int, column: str, problem: str, remedy: str) -> BadUnitsFile:
    return BadUnitsFile(file=file, line=line, column=column, problem=problem, remedy=remedy)


def _header(fields: list[str], file: str) -> list[str]:
    names = [name.strip() for name in fields]
    for name in NEEDED:
        if name not in names:
            raise _bad(file, 1, name, "the column is missing.", f"Needed are: {', '.join(NEEDED)}.")
    twice = [name for name in names if names.count(name) > 1]
    if twice or "" in names:
        name = twice[0] if twice else ""
        raise _bad(file, 1, name, "the header names it twice or not at all.", "Give every column one name.")
    return names


@dataclass(frozen=True)
class _Row:
    cells: dict[str, str]
    file: str
    line: int
    calendar: Calendar

    def text(self, column: str) -> str:
        return self.cells.get(column, "").strip()

    def whole(self, column: str, default: int) -> int:
        text = self.text(column)
        if not text:
            return default
        least, most = WHOLE[column]
        if not text.isascii() or not text.lstrip("-").isdigit():
            raise _bad(self.file, self.line, column, f"'{text[:40]}' is no whole number.", "Write digits only.")
        if not least <= int(text) <= most:
            words = f"{text} does not lie between {least:,} and {most:,}."
            raise _bad(self.file, self.line, column, words, "Mend the cell.")
        return int(text)

    def week(self, column: str) -> int | None:
        """Return a week (from 0) from a date, `week N` or N; 0 for done; None when blank."""
        text = self.text(column).lower()
        if not text:
            return None
        if text in DONE:
            return 0
        number = text.removeprefix("week").strip()
        if number.isascii() and number.isdigit():
            return int(number) - 1
        try:
            return self.calendar.index(date.fromisoformat(text))
        except ValueError as problem:
            words = f"'{text[:40]}' is neither a date, a week, nor done."
            raise _bad(self.file, self.line, column, words, "Write 2016-10-17, week 12, or done.") from problem


def _unit(row: _Row) -> Unit:
    name, force = row.text("unit"), row.text("force")
    for column, text in (("unit", name), ("force", force)):
        if not text:
            raise _bad(row.file, row.line, column, "it is blank.", "Give every unit a name and a force.")
    if not row.text("cameras"):
        raise _bad(row.file, row.line, "cameras", "it is blank.", "Write how many cameras the unit gets.")
    cameras = row.whole("cameras", 0)
    gates = {}
    for gate in GATES:
        by_plan = row.text(gate).lower() == PLANNED or (gate in ("training", "site_test") and not row.text(gate))
        gates[gate] = Gate(by_plan=True) if by_plan else Gate(row.week(gate))
    return Unit(
        name=name,
        force=force,
        cameras=cameras,
        officers=row.whole("officers", cameras),
        install_weeks=row.whole("install_weeks", 1),
        teams=row.whole("teams", 1),
        phase=row.whole("phase", 1),
        group=row.text("group"),
        weight=row.whole("weight", cameras),
        site_pence=row.whole("site_pounds", 0) * 100,
        network_ready=row.week("network_ready") or 0,
        gates=gates,
        about={column: row.text(column) for column in ABOUT if row.text(column)},
    )
