"""Reading a log: its checkpoint, entries and hashes, and the proofs made from them.

A reader trusts nothing it reads further than the checkpoint's signature: every proof it hands out is checked against
the signed root first, so a damaged file ends in LogDamaged and never in a wrong proof.
"""

from collections.abc import Iterator

from openbwv.custody.edge import Edge
from openbwv.custody.errors import LogDamaged, LogMissing, ProofRejected
from openbwv.custody.hashes import leaf_hash, perfect_root, split_hashes
from openbwv.custody.notes import Checkpoint, open_note
from openbwv.custody.proofs import (
    make_consistency,
    make_inclusion,
    range_hash,
    verify_consistency,
    verify_inclusion,
)
from openbwv.custody.storage import LogStorage
from openbwv.custody.tiles import (
    BUNDLE_LEVEL,
    CHECKPOINT_PATH,
    TILE_HEIGHT,
    TILE_WIDTH,
    Tile,
    decode_bundle,
    levels,
    tile_width,
)
from openbwv.custody.tlog_proof import encode_tlog_proof


class LogReader:
    """One log, seen through its published files. `vkey` is the key its checkpoints must be signed with."""

    def __init__(self, storage: LogStorage, *, vkey: str) -> None:
        self.storage = storage
        self.vkey = vkey

    def note(self) -> str:
        """Return the published signed checkpoint; raises LogMissing when there is none, NoteRejected when it is bad."""
        data = self.storage.read(CHECKPOINT_PATH)
        if data is None:
            raise LogMissing(
                what="There is no checkpoint in the custody log's folder.",
                remedy="Start `./bwv worker` once, or bring the log back with `./bwv restore`.",
            )
        open_note(data, self.vkey)
        return data.decode()

    def checkpoint(self) -> Checkpoint:
        """Return the published checkpoint; raises as `note` does."""
        return open_note(self.note(), self.vkey)

    def entries(self, start: int, end: int) -> Iterator[bytes]:
        """Yield the entries `start` to `end` (exclusive) of a log with at least `end` entries; raises LogDamaged."""
        for number in range(start // TILE_WIDTH, -(-end // TILE_WIDTH)):
            first = number * TILE_WIDTH
            bundle = self.bundle(number, end)
            yield from bundle[max(0, start - first) : max(0, end - first)]

    def entry(self, index: int, size: int) -> bytes:
        """Return entry `index` of a log with `size` entries; raises LogDamaged."""
        return self.bundle(index // TILE_WIDTH, size)[index % TILE_WIDTH]

    def bundle(self, number: int, size: int) -> list[bytes]:
        """Return the entries of bundle `number` that a log of `size` entries has; raises LogDamaged."""
        tile = Tile(BUNDLE_LEVEL, number, tile_width(BUNDLE_LEVEL, number, size))
        entries = decode_bundle(self._read(tile), path=tile.path)
        if len(entries) < tile.width:
            raise _damaged(tile.path, f"holds {len(entries)} entries instead of {tile.width}")
        return entries[: tile.width]

    def tile(self, level: int, number: int, size: int) -> list[bytes]:
        """Return the hashes of a tile that a log of `size` entries has; raises LogDamaged."""
        tile = Tile(level, number, tile_width(level, number, size))
        data = self._read(tile)
        if len(data) < tile.width * 32 or len(data) % 32:
            raise _damaged(tile.path, f"holds {len(data)} bytes, too few for {tile.width} hashes")
        return split_hashes(data)[: tile.width]

    def perfect_hash(self, size: int, low: int, high: int) -> bytes:
        """Return the hash over an aligned perfect range of a log with `size` entries; raises LogDamaged."""
        depth = (high - low).bit_length() - 1
        level, height = divmod(depth, TILE_HEIGHT)
        first = low >> (TILE_HEIGHT * level)
        row = self.tile(level, first // TILE_WIDTH, size)
        at = first % TILE_WIDTH
        return perfect_root(row[at : at + (1 << height)])

    def root_at(self, at: int, size: int) -> bytes:
        """Return the root that a log now `size` entries long had at `at` entries; raises LogDamaged."""
        return range_hash(lambda low, high: self.perfect_hash(size, low, high), 0, at)

    def inclusion_proof(self, index: int, size: int) -> list[bytes]:
        """Return the audit path of entry `index` at `size` entries, which the log must have."""
        return make_inclusion(lambda low, high: self.perfect_hash(size, low, high), index, size)

    def consistency_proof(self, old: int, new: int) -> list[bytes]:
        """Return the proof that the log of `new` entries, which it must have, begins with that of `old`."""
        return make_consistency(lambda low, high: self.perfect_hash(new, low, high), old, new)

    def tlog_proof(self, index: int) -> bytes:
        """Return the proof text for entry `index` under the published checkpoint.

        Raises ProofRejected when the log has no such entry yet, LogDamaged when its files do not lead to the root.
        """
        note = self.note()
        checkpoint = open_note(note, self.vkey)
        path = self.inclusion_proof(index, checkpoint.size)
        leaf = leaf_hash(self.entry(index, checkpoint.size))
        try:
            verify_inclusion(leaf=leaf, index=index, size=checkpoint.size, proof=path, root=checkpoint.root)
        except ProofRejected as problem:
            raise _damaged(f"the files around entry {index}", "do not lead to the signed root") from problem
        return encode_tlog_proof(index=index, hashes=path, note=note)

    def check_consistent(self, old: Checkpoint, new: Checkpoint) -> None:
        """Check, by the log's own files, that `new` begins with `old`; raises ProofRejected or LogDamaged."""
        proof = self.consistency_proof(old.size, new.size)
        verify_consistency(old=old.size, old_root=old.root, new=new.size, new_root=new.root, proof=proof)

    def edge(self, size: int) -> Edge:
        """Return the right edge of the log at `size` entries; raises LogDamaged when its files do not agree."""
        rows: dict[int, tuple[bytes, ...]] = {}
        for level in levels(size):
            count = (size >> (TILE_HEIGHT * level)) % TILE_WIDTH
            rows[level] = tuple(self.tile(level, size >> (TILE_HEIGHT * (level + 1)), size)) if count else ()
        entries = tuple(self.bundle(size // TILE_WIDTH, size)) if size % TILE_WIDTH else ()
        if tuple(map(leaf_hash, entries)) != rows.get(0, ()):
            raise _damaged("the last entry bundle", "does not hash to the last tile")
        return Edge(size, rows, entries)

    def _read(self, tile: Tile) -> bytes:
        if not tile.width:
            raise ProofRejected(what=f"The log has no {tile.full.path} yet.", remedy="Ask for less than its size.")
        data = self.storage.read(tile.path)
        if data is None and tile.width < TILE_WIDTH:  # a partial tile may go once the full one is there
            data = self.storage.read(tile.full.path)
        if data is None:
            raise _damaged(tile.path, "is missing")
        return data


def _damaged(where: str, how: str) -> LogDamaged:
    return LogDamaged(
        what=f"The custody log is damaged: {where} {how}.",
        remedy="Bring the log's files back from a copy; `./bwv check` shows when they agree with the checkpoint again.",
    )
