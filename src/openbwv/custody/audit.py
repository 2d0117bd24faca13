"""The auditor: rebuilds every hash of a log from its entries and compares every published file with the result.

Proves: bundles, tiles and checkpoint are one log under one signed root, and nothing that should be there is missing.
Does not prove: that nobody was shown another log, unless `known` holds a checkpoint that somebody else kept.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from openbwv.custody.edge import Edge
from openbwv.custody.errors import LogDamaged, NoteRejected
from openbwv.custody.hashes import EMPTY_ROOT
from openbwv.custody.notes import Checkpoint, open_note
from openbwv.custody.storage import LogStorage
from openbwv.custody.tiles import (
    BUNDLE_LEVEL,
    CHECKPOINT_PATH,
    TILE_WIDTH,
    Tile,
    decode_bundle,
    tile_width,
)


@dataclass(frozen=True)
class Finding:
    """One disagreement: a stable code, the file or entry, and what is wrong with it."""

    code: str
    where: str
    what: str


@dataclass(frozen=True)
class Audit:
    """What the auditor found. `checkpoint` is None when none could be trusted; `ok` when nothing was found."""

    checkpoint: Checkpoint | None
    findings: tuple[Finding, ...]

    @property
    def ok(self) -> bool:
        """Whether the log agrees with itself and with every known checkpoint."""
        return self.checkpoint is not None and not self.findings


def audit(
    storage: LogStorage,
    *,
    vkey: str,
    known: Sequence[str] = (),
    visit: Callable[[int, bytes], None] | None = None,
) -> Audit:
    """Rebuild the log in `storage` and return every disagreement; raises nothing for a bad log.

    `known`: signed checkpoints kept elsewhere (a camera, a receipt, the outside place); the log must begin with each.
    `visit(index, entry)` is called for every entry, in order.
    """
    data = storage.read(CHECKPOINT_PATH)
    if data is None:
        return Audit(None, (Finding("log-missing", CHECKPOINT_PATH, "there is no published checkpoint"),))
    try:
        head = open_note(data, vkey)
    except NoteRejected as problem:
        return Audit(None, (Finding("checkpoint-bad", CHECKPOINT_PATH, problem.what),))
    findings: list[Finding] = []
    marks = dict(_known_checkpoints(known, vkey, head, findings))
    edge = _rebuild(storage, head.size, findings, marks, visit)
    if edge is not None and edge.root() != head.root:
        findings.append(
            Finding("root-mismatch", CHECKPOINT_PATH, f"the entries give another root at {head.size} entries")
        )
    return Audit(head, tuple(findings))


def _known_checkpoints(
    known: Sequence[str], vkey: str, head: Checkpoint, findings: list[Finding]
) -> Iterator[tuple[int, set[bytes]]]:
    """Yield (size, roots) of the known checkpoints that the rebuilt log must pass through."""
    roots: dict[int, set[bytes]] = {}
    for number, note in enumerate(known):
        where = f"known checkpoint {number + 1}"
        try:
            checkpoint = open_note(note, vkey)
        except NoteRejected as problem:
            findings.append(Finding("checkpoint-bad", where, problem.what))
            continue
        if checkpoint.size > head.size:
            what = f"it has {checkpoint.size} entries, the published log {head.size}: the log was rolled back"
            findings.append(Finding("log-rolled-back", where, what))
        else:
            roots.setdefault(checkpoint.size, set()).add(checkpoint.root)
    if roots.pop(0, {EMPTY_ROOT}) != {EMPTY_ROOT}:
        findings.append(Finding("log-forked", "size 0", "a checkpoint of no entries has a root of its own"))
    yield from roots.items()


def _rebuild(
    storage: LogStorage,
    size: int,
    findings: list[Finding],
    marks: dict[int, set[bytes]],
    visit: Callable[[int, bytes], None] | None,
) -> Edge | None:
    """Build the tree from the bundles, comparing each tile as it becomes known; None when entries are missing."""
    edge = Edge()
    for number in range(-(-size // TILE_WIDTH)):
        entries = _bundle(storage, number, size, findings)
        if entries is None:
            return None
        first = number * TILE_WIDTH
        if visit is not None:
            for offset, entry in enumerate(entries):
                visit(first + offset, entry)
        for mark in sorted(mark for mark in marks if first < mark <= first + len(entries)):
            if marks[mark] != {edge.extended(entries[: mark - first])[0].root()}:
                what = "the log at this size has another root than the known checkpoint: it was rewritten"
                findings.append(Finding("log-forked", f"size {mark}", what))
        edge, files = edge.extended(entries)
        for file in files:
            complete = file.tile.width == tile_width(file.tile.level, file.tile.number, size)
            if file.tile.level != BUNDLE_LEVEL and complete:
                _compare(storage, file.tile, file.data, findings)
    return edge


def _bundle(storage: LogStorage, number: int, size: int, findings: list[Finding]) -> list[bytes] | None:
    tile = Tile(BUNDLE_LEVEL, number, tile_width(BUNDLE_LEVEL, number, size))
    data = storage.read(tile.path)
    if data is None:
        findings.append(Finding("bundle-missing", tile.path, "this entry bundle is missing; what follows is unchecked"))
        return None
    try:
        entries = decode_bundle(data, path=tile.path)
    except LogDamaged as problem:
        findings.append(Finding("bundle-mismatch", tile.path, problem.what))
        return None
    if len(entries) != tile.width:
        what = f"it holds {len(entries)} entries instead of {tile.width}; what follows is unchecked"
        findings.append(Finding("bundle-mismatch", tile.path, what))
        return None
    return entries


def _compare(storage: LogStorage, tile: Tile, expected: bytes, findings: list[Finding]) -> None:
    data = storage.read(tile.path)
    if data is None:
        findings.append(Finding("tile-missing", tile.path, "this tile is missing"))
    elif data != expected:
        findings.append(Finding("tile-mismatch", tile.path, "this tile is not what the entries hash to"))
