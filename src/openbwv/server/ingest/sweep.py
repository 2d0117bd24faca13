"""What a crash or a disk left half-done is cleared, so that senders are asked again.

At the door's start, while nobody writes, half-written files go: they have no final name. A part whose row was committed
has its file by the order of the writes; should a disk have lost it all the same, its row goes, at the door's start and
before a receipt is signed (unless the recording was completed: then `check` must say so), and its fragments count as
missing.
"""

import logging
from typing import Any

from django.db import transaction

from openbwv.server.evidence.models import State
from openbwv.server.ingest.aside import aside_store
from openbwv.server.vault.models import Part
from openbwv.server.vault.store import vault_store

logger = logging.getLogger(__name__)


def sweep_at_start() -> int:
    """Clear what a crash left; return how many parts will be asked for again."""
    vault_store().sweep()
    aside_store().sweep()
    lost = forget_lost_parts()
    if lost:
        logger.warning("%d parts had lost their files and will be asked for again", lost)
    return lost


def forget_lost_parts(**about: Any) -> int:
    """Remove the rows of parts without their file, of recordings that are still coming in; return how many.

    `about` narrows it down, as the parts' fields do.
    """
    store = vault_store()
    store.require()  # a disk that is not mounted has lost nothing
    coming = Part.objects.filter(recording__state__in=(State.ANNOUNCED, State.ARRIVING), **about)
    lost = 0
    for part in coming.select_related("object"):
        path = store.path(part.object.key)
        if path.exists() and path.stat().st_size == part.object.length:
            continue
        with transaction.atomic():
            part.delete()
            part.object.delete()
        store.remove(part.object.key)
        lost += 1
    return lost
