"""Receipts for docks and cameras that ask later, and the job that finishes those nobody asked for again."""

from typing import Any

from openbwv.recording.errors import BwvError
from openbwv.server.ingest.complete import finish_receipt
from openbwv.server.ingest.errors import NotYours
from openbwv.server.ingest.models import Receipt
from openbwv.server.ingest.tokens import Peer
from openbwv.shared.clock import Clock
from openbwv.shared.door import to_base64

MOST_RECEIPTS = 1000


def receipts_of(camera_kid: str, peer: Peer) -> dict[str, Any]:
    """Return the newest receipts of a camera's recordings; raises NotYours when another camera asks."""
    if not peer.is_dock and peer.kid != camera_kid:
        raise NotYours(what="These receipts are another camera's.", remedy="A camera may ask for its own alone.")
    rows = Receipt.objects.filter(camera_kid=camera_kid, signed__isnull=False).order_by("-id")[:MOST_RECEIPTS]
    return {"receipts": [to_base64(bytes(row.signed)) for row in rows]}


def finish_waiting(clock: Clock) -> int:
    """Sign every receipt whose leaf is in the log by now; return how many. What cannot be signed yet stays."""
    done = 0
    for receipt in Receipt.objects.filter(signed=None).select_related("event", "recording__camera"):
        if not receipt.event.is_logged:
            continue
        try:
            finish_receipt(receipt, clock=clock, wait_s=0)
        except BwvError:
            continue  # said and kept aside where it belongs; home counts the receipts that wait
        done += 1
    return done
