"""The custody log: tree, tiles, checkpoints, proofs, events, auditor. Pure: storage, clock and keys are arguments."""

from openbwv.custody.audit import Audit, Finding, audit
from openbwv.custody.completeness import ShownEvent, leaves_of, subject_findings
from openbwv.custody.edge import Edge
from openbwv.custody.errors import (
    CheckpointMoved,
    CustodyError,
    EntryTooLong,
    LeafRejected,
    LogConflict,
    LogDamaged,
    LogMissing,
    LogMustReopen,
    LogRolledBack,
    NoteRejected,
    ProofRejected,
)
from openbwv.custody.events import EventType, Leaf, commit_event, decode_leaf, event_matches, leaf
from openbwv.custody.hashes import EMPTY_ROOT, leaf_hash, node_hash
from openbwv.custody.log import Log, create_log, open_log
from openbwv.custody.notes import Checkpoint, make_vkey, open_note, parse_vkey, sign_checkpoint, unverified_size
from openbwv.custody.proofs import verify_consistency, verify_inclusion
from openbwv.custody.reader import LogReader
from openbwv.custody.storage import CheckpointPlace, LogStorage, MemoryPlace, MemoryStorage
from openbwv.custody.tiles import Tile, parse_tile_path
from openbwv.custody.tlog_proof import TlogProof, check_tlog_proof, parse_tlog_proof

__all__ = [
    "EMPTY_ROOT",
    "Audit",
    "Checkpoint",
    "CheckpointMoved",
    "CheckpointPlace",
    "CustodyError",
    "Edge",
    "EntryTooLong",
    "EventType",
    "Finding",
    "Leaf",
    "LeafRejected",
    "Log",
    "LogConflict",
    "LogDamaged",
    "LogMissing",
    "LogMustReopen",
    "LogReader",
    "LogRolledBack",
    "LogStorage",
    "MemoryPlace",
    "MemoryStorage",
    "NoteRejected",
    "ProofRejected",
    "ShownEvent",
    "Tile",
    "TlogProof",
    "audit",
    "check_tlog_proof",
    "commit_event",
    "create_log",
    "decode_leaf",
    "event_matches",
    "leaf",
    "leaf_hash",
    "leaves_of",
    "make_vkey",
    "node_hash",
    "open_log",
    "open_note",
    "parse_tile_path",
    "parse_tlog_proof",
    "parse_vkey",
    "sign_checkpoint",
    "subject_findings",
    "unverified_size",
    "verify_consistency",
    "verify_inclusion",
]
