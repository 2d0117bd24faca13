"""What a recording's key opens stays openable when its camera is written off: the key is wrapped anew, as any other is.

Otherwise it would go with the epoch key that the camera sealed it to. A dock sends entries and keys before any footage,
so the key of a recording of which nothing else is here counts as well: the footage may stand in a dock. No receipt is
signed: it is not here whole.
"""

from openbwv.server.evidence.models import Recording
from openbwv.server.evidence.queries import given_up
from openbwv.server.ingest.complete import wrap_key
from openbwv.server.vault.keyd.errors import KeyDoesNotOpen
from openbwv.server.vault.models import PendingKey
from openbwv.shared.clock import Clock


def wrap_given_up(clock: Clock) -> int:
    """Wrap the keys that are here of recordings that were given up; return how many.

    A key that does not open is kept aside and named there. Raises KeydUnavailable; the job tries again.
    """
    done = 0
    waiting = PendingKey.objects.filter(recording__in=given_up(Recording.objects.all()), refused_why="")
    for pending in waiting.select_related("recording__camera"):
        try:
            wrap_key(pending.recording, clock=clock)
            done += 1
        except KeyDoesNotOpen:
            continue  # kept aside and marked, so that no epoch key waits for it
    return done
