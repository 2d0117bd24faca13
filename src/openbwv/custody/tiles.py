"""The files of a log: which tiles and entry bundles a tree of a given size has, their names and their bytes.

Source: C2SP tlog-tiles (https://c2sp.org/tlog-tiles). A tile holds up to 256 hashes of one level, a bundle up to 256
entries, each after its length in two bytes. Full files keep their name for ever; a partial one carries its width.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from openbwv.custody.errors import EntryTooLong, LogDamaged

TILE_WIDTH = 256
TILE_HEIGHT = 8
ENTRY_LIMIT_BYTES = 65_535
MAX_LEVEL = 7  # 256**8 entries is past any counter we keep
CHECKPOINT_PATH = "checkpoint"
ENTRIES = "entries"


class Tile(NamedTuple):
    """One file of the log: `level` 0… for hashes, or -1 for an entry bundle; `width` 1 to 256."""

    level: int
    number: int
    width: int

    @property
    def folder(self) -> str:
        """The folder that holds the partial versions of this tile."""
        return f"{self._base()}.p"

    @property
    def path(self) -> str:
        """The file's path below the log's folder or URL."""
        return self._base() if self.width == TILE_WIDTH else f"{self._base()}.p/{self.width}"

    @property
    def full(self) -> "Tile":
        """The same tile once it is full."""
        return self._replace(width=TILE_WIDTH)

    def end_index(self) -> int:
        """Return the number of entries that a tree must have for this file to exist."""
        return (self.number * TILE_WIDTH + self.width) << (TILE_HEIGHT * max(self.level, 0))

    def _base(self) -> str:
        kind = ENTRIES if self.level < 0 else str(self.level)
        return f"tile/{kind}/{number_path(self.number)}"


BUNDLE_LEVEL = -1


def number_path(number: int) -> str:
    """Return a tile's number as the path elements of the format: 1234067 is `x001/x234/067`."""
    path = f"{number % 1000:03d}"
    while number >= 1000:
        number //= 1000
        path = f"x{number % 1000:03d}/{path}"
    return path


def parse_tile_path(path: str) -> Tile | None:
    """Return the tile that `path` names, or None when it names none; only the one right spelling is accepted."""
    parts = path.split("/")
    if len(parts) < 3 or parts[0] != "tile":
        return None
    level = BUNDLE_LEVEL if parts[1] == ENTRIES else _small_number(parts[1], MAX_LEVEL)
    rest, width = parts[2:], TILE_WIDTH
    if len(rest) >= 2 and rest[-2].endswith(".p"):
        found = _small_number(rest[-1], TILE_WIDTH - 1)
        rest, width = [*rest[:-2], rest[-2][:-2]], found or 0
    digits = "".join(element.removeprefix("x") for element in rest)
    if level is None or width == 0 or not (digits.isascii() and digits.isdigit()) or len(digits) > 18:
        return None
    tile = Tile(level, int(digits), width)
    return tile if tile.path == path else None


def tile_width(level: int, number: int, size: int) -> int:
    """Return how many hashes tile `number` of `level` has in a tree of `size` entries: 0 to 256."""
    hashes = size >> (TILE_HEIGHT * max(level, 0))
    return max(0, min(TILE_WIDTH, hashes - number * TILE_WIDTH))


def levels(size: int) -> range:
    """Return the levels that hold tiles in a tree of `size` entries."""
    count = 0
    while size >> (TILE_HEIGHT * count):
        count += 1
    return range(count)


def tiles_of(size: int) -> Iterator[Tile]:
    """Yield every file but the checkpoint that a tree of `size` entries consists of: bundles first, then tiles."""
    for level in (BUNDLE_LEVEL, *levels(size)):
        hashes = size >> (TILE_HEIGHT * max(level, 0))
        for number in range(-(-hashes // TILE_WIDTH)):
            yield Tile(level, number, tile_width(level, number, size))


def encode_bundle(entries: list[bytes]) -> bytes:
    """Return entries as the bytes of a bundle; raises EntryTooLong."""
    pieces: list[bytes] = []
    for entry in entries:
        if len(entry) > ENTRY_LIMIT_BYTES:
            raise EntryTooLong(
                what=f"An entry of {len(entry)} bytes does not fit into the log; the limit is {ENTRY_LIMIT_BYTES}.",
                remedy="Log the hash of the long thing, not the thing itself.",
            )
        pieces += (len(entry).to_bytes(2, "big"), entry)
    return b"".join(pieces)


def decode_bundle(data: bytes, *, path: str = "a bundle") -> list[bytes]:
    """Return the entries of a bundle; raises LogDamaged when the bytes do not divide into entries."""
    entries: list[bytes] = []
    at = 0
    while at < len(data):
        length = int.from_bytes(data[at : at + 2], "big")
        entry = data[at + 2 : at + 2 + length]
        if at + 2 > len(data) or len(entry) != length:
            raise LogDamaged(
                what=f"{path} ends in the middle of an entry.",
                remedy="Bring this file back from a copy of the log; `./bwv check` shows when it is right again.",
            )
        entries.append(entry)
        at += 2 + length
    return entries


@dataclass(frozen=True)
class TileFile:
    """A file to be written: where, and its bytes."""

    tile: Tile
    data: bytes


def _small_number(text: str, limit: int) -> int | None:
    if not (text.isascii() and text.isdigit()) or (text != "0" and text.startswith("0")) or len(text) > 4:
        return None
    value = int(text)
    return value if value <= limit else None
