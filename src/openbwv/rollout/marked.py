"""YAML with the place of everything: what `yaml.safe_load` would give, each part with its line and column.

Plain data only (yaml.SafeLoader). Anchors and a key that stands twice are refused: a plan is read by people too.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NoReturn

import yaml

from openbwv.rollout.errors import BadPlanFile

DEEPEST = 20
PLAIN = ("tag:yaml.org,2002:map", "tag:yaml.org,2002:seq")


@dataclass(frozen=True)
class Part:
    """A value of a YAML file: a dict or list of Parts, or a plain value; lines and columns count from 1."""

    value: Any
    file: str
    line: int
    column: int

    def refuse(self, problem: str, remedy: str = "") -> NoReturn:
        """Raise BadPlanFile at this place."""
        raise BadPlanFile(file=self.file, line=self.line, column=self.column, problem=problem, remedy=remedy)

    def fields(self) -> "Fields":
        """Return it as fields to be taken one by one; refuses what is no mapping."""
        if not isinstance(self.value, dict):
            self.refuse("here must stand fields (name: value).")
        return Fields(self, dict(self.value))

    def items(self) -> Iterator["Part"]:
        """Yield the entries of a list; refuses what is no list."""
        if not isinstance(self.value, list):
            self.refuse("here must stand a list (lines that begin with -).")
        yield from self.value

    def text(self) -> str:
        """Return it as text; a number counts as text."""
        if isinstance(self.value, bool | dict | list | type(None)) or str(self.value).strip() == "":
            self.refuse("here must stand a text.")
        return str(self.value).strip()

    def whole(self, *, least: int = 0, most: int = 10**9) -> int:
        """Return it as a whole number between `least` and `most`."""
        if isinstance(self.value, bool) or not isinstance(self.value, int):
            self.refuse(f"{_shown(self.value)} is no whole number.")
        if not least <= self.value <= most:
            self.refuse(f"{self.value} does not lie between {least:,} and {most:,}.")
        return self.value

    def number(self, *, least: float = 0.0, most: float = 1e12) -> float:
        """Return it as a number between `least` and `most`."""
        if isinstance(self.value, bool) or not isinstance(self.value, int | float) or self.value != self.value:
            self.refuse(f"{_shown(self.value)} is no number.")
        if not least <= self.value <= most:
            self.refuse(f"{self.value} does not lie between {least:g} and {most:g}.")
        return float(self.value)

    def day(self) -> date:
        """Return it as a date (2016-10-17)."""
        if isinstance(self.value, datetime) or not isinstance(self.value, date):
            self.refuse(f"{_shown(self.value)} is no date; write 2016-10-17.")
        return self.value

    def flag(self) -> bool:
        """Return it as true or false."""
        if not isinstance(self.value, bool):
            self.refuse(f"{_shown(self.value)} is neither true nor false.")
        return self.value


class Fields:
    """The fields of a mapping; `done()` refuses what nobody asked for."""

    def __init__(self, part: Part, left: dict[str, Part]) -> None:
        self.part = part
        self._left = left
        self._known: list[str] = []

    def take(self, name: str) -> Part:
        """Return a field that has to be there."""
        found = self.maybe(name)
        if found is None:
            self.part.refuse(f"the field '{name}' is missing.")
        return found

    def maybe(self, name: str) -> Part | None:
        """Return a field, or None when it is not there or empty."""
        self._known.append(name)
        found = self._left.pop(name, None)
        return None if found is None or found.value is None else found

    def all(self, name: str) -> list[Part]:
        """Return the entries of a list, none when it is not there."""
        found = self.maybe(name)
        return [] if found is None else list(found.items())

    def done(self) -> None:
        """Refuse a field that is not known here."""
        for name, part in self._left.items():
            part.refuse(f"there is no field '{name}' here.", f"Known here: {', '.join(self._known)}.")


def parse(data: bytes, *, file: str) -> Part:
    """Return the bytes of a YAML file as Parts. Raises BadPlanFile with line and column."""
    try:
        node = yaml.compose(data.decode("utf-8-sig"), Loader=yaml.SafeLoader)
        if node is None:
            raise BadPlanFile(file=file, line=1, column=1, problem="the file is empty.")
        return _part(node, file, set(), 0)
    except UnicodeDecodeError as problem:
        line = data[: problem.start].count(b"\n") + 1
        raise BadPlanFile(file=file, line=line, column=1, problem="a byte is not UTF-8.") from problem
    except RecursionError as problem:
        raise BadPlanFile(file=file, line=1, column=1, problem="the file is nested too deeply.") from problem
    except yaml.YAMLError as problem:
        mark = getattr(problem, "problem_mark", None)
        what = getattr(problem, "problem", None) or "it cannot be read"
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        raise BadPlanFile(file=file, line=line, column=column, problem=f"this is no YAML: {what}.") from problem


def _part(node: yaml.Node, file: str, seen: set[int], depth: int) -> Part:
    place = Part(None, file, node.start_mark.line + 1, node.start_mark.column + 1)
    if depth > DEEPEST:
        place.refuse("the file is nested too deeply.")
    if id(node) in seen:
        place.refuse("anchors and aliases are not read here; write it out.")
    seen.add(id(node))
    if isinstance(node, yaml.CollectionNode) and node.tag not in PLAIN:
        place.refuse(f"this value cannot be read: plain lists and fields have no tag such as {node.tag}.")
    if isinstance(node, yaml.MappingNode):
        found: dict[str, Part] = {}
        for key_node, value_node in node.value:
            key = _part(key_node, file, seen, depth + 1)
            name = key.text()
            if name in found:
                key.refuse(f"the field '{name}' stands here twice.")
            found[name] = _part(value_node, file, seen, depth + 1)
        return Part(found, file, place.line, place.column)
    if isinstance(node, yaml.SequenceNode):
        return Part([_part(n, file, seen, depth + 1) for n in node.value], file, place.line, place.column)
    try:
        value = yaml.SafeLoader("").construct_object(node)
    except (yaml.YAMLError, ValueError) as problem:
        place.refuse(f"this value cannot be read: {getattr(problem, 'problem', None) or problem}.")
    return Part(value, file, place.line, place.column)


def _shown(value: Any) -> str:
    text = f"'{value}'" if isinstance(value, str) else str(value)
    return "this" if isinstance(value, dict | list) else text[:40]
