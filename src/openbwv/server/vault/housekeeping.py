"""What the vault does by itself: rotate the retention key, remove files without rows."""

import time
from datetime import timedelta

from openbwv.server.vault.actions import rotate_retention_key, rotation_is_due
from openbwv.server.vault.backup import after_rotation
from openbwv.server.vault.models import StoredObject
from openbwv.server.vault.store import Store, vault_store
from openbwv.shared.clock import Clock

ROTATE_AFTER_HOURS = 24
ROTATE_AT_MOST_DAYS = 7
STRAY_AGE_S = 3600.0


def rotate_if_due(clock: Clock) -> bool:
    """Rotate daily when something was erased since, weekly otherwise (R1); finish a rotation that was cut off."""
    after, at_most = timedelta(hours=ROTATE_AFTER_HOURS), timedelta(days=ROTATE_AT_MOST_DAYS)
    if not rotation_is_due(clock, after=after, at_most=at_most):
        return False
    rotate_retention_key(clock=clock)
    after_rotation()
    return True


def remove_strays(clock: Clock) -> int:
    """Unlink files of the vault that no row names and that are older than an hour; return how many."""
    return _remove_strays(vault_store(), set(StoredObject.objects.values_list("key", flat=True)))


def _remove_strays(store: Store, known: set[str]) -> int:
    removed = 0
    for key in list(store.keys()):
        path = store.path(key)
        if key not in known and time.time() - path.stat().st_mtime > STRAY_AGE_S:
            removed += store.remove(key)
    return removed
