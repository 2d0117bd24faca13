"""A camera's signed counters arrive, straight or through a dock: what it counted and is not here is missing.

Only a statement that follows the one held changes anything (openbwv.recording.counts): an older one played again has no
effect, and one that contradicts it is kept aside as a copied key or a replaced store. Numbers below the newest one said
before are not looked at again, so nothing comes back when the words of old recordings are forgotten.
"""

from uuid import UUID

from django.db import transaction

from openbwv.custody import EventType
from openbwv.custody.errors import CustodyError
from openbwv.recording import Anchor, CountStatement, SignerNotTrusted, Trust
from openbwv.recording.errors import BwvError
from openbwv.server.clock import utc
from openbwv.server.fleet.models import Camera, Dock
from openbwv.server.ingest.aside import keep_aside
from openbwv.server.ingest.errors import BadRequest, EntryRefused, Equivocation, NotYours, UnknownDevice
from openbwv.server.ingest.missing import compare_counters
from openbwv.server.ingest.models import AsideKind, Counted, MissingNumber
from openbwv.server.ingest.numbered import arrived, earlier_keys, first_counted
from openbwv.server.ingest.placing import place
from openbwv.server.ingest.tokens import Peer, check_standing
from openbwv.server.trail import log
from openbwv.server.trail.actions import log_event
from openbwv.server.vault.force import force
from openbwv.shared.clock import Clock

MOST_LISTED = 1000
MOST_ROWS = 10_000  # of one camera; whoever has its key can count on as often as they like


def take_counts(camera_kid: str, data: bytes, peer: Peer, clock: Clock) -> bool:
    """Take a count statement and return whether it is newer than the one held.

    Raises NotYours, and after keeping the bytes aside FormatError, UnknownDevice, Revoked, EntryRefused, Equivocation.
    """
    if not peer.is_dock and peer.kid != camera_kid:
        raise NotYours(what="These counters are another camera's.", remedy="A camera may send its own alone.")
    # The one held is compared first, for this one may take its place.
    compare_counters(Counted.objects.filter(camera__kid=camera_kid), clock)
    try:
        camera, statement = _read(camera_kid, data)
        return _take(camera, statement, data, peer, clock)
    except BwvError as refusal:
        keep_aside(data, kind=AsideKind.COUNTS, why=refusal, device_kid=camera_kid, sender_kid=peer.kid, clock=clock)
        raise


def _read(camera_kid: str, data: bytes) -> tuple[Camera, CountStatement]:
    try:
        received = CountStatement.decode(data, trust=Trust.load(force().trust_pem))
    except SignerNotTrusted:
        raise UnknownDevice(camera_kid) from None
    if received.kid.hex() != camera_kid:
        raise BadRequest(what="These counters were signed by another key than the camera's.", remedy="Send its own.")
    camera = Camera.objects.filter(kid=camera_kid).first()
    if camera is None:
        raise UnknownDevice(camera_kid)
    check_standing(camera)
    if received.body.anchor is not None:
        _check_anchor(camera, received.body.anchor)
    return camera, received.body


def _check_anchor(camera: Camera, anchor: Anchor) -> None:
    """Refuse a statement whose checkpoint this log never had; one of an older log says nothing that can be checked."""
    try:
        reader = log.reader()
        now = reader.checkpoint()
        if anchor.origin != now.origin:
            return
        known = anchor.size <= now.size and reader.root_at(anchor.size, now.size) == anchor.root
    except CustodyError:
        return  # a log that cannot be read now is no reason to turn counters away
    if not known:
        raise EntryRefused(
            what=f"Camera {camera.name} holds a checkpoint that the custody log never had.",
            remedy="Run `./bwv check`; the camera's key was copied, or somebody showed it another log.",
        )


def _take(camera: Camera, statement: CountStatement, data: bytes, peer: Peer, clock: Clock) -> bool:
    now = utc(clock)
    with transaction.atomic():
        locked = Camera.objects.select_for_update().get(pk=camera.pk)
        held = Counted.objects.filter(camera=locked).first()
        before = CountStatement.decode(bytes(held.signed)).body if held else None
        if before is not None:
            if before.after(statement):
                return False
            if statement.contradicts(before):
                raise Equivocation(
                    what=f"Camera {locked.name} signed counters that contradict those it signed before.",
                    remedy="Tell the fleet manager: the camera's key was copied, or its store was replaced.",
                )
        made_utc = place(statement.clock, now=now)
        values = {
            "signed": data,
            "next_rc": statement.next_rc,
            "journal_id": statement.journal_id,
            "journal_next_seq": statement.journal_next_seq,
            "journal_tail": statement.journal_tail,
            "newest": UUID(bytes=statement.newest) if statement.newest else None,
            "newest_tail": statement.newest_tail,
            "made_utc": made_utc,
            "taken_utc": now,
            "dock": peer.device if isinstance(peer.device, Dock) else None,
            "compared": False,
            "differs": "",
            "differs_told_utc": None,
        }
        new = values | ({} if held else {"first_rc": first_counted(locked, statement)})
        counted, _ = Counted.objects.update_or_create(camera=locked, defaults=values, create_defaults=new)
        _note_missing(counted, statement, before.next_rc if before else 1)
        locked.next_rc = max(locked.next_rc, statement.next_rc)
        if made_utc is not None:  # when it stood in the dock, not when the dock found the server
            locked.last_docked_utc = max(made_utc, locked.last_docked_utc or made_utc)
        locked.save(update_fields=["next_rc", "last_docked_utc"])
        log_event(
            EventType.INVENTORY,
            actor_label=f"camera {locked.name}",
            rule="counts",
            details={
                "camera": locked.name,
                "next_rc": statement.next_rc,
                "starts": statement.starts,
                "journal_next_seq": statement.journal_next_seq,
                "missing": locked.missing_numbers.count() + counted.unlisted,
                "dock": counted.dock.name if counted.dock else None,
            },
            clock=clock,
        )
    return True


def _note_missing(counted: Counted, statement: CountStatement, first: int) -> None:
    """Make a row for each number from `first` on that no recording has, the newest MOST_LISTED while there is room.

    The others are only counted, each number once: a camera that was enrolled anew may have begun from 1 again.
    """
    camera = counted.camera
    room = min(MOST_LISTED, max(0, MOST_ROWS - camera.missing_numbers.count()))
    listed_from = max(first, statement.next_rc - room)
    here = arrived(camera, counted.first_rc)
    early = here.filter(rc__gte=first, rc__lt=listed_from).order_by().values("rc").distinct().count()
    counted.unlisted += max(0, listed_from - first) - early
    counted.save(update_fields=["unlisted"])
    late = set(here.filter(rc__gte=listed_from, rc__lt=statement.next_rc).values_list("rc", flat=True))
    held = set(statement.held)
    MissingNumber.objects.filter(camera=camera).update(on_camera=False)
    MissingNumber.objects.filter(camera=camera, rc__in=held).update(on_camera=True)
    MissingNumber.objects.bulk_create(
        MissingNumber(camera=camera, rc=rc, since_utc=counted.taken_utc, on_camera=rc in held)
        for rc in range(max(1, listed_from), statement.next_rc)
        if rc not in late
    )


def number_arrived(camera: Camera, rc: int, clock: Clock) -> None:
    """Note in the caller's transaction that a recording's first entry is here; it is logged where it was an alarm."""
    Camera.objects.select_for_update().get(pk=camera.pk)  # the camera's next counters wait for this, or came before
    counted = Counted.objects.filter(camera=camera).first()
    row = MissingNumber.objects.filter(camera=camera, rc=rc).first()
    if counted is not None:
        credited = earlier_keys(camera, counted.first_rc).filter(rc=rc).exists()
        if row is None and 1 <= rc < counted.next_rc and not credited:
            counted.unlisted = max(0, counted.unlisted - 1)
        if 1 <= rc < counted.first_rc:
            _take_credit_back(counted, rc, clock)
        counted.save(update_fields=["first_rc", "unlisted"])
    if row is None:
        return
    row.delete()
    if row.told_utc is not None:
        log_event(
            EventType.MISSING,
            actor_label=f"camera {camera.name}",
            rule="missing-number",
            details={"deed": "arrived", "camera": camera.name, "numbers": str(rc)},
            clock=clock,
        )


def _take_credit_back(counted: Counted, first: int, clock: Clock) -> None:
    """Note that this key counted from `first` on: numbers above it that only earlier keys brought are missing."""
    camera = counted.camera
    own = camera.recordings.filter(rc__gt=first, rc__lt=counted.first_rc).values("rc")
    others = earlier_keys(camera, counted.first_rc).filter(rc__gt=first).exclude(rc__in=own)
    listed = camera.missing_numbers.values_list("rc", flat=True)
    lost = sorted(set(others.values_list("rc", flat=True)) - set(listed), reverse=True)
    room = max(0, MOST_ROWS - camera.missing_numbers.count())
    rows = (MissingNumber(camera=camera, rc=rc, since_utc=utc(clock)) for rc in lost[:room])
    MissingNumber.objects.bulk_create(rows)
    counted.unlisted += len(lost[room:])
    counted.first_rc = first
