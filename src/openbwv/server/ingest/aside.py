"""What the door cannot take as evidence is kept, named, counted and shown; nothing is dropped silently (rule 9).

A file below STATE/aside holds the bytes as they came; the row and the event say why. The same bytes for the same reason
are counted, not kept twice. What one sender, and all together, may fill is bounded in files, rows and bytes: past a
bound one note of that sender counts what came and was not kept. Nothing is lost by that: it gets no receipt, so whoever
sent it has it still.
"""

import hashlib
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Count, F, Q, Sum

from openbwv.custody import EventType
from openbwv.recording.errors import BwvError
from openbwv.server.clock import utc
from openbwv.server.evidence.models import Recording
from openbwv.server.ingest.models import Aside, AsideKind
from openbwv.server.vault.store import Store, store_of
from openbwv.shared.clock import Clock
from openbwv.shared.durable import DiskFull

STRANGER = "stranger"  # sender of what nobody with a token brought: keys are made for nothing, so all share one bound
FULL = "aside-full"


def aside_store() -> Store:
    """Return the store of what was kept aside."""
    return store_of(Path(settings.STATE), "aside")


def keep_aside(
    data: bytes | None,
    *,
    kind: AsideKind,
    why: BwvError,
    device_kid: str = "",
    sender_kid: str = "",
    rec_id: bytes = b"",
    clock: Clock,
) -> Aside:
    """Keep `data` (None for a note) with the refusal that explains it, and log it; raises WriteFailed.

    A full disk keeps the note alone: the sender still has the bytes, for it gets no receipt.
    """
    sha256 = hashlib.sha256(data).hexdigest() if data else ""
    facts = {"kind": kind, "code": why.code, "device_kid": device_kid, "rec_id": rec_id, "sha256": sha256}
    if data is None:
        facts["what"] = why.what
    with transaction.atomic():
        known = Aside.objects.select_for_update().filter(**facts, resolved_utc=None).first()
        if known:
            Aside.objects.filter(pk=known.pk).update(times=F("times") + 1)
            return known
    if not has_room(sender_kid, len(data or b"")):
        return count_only(sender_kid, clock)
    path, note = _write(data)
    values = {"what": why.what + note, "sender_kid": sender_kid, "path": path, "length": len(data) if path else 0}
    return _record(facts | values, clock)


def keep_file_aside(
    key: str, *, length: int, sha256: str, why: BwvError, device_kid: str, sender_kid: str, rec_id: bytes, clock: Clock
) -> Aside:
    """Note a part that was already written into the store of what is kept aside; the same again is only counted."""
    same = Aside.objects.filter(kind=AsideKind.PART, code=why.code, rec_id=rec_id, sha256=sha256, resolved_utc=None)
    known = same.first()
    if known is not None:
        same.update(times=F("times") + 1)
        aside_store().remove(key)
        return known
    if not has_room(sender_kid, length):
        aside_store().remove(key)
        return count_only(sender_kid, clock)
    return _record(
        {
            "kind": AsideKind.PART,
            "code": why.code,
            "what": why.what,
            "device_kid": device_kid,
            "sender_kid": sender_kid,
            "rec_id": rec_id,
            "path": key,
            "sha256": sha256,
            "length": length,
        },
        clock,
    )


def has_room(sender_kid: str, length: int) -> bool:
    """Return whether one thing more, of `length` bytes, may be kept of this sender.

    Rows that somebody settled do not count, their files do, for they are on the disk still.
    """
    rows = Aside.objects.exclude(code=FULL)
    bounds = (
        (rows.filter(sender_kid=sender_kid), settings.ASIDE_SENDER_COUNT, settings.ASIDE_SENDER_BYTES),
        (rows, settings.ASIDE_TOTAL_COUNT, settings.ASIDE_TOTAL_BYTES),
    )
    for which, most, most_bytes in bounds:
        held = which.aggregate(count=Count("pk", filter=Q(resolved_utc=None)), length=Sum("length"))
        if held["count"] >= most or (held["length"] or 0) + length > most_bytes:
            return False
    return True


def count_only(sender_kid: str, clock: Clock) -> Aside:
    """Count one thing that came from this sender past a bound, in the one open note that says so."""
    with transaction.atomic():
        note = Aside.objects.select_for_update().filter(code=FULL, sender_kid=sender_kid, resolved_utc=None).first()
        if note is not None:
            Aside.objects.filter(pk=note.pk).update(times=F("times") + 1)
            return note
    what = "So much is kept aside already that what this sender brought since was counted and not kept."
    facts = {"kind": AsideKind.NOTE, "code": FULL, "what": what, "sender_kid": sender_kid, "rec_id": b""}
    return _record(facts, clock)


def held_aside(rec_id: bytes) -> Aside | None:
    """Return the entries of an unknown device's recording that were kept aside, if any."""
    return Aside.objects.filter(rec_id=rec_id, kind=AsideKind.MANIFEST, resolved_utc=None).first()


def _write(data: bytes | None) -> tuple[str, str]:
    if not data:
        return "", ""
    try:
        return aside_store().put(data), ""
    except DiskFull:
        return "", " Only this note was kept: the disk is full."


def _record(values: dict[str, Any], clock: Clock) -> Aside:
    recording = Recording.objects.filter(id=_uuid(values["rec_id"])).first() if values["rec_id"] else None
    with transaction.atomic():
        aside = Aside.objects.create(**values, at_utc=utc(clock))
        log_aside(aside, recording, clock)
    return aside


def log_aside(aside: Aside, recording: Recording | None, clock: Clock) -> None:
    """Write the ASIDE event of a row, in its transaction."""
    from openbwv.server.trail.actions import log_event

    log_event(
        EventType.ASIDE,
        recording=recording,
        actor_label="door",
        why=aside.what,
        rule=aside.code,
        outcome="refused",
        details={"aside": aside.pk, "kind": aside.kind, "length": aside.length, "sha256": aside.sha256},
        clock=clock,
    )


def _uuid(rec_id: bytes) -> Any:
    from uuid import UUID

    return UUID(bytes=bytes(rec_id))
