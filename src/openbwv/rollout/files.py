"""Where the roll-out and capacity commands touch the disk: reading what is given, writing what is asked for."""

import os
from collections.abc import Mapping
from pathlib import Path

from openbwv.rollout.errors import BadRolloutOption, OutputExists

LARGEST_BYTES = 64 << 20


def read(path: str) -> bytes:
    """Return the bytes of a file. Raises BadRolloutOption when it cannot be read or is no plan's size."""
    try:
        data = Path(path).read_bytes()
    except OSError as problem:
        what = f"{path} cannot be read: {problem.strerror}."
        raise BadRolloutOption(what=what, remedy="Give the path of a file that you may read.") from problem
    if len(data) > LARGEST_BYTES:
        raise BadRolloutOption(what=f"{path} is larger than 64 MiB.", remedy="Give a plan, not its data.")
    return data


def beside(path: str, name: str) -> str:
    """Return the path of the file `name` that a plan at `path` speaks of."""
    return str(Path(path).parent / name)


def write_missing(folder: str, texts: Mapping[str, str]) -> list[str]:
    """Write those of `texts` that are not below `folder` yet, and return their paths."""
    missing = {name: text for name, text in texts.items() if not (Path(folder) / name).exists()}
    return write_all(folder, missing, replace=False)


def write_all(folder: str, texts: Mapping[str, str], *, replace: bool) -> list[str]:
    """Write each text below `folder` and return the paths.

    Raises OutputExists, before anything is written, when one is there and `replace` is false, or the folder cannot be
    made.
    """
    root = Path(folder)
    there = [name for name in texts if (root / name).exists()]
    if there and not replace:
        raise OutputExists(
            what=f"{root / there[0]} is there already; nothing was written.",
            remedy="Give another folder, or --force to replace the files.",
        )
    paths = []
    try:
        root.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            partly = root / f".{name}.{os.getpid()}"
            partly.write_text(text, encoding="utf-8", newline="")
            partly.replace(root / name)
            paths.append(str(root / name))
    except OSError as problem:
        what = f"{root} cannot be written: {problem.strerror}."
        raise OutputExists(what=what, remedy="Give a folder that you may write to.") from problem
    return paths
