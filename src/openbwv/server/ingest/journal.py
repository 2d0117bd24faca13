"""The camera's journal arrives: boots, heartbeats, sleep and mute history, one signed chain beside the recordings."""

from typing import Any
from uuid import UUID

from django.db import transaction

from openbwv.custody import EventType
from openbwv.recording import Entry, EventBody, EventKind, JournalReader, Trust, check_chain
from openbwv.recording.certificates import USE_CAMERA
from openbwv.recording.entries import ZERO_HASH, entry_at
from openbwv.recording.errors import BwvError
from openbwv.server.evidence import arrival
from openbwv.server.evidence.models import Recording
from openbwv.server.fleet.models import Camera
from openbwv.server.ingest.aside import keep_aside
from openbwv.server.ingest.errors import (
    BadRequest,
    Busy,
    EntriesFirst,
    EntryRefused,
    NotYours,
    Revoked,
    UnknownDevice,
)
from openbwv.server.ingest.journal_index import index_entries
from openbwv.server.ingest.manifest import GONE
from openbwv.server.ingest.models import AsideKind, JournalPart
from openbwv.server.ingest.tokens import Peer, check_standing
from openbwv.server.ingest.unkept import remove_unkept
from openbwv.server.trail.actions import log_event
from openbwv.server.vault.force import force
from openbwv.server.vault.models import ObjectKind, StoredObject
from openbwv.server.vault.store import vault_store
from openbwv.shared.clock import Clock

TRIES = 3


def journal_held(camera_kid: str, peer: Peer) -> dict[str, Any]:
    """Return the number of the next journal entry wanted of a camera."""
    camera = _camera(camera_kid, peer)
    return {"next_seq": camera.journal_next_seq, "tail": bytes(camera.journal_tail).hex() or None}


def take_journal(camera_kid: str, *, from_seq: int, data: bytes, peer: Peer, clock: Clock) -> dict[str, Any]:
    """Take journal entries, the first numbered `from_seq`; a journal that begins anew (0) follows the old one.

    One that was followed by another changes nothing when it comes again. Raises UnknownDevice, Revoked, EntriesFirst,
    EntryRefused, FormatError, Busy; what does not hold is kept aside.
    """
    for _ in range(TRIES):
        try:
            return _take(camera_kid, from_seq=from_seq, data=data, peer=peer, clock=clock)
        except _Overtaken:
            continue  # another sender stored entries of this camera first: look again
    raise Busy(what="Several uploads of this journal are running.", remedy="Try again in a second.")


class _Overtaken(Exception):
    pass


def _take(camera_kid: str, *, from_seq: int, data: bytes, peer: Peer, clock: Clock) -> dict[str, Any]:
    try:
        camera = _camera(camera_kid, peer)
        check_standing(camera)
    except (UnknownDevice, Revoked) as refusal:
        keep_aside(data, kind=AsideKind.JOURNAL, why=refusal, device_kid=camera_kid, sender_kid=peer.kid, clock=clock)
        raise
    if from_seq > camera.journal_next_seq:
        raise EntriesFirst(
            what=f"Journal entry {camera.journal_next_seq} is wanted next, not {from_seq}.",
            remedy="Send the journal from there.",
            next_seq=camera.journal_next_seq,
        )
    try:
        old = _held_before(camera, data)
        if old is not None:
            return old
        good, reader = _read(camera, from_seq, data)
    except BwvError as refusal:
        keep_aside(data, kind=AsideKind.JOURNAL, why=refusal, device_kid=camera_kid, sender_kid=peer.kid, clock=clock)
        raise
    if good:
        _store(camera, good, reader, clock)
    return {"next_seq": reader.next_seq, "tail": reader.tail.hex()}


def _camera(kid: str, peer: Peer) -> Camera:
    if not peer.is_dock and peer.kid != kid:
        raise NotYours(what="This journal is another camera's.", remedy="A camera may send and ask for its own alone.")
    camera = Camera.objects.filter(kid=kid).first()
    if camera is None:
        raise UnknownDevice(kid)
    return camera


def _held_before(camera: Camera, data: bytes) -> dict[str, Any] | None:
    """Return how far an older journal of this camera is held, when `data` is of one; raises EntryRefused.

    It is held already and stays as it is: were it taken for a new one, the camera would be asked for the wrong entries.
    """
    first, _ = entry_at(data, 0)
    if first.rec_id == bytes(camera.journal_id):
        return None
    parts = list(JournalPart.objects.filter(camera=camera, journal_id=first.rec_id).order_by("first_seq"))
    if not parts:
        return None
    held = b"".join(vault_store().read(part.object.key, length=part.object.length) for part in parts)
    position = 0
    while position < len(held):
        entry, end = entry_at(held, position)
        if entry.seq == first.seq:
            break
        position = end
    if held[position : position + len(data)] != data:
        raise EntryRefused(
            what="These entries of an older journal are not those that were received of it.",
            remedy="Go on with the camera's newest journal; these are kept aside for a person to look at.",
        )
    final = _entries(parts[-1])[-1]
    return {"next_seq": final.seq + 1, "tail": final.sig_structure_sha256.hex()}


def _read(camera: Camera, from_seq: int, data: bytes) -> tuple[list[Entry], JournalReader]:
    """Return the new entries and the reader after them; raises FormatError, BadRequest."""
    first, _ = entry_at(data, 0)
    anew = from_seq == 0 and first.rec_id != bytes(camera.journal_id)
    reader = JournalReader() if anew else _resumed(camera)
    position = 0
    while position < len(data) and not anew:
        entry, end = entry_at(data, position)
        if entry.seq >= reader.next_seq:
            break
        position = end  # here already: the chain of what follows would show a difference
    good = reader.feed(data[position:])
    if reader.waiting_bytes:
        raise BadRequest(what="The body ends in the middle of an entry.", remedy="Send whole entries.")
    if reader.chain is not None and reader.chain.kid.hex() != camera.kid:
        raise BadRequest(what="This journal was signed by another key than the camera's.", remedy="Send its own.")
    if reader.chain is not None and Trust.load(force().trust_pem).judge(reader.chain) != "trusted":
        raise UnknownDevice(camera.kid)
    return good, reader


def _resumed(camera: Camera) -> JournalReader:
    """Return a reader that stands where the stored journal ends."""
    reader = JournalReader()
    parts = JournalPart.objects.filter(camera=camera, journal_id=bytes(camera.journal_id)).select_related("object")
    begin, last = parts.order_by("first_seq").first(), parts.order_by("-first_seq").first()
    if begin is None or last is None:
        return reader
    reader.chain = check_chain(_entries(begin)[0].x5chain, use=USE_CAMERA)
    final = _entries(last)[-1]
    reader.rec_id, reader.next_seq, reader.last_mono_ns = final.rec_id, final.seq + 1, final.mono_ns
    reader.tail = bytes(camera.journal_tail) or ZERO_HASH
    return reader


def _entries(part: JournalPart) -> list[Entry]:
    raw = vault_store().read(part.object.key, length=part.object.length)
    entries, position = [], 0
    while position < len(raw):
        entry, position = entry_at(raw, position)
        entries.append(entry)
    return entries


def _store(camera: Camera, good: list[Entry], reader: JournalReader, clock: Clock) -> None:
    data = b"".join(entry.raw for entry in good)
    key = vault_store().put(data)
    try:
        with transaction.atomic():
            locked = Camera.objects.select_for_update().get(pk=camera.pk)
            if _stands_at(locked) != _stands_at(camera):
                raise _Overtaken
            stored = StoredObject.objects.create(key=key, kind=ObjectKind.JOURNAL, length=len(data))
            JournalPart.objects.create(
                camera=locked,
                journal_id=good[0].rec_id,
                first_seq=good[0].seq,
                last_seq=good[-1].seq,
                object=stored,
            )
            index_entries(locked, good, clock)
            locked.journal_id, locked.journal_next_seq, locked.journal_tail = (
                good[0].rec_id,
                reader.next_seq,
                reader.tail,
            )
            locked.save(update_fields=["journal_id", "journal_next_seq", "journal_tail"])
            for entry in good:
                _take_label(locked, entry, clock)
    except BaseException as problem:
        remove_unkept(key, problem)
        raise


def _stands_at(camera: Camera) -> tuple[bytes, int]:
    return bytes(camera.journal_id), camera.journal_next_seq


def _take_label(camera: Camera, entry: Entry, clock: Clock) -> None:
    """Take a category given after the recording was closed, as the officer set it on the camera (R9)."""
    body = entry.body
    if not isinstance(body, EventBody) or body.kind != EventKind.LABEL:
        return
    found = Recording.objects.select_for_update().filter(pk=UUID(bytes=body.public[1]), camera=camera).first()
    if found is None or found.state in GONE:
        return  # its own entries come before the journal; what is deleted keeps the label it had
    arrival.take_label(found, code=body.public[2], evidential=body.public[3], clock=clock)
    found.save(update_fields=["evidential_from_camera"])
    log_event(
        EventType.CLASSIFY,
        recording=found,
        actor_label=f"camera {camera.name}",
        rule="journal",
        details={"deed": "label", "category": found.category, "evidential": body.public[3]},
        clock=clock,
    )
