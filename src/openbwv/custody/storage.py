"""What a log needs from the place that keeps its files, and from the place that keeps its newest checkpoint.

`shared/log_folder.py` keeps them in folders; `MemoryStorage` and `MemoryPlace` keep them in memory, for tests and for
checking a log that was fetched over the network.
"""

from typing import Protocol

from openbwv.custody.errors import CheckpointMoved, LogConflict


class LogStorage(Protocol):
    """The published files. Paths are those of C2SP tlog-tiles, relative, with `/`."""

    def read(self, path: str) -> bytes | None:
        """Return the file's bytes, or None when there is none."""
        ...

    def write_once(self, path: str, data: bytes) -> None:
        """Make a file that never changes; durable on return. The same bytes again are fine; others: LogConflict."""
        ...

    def publish_checkpoint(self, note: str) -> None:
        """Replace the file `checkpoint` in one step; durable on return. The only file that is ever replaced."""
        ...

    def list(self, folder: str) -> list[str]:
        """Return the names directly in `folder`; a folder's name ends in `/`. Empty when there is no such folder."""
        ...

    def discard(self, path: str) -> None:
        """Remove a file that no checkpoint needs: an interrupted append's, or a partial tile whose full one is here."""
        ...


class CheckpointPlace(Protocol):
    """The newest checkpoint, kept apart from files and database, so that no restore of those can take it back."""

    def read(self) -> str | None:
        """Return the note, or None when there never was one."""
        ...

    def swap(self, old: str | None, new: str) -> None:
        """Put `new` in the place of exactly `old`, durably; raises CheckpointMoved when something else is there."""
        ...


class MemoryStorage:
    """A log's files in memory."""

    def __init__(self, files: dict[str, bytes] | None = None) -> None:
        self.files: dict[str, bytes] = {} if files is None else files

    def read(self, path: str) -> bytes | None:
        """See LogStorage."""
        return self.files.get(path)

    def write_once(self, path: str, data: bytes) -> None:
        """See LogStorage."""
        if self.files.setdefault(path, data) != data:
            raise file_conflict(path)

    def publish_checkpoint(self, note: str) -> None:
        """See LogStorage."""
        self.files["checkpoint"] = note.encode()

    def list(self, folder: str) -> list[str]:
        """See LogStorage."""
        start = folder.rstrip("/") + "/" if folder else ""
        names = set()
        for path in self.files:
            if path.startswith(start):
                name, slash, _ = path[len(start) :].partition("/")
                names.add(name + slash)
        return sorted(names)

    def discard(self, path: str) -> None:
        """See LogStorage."""
        self.files.pop(path, None)


class MemoryPlace:
    """A checkpoint place in memory."""

    def __init__(self, note: str | None = None) -> None:
        self.note = note

    def read(self) -> str | None:
        """See CheckpointPlace."""
        return self.note

    def swap(self, old: str | None, new: str) -> None:
        """See CheckpointPlace."""
        if self.note != old:
            raise checkpoint_moved()
        self.note = new


def file_conflict(path: str) -> LogConflict:
    """Return the error for a published name that holds other bytes."""
    return LogConflict(
        what=f"{path} of the custody log is there already and holds something else. It was not changed.",
        remedy="Another writer is at work, or the log was restored: stop every worker and run `./bwv check`.",
    )


def checkpoint_moved() -> CheckpointMoved:
    """Return the error for a checkpoint place that changed behind this writer's back."""
    return CheckpointMoved(
        what="The checkpoint kept outside the log is not the one this worker wrote last. Nothing was published.",
        remedy="Only one worker may write the log: stop the others, run `./bwv check`, then start one again.",
    )
