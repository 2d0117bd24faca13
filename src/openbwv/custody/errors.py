"""What can be wrong with a custody log, a note or a proof; one class per remedy."""

from openbwv.recording.errors import EXIT_BAD_DATA, EXIT_CONFIG, EXIT_TRY_LATER, BwvError


class CustodyError(BwvError):
    """Something about the custody log does not hold."""

    code = "custody-error"
    http_status = 500
    exit_code = EXIT_BAD_DATA


class NoteRejected(CustodyError):
    """A signed note is malformed, or no signature under the expected key holds."""

    code = "note-rejected"
    http_status = 400


class ProofRejected(CustodyError):
    """A proof is malformed, or does not lead from the entry to the checkpoint's root."""

    code = "proof-rejected"
    http_status = 400


class LeafRejected(CustodyError):
    """An entry of the log is not a leaf of ours, or an event cannot be written as one."""

    code = "leaf-rejected"
    http_status = 400


class EntryTooLong(CustodyError):
    """An entry is longer than the tile format can hold (C2SP tlog-tiles: 65,535 bytes)."""

    code = "log-entry-too-long"
    http_status = 400


class LogMissing(CustodyError):
    """There is no log where one should be."""

    code = "log-missing"
    http_status = 503
    exit_code = EXIT_CONFIG


class LogDamaged(CustodyError):
    """A published file of the log is missing, or contradicts the checkpoint that covers it."""

    code = "log-damaged"


class LogRolledBack(CustodyError):
    """The log's files are older than, or on another branch than, the checkpoint kept outside them."""

    code = "log-rolled-back"
    exit_code = EXIT_CONFIG


class LogConflict(CustodyError):
    """A published name already holds other bytes; published files are never changed."""

    code = "log-conflict"
    http_status = 409


class CheckpointMoved(CustodyError):
    """The checkpoint kept outside is not the one this writer last saw: another writer is at work."""

    code = "checkpoint-moved"
    http_status = 409


class LogMustReopen(CustodyError):
    """An append was interrupted; what is on disk must be read again before the next one."""

    code = "log-must-reopen"
    http_status = 503
    exit_code = EXIT_TRY_LATER
