"""What a camera says under signature at every docking: how far its counters and its journal are.

It is made after the hello, when the clock has just been set and the newest checkpoint of the log is held, and before
anything is sent: a camera that is pulled out half-way has still said how many recordings there are.
"""

from collections.abc import Iterable

from openbwv import recording as r
from openbwv.camera.journal import Journal
from openbwv.camera.store import Store
from openbwv.custody import Checkpoint
from openbwv.recording.counts import HASH_BYTES, MOST_HELD


def count_statement(
    *, store: Store, journal: Journal, held: Iterable[int], clock: r.ClockState, anchor: Checkpoint | None
) -> r.CountStatement:
    """Return the statement for the moment; `held` are the numbers of the recordings in the store."""
    counters = store.counters()
    journal_id, next_seq, tail = journal.position()
    return r.CountStatement(
        starts=counters.boots,
        next_rc=counters.rc + 1,
        clock=clock,
        journal_id=journal_id,
        journal_next_seq=next_seq,
        journal_tail=tail,
        newest=counters.last_rec_id or b"",
        newest_tail=counters.last_tail or bytes(HASH_BYTES),
        held=tuple(sorted(held))[-MOST_HELD:],
        anchor=None if anchor is None else r.Anchor(anchor.origin, anchor.size, anchor.root),
    )
