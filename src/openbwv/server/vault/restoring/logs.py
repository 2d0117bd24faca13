"""Which log is put back: the longest copy that continues the database's, judged against the newest checkpoint known."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from openbwv.custody import Checkpoint, CustodyError, EventType, LogReader, decode_leaf, open_note
from openbwv.server.vault.restoring.errors import BackupDamaged
from openbwv.shared.log_folder import LogFolder

CHECKPOINT_NAME = "checkpoint"


@dataclass(frozen=True)
class Choice:
    """The log that is put back, the newest checkpoint anybody showed, and every subject that a leaf says is erased."""

    reader: LogReader
    note: str
    checkpoint: Checkpoint
    newest: Checkpoint
    erased: frozenset[bytes]

    @property
    def behind(self) -> bool:
        """Say whether a checkpoint is known that this log does not reach, or that is of another history."""
        return self.newest.size > self.checkpoint.size or (
            self.newest.size == self.checkpoint.size and self.newest.root != self.checkpoint.root
        )


def choose_log(work: Path, *, head: tuple[int, bytes], vkey: str, others: list[Path], notes: list[str]) -> Choice:
    """Put the best log into `work`/log and return it.

    `head`: size and root that the backup's database knows. Raises BackupDamaged when no copy continues it. A copy whose
    checkpoint is not signed with the force's key, or whose files do not lead to it, is not used at all.
    """
    candidates = [found for folder in [work / "log", *others] if (found := _usable(folder, vkey)) is not None]
    fitting = [(reader, note) for reader, note in candidates if _continues(reader, note, head, vkey)]
    if not fitting:
        raise BackupDamaged(
            what=f"No copy of the log reaches the {head[0]} entries that the backup's database knows.",
            remedy="Give a whole copy of the force's log with --log DIR.",
        )
    reader, note = max(fitting, key=lambda each: open_note(each[1], vkey).size)
    reader = _put_in_place(reader, work / "log", vkey)
    checkpoint = open_note(note, vkey)
    known = [checkpoint, *(open_note(each, vkey) for _, each in candidates), *_signed(notes, vkey)]
    newest = max(known, key=lambda each: (each.size, each.root != checkpoint.root and each.size == checkpoint.size))
    erased = frozenset(subject for each, text in candidates for subject in _erased(each, open_note(text, vkey).size))
    return Choice(reader, note, checkpoint, newest, erased)


def leaves_after(choice: Choice, size: int) -> Iterator[tuple[int, bytes]]:
    """Yield index and bytes of the chosen log's entries from `size` on."""
    yield from enumerate(choice.reader.entries(size, choice.checkpoint.size), start=size)


def _usable(folder: Path, vkey: str) -> tuple[LogReader, str] | None:
    """Return the log in `folder` when its files lead to a checkpoint signed with the force's key."""
    reader = LogReader(LogFolder(folder), vkey=vkey)
    try:
        note = reader.note()
        checkpoint = open_note(note, vkey)
        return (reader, note) if reader.edge(checkpoint.size).root() == checkpoint.root else None
    except CustodyError:
        return None  # the caller raises when nothing is left


def _continues(reader: LogReader, note: str, head: tuple[int, bytes], vkey: str) -> bool:
    size = open_note(note, vkey).size
    return size >= head[0] and reader.root_at(head[0], size) == head[1]


def _signed(notes: list[str], vkey: str) -> Iterator[Checkpoint]:
    for note in notes:
        yield open_note(note, vkey)


def _erased(reader: LogReader, size: int) -> Iterator[bytes]:
    for entry in reader.entries(0, size):
        leaf = decode_leaf(entry)
        if leaf.type == EventType.ERASED:
            yield leaf.subj


def _put_in_place(reader: LogReader, target: Path, vkey: str) -> LogReader:
    source = reader.storage.folder  # type: ignore[attr-defined]  # only LogFolder is used here
    if source != target:
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(source, target)
    return LogReader(LogFolder(target), vkey=vkey)
