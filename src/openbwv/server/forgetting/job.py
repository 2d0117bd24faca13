"""The job: batch after batch, each in its own transaction: it may be cut anywhere and run again, also twice at once.

It follows the deletion job: nothing goes while the clock is not believed or no policy is in force.
"""

from collections import Counter

from openbwv.server.clock import utc
from openbwv.server.forgetting import others, recordings, requests
from openbwv.server.forgetting.due import cutoff_at
from openbwv.server.retention.errors import StillRead
from openbwv.server.retention.sweep import believe_clock, truncate_journal
from openbwv.shared.clock import Clock

EVERY_S = 3600
MOST_BATCHES = 200
STEPS = (requests.forget_some, recordings.forget_some, others.forget_some)


def forget(clock: Clock) -> dict[str, int]:
    """Remove the words that are due, at most 200 batches of each kind; return how much went, by kind.

    Raises ClockNotBelieved, and does nothing, after a leap of the clock; StillRead when the words are gone from the
    tables but a reader keeps SQLite's journal from being emptied of them: the next run does that.
    """
    believe_clock(clock)
    done: Counter[str] = Counter(recordings=0, requests=0, events=0, others=0)
    cutoff = cutoff_at(utc(clock))
    if cutoff is not None:
        for step in STEPS:
            for _ in range(MOST_BATCHES):
                some = step(cutoff, clock=clock)
                if not some:
                    break
                done.update(some)
    if not truncate_journal():
        raise StillRead(
            what="Somebody still reads the database as it was before; its journal may hold words that were removed.",
            remedy="Nothing to do: the next run empties it.",
        )
    return dict(done)
