"""Signed entries arrive: checked in order, stored byte for byte, known to the library at once.

Order of acts: the bytes become a durable object, then one transaction makes its row, the recording's facts and the
chain's state. A crash between leaves an object without a row, which the sweep removes; the sender asks and goes on.
Two entries are the same when the hashes of their Sig_structures are, whatever their signature bytes (n - s).
"""

from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from openbwv.recording import Entry, ManifestReader, OpenBody, Trust, load_public, verify_es256
from openbwv.recording.entries import entry_at
from openbwv.recording.errors import BwvError
from openbwv.server.evidence import arrival
from openbwv.server.evidence.models import Recording, State
from openbwv.server.fleet.models import Assignment, Camera
from openbwv.server.ingest.aside import held_aside, keep_aside
from openbwv.server.ingest.bounds import check_bounds
from openbwv.server.ingest.counts import number_arrived
from openbwv.server.ingest.errors import (
    BadRequest,
    Busy,
    DoorRefusal,
    EntriesFirst,
    EntryRefused,
    Equivocation,
    NotYours,
    Revoked,
    UnknownDevice,
)
from openbwv.server.ingest.models import AsideKind, ChainState
from openbwv.server.ingest.tokens import Peer, check_standing
from openbwv.server.ingest.unkept import remove_unkept
from openbwv.server.vault.force import force
from openbwv.server.vault.media_map import note_entries, stored_entries
from openbwv.server.vault.models import ManifestPart, ObjectKind, StoredObject
from openbwv.server.vault.store import vault_store
from openbwv.shared.clock import Clock

MANIFEST_LIMIT_BYTES = 16 << 20
GONE = (State.DELETING, State.ERASED)


def manifest_held(rec_id: bytes, peer: Peer) -> dict[str, Any]:
    """Return how far the entries of a recording are here."""
    recording = find_recording(rec_id, peer)
    if recording is None:
        return {"next_seq": 0, "tail": None}
    return {"next_seq": recording.next_seq, "tail": bytes(recording.tail).hex()}


def find_recording(rec_id: bytes, peer: Peer) -> Recording | None:
    """Return the recording, or None; raises NotYours when a camera asks for another camera's."""
    recording = Recording.objects.select_related("camera").filter(pk=UUID(bytes=rec_id)).first()
    if recording is not None:
        check_owner(recording.camera.kid if recording.camera else "", peer)
    return recording


def check_owner(camera_kid: str, peer: Peer) -> None:
    """Raise NotYours unless `peer` is a dock or that camera itself."""
    if not peer.is_dock and peer.kid != camera_kid:
        raise NotYours(
            what="This recording was made by another camera.", remedy="A camera may send and ask for its own alone."
        )


def take_manifest(rec_id: bytes, *, from_seq: int, data: bytes, peer: Peer, clock: Clock) -> dict[str, Any]:
    """Take signed entries, the first numbered `from_seq`; return how far the entries are here now.

    Raises UnknownDevice (202) and Revoked, EntriesFirst, Equivocation, EntryRefused, FormatError: the bytes of all of
    these but EntriesFirst are kept aside. What was good before the bad entry is stored.
    """
    for _ in range(3):
        recording = find_recording(rec_id, peer)
        if recording is not None and recording.state in GONE:
            return {"next_seq": recording.next_seq, "tail": bytes(recording.tail).hex()}
        try:
            return _take(recording, rec_id, from_seq=from_seq, data=data, peer=peer, clock=clock)
        except _Overtaken:
            continue  # another request stored the same entries first: look again
    raise Busy(what="Several uploads of these entries are running.", remedy="Try again in a second.")


class _Overtaken(Exception):
    pass


def _take(
    recording: Recording | None, rec_id: bytes, *, from_seq: int, data: bytes, peer: Peer, clock: Clock
) -> dict[str, Any]:
    next_seq = recording.next_seq if recording else 0
    if from_seq > next_seq:
        raise EntriesFirst(
            what=f"Entry {next_seq} is wanted next, not {from_seq}.",
            remedy=f"Send the entries from number {next_seq} on.",
            next_seq=next_seq,
        )
    aside = {"sender_kid": peer.kid, "rec_id": rec_id, "clock": clock, "kind": AsideKind.MANIFEST}
    kid = recording.camera.kid if recording is not None and recording.camera else ""
    try:
        known, fresh = _split(data, rec_id, from_seq, next_seq)
        if known and recording is not None:
            _compare(recording, known)
        reader = _reader(recording)
        camera, good, problem = _check(reader, fresh, recording, peer)
        kid = camera.kid if camera else kid
    except DoorRefusal as refusal:
        kid = refusal.details.pop("kid", kid)
        keep_aside(data, why=refusal, device_kid=kid, **aside)
        if isinstance(refusal, UnknownDevice):
            refusal.details |= {"next_seq": from_seq + _count(data), "tail": None}
        raise
    except BwvError as refusal:
        keep_aside(data, why=refusal, device_kid=kid, **aside)
        raise
    if good:
        recording = _store(recording, camera, good, reader, clock)
    if problem is not None:
        keep_aside(data, why=problem, device_kid=kid, **aside)
        raise problem
    return {"next_seq": reader.next_seq, "tail": reader.tail.hex()}


def _split(data: bytes, rec_id: bytes, from_seq: int, next_seq: int) -> tuple[list[Entry], bytes]:
    """Return the entries that are here already, and the bytes of those that follow; raises FormatError."""
    known: list[Entry] = []
    position = 0
    while position < len(data):
        entry, end = entry_at(data, position)
        if entry.rec_id != rec_id or entry.seq != from_seq + len(known):
            raise EntryRefused(
                what=f"Entry {entry.seq} of another place stands where entry {from_seq + len(known)} should.",
                remedy="Send one recording's entries, in order, to that recording's address.",
            )
        if entry.seq >= next_seq:
            break
        known.append(entry)
        position = end
    return known, data[position:]


def _compare(recording: Recording, known: list[Entry]) -> None:
    """Raise Equivocation or EntryRefused when an entry differs from the stored one of its place."""
    stored = {
        entry.seq: entry.sig_structure_sha256
        for entry in stored_entries(recording, from_seq=known[0].seq)
        if entry.seq <= known[-1].seq
    }
    public_key = load_public(_reader(recording).chain.public_der)
    for entry in known:
        if stored.get(entry.seq) == entry.sig_structure_sha256:
            continue
        verify_es256(public_key, entry.signed.signature, entry.signed.sig_structure)  # raises SignatureWrong: a forgery
        raise Equivocation(
            what=f"The camera's key signed two different entries {entry.seq}. Both are kept.",
            remedy="Tell the fleet manager: the camera's key was copied, or the camera is broken.",
            seq=entry.seq,
        )


def _reader(recording: Recording | None) -> ManifestReader:
    if recording is None:
        return ManifestReader()
    state = ChainState.objects.get(recording=recording)
    return ManifestReader.restore(bytes(state.saved))


def _check(
    reader: ManifestReader, fresh: bytes, recording: Recording | None, peer: Peer
) -> tuple[Camera | None, list[Entry], BwvError | None]:
    """Return the camera, the good entries and, when one is bad, what is wrong with it."""
    good: list[Entry] = []
    camera = recording.camera if recording else None
    problem: BwvError | None = None
    if camera is not None and fresh:
        _check_revoked(camera)  # revoked since it began: whoever has its key now could go on with the recording
    try:
        for entry in reader.read(fresh):
            if camera is None:
                camera = _enrolled(reader, entry, peer)
            good.append(entry)
        if reader.waiting_bytes:
            raise BadRequest(what="The body ends in the middle of an entry.", remedy="Send whole entries.")
    except DoorRefusal as refusal:
        if not good:
            raise
        problem = refusal
    except BwvError as refusal:
        problem = refusal
    check_bounds(good, recording)
    return camera, good, problem


def _enrolled(reader: ManifestReader, entry: Entry, peer: Peer) -> Camera:
    """Return the camera that signed OPEN; raises UnknownDevice, Revoked, NotYours, EntryRefused."""
    kid = entry.kid.hex()
    camera = Camera.objects.filter(kid=kid).first()
    if camera is None or reader.chain is None or Trust.load(force().trust_pem).judge(reader.chain) != "trusted":
        refusal: DoorRefusal = UnknownDevice(kid)
        refusal.details["kid"] = kid
        raise refusal
    _check_revoked(camera)
    check_owner(kid, peer)
    body = entry.body
    if isinstance(body, OpenBody):
        _check_counter(camera, body, entry)
    return camera


def _check_revoked(camera: Camera) -> None:
    try:
        check_standing(camera)
    except Revoked as revoked:
        revoked.details["kid"] = camera.kid
        raise


def _check_counter(camera: Camera, body: OpenBody, entry: Entry) -> None:
    other = Recording.objects.filter(camera=camera, rc=body.rc).exclude(pk=UUID(bytes=entry.rec_id)).first()
    if other is not None:
        raise Equivocation(
            what=f"Camera {camera.name} numbered two recordings {body.rc}: this one and {other.reference}.",
            remedy="Both are kept. Tell the fleet manager: the camera's key was copied, or its store was replaced.",
            kid=camera.kid,
        )


def _store(
    recording: Recording | None, camera: Camera | None, good: list[Entry], reader: ManifestReader, clock: Clock
) -> Recording:
    """Make the good entries durable, then known; raises _Overtaken when another request was first."""
    data = b"".join(entry.raw for entry in good)
    store = vault_store()
    key = store.put(data)
    try:
        with transaction.atomic():
            recording = _lock_or_announce(recording, camera, good[0], clock)
            arrival.take_entries(recording=recording, entries=good, clock=clock)
            stored = StoredObject.objects.create(
                key=key, kind=ObjectKind.MANIFEST, length=len(data), recording=recording
            )
            ManifestPart.objects.create(
                recording=recording, first_seq=good[0].seq, last_seq=good[-1].seq, object=stored
            )
            state = {"next_seq": reader.next_seq, "saved": reader.save()}
            ChainState.objects.update_or_create(recording=recording, defaults=state)
    except (IntegrityError, _Overtaken):
        store.remove(key)
        raise _Overtaken from None
    except BaseException as problem:
        remove_unkept(key, problem)
        raise
    note_entries(recording.pk, good)
    return recording


def _lock_or_announce(recording: Recording | None, camera: Camera | None, first: Entry, clock: Clock) -> Recording:
    if recording is not None:
        locked = Recording.objects.select_for_update().get(pk=recording.pk)
        if locked.next_seq != first.seq or locked.state in GONE:
            raise _Overtaken
        return locked
    body = first.body
    pseudonym = body.assignment if isinstance(body, OpenBody) else None
    assignment = Assignment.objects.filter(pseudonym=pseudonym, camera=camera).first() if pseudonym else None
    announced = arrival.announce_recording(open_entry=first, camera=camera, assignment=assignment, clock=clock)
    number_arrived(camera, announced.rc, clock)
    return announced


def _count(data: bytes) -> int:
    count = position = 0
    while position < len(data):
        _, position = entry_at(data, position)
        count += 1
    return count


def is_aside(rec_id: bytes) -> bool:
    """Return whether this recording's entries were kept aside."""
    return held_aside(rec_id) is not None
