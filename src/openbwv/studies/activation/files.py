"""Files of the activation commands: read whole, write beside one another, never over what is there."""

from collections.abc import Mapping
from pathlib import Path

from openbwv.studies.csv_rows import LARGEST_BYTES
from openbwv.studies.errors import BadStudyOption, BadTable


def load(path: str) -> bytes:
    """Return the bytes of a file; raises BadTable when there is none, or when it is too large."""
    try:
        if Path(path).stat().st_size > LARGEST_BYTES:
            what = f"{path} is larger than {LARGEST_BYTES // 2**20:,} MiB."
            raise BadTable(what=what, remedy="Split it by month and read the parts one by one.")
        return Path(path).read_bytes()
    except OSError as problem:
        what = f"{path} cannot be read: {problem.strerror}."
        raise BadTable(what=what, remedy="Check the name and the rights of the file.") from problem


def write(folder: str, files: Mapping[str, str], *, replace: bool) -> list[str]:
    """Write the files into `folder` and return their paths; raises BadStudyOption where one exists already."""
    place = Path(folder)
    place.mkdir(parents=True, exist_ok=True)
    there = [name for name in files if (place / name).exists()]
    if there and not replace:
        raise BadStudyOption(
            what=f"{folder} already has {', '.join(there[:4])}{' …' if len(there) > 4 else ''}.",
            remedy="Name another folder, or say --force to replace them.",
        )
    for name, text in files.items():
        (place / name).write_text(text, encoding="utf-8", newline="")
    return [str(place / name) for name in files]
