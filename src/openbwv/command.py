"""The command line: one table of commands, one way to fail.

Exit codes: 0 done; 64 bad usage; others as `recording.errors` names them; 70 an internal error; 130 stopped by
Ctrl-C; 141 whoever read the output went away. Only `verify` gives 1 and 2 a meaning, so nothing else may end in them by
accident: argparse's own 2 becomes 64, and a traceback ends in 70.
"""

import argparse
import importlib
import json
import os
import signal
import sys
import traceback
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from openbwv.recording.errors import EXIT_INTERNAL, EXIT_USAGE, BwvError

# name -> (module:function, one line for --help). The function takes the arguments after the name.
COMMANDS: dict[str, tuple[str, str]] = {
    "init": ("openbwv.server.commands.init:main", "make a new force: agency CA, keyring, log, its administrator"),
    "camera": ("openbwv.camera.cli:main", "record, run, enrol and assign a camera"),
    "dock": ("openbwv.dock.cli:main", "run or enrol a dock"),
    "server": (
        "openbwv.server.commands.server:main",
        "the evidence server: pages and media; `server door` for uploads",
    ),
    "worker": ("openbwv.server.commands.worker:main", "the custody log's sequencer and the periodic jobs"),
    "keyd": ("openbwv.server.commands.keyd:main", "the key service"),
    "person": ("openbwv.server.commands.person:main", "add people and units, set roles"),
    "fleet": ("openbwv.server.commands.fleet:main", "cameras and docks: list, invite a dock, revoke"),
    "check": ("openbwv.server.commands.check:main", "walk database, files, log and keys; report every disagreement"),
    "retention": ("openbwv.server.commands.retention:main", "what deletion would do today; --execute to do it"),
    "policy": ("openbwv.server.commands.policy:main", "show, propose or approve a retention policy"),
    "export": ("openbwv.server.commands.export:main", "write an offline bundle of one recording"),
    "backup": ("openbwv.server.commands.backup:main", "copy the force's state without its keys"),
    "restore": ("openbwv.server.commands.restore:main", "bring a backup back"),
    "upgrade": ("openbwv.server.commands.upgrade:main", "bring a force's database up to this version"),
    "rollout": ("openbwv.rollout.cli:main", "who gets cameras when: plan, plan again, report"),
    "capacity": ("openbwv.rollout.capacity.cli:main", "storage, network, docks and people for a number of cameras"),
    "activation": ("openbwv.studies.activation.cli:main", "match recordings to incidents; report who records"),
    "verify": ("openbwv.verify.cli:main", "judge a recording, a folder of them or a bundle, offline"),
    "demo": ("openbwv.demo.cli:main", "a small pretend force, start to end"),
    "study": ("openbwv.studies.cli:main", "camera trials: design, draw, power, analyse, report"),
    "bench": ("bench.cli:main", "measure one thing against its limit; needs a checkout"),
}
EXIT_PIPE = 128 + signal.SIGPIPE
LAUNCHER_COMMANDS = {"test": "ruff, mypy and pytest (`--long` for the slow ones); needs a checkout"}


class Parser(argparse.ArgumentParser):
    """`argparse` with our exit code for bad usage and examples shown as written."""

    def __init__(self, *args: Any, examples: str = "", **kwargs: Any) -> None:
        kwargs.setdefault("formatter_class", argparse.RawDescriptionHelpFormatter)
        if examples:
            kwargs["epilog"] = "examples:\n" + examples
        super().__init__(*args, **kwargs)

    def error(self, message: str) -> NoReturn:
        """Print usage and the message, then exit 64 (sysexits.h EX_USAGE)."""
        self.print_usage(sys.stderr)
        self.exit(EXIT_USAGE, f"{self.prog}: {message}\n")


class NotText(BwvError):
    """An argument of a command is not UTF-8, so it can be neither stored nor logged."""

    code = "not-text"
    exit_code = EXIT_USAGE

    def __init__(self, argument: str) -> None:
        shown = argument.encode("utf-8", "backslashreplace").decode()
        super().__init__(
            what=f"'{shown}' is not text in UTF-8; nothing was done.",
            remedy="Type it in a terminal that uses UTF-8 (LANG=C.UTF-8), or rename the file.",
        )


def run(main_function: Callable[[list[str]], int], argv: Sequence[str]) -> int:
    """Run one command and turn whatever it raises into a message and an exit code."""
    as_json = "--json" in argv
    try:
        try:
            return main_function(list(argv))
        except UnicodeEncodeError:
            for argument in argv:
                if not _is_text(argument):
                    raise NotText(argument) from None
            raise
    except BwvError as error:
        if as_json:
            sys.stdout.write(json.dumps({"error": error.as_dict()}) + "\n")
        sys.stderr.write(f"{error.what}\n{error.remedy}\n")
        return error.exit_code
    except KeyboardInterrupt:
        sys.stderr.write("Stopped.\n")
        return 130
    except BrokenPipeError:
        # Whoever read the output went away: like a process that SIGPIPE ended, and never a deed or a verdict that held.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # else flushing at exit fails once more
        return EXIT_PIPE
    except Exception:
        sys.stderr.write("An internal error; please report it with the lines below.\n" + traceback.format_exc())
        return EXIT_INTERNAL


def _is_text(argument: str) -> bool:
    """Say whether an argument came as UTF-8; Python keeps other bytes as lone surrogates (PEP 383)."""
    return not any("\ud800" <= character <= "\udfff" for character in argument)


def usage() -> str:
    """Return the list of commands, one a line."""
    width = max(map(len, COMMANDS))
    lines = {name: about for name, (_, about) in COMMANDS.items()} | LAUNCHER_COMMANDS
    rows = [f"  {name:<{width}}  {about}" for name, about in lines.items()]
    return (
        "usage: ./bwv COMMAND [OPTIONS]\n\ncommands:\n" + "\n".join(rows) + "\n\n`./bwv COMMAND --help` shows more.\n"
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Run `./bwv COMMAND …` and return its exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        sys.stdout.write(usage())
        return 0 if arguments else EXIT_USAGE
    name, *rest = arguments
    if name not in COMMANDS:
        sys.stderr.write(f"There is no command '{name}'.\n\n" + usage())
        return EXIT_USAGE
    module_name, function_name = COMMANDS[name][0].split(":")

    def call(arguments: list[str]) -> int:
        return int(getattr(importlib.import_module(module_name), function_name)(arguments))

    return run(call, rest)
