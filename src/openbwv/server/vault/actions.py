"""Writes of the vault that other rooms ask for: watching, destroying a key, removing bytes, rotating the keys."""

import hashlib
from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction

from openbwv.custody import EventType
from openbwv.server.clock import from_ms, utc
from openbwv.server.evidence.models import Recording
from openbwv.server.trail.actions import log_event
from openbwv.server.trail.models import Event
from openbwv.server.vault import media_map
from openbwv.server.vault.keys import KeyClient, Wrap, key_client
from openbwv.server.vault.models import (
    KeyWrap,
    ManifestPart,
    ObjectKind,
    Part,
    PendingKey,
    Rotation,
    RotationState,
    StoredObject,
    ViewingSession,
    leaving_objects,
)
from openbwv.server.vault.release import shown_of
from openbwv.server.vault.store import vault_store
from openbwv.server.vault.viewing import close_viewing, start_viewing
from openbwv.shared.clock import Clock

__all__ = [
    "close_viewing",
    "drop_key",
    "remove_derived",
    "remove_recording_bytes",
    "rotate_retention_key",
    "start_viewing",
    "unlink_leaving",
]

BATCH = 5000


@dataclass(frozen=True)
class RemovedObject:
    """One object that was destroyed, as the certificate names it: the hash of its random name, kind, bytes."""

    key_sha256: bytes
    kind: str
    length: int


def drop_key(*, recording: Recording, authorised: Event, clock: Clock) -> None:
    """Have the key service refuse this recording's key for ever; call it outside a transaction, before the removal.

    Raises DropRefused when the log does not authorise it or a hold followed, LogNotRunning, KeydUnavailable.
    Idempotent. Viewings of it end at once.
    """
    key_client().drop(recording.rec_id, shown=shown_of(authorised))
    for session in ViewingSession.objects.filter(recording=recording, closed_utc=None):
        close_viewing(session=session, clock=clock, why="deleted")


def remove_recording_bytes(*, recording: Recording) -> list[RemovedObject]:
    """Delete a recording's wrapped key and objects in the caller's transaction; its files go when that commits.

    Until then each file keeps a row that names no recording, so that `unlink_leaving` finds what a crash left.
    """
    rows = list(StoredObject.objects.filter(recording=recording))
    removed = [RemovedObject(hashlib.sha256(row.key.encode()).digest(), row.kind, row.length) for row in rows]
    KeyWrap.objects.filter(recording=recording).delete()
    PendingKey.objects.filter(recording=recording).delete()
    Part.objects.filter(recording=recording).delete()
    ManifestPart.objects.filter(recording=recording).delete()
    if recording.thumbnail_id is not None:
        Recording.objects.filter(pk=recording.pk).update(thumbnail=None)
        recording.thumbnail = None
    for row in rows:
        row.delete()
    StoredObject.objects.bulk_create(StoredObject(key=row.key, kind=row.kind, length=row.length) for row in rows)
    media_map.forget(recording.pk)
    transaction.on_commit(unlink_leaving)
    return removed


def remove_derived(row: StoredObject) -> None:
    """Forget something made from a recording, and unlink its file; what a crash leaves is unlinked later."""
    with transaction.atomic():
        StoredObject.objects.filter(pk=row.pk, kind=ObjectKind.DERIVED).update(recording=None, name="")
        transaction.on_commit(unlink_leaving)


def unlink_leaving() -> int:
    """Unlink the files of removed recordings and forget their names; return how many. Raises WriteFailed, VaultAway.

    Idempotent. Call it before anybody certifies that they are gone.
    """
    store = vault_store()
    count = 0
    for row in leaving_objects():
        store.remove(row.key)
        row.delete()
        count += 1
    return count


def rotate_retention_key(*, clock: Clock) -> Rotation:
    """Put every live key under a new retention key and destroy the old one; goes on with a rotation that was cut off.

    Events KEK_ROTATED and KEK_DESTROYED. Raises KeydUnavailable, RotationRefused; nothing is lost in between: both
    keys are in the keyring until every row was confirmed under the new one.
    """
    client = key_client()
    rotation = Rotation.objects.filter(state=RotationState.WRAPPING).first() or _begin(client, clock)
    while _wrap_some(client, rotation):
        pass
    _confirm_all(client, rotation)
    client.destroy_kek(rotation.old_kek_id)
    with transaction.atomic():
        event = _log_both(rotation, clock)
        rotation.state, rotation.destroyed_utc, rotation.destroyed_event = RotationState.DONE, utc(clock), event
        rotation.save()
    return rotation


def rotation_is_due(clock: Clock, *, after: timedelta, at_most: timedelta) -> bool:
    """Say whether the key is older than `at_most`, or than `after` with something erased under it, or was cut off."""
    if Rotation.objects.filter(state=RotationState.WRAPPING).exists():
        return True
    age = utc(clock) - from_ms(key_client().public()["kek_from_ms"])
    if age >= at_most:
        return True
    newest = Rotation.objects.order_by("-id").first()
    erased = Event.objects.filter(type=EventType.ERASED)
    if newest is not None:
        erased = erased.filter(at_utc__gt=newest.started_utc)
    return age >= after and erased.exists()


def _begin(client: KeyClient, clock: Clock) -> Rotation:
    """Note the rotation before the new key exists, so that a crash between goes on instead of starting another."""
    old = client.public()["kek_id"]
    rotation, _ = Rotation.objects.get_or_create(
        old_kek_id=old, defaults={"new_kek_id": "", "state": RotationState.WRAPPING, "started_utc": utc(clock)}
    )
    return rotation


def _wrap_some(client: KeyClient, rotation: Rotation) -> bool:
    """Wrap the next rows anew and commit them; return whether there were any."""
    if not rotation.new_kek_id:
        current = client.public()["kek_id"]
        rotation.new_kek_id = client.new_kek() if current == rotation.old_kek_id else current
        rotation.save(update_fields=["new_kek_id"])
    with transaction.atomic():
        rows = list(
            KeyWrap.objects.select_for_update(of=("self",))
            .exclude(kek_id=rotation.new_kek_id)
            .select_related("recording")[:BATCH]
        )
        if not rows:
            return False
        for row, wrap in zip(rows, client.wrap_anew([_pair(row) for row in rows]), strict=True):
            row.kek_id, row.blob, row.derived_blob = wrap.kek_id, wrap.blob, wrap.derived_blob
        KeyWrap.objects.bulk_update(rows, ["kek_id", "blob", "derived_blob"], batch_size=500)
    return True


def _confirm_all(client: KeyClient, rotation: Rotation) -> None:
    """Show the key service every row as it was committed."""
    last = None
    while True:
        rows = KeyWrap.objects.select_related("recording").order_by("recording_id")
        batch = list(rows.filter(recording_id__gt=last)[:BATCH] if last else rows[:BATCH])
        if not batch:
            return
        client.confirm([_pair(row) for row in batch], leaving=rotation.old_kek_id)
        last = batch[-1].recording_id


def _pair(row: KeyWrap) -> tuple[bytes, Wrap]:
    return row.recording.rec_id, Wrap(row.kek_id, bytes(row.blob), bytes(row.derived_blob))


def _log_both(rotation: Rotation, clock: Clock) -> Event:
    """Log that the live keys are under the new key and that the old one is destroyed; return the second event."""
    details = {"old_kek": rotation.old_kek_id, "new_kek": rotation.new_kek_id, "live": KeyWrap.objects.count()}
    for kind in (EventType.KEK_ROTATED, EventType.KEK_DESTROYED):
        event = log_event(kind, actor_label="job vault.rotate", rule="rotation", details=details, clock=clock)
    return event
