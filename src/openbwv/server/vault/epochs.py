"""Epoch keys: a new one each week, and the old ones forgotten when nobody can need them any more (R10).

A camera keeps the epoch key that it was last given and all later ones alive until it takes a newer one, whatever became
of it, unless two people have written it off. That it took one shows at the server's door, or, behind a dock, in what it
recorded since. Destruction cannot be undone, so the rows it rests on are locked while it
is done, and the log has one event for each key that went, also when the server was cut off in between.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet

from openbwv.custody import EventType
from openbwv.recording import read_key_cbor
from openbwv.server.clock import from_ms, utc
from openbwv.server.evidence.models import Recording, State
from openbwv.server.fleet.models import Camera, WriteOff, WriteOffState
from openbwv.server.ingest.models import MissingNumber
from openbwv.server.trail.actions import log_event
from openbwv.server.trail.models import Event, JobHeartbeat
from openbwv.server.vault.keys import KeyClient, key_client
from openbwv.server.vault.models import PendingKey
from openbwv.shared.clock import Clock

EPOCH_DAYS = 7
DAY_MS = 86_400_000
JOB, EVERY_S = "vault.epoch", 6 * 3600
COMING = (State.ANNOUNCED, State.ARRIVING)
MOST_NAMES = 5


@dataclass(frozen=True)
class KeyFate:
    """What becomes of epoch keys if one camera is written off.

    `own` is the key it was last given, "" when that is not known; `goes` the keys destroyed by `by_utc`; `kept_by` what
    keeps its own after that, in words.
    """

    own: str
    exists: bool
    goes: tuple[str, ...]
    kept_by: tuple[str, ...]
    by_utc: datetime


def begin_epoch_if_due(clock: Clock) -> bool:
    """Begin a new epoch when the current one is a week old, and forget those that no camera needs (R10)."""
    client = key_client()
    public = client.public()
    epoch = public["epoch"]
    begun = clock.utc_ms() - epoch["from_ms"] >= EPOCH_DAYS * DAY_MS
    if begun:
        details = {"epoch": client.new_epoch(), "before": epoch["id"]}
        with transaction.atomic():
            log_event(EventType.KEM_EPOCH, actor_label=f"job {JOB}", rule="weekly", details=details, clock=clock)
    _name_what_went_unseen(client.public()["epochs"], clock)
    while _forget_the_oldest(client, clock):
        pass
    return begun


def unneeded_epochs(epochs: list[str], *, without: Camera | None = None) -> list[str]:
    """Return the epochs whose private key nobody can need any more: older than what any camera in use was last given.

    A camera keeps the epoch it was last given and all later ones alive, also when it was revoked or reported lost: one
    person does that, and it may still hold footage. Two people who write it off end that. A recording that is announced
    but not complete keeps all, so does one that its camera says it still holds; a wrapped key that waits keeps its own.
    `epochs` is oldest first; the newest is never returned.
    `without`: judge as if this camera were written off.
    """
    if _coming_in(without).exists() or _still_on_cameras(without).exists():
        return []  # its key is sealed to an epoch we have not seen yet
    needed = set(_counting(without).values_list("epoch_id", flat=True))
    if "" in needed:
        return []
    needed |= _of_waiting_keys(without)
    unneeded = []
    for epoch in epochs[:-1]:
        if epoch in needed:
            break
        unneeded.append(epoch)
    return unneeded[:-1]  # one more than strictly needed stays: a camera may be writing while it is handed the next


def fate_without(camera: Camera, clock: Clock) -> KeyFate:
    """Return which epoch keys are destroyed if `camera` is written off, and when; raises KeydUnavailable."""
    epochs = key_client().public()["epochs"]
    own = camera.epoch_id
    already = set(unneeded_epochs(epochs))
    goes = tuple(epoch for epoch in unneeded_epochs(epochs, without=camera) if epoch not in already)
    exists = own in epochs if own else bool(epochs)
    kept_by = () if not exists or (own and own in goes) else tuple(_what_keeps(own, epochs, camera))
    return KeyFate(own, exists, goes, kept_by, _next_run(clock))


def note_taken(recording: Recording, key_cbor: bytes) -> None:
    """Note that a camera has the epoch key which one of its recordings was sealed to; raises KeydUnavailable.

    Only when everything it began before is here: what is not may be sealed to an older one. So one that was enrolled
    anew and counts on keeps its keys: whose numbers the lower ones are cannot be told from a name. Of several copies of
    the key the oldest epoch counts: nobody signed that list, and a dock may have put one into it that opens nothing.
    """
    camera, epochs = recording.camera, key_client().public()["epochs"]
    place = {epoch: number for number, epoch in enumerate(epochs)}
    taken = min((place.get(each.epoch_id, -1) for each in read_key_cbor(key_cbor)), default=-1)
    if taken <= place.get(camera.epoch_id, -1):
        return
    before = Recording.objects.filter(camera=camera, rc__gte=1, rc__lt=recording.rc).exclude(state__in=COMING)
    if before.values("rc").distinct().count() >= recording.rc - 1:
        Camera.objects.filter(pk=camera.pk, epoch_id=camera.epoch_id).update(epoch_id=epochs[taken])


def sealed_to(camera: Camera) -> list[str]:
    """Return the epoch keys that exist and that `camera` may have sealed to last; raises KeydUnavailable."""
    epochs: list[str] = key_client().public()["epochs"]
    return [epoch for epoch in epochs if epoch == camera.epoch_id or not camera.epoch_id]


def given_out_from(epoch: str) -> datetime | None:
    """Return since when cameras were given an epoch key, which its name says; None for a name of another kind."""
    digits = epoch.removeprefix("e").partition("-")[0]
    return from_ms(int(digits)) if epoch.startswith("e") and digits.isdecimal() else None


def _forget_the_oldest(client: KeyClient, clock: Clock) -> bool:
    """Destroy the oldest epoch key that nobody needs; return whether there was one.

    The write-offs that it rests on are locked meanwhile: one that is being taken back comes before or after.
    """
    with transaction.atomic():
        confirmed = WriteOff.objects.select_for_update(of=("self",)).filter(state=WriteOffState.CONFIRMED)
        given_up = [(each.camera.name, each.epochs) for each in confirmed.select_related("camera")]
        unneeded = unneeded_epochs(client.public()["epochs"])
        if not unneeded:
            return False
        old = unneeded[0]
        client.destroy_epoch(old)
        details = {"epoch": old, "destroyed": True}
        names = [name for name, epochs in given_up if old in epochs]
        _log_destroyed(details | ({"written_off": names} if names else {}), clock)
    return True


def _name_what_went_unseen(epochs: list[str], clock: Clock) -> None:
    """Log the destruction of keys that went without an event: the server was cut off right after it."""
    begun = [each or {} for each in Event.objects.filter(type=EventType.KEM_EPOCH).values_list("details", flat=True)]
    known = {each[name] for each in begun for name in ("epoch", "before") if name in each and "destroyed" not in each}
    named = {each["epoch"] for each in begun if "destroyed" in each}
    for gone in sorted(known - named - set(epochs)):
        _log_destroyed({"epoch": gone, "destroyed": True, "noticed_later": True}, clock)


def _log_destroyed(details: dict[str, Any], clock: Clock) -> None:
    with transaction.atomic():
        log_event(EventType.KEM_EPOCH, actor_label=f"job {JOB}", rule="R10", details=details, clock=clock)


def _coming_in(without: Camera | None) -> QuerySet[Recording]:
    """Return the recordings that are still to come; of what was written off nothing is waited for."""
    coming = Recording.objects.filter(state__in=COMING, camera__written_off_utc=None)
    return coming.exclude(camera=without) if without else coming


def _still_on_cameras(without: Camera | None) -> QuerySet[MissingNumber]:
    """Return the numbers that never came and that their cameras, by their own word, still hold."""
    held = MissingNumber.objects.filter(on_camera=True, camera__written_off_utc=None)
    return held.exclude(camera=without) if without else held


def _counting(without: Camera | None) -> QuerySet[Camera]:
    """Return the cameras whose footage is still waited for."""
    cameras = Camera.objects.filter(written_off_utc=None)
    return cameras.exclude(pk=without.pk) if without else cameras


def _of_waiting_keys(without: Camera | None) -> set[str]:
    """Return the epochs of wrapped keys that wait to be wrapped anew."""
    waiting = PendingKey.objects.exclude(_given_up_for_good())
    if without:
        waiting = waiting.exclude(recording__camera=without, recording__state__in=COMING)
    return {wrapped.epoch_id for pending in waiting for wrapped in read_key_cbor(bytes(pending.key_cbor))}


def _given_up_for_good() -> Q:
    """Match wrapped keys of recordings that were given up and whose key does not open.

    The others are kept, also where no footage is here: a dock may hold it, and `ingest.given-up` has their keys wrapped
    anew first.
    """
    return Q(recording__camera__written_off_utc__isnull=False, recording__state__in=COMING) & ~Q(refused_why="")


def _what_keeps(own: str, epochs: list[str], camera: Camera) -> Iterator[str]:
    """Yield in words what keeps the key that `camera` was last given once the camera is written off."""
    if own == epochs[-1]:
        yield "it is the key that cameras are given now"
        return
    if _coming_in(camera).exists() or _still_on_cameras(camera).exists():
        yield "recordings of other cameras are still to come"
    up_to = epochs[: epochs.index(own) + 1] if own in epochs else epochs[:1]
    others = _counting(camera).filter(epoch_id__in=["", *up_to]).order_by("name")
    names = list(others.values_list("name", flat=True)[: MOST_NAMES + 1])
    if names:
        more = " and others" if len(names) > MOST_NAMES else ""
        yield f"no newer key is known to have reached {', '.join(names[:MOST_NAMES])}{more}"
    if _of_waiting_keys(camera) & set(up_to):
        yield "the key of a recording that is here waits to be opened with it"
    if not names:
        yield "of the keys that nobody needs, the newest stays until another one is given out"


def _next_run(clock: Clock) -> datetime:
    """Return by when the job that destroys keys has run again."""
    now, every = utc(clock), timedelta(seconds=EVERY_S)
    beat = JobHeartbeat.objects.filter(job=JOB).first()
    last = beat.last_started_utc if beat else None
    return last + every if last and last + every > now else now + every
