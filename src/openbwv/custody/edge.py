"""The right edge of the tree: all that is needed to append entries and to know the root.

An Edge is a value. `extended` returns a new one and the files it needs, and leaves the old as it was, so a write that
fails halfway cannot leave the memory ahead of the disk.
"""

from dataclasses import dataclass, field

from openbwv.custody.hashes import EMPTY_ROOT, leaf_hash, node_hash, perfect_root
from openbwv.custody.tiles import BUNDLE_LEVEL, TILE_HEIGHT, TILE_WIDTH, Tile, TileFile, encode_bundle, levels

Rows = dict[int, tuple[bytes, ...]]


@dataclass(frozen=True)
class Edge:
    """`size` entries; `rows[level]`: the hashes in its partial tile; `entries`: those in the partial bundle."""

    size: int = 0
    rows: Rows = field(default_factory=dict)
    entries: tuple[bytes, ...] = ()

    def root(self) -> bytes:
        """Return the root of the whole tree (RFC 6962 MTH)."""
        if self.size == 0:
            return EMPTY_ROOT
        peaks: list[bytes] = []  # perfect subtrees, smallest (rightmost) first
        for level in levels(self.size):
            row = list(self.rows.get(level, ()))
            while row:
                width = row_peak(len(row))
                peaks.append(perfect_root(row[-width:]))
                del row[-width:]
        root = peaks[0]
        for peak in peaks[1:]:
            root = node_hash(peak, root)
        return root

    def extended(self, new_entries: list[bytes]) -> tuple["Edge", list[TileFile]]:
        """Return the edge after `new_entries` and the files to write, bundles first; raises EntryTooLong.

        The files are every tile that became full and every partial one whose width changed.
        """
        bundles, entries = self._bundle_files(new_entries)
        rows = dict(self.rows)
        tiles: list[TileFile] = []
        carried = [leaf_hash(entry) for entry in new_entries]
        level, size = 0, self.size
        while carried:
            carried, row, files = _extend_row(level, size, rows.get(level, ()), carried)
            rows[level] = row
            tiles += files
            size >>= TILE_HEIGHT
            level += 1
        return Edge(self.size + len(new_entries), rows, entries), bundles + tiles

    def _bundle_files(self, new_entries: list[bytes]) -> tuple[list[TileFile], tuple[bytes, ...]]:
        files: list[TileFile] = []
        held, number = [*self.entries, *new_entries], self.size // TILE_WIDTH
        while len(held) >= TILE_WIDTH:
            files.append(TileFile(Tile(BUNDLE_LEVEL, number, TILE_WIDTH), encode_bundle(held[:TILE_WIDTH])))
            held, number = held[TILE_WIDTH:], number + 1
        if held and new_entries:
            files.append(TileFile(Tile(BUNDLE_LEVEL, number, len(held)), encode_bundle(held)))
        return files, tuple(held)


def row_peak(count: int) -> int:
    """Return the width of the last perfect subtree in a row of `count` hashes: its lowest set bit."""
    return count & -count


def _extend_row(
    level: int, size: int, row: tuple[bytes, ...], added: list[bytes]
) -> tuple[list[bytes], tuple[bytes, ...], list[TileFile]]:
    """Add hashes to one level that holds `size` of them; return (hashes for the next level, the new row, files)."""
    files: list[TileFile] = []
    carried: list[bytes] = []
    held, number = [*row, *added], size // TILE_WIDTH
    while len(held) >= TILE_WIDTH:
        full, held = held[:TILE_WIDTH], held[TILE_WIDTH:]
        files.append(TileFile(Tile(level, number, TILE_WIDTH), b"".join(full)))
        carried.append(perfect_root(full))
        number += 1
    if held:
        files.append(TileFile(Tile(level, number, len(held)), b"".join(held)))
    return carried, tuple(held), files
