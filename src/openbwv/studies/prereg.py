"""The pre-registration: what will be analysed and how, written and hashed before any outcome is looked at.

A YAML file with a fixed schema (docs/ref/studies.md). It is read with a safe loader, and every complaint names line and
column. Its SHA-256 is that of the bytes as they stand, so that a comment changed later is a change too. The analysis
compares what was asked with what was written and lists every departure; it forbids none.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from openbwv.studies.errors import BadPreregistration
from openbwv.studies.estimates import Model
from openbwv.studies.result import Result
from openbwv.studies.setup import KINDS, Design, Setup

TEXT, NUMBER, WHOLE, FLAG, TEXTS, DATE, SPAN = "text", "number", "whole number", "true or false", "list", "date", "span"
COLUMNS = {
    **dict.fromkeys(
        ("assigned", "block", "cluster", "baseline", "compliance", "together", "unit", "time", "first"), TEXT
    ),
    "exposure": SPAN,
    "baseline_exposure": SPAN,
    "covariates": TEXTS,
}
OUTCOME = {"name": TEXT, "family": TEXT, "kind": TEXT, "model": TEXT, "primary": FLAG}
FIELDS: dict[str, Any] = {
    "title": TEXT,
    "design": TEXT,
    "outcomes": [OUTCOME],
    "columns": COLUMNS,
    "order_randomised": FLAG,
    "window_days": NUMBER,
    "alpha": NUMBER,
    "draws": WHOLE,
    "seed": WHOLE,
    "exclusions": TEXTS,
    "allocation_sha256": TEXT,
    "registered": DATE,
    "note": TEXT,
}
REQUIRED = ("title", "design", "outcomes")
SHA256 = re.compile(r"[0-9a-f]{64}")
TAGS = {
    TEXT: ("str",),
    NUMBER: ("int", "float"),
    WHOLE: ("int",),
    FLAG: ("bool",),
    DATE: ("timestamp", "str"),
    SPAN: ("str", "int", "float"),
}


@dataclass(frozen=True)
class Preregistration:
    """The file's contents, checked, and its SHA-256."""

    file: str
    sha256: str
    fields: Mapping[str, Any]

    @property
    def design(self) -> Design:
        """The design that was registered."""
        return Design(self.fields["design"])

    @property
    def outcomes(self) -> list[str]:
        """The columns of the registered outcomes."""
        return [outcome["name"] for outcome in self.fields["outcomes"]]

    def setups(self) -> list[Setup]:
        """Return the analysis of each outcome just as it was registered."""
        columns = dict(self.fields.get("columns", {}))
        columns["covariates"] = tuple(columns.get("covariates", ()))
        more = {name: self.fields[name] for name in _CHOICES if name in self.fields}
        return [
            Setup(design=self.design, outcome=each["name"], kind=each.get("kind", "auto"), **columns, **more)
            for each in self.fields["outcomes"]
        ]

    def departures(self, results: Iterable[Result]) -> list[str]:
        """Return each way in which what was done is not what was registered, in words; none if all is as written."""
        done = list(results)
        found = [
            f"outcome '{r.setup.outcome}' was not registered" for r in done if r.setup.outcome not in self.outcomes
        ]
        seen = {result.setup.outcome for result in done}
        found += [f"registered outcome '{name}' was not analysed" for name in self.outcomes if name not in seen]
        wanted = {setup.outcome: setup for setup in self.setups()}
        for result in done:
            asked = wanted.get(result.setup.outcome) or next(iter(wanted.values()))
            found += _differences(asked, result.setup)
            found += self._model(result) + self._exclusions(result)
        return list(dict.fromkeys(found))

    def _model(self, result: Result) -> list[str]:
        models = {each["name"]: each.get("model") for each in self.fields["outcomes"]}
        wanted, got = models.get(result.setup.outcome), result.headline.model.value
        return (
            [f"'{result.setup.outcome}': {wanted} was registered, the headline is {got}"]
            if wanted not in (None, got)
            else []
        )

    def _exclusions(self, result: Result) -> list[str]:
        foreseen = self.fields.get("exclusions", [])
        counts: dict[str, int] = {}
        for row in result.excluded:
            counts[str(row["why"])] = counts.get(str(row["why"]), 0) + 1
        return [
            f"{n} rows left out for a reason not registered: {why}" for why, n in counts.items() if why not in foreseen
        ]


_CHOICES = ("order_randomised", "window_days", "alpha", "draws", "seed")


def _differences(asked: Setup, did: Setup) -> list[str]:
    names = ("design", "kind", *(name for name in COLUMNS), *_CHOICES)
    found = []
    for name in names:
        before, now = getattr(asked, name), getattr(did, name)
        if before != now:
            before, now = (getattr(value, "value", value) for value in (before, now))
            found.append(f"{name.replace('_', ' ')}: registered {_said(before)}, done {_said(now)}")
    return found


def _said(value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join(map(str, value)) or "none"
    return "none" if value is None else f"'{value}'"


def read_preregistration(data: bytes, *, file: str) -> Preregistration:
    """Read and check a pre-registration; raises BadPreregistration with line and column."""
    try:
        node = yaml.compose(data, Loader=yaml.SafeLoader)
        loaded = yaml.safe_load(data)
    except yaml.MarkedYAMLError as problem:
        mark = problem.problem_mark or problem.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        what = f"no YAML: {problem.problem or problem}."
        raise BadPreregistration(file=file, line=line, column=column, problem=what) from problem
    except (yaml.YAMLError, ValueError, RecursionError) as problem:
        what = f"no YAML: {str(problem).splitlines()[0]}."
        raise BadPreregistration(file=file, line=1, column=1, problem=what) from problem
    checker = _Checker(file)
    if node is None:
        raise BadPreregistration(file=file, line=1, column=1, problem="the file is empty.")
    checker.mapping(node, FIELDS, REQUIRED)
    checker.meaning(node, loaded)
    return Preregistration(file, hashlib.sha256(data).hexdigest(), loaded)


class _Checker:
    """Walks the nodes of a file beside its schema."""

    def __init__(self, file: str) -> None:
        self.file = file

    def refuse(self, node: yaml.Node, problem: str) -> None:
        mark = node.start_mark
        raise BadPreregistration(file=self.file, line=mark.line + 1, column=mark.column + 1, problem=problem)

    def mapping(self, node: yaml.Node, schema: Mapping[str, Any], required: Iterable[str] = ()) -> None:
        """Check a mapping: keys known, none twice, all required ones there, each value of its kind."""
        if not isinstance(node, yaml.MappingNode):
            self.refuse(node, "here must stand fields, each as 'name: value'.")
        seen: set[str] = set()
        for key, value in node.value:
            name = str(key.value)
            if name not in schema:
                self.refuse(key, f"there is no field '{name}'; use {', '.join(schema)}.")
            if name in seen:
                self.refuse(key, f"the field '{name}' stands here twice.")
            seen.add(name)
            self.value(value, schema[name], name)
        for name in required:
            if name not in seen:
                self.refuse(node, f"the field '{name}' is missing.")

    def value(self, node: yaml.Node, kind: Any, name: str) -> None:
        """Check one value against its kind."""
        if isinstance(kind, dict):
            self.mapping(node, kind)
        elif kind == TEXTS or isinstance(kind, list):
            if not isinstance(node, yaml.SequenceNode) or not node.value:
                self.refuse(node, f"'{name}' must be a list with something in it.")
            for each in node.value:
                if isinstance(kind, list):
                    self.mapping(each, kind[0], ("name",))
                else:
                    self.value(each, TEXT, name)
        elif not isinstance(node, yaml.ScalarNode) or node.tag.rpartition(":")[2] not in TAGS[kind]:
            self.refuse(node, f"'{name}' must be a {kind}; quote a text that looks like something else.")

    def meaning(self, node: yaml.MappingNode, loaded: Mapping[str, Any]) -> None:
        """Check what the kinds cannot: designs, models, ranges."""
        nodes = {str(key.value): value for key, value in node.value}
        designs = [design.value for design in Design]
        if loaded["design"] not in designs:
            self.refuse(nodes["design"], f"there is no design '{loaded['design']}'; use {', '.join(designs)}.")
        if not 0 < loaded.get("alpha", 0.05) < 1:
            self.refuse(nodes["alpha"], "'alpha' must lie between 0 and 1.")
        for name in ("draws", "seed"):
            if loaded.get(name, 0) < 0:
                self.refuse(nodes[name], f"'{name}' must not be negative.")
        if "allocation_sha256" in loaded and not SHA256.fullmatch(loaded["allocation_sha256"]):
            self.refuse(nodes["allocation_sha256"], "'allocation_sha256' must be 64 hexadecimal digits.")
        names = [outcome["name"] for outcome in loaded["outcomes"]]
        models = [model.value for model in Model]
        for place, (outcome, where) in enumerate(zip(loaded["outcomes"], nodes["outcomes"].value, strict=True)):
            if outcome["name"] in names[:place]:
                self.refuse(where, f"the outcome '{outcome['name']}' stands here twice.")
            if outcome.get("kind", "auto") not in KINDS:
                self.refuse(where, f"there is no kind '{outcome['kind']}'; use {', '.join(KINDS)}.")
            if outcome.get("model", models[0]) not in models:
                self.refuse(where, f"there is no model '{outcome['model']}'; use {', '.join(models)}.")


def write_preregistration(fields: Mapping[str, Any]) -> bytes:
    """Return a pre-registration as YAML bytes, its fields in the order of the schema."""
    ordered = {name: fields[name] for name in FIELDS if fields.get(name) not in (None, [], {}, ())}
    return yaml.safe_dump(ordered, sort_keys=False, allow_unicode=True, width=100).encode()
