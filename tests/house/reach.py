"""From each address of the server to what its code can reach, by the names that stand in the source.

A name counts as used, whether it is called or handed on, so this finds too much rather than too little. Methods are
reached with their class.
"""

import ast
import inspect
from collections.abc import Iterator
from functools import cache

from tests.house.source import Module, modules

# Whoever uses one of these may give out what the vault holds, or an answer that is not a page.
VAULT = ("openbwv.server.vault.opened.", "openbwv.server.vault.media_map.manifest_runs")
ANSWERS = ("django.http.StreamingHttpResponse", "django.http.FileResponse")
TYPED_ANSWER = "HttpResponse with a content type"


def ways_out(view: object) -> set[str]:
    """Return what of the vault's contents, and of answers that are no page, the code of a view or handler can reach."""
    return {name for start in names_of(view) for name in reached(start) if is_way_out(name)}


def is_way_out(name: str) -> bool:
    return name.startswith(VAULT) or name in (*ANSWERS, TYPED_ANSWER)


def names_of(view: object) -> set[str]:
    """Return the dotted names of our functions in a view: itself, what it wraps, what its closure holds."""
    found, waiting, seen = set(), [view], set()
    while waiting:
        each = waiting.pop()
        if id(each) in seen or not callable(each):
            continue
        seen.add(id(each))
        module = getattr(each, "__module__", "") or ""
        if module.startswith("openbwv."):
            found.add(f"{module}.{getattr(each, '__qualname__', '').partition('.')[0]}")
        waiting.append(getattr(each, "__wrapped__", None))
        if inspect.isfunction(each):
            waiting += inspect.getclosurevars(each).nonlocals.values()
    return found


@cache
def reached(start: str) -> frozenset[str]:
    """Return every name that can be reached from `start`."""
    found, waiting = set(), [start]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += graph()[name] if name in graph() else [name.rpartition(".")[0]]  # `Model.objects` uses Model
    return frozenset(found)


@cache
def graph() -> dict[str, set[str]]:
    """Return, for each thing that a module of the server defines or imports under a name, the names that it uses."""
    return {name: uses for module in modules() if module.room == "server" for name, uses in defined(module)}


def defined(module: Module) -> Iterator[tuple[str, set[str]]]:
    known = imported(module, module.tree)
    for name, target in known.items():
        yield f"{module.name}.{name}", {target}
    here = {name for node in module.tree.body for name in bound(node)}
    known |= {name: f"{module.name}.{name}" for name in here}
    for node in module.tree.body:
        for name in bound(node):
            yield f"{module.name}.{name}", set(used(node, known | imported(module, node)))


def imported(module: Module, tree: ast.AST) -> dict[str, str]:
    found = {}
    for node in tree.body if isinstance(tree, ast.Module) else ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and not node.level:
            found |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {alias.asname or alias.name: alias.name for alias in node.names}
    return found


def bound(node: ast.stmt) -> list[str]:
    """Return the names that a statement of a module defines."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return [node.name]
    if isinstance(node, ast.Assign | ast.AnnAssign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        return [target.id for target in targets if isinstance(target, ast.Name)]
    return []


def used(node: ast.AST, known: dict[str, str]) -> Iterator[str]:
    for each in ast.walk(node):
        if isinstance(each, ast.Name | ast.Attribute):
            head, *rest = ast.unparse(each).split(".")
            if head in known:
                yield ".".join([known[head], *rest])
        is_answer = isinstance(each, ast.Call) and ast.unparse(each.func) == "HttpResponse"
        if is_answer and any(keyword.arg == "content_type" for keyword in each.keywords):
            yield TYPED_ANSWER
