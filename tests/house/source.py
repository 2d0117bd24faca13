"""The source as the house tests see it: parsed, never imported."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SRC = ROOT / "src" / "openbwv"


@dataclass(frozen=True)
class Module:
    """One file of ours: its dotted name, path and syntax tree."""

    name: str
    path: Path
    tree: ast.Module
    lines: int

    @property
    def room(self) -> str:
        """The package below openbwv it lives in, empty for a module of openbwv itself."""
        words = self.name.split(".")
        return words[1] if len(words) > 2 or (self.path.name == "__init__.py" and len(words) > 1) else ""

    @property
    def short(self) -> str:
        return str(self.path.relative_to(ROOT))

    def imports(self) -> Iterator[tuple[str, int]]:
        """Yield (dotted name, line) of everything this module imports, wherever in it."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from ((alias.name, node.lineno) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                base = node.module or ""
                if node.level:
                    package = self.name.split(".")
                    keep = len(package) - node.level + (self.path.name == "__init__.py")
                    base = ".".join([*package[:keep], *([node.module] if node.module else [])])
                yield base, node.lineno
                yield from ((f"{base}.{alias.name}", node.lineno) for alias in node.names)


@cache
def modules() -> tuple[Module, ...]:
    """Return every Python file of ours below src/, without migrations."""
    return tuple(_read(path) for path in sorted(SRC.rglob("*.py")) if "migrations" not in path.parts)


@cache
def suite() -> tuple[Module, ...]:
    return tuple(_read(path) for path in sorted((ROOT / "tests").rglob("*.py")))


def _read(path: Path) -> Module:
    text = path.read_text(encoding="utf-8")
    base = ROOT / "src" if path.is_relative_to(SRC) else ROOT
    words = list(path.relative_to(base).with_suffix("").parts)
    if words[-1] == "__init__":
        words.pop()
    return Module(".".join(words), path, ast.parse(text), text.count("\n"))


def functions(module: Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(module.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node
