"""What a column may hold: text, names that repeat, moments, numbers, yes or no.

`values` takes the texts of one column and returns the values, which texts are of another kind, and which are blank.
"""

from collections.abc import Collection, Sequence
from typing import Any, Protocol

import numpy as np
import pandas as pd

YES = frozenset({"yes", "y", "true", "t", "1", "1.0"})
NO = frozenset({"no", "n", "false", "f", "0", "0.0"})
UNKNOWN = frozenset({"", "na", "n/a", "nan", "none", "null", "unknown", "not known", "not stated"})

Values = tuple[Any, np.ndarray, np.ndarray]


class Kind(Protocol):
    """One kind of column. `wants` completes "is not …" and "Give …"."""

    wants: str

    def values(self, texts: Sequence[str]) -> Values:
        """Return (values, bad, blank) for the texts of some rows."""
        ...

    def join(self, parts: list[Any]) -> Any:
        """Return the column from its parts."""
        ...


class Text:
    """Text as it stands, without blanks around it; NULs and over-long cells are refused."""

    def __init__(self, *, longest: int = 2_000) -> None:
        self.longest = longest
        self.wants = f"text of at most {longest:,} characters"

    def values(self, texts: Sequence[str]) -> Values:
        """Return the texts as objects."""
        out = np.empty(len(texts), dtype=object)
        out[:] = list(map(str.strip, texts))
        bad = np.fromiter(map(len, out), dtype=np.int64, count=len(out)) > self.longest
        if "\0" in "".join(texts):
            bad |= np.fromiter(("\0" in text for text in out), dtype=bool, count=len(out))
        return out, bad, out == ""

    def join(self, parts: list[Any]) -> Any:
        """Return one column of Python strings."""
        return pd.Series(np.concatenate(parts) if parts else np.empty(0, dtype=object), dtype=object)


class Name:
    """Text that repeats from row to row (an officer, a type): kept once, as a pandas Categorical, sorted.

    With `known`, other texts are refused; comparison ignores case and the known spelling is kept.
    """

    def __init__(self, known: Collection[str] = (), *, longest: int = 200) -> None:
        self.known = {each.casefold(): each for each in known}
        self.longest = longest
        self.wants = f"one of: {', '.join(known)}" if known else f"text of at most {longest} characters"
        self.codes: dict[str, int] = {}

    def values(self, texts: Sequence[str]) -> Values:
        """Return a code for each text; -1 for a blank one."""
        codes, known = self.codes, self.known
        stripped = list(map(str.strip, texts))
        code = {"": -1}
        wrong = set()
        for text in dict.fromkeys(stripped):
            if text:
                name = known.get(text.casefold(), "") if known else text
                if not name or len(name) > self.longest or "\0" in name:
                    wrong.add(text)
                code[text] = codes.setdefault(name or text, len(codes))
        out = np.fromiter(map(code.__getitem__, stripped), np.int32, len(stripped))
        bad = np.fromiter((text in wrong for text in stripped), bool, len(stripped)) if wrong else out < -1
        return out, bad, out < 0

    def join(self, parts: list[Any]) -> Any:
        """Return one Categorical whose categories are in order, whatever the order of the rows."""
        codes = np.concatenate(parts) if parts else np.empty(0, dtype=np.int32)
        names = np.array(list(self.codes), dtype=object)
        order = np.argsort(names, kind="stable") if len(names) else np.empty(0, dtype=np.int64)
        rank = np.empty(len(names) + 1, dtype=np.int32)
        rank[order] = np.arange(len(names), dtype=np.int32)
        rank[-1] = -1  # code -1, blank
        self.codes = {}
        return pd.Categorical.from_codes(rank[codes], categories=list(names[order]))


class Moment:
    """A moment, ISO 8601. Without an offset it is taken in `zone`; with none given, that is an error.

    Values are datetime64[ms] in UTC. A local time that the clock change skips is refused, one that it repeats is the
    earlier of the two.
    """

    def __init__(self, *, zone: str = "", form: str = "ISO8601") -> None:
        self.zone = zone
        self.form = form
        example = "2016-06-01T00:01:00+01:00" if form == "ISO8601" else form
        self.wants = f"a date and time such as {example}" + ("" if zone or form != "ISO8601" else ", with its offset")

    def values(self, texts: Sequence[str]) -> Values:
        """Return milliseconds in UTC; a blank one is NaT."""
        plain = _plain(texts) if self.form == "ISO8601" else None
        if plain is not None:
            none = np.zeros(len(plain), dtype=bool)
            return plain, none, none
        column = pd.Series([text.strip() for text in texts], dtype=object)
        blank = (column == "").to_numpy()
        given = column.where(~blank, None)
        aware = pd.to_datetime(given, format=self.form, errors="coerce", utc=True)
        naive = _without_offset(column) & ~blank
        if naive.any():
            aware = aware.where(~naive, pd.NaT)
            if self.zone:
                local = pd.to_datetime(given.where(naive, None), format=self.form, errors="coerce")
                local = local.dt.tz_localize(self.zone, ambiguous=np.ones(len(local), dtype=bool), nonexistent="NaT")
                aware = aware.where(~naive, local.dt.tz_convert("UTC"))
        out = aware.dt.tz_localize(None).to_numpy(dtype="datetime64[ms]")
        return out, np.isnat(out) & ~blank, blank

    def join(self, parts: list[Any]) -> Any:
        """Return one column of datetime64[ms], UTC."""
        whole = np.concatenate(parts) if parts else np.empty(0, dtype="datetime64[ms]")
        return pd.Series(whole).dt.tz_localize("UTC")


def _plain(texts: Sequence[str]) -> np.ndarray | None:
    """Return the moments if every text is like 2016-06-01T00:01:00Z, else None: the usual case, without pandas."""
    whole = np.array(texts, dtype=str)
    if whole.dtype.itemsize != 4 * len("2016-06-01T00:01:00Z") or not len(whole):
        return None
    letters = whole.view("U1").reshape(len(whole), -1)
    if not ((letters[:, 10] == "T") & (letters[:, 19] == "Z") & (letters[:, 4] == "-")).all():
        return None
    try:
        return whole.astype("U19").astype("datetime64[ms]")
    except ValueError:
        return None  # one of them is no date: the long way finds out which


class WallClock(Moment):
    """A date or a moment as the clock on the wall of `zone` shows it, for years and hours of the day.

    Without an offset it is taken as it stands; with one it is turned into the time of `zone`. Dates of data.police.uk
    are in UTC, so that the first minute of June in London is still May in the file. Values are naive datetime64[ms].
    """

    def __init__(self, *, zone: str, form: str = "ISO8601") -> None:
        super().__init__(zone="", form=form)
        self.place = zone
        example = "2016-06-01 or 2016-06-01T00:01:00+01:00" if form == "ISO8601" else form
        self.wants = f"a date such as {example} (others with --date-format)"

    def values(self, texts: Sequence[str]) -> Values:
        """Return naive milliseconds; a blank one is NaT."""
        aware, _, blank = super().values(texts)
        column = pd.Series([text.strip() for text in texts], dtype=object)
        local = pd.Series(aware).dt.tz_localize("UTC").dt.tz_convert(self.place).dt.tz_localize(None)
        naive = _without_offset(column) & ~blank
        if naive.any():
            as_written = pd.to_datetime(column.where(naive, None), format=self.form, errors="coerce")
            local = local.where(~naive, as_written)
        out = local.to_numpy(dtype="datetime64[ms]")
        return out, np.isnat(out) & ~blank, blank

    def join(self, parts: list[Any]) -> Any:
        """Return one naive column of datetime64[ms]."""
        return pd.Series(np.concatenate(parts) if parts else np.empty(0, dtype="datetime64[ms]"))


def _without_offset(column: pd.Series) -> np.ndarray:
    """Say which texts end in no offset: Z, +hh:mm, -hhmm or the like after a time."""
    found = [not (text.endswith(("Z", "z", "UTC", "GMT")) or "+" in text[10:] or ("-" in text[10:])) for text in column]
    return np.fromiter(found, dtype=bool, count=len(found))


class Number:
    """A finite number from `low` to `high`. A blank one is nan."""

    def __init__(self, *, low: float = -np.inf, high: float = np.inf, whole: bool = False) -> None:
        self.low, self.high, self.whole = low, high, whole
        limits = f" from {low:g} to {high:g}" if np.isfinite([low, high]).all() else ""
        limits = limits or (f" of at least {low:g}" if np.isfinite(low) else "")
        self.wants = f"a {'whole ' if whole else ''}number{limits}"

    def values(self, texts: Sequence[str]) -> Values:
        """Return floats."""
        stripped = list(map(str.strip, texts))
        blank = np.fromiter(map("".__eq__, stripped), dtype=bool, count=len(stripped))
        given = [text or "nan" for text in stripped]
        if "_" in "".join(given):
            given = ["" if "_" in text else text for text in given]  # Python reads 1_0 as ten; nobody else does
        try:
            out = np.fromiter(map(float, given), dtype=float, count=len(given))
        except ValueError:
            out = np.fromiter(map(_float, given), dtype=float, count=len(given))
        with np.errstate(invalid="ignore"):
            bad = ~blank & ~(np.isfinite(out) & (out >= self.low) & (out <= self.high))
            if self.whole:
                bad |= ~blank & (out != np.floor(out))
        return out, bad, blank

    def join(self, parts: list[Any]) -> Any:
        """Return one column of floats."""
        return np.concatenate(parts) if parts else np.empty(0)


def _float(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return np.nan


class Truth:
    """Yes or no in the words people use; further words can be named. What is unknown is blank, never a no."""

    def __init__(self, *, yes: Collection[str] = (), no: Collection[str] = ()) -> None:
        self.yes = YES | {word.casefold() for word in yes}
        self.no = NO | {word.casefold() for word in no}
        self.wants = "yes or no (also true/false, 1/0; others with --yes and --no)"

    def values(self, texts: Sequence[str]) -> Values:
        """Return 1, 0 and nan."""
        folded = [text.strip().casefold() for text in texts]
        meaning = {text: self._meaning(text) for text in set(folded)}
        out = np.fromiter((meaning[text] for text in folded), dtype=float, count=len(folded))
        return out, out == -1, np.isnan(out)

    def _meaning(self, text: str) -> float:
        if text in self.yes:
            return 1.0
        if text in self.no:
            return 0.0
        return np.nan if text in UNKNOWN else -1.0

    def join(self, parts: list[Any]) -> Any:
        """Return one column of 1, 0 and nan."""
        return np.concatenate(parts) if parts else np.empty(0)
