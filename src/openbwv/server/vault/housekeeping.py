"""What the vault does by itself: rotate keys, begin epochs, forget old epoch keys, remove files without rows."""

import time
from datetime import timedelta

from django.db import transaction

from openbwv.custody import EventType
from openbwv.recording import read_key_cbor
from openbwv.server.evidence.models import Recording, State
from openbwv.server.fleet.models import Camera, DeviceState
from openbwv.server.trail.actions import log_event
from openbwv.server.vault.actions import rotate_retention_key, rotation_is_due
from openbwv.server.vault.backup import after_rotation
from openbwv.server.vault.keys import key_client
from openbwv.server.vault.models import PendingKey, StoredObject
from openbwv.server.vault.store import Store, vault_store
from openbwv.shared.clock import Clock

EPOCH_DAYS = 7
ROTATE_AFTER_HOURS = 24
ROTATE_AT_MOST_DAYS = 7
STRAY_AGE_S = 3600.0
DAY_MS = 86_400_000


def rotate_if_due(clock: Clock) -> bool:
    """Rotate daily when something was erased since, weekly otherwise (R1); finish a rotation that was cut off."""
    after, at_most = timedelta(hours=ROTATE_AFTER_HOURS), timedelta(days=ROTATE_AT_MOST_DAYS)
    if not rotation_is_due(clock, after=after, at_most=at_most):
        return False
    rotate_retention_key(clock=clock)
    after_rotation()
    return True


def begin_epoch_if_due(clock: Clock) -> bool:
    """Begin a new epoch when the current one is a week old, and forget those that no camera needs (R10)."""
    client = key_client()
    epoch = client.public()["epoch"]
    begun = clock.utc_ms() - epoch["from_ms"] >= EPOCH_DAYS * DAY_MS
    if begun:
        name = client.new_epoch()
        with transaction.atomic():
            details = {"epoch": name, "before": epoch["id"]}
            log_event(EventType.KEM_EPOCH, actor_label="job vault.epoch", rule="weekly", details=details, clock=clock)
    for old in unneeded_epochs(client.public()["epochs"]):
        client.destroy_epoch(old)
        details = {"epoch": old, "destroyed": True}
        with transaction.atomic():
            log_event(EventType.KEM_EPOCH, actor_label="job vault.epoch", rule="R10", details=details, clock=clock)
    return begun


def unneeded_epochs(epochs: list[str]) -> list[str]:
    """Return the epochs whose private key nobody can need any more: older than what any camera in use was last given.

    A camera keeps the epoch it was last given and all later ones alive, also when it was revoked or reported lost: one
    person does that, and it may still hold footage. So does a recording that is announced but not complete, and a
    wrapped key that waits. `epochs` is oldest first; the newest is never returned.
    """
    if Recording.objects.filter(state__in=(State.ANNOUNCED, State.ARRIVING)).exists():
        return []  # its key is sealed to an epoch we have not seen yet
    needed = set(Camera.objects.exclude(state=DeviceState.LOST).values_list("epoch_id", flat=True))
    if "" in needed or Camera.objects.filter(state=DeviceState.LOST).exists():
        return []
    for pending in PendingKey.objects.all():
        needed |= {wrapped.epoch_id for wrapped in read_key_cbor(bytes(pending.key_cbor))}
    unneeded = []
    for epoch in epochs[:-1]:
        if epoch in needed:
            break
        unneeded.append(epoch)
    return unneeded[:-1]  # one more than strictly needed stays: a camera may be writing while it is handed the next


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
