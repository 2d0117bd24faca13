"""Writing a log: one writer, append only, in an order that a crash cannot spoil.

Order of one append: entry bundles, tiles (each durable before the next) → the checkpoint kept outside, by compare and
swap → the published checkpoint. The compare and swap is the moment at which the entries are in the log. A writer that
dies before it leaves files that no checkpoint covers, which `open_log` removes; one that dies after it leaves a
published checkpoint that `open_log` brings up to date. Either way the log goes on to the same root.
"""

from openbwv.custody.edge import Edge
from openbwv.custody.errors import LogDamaged, LogMissing, LogMustReopen, LogRolledBack, ProofRejected
from openbwv.custody.notes import Checkpoint, Sign, open_note, parse_vkey, sign_checkpoint
from openbwv.custody.reader import LogReader
from openbwv.custody.storage import CheckpointPlace, LogStorage
from openbwv.custody.tiles import (
    BUNDLE_LEVEL,
    CHECKPOINT_PATH,
    MAX_LEVEL,
    TILE_HEIGHT,
    TILE_WIDTH,
    Tile,
    TileFile,
    parse_tile_path,
)


class Log(LogReader):
    """The writer's view. Make it with `create_log` or `open_log`, never directly."""

    def __init__(
        self, storage: LogStorage, *, vkey: str, sign: Sign, outside: CheckpointPlace, edge: Edge, note: str
    ) -> None:
        super().__init__(storage, vkey=vkey)
        self._sign = sign
        self._outside = outside
        self._edge = edge
        self._note = note
        self._interrupted = False

    @property
    def size(self) -> int:
        """How many entries the log has."""
        return self._edge.size

    @property
    def root(self) -> bytes:
        """The root hash over them."""
        return self._edge.root()

    def append(self, entries: list[bytes]) -> range:
        """Append `entries` as one batch under one new checkpoint and return their indices; durable on return.

        Raises EntryTooLong and what `sign` raises (nothing happened then), CheckpointMoved, LogConflict and what the
        storage raises: after those the log must be opened again before the next append, or it is LogMustReopen.
        """
        if self._interrupted:
            raise LogMustReopen(
                what="The last append to the custody log was interrupted.", remedy="Open the log again, then go on."
            )
        if not entries:
            return range(self.size, self.size)
        edge, files = self._edge.extended(entries)
        note = sign_checkpoint(
            Checkpoint(parse_vkey(self.vkey).name, edge.size, edge.root()), sign=self._sign, vkey=self.vkey
        )
        self._interrupted = True
        for file in files:
            self.storage.write_once(file.tile.path, file.data)
        self._outside.swap(self._note, note)
        self.storage.publish_checkpoint(note)
        added = range(self._edge.size, edge.size)
        self._edge, self._note, self._interrupted = edge, note, False
        self._discard_partials(files)
        return added

    def _discard_partials(self, files: list[TileFile]) -> None:
        """Remove the partial versions of tiles that are full now (tlog-tiles allows it; readers take the full one)."""
        for file in files:
            if file.tile.width == TILE_WIDTH:
                for name in self.storage.list(file.tile.folder):
                    self.storage.discard(f"{file.tile.folder}/{name}")


def create_log(storage: LogStorage, *, vkey: str, sign: Sign, outside: CheckpointPlace) -> Log:
    """Begin a log with a signed checkpoint of no entries; raises CheckpointMoved or LogRolledBack if one was begun."""
    if storage.read(CHECKPOINT_PATH) is not None or storage.list("tile"):
        raise LogRolledBack(
            what="There are files of a custody log already.", remedy="Open that log; a new one needs an empty folder."
        )
    edge = Edge()
    note = sign_checkpoint(Checkpoint(parse_vkey(vkey).name, 0, edge.root()), sign=sign, vkey=vkey)
    outside.swap(None, note)
    storage.publish_checkpoint(note)
    return Log(storage, vkey=vkey, sign=sign, outside=outside, edge=edge, note=note)


def open_log(storage: LogStorage, *, vkey: str, sign: Sign, outside: CheckpointPlace) -> Log:
    """Open a log for writing, finishing or undoing what a crash interrupted.

    Raises LogMissing when it was never begun, LogRolledBack when the files are behind or beside the checkpoint kept
    outside, LogDamaged when they do not lead to its root, NoteRejected when a checkpoint's signature does not hold.
    """
    note = outside.read()
    published = storage.read(CHECKPOINT_PATH)
    if note is None:
        if published is None and not storage.list("tile"):
            raise LogMissing(what="This force has no custody log yet.", remedy="Make one with `./bwv init`.")
        raise LogRolledBack(
            what="The log's files are there, but the checkpoint kept outside them is gone.",
            remedy="Bring that file back (BWV_CHECKPOINT_PLACE names it), or begin a new generation: `./bwv restore`.",
        )
    head = open_note(note, vkey)
    reader = LogReader(storage, vkey=vkey)
    edge = _edge_at(reader, head)
    if published is None or published.decode("utf-8", "replace") != note:
        _check_behind(reader, published, head)
        storage.publish_checkpoint(note)
    discard_uncovered(storage, head.size)
    return Log(storage, vkey=vkey, sign=sign, outside=outside, edge=edge, note=note)


def _edge_at(reader: LogReader, head: Checkpoint) -> Edge:
    try:
        edge = reader.edge(head.size)
    except LogDamaged as problem:
        raise LogRolledBack(
            what=f"The log's files do not reach the {head.size} entries of the checkpoint kept outside. {problem.what}",
            remedy="An older copy of the log was put back, or files were lost: restore the newest copy, or begin a new "
            "generation with `./bwv restore`.",
        ) from problem
    if edge.root() != head.root:
        raise LogRolledBack(
            what=f"The log's files are another log than the checkpoint kept outside at {head.size} entries.",
            remedy="Keep both, restore the files that belong to that checkpoint, and find out who changed them.",
        )
    return edge


def _check_behind(reader: LogReader, published: bytes | None, head: Checkpoint) -> None:
    """A published checkpoint that is not the one outside must be an older state of the same log, from one crash."""
    if published is None:
        if head.size:
            raise LogRolledBack(
                what="The log's published checkpoint is gone.", remedy="Bring the log's folder back from a copy."
            )
        return
    old = open_note(published, reader.vkey)
    if old == head:
        return
    if old.size >= head.size:
        raise LogRolledBack(
            what=f"The published checkpoint has {old.size} entries; the one kept outside says {head.size}.",
            remedy="The outside checkpoint was put back or replaced: bring the newest one back, or begin a new "
            "generation with `./bwv restore`.",
        )
    try:
        reader.check_consistent(old, head)
    except ProofRejected as problem:
        raise LogRolledBack(
            what=f"The published checkpoint is not an older state of the one kept outside. {problem.what}",
            remedy="Keep both, restore the files that belong to the outside checkpoint, and find out who changed them.",
        ) from problem


def discard_uncovered(storage: LogStorage, size: int) -> list[str]:
    """Remove the files that an interrupted append left past `size` entries and return their paths.

    No checkpoint ever covered them and their entries still wait to be logged. Only the folders at the edge are read.
    """
    removed: list[str] = []
    for level in range(BUNDLE_LEVEL, MAX_LEVEL + 1):
        edge = size >> (TILE_HEIGHT * (max(level, 0) + 1))
        for path in _paths_from(storage, level, edge):
            tile = parse_tile_path(path)
            if tile is not None and tile.end_index() > size:
                storage.discard(path)
                removed.append(path)
    return removed


def _paths_from(storage: LogStorage, level: int, number: int) -> list[str]:
    """Return the paths of tile `number` of `level` and of those after it, full and partial, until none exists."""
    paths: list[str] = []
    while True:
        tile = Tile(level, number, TILE_WIDTH)
        found = [f"{tile.folder}/{name}" for name in storage.list(tile.folder)]
        if storage.read(tile.path) is not None:
            found.append(tile.path)
        if not found:
            return paths
        paths += found
        number += 1
