"""A table of a report: rows with typed columns, as HTML and as CSV.

The CSV holds the full numbers, the page rounded ones. Text that a spreadsheet would take for a formula gets an
apostrophe in front (OWASP, "CSV Injection"); numbers never do, so a negative number stays a number.
"""

import csv
import io
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from numbers import Integral, Real
from typing import Any

MISSING = "–"
FORMULA = ("=", "+", "-", "@", "\t", "\r")
NAME = re.compile(r"[a-z][a-z0-9-]{0,60}")


@dataclass(frozen=True)
class Column:
    """One column: the key in each row, the heading, and for numbers how many decimals the page shows."""

    key: str
    heading: str
    digits: int | None = None


@dataclass(frozen=True)
class Table:
    """A named table. `name` becomes the CSV's file name: small letters, digits and hyphens.

    Raises ValueError for a name that is no file name, for no columns, and for a row with a key that no column shows:
    a number that is computed and then left out of the report would be dropped in silence.
    """

    name: str
    title: str
    columns: Sequence[Column]
    rows: Sequence[Mapping[str, Any]]
    note: str = ""
    empty: str = "Nothing to show."

    def __post_init__(self) -> None:
        if not NAME.fullmatch(self.name):
            raise ValueError(f"'{self.name}' cannot name a table: use small letters, digits and hyphens")
        keys = [column.key for column in self.columns]
        if not keys or len(set(keys)) != len(keys):
            raise ValueError(f"table '{self.name}' needs columns with different keys, not {keys}")
        left_out = {key for row in self.rows for key in row} - set(keys)
        if left_out:
            raise ValueError(f"table '{self.name}' has no column for {sorted(left_out)}")

    def csv(self) -> str:
        """Return the table as RFC 4180 text, numbers in full, missing values empty."""
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\r\n")
        writer.writerow([safe(column.key) for column in self.columns])
        for row in self.rows:
            writer.writerow([raw(row.get(column.key)) for column in self.columns])
        return out.getvalue()

    def html(self) -> str:
        """Return the table as HTML in a box that scrolls by itself where the screen is narrow."""
        numeric = {c.key for c in self.columns if any(is_number(row.get(c.key)) for row in self.rows)}
        head = "".join(_cell("th", c.heading, c.key in numeric, ' scope="col"') for c in self.columns)
        body = "".join(
            "<tr>"
            + "".join(_cell("td", shown(row.get(c.key), c.digits), c.key in numeric) for c in self.columns)
            + "</tr>"
            for row in self.rows
        )
        if not self.rows:
            body = f'<tr><td colspan="{len(self.columns)}">{escape(self.empty)}</td></tr>'
        note = f'<p class="note">{escape(self.note)}</p>' if self.note else ""
        return (
            f'<div class="wide" tabindex="0" role="region" aria-label="{escape(self.title, quote=True)}">'
            f"<table><caption>{escape(self.title)}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
            f"</div>{note}"
        )


def is_number(value: object) -> bool:
    """Say whether `value` is a number and no truth value."""
    return isinstance(value, Real) and not isinstance(value, bool)


def shown(value: object, digits: int | None = None) -> str:
    """Return `value` as the page shows it: thousands by commas, `digits` decimals, a dash for what is missing."""
    if value is None or (is_number(value) and not math.isfinite(float(value))):  # type: ignore[arg-type]
        return MISSING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Integral) or (is_number(value) and digits is None and float(value).is_integer()):  # type: ignore[arg-type]
        return f"{int(value):,}"  # type: ignore[call-overload]
    if is_number(value):
        return f"{value:,.{digits}f}" if digits is not None else f"{value:,.6g}"
    return str(value)


def raw(value: object) -> str:
    """Return `value` as the CSV holds it; a float by its shortest exact text."""
    if value is None or (is_number(value) and not math.isfinite(float(value))):  # type: ignore[arg-type]
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Integral):
        return str(int(value))
    if is_number(value):
        return repr(float(value))  # type: ignore[arg-type]
    return safe(str(value))


def safe(text: str) -> str:
    """Return `text` so that no spreadsheet runs it."""
    return "'" + text if text.startswith(FORMULA) else text


def _cell(tag: str, text: str, number: bool, more: str = "") -> str:
    kind = ' class="n"' if number else ""
    return f"<{tag}{more}{kind}>{escape(text)}</{tag}>"
