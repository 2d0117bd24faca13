"""What was kept aside of a camera that was not known here, offered again once a fleet manager has enrolled it.

Nothing is taken over. Each thing goes through the function that takes it at the door, with all its checks, as from the
device that brought it, in the order in which devices send: entries, keys, fragments, journals. It is needed where the
sender has nothing any more, or is far away; whoever still has it may send it again, and nothing is stored twice.
What is offered is settled, with what came of it, and its bytes stay aside.
"""

from collections.abc import Iterator
from uuid import UUID

from django.db import transaction

from openbwv.custody import EventType
from openbwv.recording.entries import entry_at
from openbwv.recording.errors import BwvError
from openbwv.server.clock import utc
from openbwv.server.evidence.models import Recording
from openbwv.server.fleet.models import DeviceState, Dock, Enrolment, EnrolmentState
from openbwv.server.ingest.aside import aside_store
from openbwv.server.ingest.errors import EntriesFirst, UnknownDevice
from openbwv.server.ingest.journal import take_journal
from openbwv.server.ingest.manifest import take_manifest
from openbwv.server.ingest.models import Aside, AsideKind
from openbwv.server.ingest.parts import take_kept_part
from openbwv.server.ingest.side_objects import take_key
from openbwv.server.ingest.tokens import Peer, find_device
from openbwv.server.people.models import Person
from openbwv.server.trail.actions import log_event
from openbwv.shared.clock import Clock

BATCH = 500
LATER = (503, 507)  # no verdict on what was offered: a database, disk or key service that is away


def offer_again(clock: Clock) -> int:
    """Offer what waits for cameras that are enrolled by now; return how many things were settled by it.

    Raises what makes it impossible at the moment (VaultAway, DiskFull, Busy); the rest waits for the next run.
    """
    return sum(_offer(aside, person, clock) for aside, person in _waiting())


def _waiting() -> Iterator[tuple[Aside, Person]]:
    """Yield what may be offered, and who enrolled the camera. Keys and fragments wait for their recording's entries."""
    kept = Aside.objects.filter(code=UnknownDevice.code, resolved_utc=None).exclude(path="").order_by("id")
    for kind in (AsideKind.MANIFEST, AsideKind.KEY, AsideKind.PART, AsideKind.JOURNAL):
        numbers = list(kept.filter(kind=kind).values_list("pk", flat=True))
        for start in range(0, len(numbers), BATCH):
            rows = list(kept.filter(pk__in=numbers[start : start + BATCH]))
            kids = _cameras(rows)
            people = _who_enrolled(set(kids.values()))
            yield from ((row, people[kid]) for row in rows if (kid := kids.get(row.pk)) in people)


def _cameras(rows: list[Aside]) -> dict[int, str]:
    """Return whose each row is. What came beside entries belongs to the camera that signed those."""
    beside = {row.pk: _uuid(row) for row in rows if row.kind in (AsideKind.KEY, AsideKind.PART)}
    taken = dict(Recording.objects.filter(pk__in=set(beside.values())).values_list("pk", "camera__kid"))
    return {row.pk: taken.get(beside[row.pk], "") if row.pk in beside else row.device_kid for row in rows}


def _who_enrolled(kids: set[str]) -> dict[str, Person]:
    """Return the fleet manager who confirmed each of these cameras last, of those that are enrolled now."""
    confirmed = Enrolment.objects.filter(state=EnrolmentState.CONFIRMED, confirmed_by__isnull=False)
    rows = confirmed.filter(camera__kid__in=kids, camera__state=DeviceState.ENROLLED)
    rows = rows.select_related("camera", "confirmed_by").order_by("asked_at")
    return {row.camera.kid: row.confirmed_by for row in rows}


def _uuid(aside: Aside) -> UUID:
    return UUID(bytes=bytes(aside.rec_id))


def _offer(aside: Aside, person: Person, clock: Clock) -> bool:
    peer = _sender(aside.sender_kid)
    if peer is None:
        return False
    try:
        _take(aside, peer, clock)
        said = "It was offered again and taken."
    except EntriesFirst:
        return False  # another run of entries, kept aside too or on its way
    except BwvError as refusal:
        if refusal.http_status in LATER:
            raise
        said = f"It was offered again and refused: {refusal.what}"
    _settle(aside, said, person, clock)
    return True


def _take(aside: Aside, peer: Peer, clock: Clock) -> None:
    rec_id, store = bytes(aside.rec_id), aside_store()
    if aside.kind == AsideKind.PART:
        blocks = store.chunks(aside.path, length=aside.length)
        take_kept_part(rec_id, blocks, length=aside.length, digest=bytes.fromhex(aside.sha256), peer=peer)
        return
    data = store.read(aside.path, length=aside.length)
    if aside.kind == AsideKind.KEY:
        take_key(rec_id, data, peer, clock)
    elif aside.kind == AsideKind.MANIFEST:
        take_manifest(rec_id, from_seq=entry_at(data, 0)[0].seq, data=data, peer=peer, clock=clock)
    else:
        take_journal(aside.device_kid, from_seq=entry_at(data, 0)[0].seq, data=data, peer=peer, clock=clock)


def _sender(kid: str) -> Peer | None:
    """Return who brought it, as the door knows them; None for somebody unknown or revoked."""
    device = find_device(kid)
    if device is None or device.state == DeviceState.REVOKED:
        return None
    return Peer("dock" if isinstance(device, Dock) else "camera", kid, device)


def _settle(aside: Aside, said: str, person: Person, clock: Clock) -> None:
    """Settle it in the name of who enrolled the camera, which is what let it be offered."""
    with transaction.atomic():
        Aside.objects.filter(pk=aside.pk).update(resolved_utc=utc(clock), resolved_by=person, resolved_why=said)
        log_event(
            EventType.ASIDE,
            recording=Recording.objects.filter(pk=_uuid(aside)).first() if aside.rec_id else None,
            actor_label="door",
            why=said,
            rule="offered-again",
            details={"aside": aside.pk, "code": aside.code, "kind": aside.kind},
            clock=clock,
        )
