"""Which room may stand on which. The rules are those of docs/design/architecture.md."""

import ast
from collections.abc import Iterator

from tests.house.source import Module, modules

MAY_IMPORT = {
    "recording": {"recording", "custody"},
    "custody": {"custody", "recording"},
    "shared": {"shared", "recording", "custody"},
    "camera": {"camera", "shared", "recording", "custody", "command"},
    "dock": {"dock", "shared", "recording", "custody", "command"},
    "server": {"server", "shared", "recording", "custody", "command"},
    "verify": {"verify", "recording", "custody", "command"},
    "demo": {"demo"},
    "studies": {"studies", "shared", "recording", "command"},
    "rollout": {"rollout", "shared", "recording", "command"},
    "": {"command", "recording"},
}
PURE = ("recording", "custody", "studies", "rollout")
AT_THE_EDGE = ("cli.py", "files.py")  # where a room that is pure has a command line and files of its own
# What a pure module is handed as an argument, and never reaches for.
WORLD = ("secrets", "random", "socket", "pathlib", "httpx", "sqlite3", "django", "subprocess", "time", "os")
CALLS = ("open", "input", "print", "exec", "eval")
MOMENTS = (".now", ".today", ".utcnow")
RULE_FILES = ("rules.py", "deadlines.py", "plan.py")


def test_a_room_stands_only_on_the_rooms_below_it():
    wrong = [
        f"{module.short}:{line} imports {name}"
        for module in modules()
        for name, line in module.imports()
        if name.startswith("openbwv.") and name.split(".")[1] not in {"__version__", *MAY_IMPORT[module.room]}
    ]
    assert not wrong


def test_every_room_is_in_the_table():
    assert {module.room for module in modules()} <= set(MAY_IMPORT)


def test_a_pure_module_has_no_clock_chance_disk_or_network():
    pure = [
        module
        for module in modules()
        if (module.room in PURE and module.path.name not in AT_THE_EDGE) or module.path.name in RULE_FILES
    ]
    assert len(pure) > 20
    assert not [place for module in pure for place in reaches_out(module)]


def reaches_out(module: Module) -> Iterator[str]:
    for name, line in module.imports():
        if name.split(".")[0] in WORLD:
            yield f"{module.short}:{line} imports {name}"
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            if called in CALLS or called.endswith(MOMENTS):
                yield f"{module.short}:{node.lineno} calls {called}()"


def test_the_key_service_knows_no_django():
    keyd = [module for module in modules() if ".keyd" in module.name and "commands" not in module.name]
    assert keyd
    assert not [name for module in keyd for name, _ in module.imports() if name.split(".")[0] == "django"]
