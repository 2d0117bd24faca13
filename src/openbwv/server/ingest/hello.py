"""Hello: the door's nonce, the device's signed inventory, and what a device takes home from a docking."""

import secrets
from datetime import timedelta
from typing import Any

from django.db import transaction

from openbwv.custody import EventType
from openbwv.custody.errors import CustodyError
from openbwv.recording import EpochKey, Inventory, Trust, cbor
from openbwv.recording.errors import BwvError
from openbwv.server.clock import utc
from openbwv.server.evidence.models import Recording, State
from openbwv.server.fleet.models import Camera, DeviceState, Dock
from openbwv.server.fleet.revocation import revocation_list
from openbwv.server.ingest.aside import STRANGER, keep_aside
from openbwv.server.ingest.errors import DoorRefusal, HelloRefused, Revoked, UnknownDevice
from openbwv.server.ingest.models import AsideKind
from openbwv.server.ingest.tokens import Nonces, Peer, check_standing, find_device, issue_token
from openbwv.server.trail import log
from openbwv.server.trail.actions import event_map, log_event
from openbwv.server.trail.models import Event
from openbwv.server.vault.force import force
from openbwv.server.vault.keys import key_client
from openbwv.shared.clock import Clock
from openbwv.shared.door import Hello, LogBeginning, Welcome

MOST_QUEUED = 2000
DOCK_NOTED_EVERY = timedelta(hours=1)
nonces = Nonces()
_epochs: dict[str, bytes] = {}
_log_chains: dict[str, tuple[bytes, ...]] = {}


def say_hello(clock: Clock) -> dict[str, Any]:
    """Return the answer to GET /hello."""
    hello = Hello(time_ms=clock.utc_ms(), nonce=nonces.make(), door=force().door, checkpoint=newest_checkpoint())
    return hello.as_json()


def take_inventory(data: bytes, clock: Clock) -> dict[str, Any]:
    """Check a signed inventory and return the welcome.

    Raises UnknownDevice, Revoked (both kept aside), HelloRefused, FormatError.
    """
    received = Inventory.decode(data)
    if received.body.door != force().door:
        raise HelloRefused(
            what="The inventory was signed for another door.", remedy="Sign the name that GET /hello gave you."
        )
    nonces.take(received.body.nonce)
    kid = received.kid.hex()
    ours = Trust.load(force().trust_pem).judge(received.chain) == "trusted"
    device = find_device(kid) if ours else None
    if device is None:
        raise _aside(data, UnknownDevice(kid), kid, STRANGER, clock)
    try:
        check_standing(device)
    except Revoked as refusal:
        raise _aside(data, refusal, kid, kid, clock) from None
    with transaction.atomic():
        _note(device, received.body, clock)
        token = issue_token(device)
    return _welcome(token, device).as_json()


def take_stranger(data: bytes, peer: Peer, clock: Clock) -> None:
    """Keep aside what a device signed that a dock turned away; raises FormatError when nothing says whose it is."""
    kid = Inventory.decode(data).kid.hex()
    refusal = UnknownDevice(kid)
    keep_aside(data, kind=AsideKind.HELLO, why=refusal, device_kid=kid, sender_kid=peer.kid, clock=clock)


def newest_checkpoint() -> str | None:
    """Return the log's newest signed checkpoint, or None while there is no log yet."""
    try:
        return log.reader().note()
    except CustodyError:
        return None  # no checkpoint to hand out is no reason to turn evidence away


def current_epoch_key() -> bytes | None:
    """Return the signed epoch key for cameras; the last one known while the key service is away, None without any."""
    try:
        client = key_client()
        epoch = client.public()["epoch"]
        if epoch["id"] not in _epochs:
            signer = client.signer("fleet")
            _epochs.clear()
            _epochs[epoch["id"]] = EpochKey(epoch["id"], epoch["public"], epoch["from_ms"]).encode(signer, signer.chain)
    except BwvError:
        pass  # offload goes on without keyd; the camera keeps the epoch key it has
    return next(iter(_epochs.values()), None)


def current_epoch_id() -> str:
    """Return the name of the epoch key that `current_epoch_key` gives."""
    return next(iter(_epochs), "")


def _log_certificate() -> tuple[bytes, ...]:
    """Return the chain of the log's key, empty while the key service was not reached since this generation began."""
    vkey = force().vkey
    if vkey not in _log_chains:
        try:
            public = key_client().public()
        except BwvError:
            return ()
        _log_chains[public["vkey"]] = (public["certificates"]["log"], public["certificates"]["agency"])
    return _log_chains.get(vkey, ())


def _aside(data: bytes, refusal: DoorRefusal, kid: str, sender: str, clock: Clock) -> DoorRefusal:
    keep_aside(data, kind=AsideKind.HELLO, why=refusal, device_kid=kid, sender_kid=sender, clock=clock)
    return refusal


def _note(device: Camera | Dock, inventory: Inventory, clock: Clock) -> None:
    now = utc(clock)
    details: dict[str, Any] = {"boot": inventory.boot, "battery": inventory.battery, "rows": len(inventory.last)}
    if isinstance(device, Camera):
        device.last_docked_utc = now
        device.next_rc = max(device.next_rc, inventory.next_rc)
        device.epoch_id = current_epoch_id() or device.epoch_id
        device.save(update_fields=["last_docked_utc", "next_rc", "epoch_id"])
        details |= {"camera": device.name, "next_rc": inventory.next_rc}
    else:
        seen, device.last_seen_utc = device.last_seen_utc, now
        device.save(update_fields=["last_seen_utc"])
        if seen is not None and now - seen < DOCK_NOTED_EVERY:
            return  # a dock greets every fifteen minutes; one event an hour says that it is there
        details["dock"] = device.name
    log_event(
        EventType.INVENTORY,
        subject=secrets.token_bytes(16),
        actor_label=f"{type(device).__name__.lower()} {device.name}",
        rule="hello",
        details=details,
        clock=clock,
    )


def _welcome(token: str, device: Camera | Dock) -> Welcome:
    gone = Camera.objects.filter(state=DeviceState.REVOKED).values_list("kid", flat=True)
    docks = Dock.objects.filter(state=DeviceState.REVOKED).values_list("kid", flat=True)
    return Welcome(
        token=token,
        epoch_key=current_epoch_key(),
        queue=_queue(device),
        revoked=frozenset(bytes.fromhex(kid) for kid in (*gone, *docks)),
        checkpoint=newest_checkpoint(),
        crl=revocation_list(),
        **_newest_log(),
    )


def _newest_log() -> dict[str, Any]:
    """Return what lets a device go over to this log: its key, the certificate, and how it began after another.

    Nothing while a log that followed another has not opened with its first entry: no device would take its key yet.
    """
    beginning = log_beginning()
    if force().generation > 1 and beginning is None:
        return {}
    return {"log_vkey": force().vkey, "log_certificate": _log_certificate(), "log_beginning": beginning}


def log_beginning() -> LogBeginning | None:
    """Return this log's first entry, opened, where it names the log that ended before; None for a force's first log."""
    first = Event.objects.filter(
        log_generation=force().generation, leaf_index=0, type=EventType.LOG_GENERATION, salt__isnull=False
    ).first()
    if first is None:
        return None
    try:
        proof = log.reader().tlog_proof(0)
    except CustodyError:
        return None  # as above: a log that cannot be read now is no reason to turn evidence away
    return LogBeginning(bytes(first.leaf), cbor.encode(event_map(first)), bytes(first.salt), proof)


def _queue(device: Camera | Dock) -> tuple[bytes, ...]:
    """Return what is wanted first: held, evidential and flagged recordings, then the oldest."""
    wanted = Recording.objects.filter(state__in=(State.ANNOUNCED, State.ARRIVING))
    if isinstance(device, Camera):
        wanted = wanted.filter(camera=device)
    order = ("-held_count", "-evidential_from_camera", "-marker_count", "started_utc")
    return tuple(pk.bytes for pk in wanted.order_by(*order).values_list("pk", flat=True)[:MOST_QUEUED])
