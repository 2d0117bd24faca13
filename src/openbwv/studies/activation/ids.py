r"""Typed-in incident numbers, made comparable.

Officers type the number of the incident into the recording, often on a small screen at the end of a shift: in small
letters, with blanks, other dashes, or inside a sentence. Two texts mean the same number when, in capital letters and
reduced to letters and digits, they are equal. For New Orleans style item numbers (`\w-\d{5}-\d{2}`, the police
monitor's join to dispatch records) the number is also found inside a longer text.
"""

import re
import unicodedata
from collections.abc import Sequence

import numpy as np

PLAIN = "plain"
NOPD = "nopd"
ITEM_NUMBER = re.compile(r"(?<![0-9A-Z])([A-Z])[\W_]{0,3}(\d{5})[\W_]{0,3}(\d{2})(?![0-9])")
SEPARATORS = re.compile(r"[\W_]+")
DIGIT = re.compile(r"\d")
SHORTEST = 4  # letters and digits: a shorter text is no number but a remark
EXACT, CLEANED, NONE = 0, 1, -1


def clean(text: str, *, style: str = PLAIN) -> str:
    """Return the comparable form of a typed-in number, or "" when there is none in `text`.

    With style `nopd` only item numbers count; otherwise everything that holds a digit does.
    """
    upper = unicodedata.normalize("NFKC", text).upper().strip()
    if style == NOPD:
        found = ITEM_NUMBER.search(upper)
        return "".join(found.groups()) if found else ""
    squeezed = SEPARATORS.sub("", upper)
    return squeezed if len(squeezed) >= SHORTEST and DIGIT.search(squeezed) else ""


class Index:
    """Incident numbers by their comparable form; one that two incidents share is `ambiguous` and matches nothing."""

    def __init__(self, incident_ids: Sequence[str], *, style: str = PLAIN) -> None:
        self.style = style
        self.exact = {text: place for place, text in enumerate(incident_ids)}
        self.places: dict[str, int] = {}
        self.ambiguous: set[str] = set()
        for place, text in enumerate(incident_ids):
            key = clean(text, style=style)
            if key and self.places.setdefault(key, place) != place:
                self.ambiguous.add(key)

    def find(self, texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """Return for each text the place of its incident (-1: none) and whether it was EXACT or had to be CLEANED."""
        count = len(texts)
        place = np.full(count, -1, dtype=np.int64)
        how = np.full(count, NONE, dtype=np.int8)
        for number, text in enumerate(texts):
            if text:
                place[number], how[number] = self._find(text)
        return place, how

    def _find(self, text: str) -> tuple[int, int]:
        exact = self.exact.get(text)
        if exact is not None:
            return exact, EXACT
        key = clean(text, style=self.style)
        if not key or key in self.ambiguous or key not in self.places:
            return -1, NONE
        return self.places[key], CLEANED
