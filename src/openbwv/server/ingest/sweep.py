"""At the door's start, while nobody writes: what a crash left half-done is cleared, so that senders are asked again.

Half-written files have no final name and go. A part whose row was committed has its file by the order of the writes;
should a disk have lost it all the same, its row goes (unless the recording was completed: then `check` must say so),
and the fragments count as missing.
"""

import logging

from django.db import transaction

from openbwv.server.evidence.models import State
from openbwv.server.ingest.aside import aside_store
from openbwv.server.vault.models import Part
from openbwv.server.vault.store import vault_store

logger = logging.getLogger(__name__)


def sweep_at_start() -> int:
    """Clear what a crash left; return how many parts will be asked for again."""
    store = vault_store()
    store.sweep()
    aside_store().sweep()
    lost = 0
    coming = Part.objects.filter(recording__state__in=(State.ANNOUNCED, State.ARRIVING)).select_related("object")
    for part in coming:
        path = store.path(part.object.key)
        if path.exists() and path.stat().st_size == part.object.length:
            continue
        with transaction.atomic():
            part.delete()
            part.object.delete()
        store.remove(part.object.key)
        lost += 1
    if lost:
        logger.warning("%d parts had lost their files and will be asked for again", lost)
    return lost
