"""Entries that contradict what a dock holds: handed on, so that the server hears of a copied key as well.

SPOOL/<kid>/aside/<rec_id>-<seq>-<hash>.entry is a second signed entry for a place that is taken. The first goes to the
server with its recording; this one is sent after it as an entry of that place. The door compares the two, keeps it
aside and raises its alarm; then the file is called `….entry.told`, and stays.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from openbwv.dock.layout import ASIDE, Layout
from openbwv.shared.durable import sync_folder

NAME = re.compile(r"([0-9a-f]{32})-(\d{8,})-[0-9a-f]{16}\.entry")


@dataclass(frozen=True)
class Contradiction:
    """One such entry and the place it claims."""

    path: Path
    rec_id: bytes
    seq: int

    @property
    def entry(self) -> bytes:
        """The signed entry as it came."""
        return self.path.read_bytes()

    def mark_told(self) -> None:
        """Note that the server keeps it aside."""
        self.path.rename(self.path.with_name(f"{self.path.name}.told"))
        sync_folder(self.path.parent)


def untold(layout: Layout) -> Iterator[Contradiction]:
    """Yield the entries that the server has not been told of."""
    for kid in layout.cameras():
        folder = layout.camera(kid) / ASIDE
        for path in sorted(folder.glob("*.entry")) if folder.is_dir() else ():
            if match := NAME.fullmatch(path.name):
                yield Contradiction(path, bytes.fromhex(match[1]), int(match[2]))
