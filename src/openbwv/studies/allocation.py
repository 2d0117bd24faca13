"""The allocation as a document: who was drawn, from which file, by which seed, under which restriction, and its hash.

Written once and never changed. The hash stands inside the file, over everything else in it, and is worth what its
printed copy is worth: put it into the pre-registration. The list for those who hand out cameras is a CSV whose hash the
document holds.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from openbwv import __version__
from openbwv.studies.draw import FEWEST_ACCEPTED, Drawn, Rules, balance_rows, draw
from openbwv.studies.errors import AllocationChanged, BadRow, BadStudyOption, CannotAnalyse
from openbwv.studies.pairing import match_pairs
from openbwv.studies.setup import Design
from openbwv.studies.table import Table

KIND = "openbwv-allocation"
VERSION = 1
WORDS = {1: "treated", 0: "control"}


@dataclass(frozen=True)
class Allocation:
    """A checked allocation: its rules, its units in the order of the file, and its own SHA-256."""

    sha256: str
    rules: Rules
    ids: list[str]
    block: np.ndarray
    arms: np.ndarray
    covariates: np.ndarray
    threshold: float | None
    document: Mapping[str, Any]


def make_allocation(
    table: Table,
    rules: Rules,
    *,
    id_column: str,
    block: str | None = None,
    pair_on: tuple[str, ...] = (),
    balance: tuple[str, ...] = (),
    seed: int,
) -> tuple[dict[str, Any], str]:
    """Draw, and return the document and the CSV list. Raises BadRow for a missing or repeated id, BadStudyOption.

    Pairs are matched on `pair_on` within `block`; without `pair_on`, `block` is the pair.
    """
    ids = table.text(id_column)
    _ids_are_good(table, id_column, ids)
    stratum = _strata(table, rules, block, pair_on)
    covariates = np.column_stack([table.numbers(name) for name in balance]) if balance else np.empty((len(ids), 0))
    if balance and np.isnan(covariates).all(axis=0).any():
        raise CannotAnalyse(what="A column to balance on is empty.", remedy="Leave it out of --balance.")
    drawn = draw(rules, stratum, covariates, seed=seed)
    units = []
    for index, name in enumerate(ids):
        unit: dict[str, Any] = {"id": str(name), "block": int(stratum[index]), "arm": _word(rules, drawn.arms[index])}
        if balance:
            known = covariates[index]
            unit["covariates"] = [float(value) if np.isfinite(value) else None for value in known]
        units.append(unit)
    csv_text = allocation_csv(units, rules)
    document: dict[str, Any] = {
        "kind": KIND,
        "version": VERSION,
        "made_by": f"OpenBWV {__version__}",
        "design": rules.design.value,
        "label": "randomised",
        "seed": seed,
        "inputs_sha256": table.sha256,
        "id_column": id_column,
        "block_column": block,
        "pair_on": list(pair_on),
        "balance_on": list(balance),
        "rules": asdict(rules) | {"design": rules.design.value},
        "restriction": {
            "criterion": _criterion(rules, balance),
            "candidates": rules.candidates if balance else 1,
            "accepted": drawn.accepted,
            "distinct": drawn.distinct,
            "threshold": drawn.threshold,
            "score": drawn.score,
            "always_together": drawn.always_together,
            "always_apart": drawn.always_apart,
        },
        "counts": _counts(units),
        "balance": balance_rows(list(balance), covariates, drawn.arms, rules.design),
        "warnings": _warnings(rules, drawn) if balance else [],
        "units": units,
        "csv_sha256": hashlib.sha256(csv_text.encode()).hexdigest(),
    }
    return document | {"sha256": fingerprint(document)}, csv_text


def _strata(table: Table, rules: Rules, block: str | None, pair_on: tuple[str, ...]) -> np.ndarray:
    """Return what is drawn within: one stratum, the blocks, or the pairs matched inside them."""
    names = table.text(block) if block is not None else np.zeros(len(table.lines), dtype=int)
    stratum = np.asarray(pd.factorize(names)[0])
    if rules.design is not Design.PAIRS or (block is not None and not pair_on):
        return stratum
    if not pair_on:
        raise BadStudyOption(what="Pairs of what?", remedy="Give --pair-on COL,COL or the pair as --block.")
    return match_pairs(np.column_stack([table.numbers(name) for name in pair_on]), stratum)


def _warnings(rules: Rules, drawn: Drawn) -> list[str]:
    found = []
    if drawn.distinct < FEWEST_ACCEPTED:
        found.append(f"Only {drawn.distinct} different draws were acceptable: chance has little left to decide.")
    couples = (drawn.always_together or 0) + (drawn.always_apart or 0)
    if couples and rules.design is not Design.PAIRS:  # in pairs to be always apart is the design
        found.append(f"{couples} couples of units are almost always together, or almost always apart.")
    return found


def _criterion(rules: Rules, balance: tuple[str, ...]) -> str | None:
    if not balance:
        return None
    what = "correlation with the step" if rules.design is Design.STAGGERED else "standardised difference"
    return f"largest absolute {what} over {', '.join(balance)}, the best {rules.acceptance:g} of candidates"


def _word(rules: Rules, arm: int) -> str | int:
    return int(arm) + rules.start if rules.design is Design.STAGGERED else WORDS[int(arm)]


def _counts(units: list[dict[str, Any]]) -> dict[str, int]:
    found: dict[str, int] = {}
    for unit in units:
        found[str(unit["arm"])] = found.get(str(unit["arm"]), 0) + 1
    return dict(sorted(found.items()))


def _ids_are_good(table: Table, column: str, ids: np.ndarray) -> None:
    bad = (pd.Series(ids) == "") | pd.Series(ids).duplicated()
    if bad.any():
        place = int(np.flatnonzero(bad)[0])
        problem = "there is no id." if ids[place] == "" else f"'{ids[place]}' was there before."
        raise BadRow(
            file=table.file,
            line=int(table.lines[place]),
            column=column,
            problem=problem,
            remedy="Each line is one unit to be drawn, with an id of its own.",
        )
    if len(ids) < 2:
        raise CannotAnalyse(what="There are fewer than two units.", remedy="List every unit that may be drawn.")


def allocation_csv(units: list[dict[str, Any]], rules: Rules) -> str:
    """Return the list for those who hand out cameras: id, block, arm (or the first period)."""
    last = "first" if rules.design is Design.STAGGERED else "arm"
    frame = pd.DataFrame([{"id": unit["id"], "block": unit["block"], last: unit["arm"]} for unit in units])
    return str(frame.to_csv(index=False, lineterminator="\n"))


def fingerprint(document: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a document without its own hash, as sorted JSON without spaces."""
    rest = {name: value for name, value in document.items() if name != "sha256"}
    plain = json.dumps(rest, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(plain.encode()).hexdigest()


def read_allocation(data: bytes, *, file: str, expected: str | None = None) -> Allocation:
    """Read an allocation and check its hash, against `expected` (from a pre-registration) as well if given.

    Raises AllocationChanged when a byte that matters is not what was drawn.
    """
    remedy = "Use the file as it was drawn; a copy of its hash stands in the pre-registration and the study's papers."
    try:
        document = json.loads(data)
        if document["kind"] != KIND or document["version"] != VERSION:
            raise ValueError("another kind of file")
        stated, seen = str(document["sha256"]), fingerprint(document)
        rules = Rules(**(document["rules"] | {"design": Design(document["rules"]["design"])}))
        units = document["units"]
        arms = np.array([_arm(rules, unit["arm"]) for unit in units])
        covariates = np.array([unit.get("covariates", []) for unit in units], dtype=float).reshape(len(units), -1)
        block = np.array([int(unit["block"]) for unit in units])
    except (ValueError, KeyError, TypeError, RecursionError) as problem:
        raise AllocationChanged(what=f"{file} is no allocation: {problem}.", remedy=remedy) from problem
    if seen != stated:
        what = f"{file} was changed after the draw: its contents hash to {seen[:16]}…, it says {stated[:16]}…."
        raise AllocationChanged(what=what, remedy=remedy)
    if expected is not None and expected != stated:
        what = f"{file} is not the allocation that was registered: {stated[:16]}… instead of {expected[:16]}…."
        raise AllocationChanged(what=what, remedy=remedy)
    ids = [str(unit["id"]) for unit in units]
    return Allocation(stated, rules, ids, block, arms, covariates, document["restriction"]["threshold"], document)


def _arm(rules: Rules, word: str | int) -> int:
    if rules.design is Design.STAGGERED:
        return int(word) - rules.start
    return {text: arm for arm, text in WORDS.items()}[str(word)]
