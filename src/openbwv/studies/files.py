"""The edge: files in and out, and standard output. Nothing else in the core of studies touches the machine."""

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from openbwv.studies.errors import AllocationExists, BadStudyOption, BadTable


def read_bytes(path: str) -> bytes:
    """Return a file's bytes; raises BadTable when it cannot be read."""
    try:
        return Path(path).read_bytes()
    except OSError as problem:
        raise BadTable(
            what=f"{path} cannot be read: {problem.strerror or problem}.", remedy="Name a file that exists."
        ) from problem


def write_once(path: str, data: bytes) -> None:
    """Write a file that must not be there yet, whole or not at all; raises AllocationExists when it is.

    It is written beside its place, made durable, then linked to its name: link(2) fails where the name is taken, so
    two draws at the same moment cannot both win.
    """
    place = Path(path)
    draft = place.with_name(f".{place.name}.{os.getpid()}")
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.link(draft, place)
        finally:
            draft.unlink(missing_ok=True)
        folder = os.open(place.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except FileExistsError as problem:
        raise AllocationExists(
            what=f"{path} is there already.",
            remedy="What was drawn or registered stays; use another name only for another study.",
        ) from problem
    except OSError as problem:
        remedy = "Choose a folder that can be written to."
        raise BadStudyOption(what=f"{path} cannot be written: {problem.strerror}.", remedy=remedy) from problem


def write_report(folder: str, files: Mapping[str, str]) -> list[str]:
    """Write a report's files into a folder, replacing those of an earlier report; returns their paths."""
    place = Path(folder)
    try:
        place.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (place / name).write_text(text, encoding="utf-8", newline="")
    except OSError as problem:
        remedy = "Choose a folder that can be written to."
        raise BadStudyOption(what=f"{folder} cannot be written: {problem.strerror}.", remedy=remedy) from problem
    return [str(place / name) for name in files]


def exists(path: str) -> bool:
    """Say whether there is a file of that name."""
    return Path(path).exists()


def say(text: str) -> None:
    """Write lines to standard output."""
    sys.stdout.write(text if text.endswith("\n") else text + "\n")


def say_json(value: Mapping[str, Any]) -> None:
    """Write one line of JSON to standard output; a number that is none would be an error, not NaN."""
    say(json.dumps(value, ensure_ascii=False, allow_nan=False))
