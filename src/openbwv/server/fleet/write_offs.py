"""A camera that will not dock again is written off by two: a fleet manager proposes, a records manager decides (R10).

What is given up is evidence, so the page lists it before either presses. The camera is out of service from the decision
on and its certificate is revoked; the epoch keys that were kept for it alone go with the next run of `vault.epoch`.
Until they have gone the write-off can be taken back. Each deed and its events are one transaction.
"""

from typing import Any

from django.db import transaction

from openbwv.custody import EventType
from openbwv.server.clock import utc
from openbwv.server.evidence.models import Recording
from openbwv.server.fleet.errors import KeysGone, WriteOffOver, WriteOffPending
from openbwv.server.fleet.given_up import given_up_with, heard_since, last_object_of
from openbwv.server.fleet.models import Camera, DeviceState, WriteOff, WriteOffCause, WriteOffState
from openbwv.server.people.actions import NotPermitted
from openbwv.server.people.models import Person
from openbwv.server.people.rights import ReasonMissing, need_reason, require
from openbwv.server.retention.second import require_second
from openbwv.server.trail.actions import log_event
from openbwv.server.vault.epochs import COMING, sealed_to
from openbwv.server.vault.keys import key_client
from openbwv.shared.clock import Clock

OPEN = (WriteOffState.PROPOSED, WriteOffState.CONFIRMED)
DOCKED = "something of the camera came in after this was proposed"


def what_is_opened(write_off: WriteOff) -> str:
    """Return under which name somebody has opened what they are to decide."""
    return f"write-off:{write_off.pk}"


def propose_write_off(
    *, camera: Camera, cause: str, reason: str, actor: Person, clock: Clock, session: str = ""
) -> WriteOff:
    """Ask a records manager to write `camera` off. Raises NotPermitted, ReasonMissing, WriteOffPending."""
    decision = require(actor, "write-off-propose")
    need_reason(reason)
    if cause not in WriteOffCause.values:
        one_of = ", ".join(WriteOffCause.values)
        raise ReasonMissing(what="What became of the camera was not given.", remedy=f"Use one of {one_of}.")
    lapse_where_heard(clock)
    with transaction.atomic():
        camera = Camera.objects.select_for_update().get(pk=camera.pk)
        if camera.write_offs.filter(state__in=OPEN).exists():
            raise WriteOffPending(
                what=f"Camera {camera.name} is written off, or somebody has asked for it already.",
                remedy="Open its page: it says who decides.",
            )
        write_off = WriteOff.objects.create(
            camera=camera,
            cause=cause,
            reason=reason.strip(),
            proposed_by=actor,
            proposed_utc=utc(clock),
            last_object=last_object_of(camera),
            proposed_session=session,
        )
        _log(write_off, "proposed", actor=actor, why=reason, rule=decision.rule, clock=clock, cause=str(cause))
    return write_off


def confirm_write_off(*, write_off: WriteOff, reason: str, actor: Person, session: str, clock: Clock) -> WriteOff:
    """Write the camera off as the second person: it is revoked, and its keys are no longer kept.

    Raises NotPermitted, SecondPersonNeeded, ReasonMissing, WriteOffOver, KeydUnavailable.
    """
    decision = require(actor, "write-off-confirm")
    lapse_where_heard(clock)
    with transaction.atomic():
        write_off, camera = _to_decide(write_off, reason, actor, session)
        given_up = given_up_with(camera, clock).as_details()
        _decide(write_off, WriteOffState.CONFIRMED, reason, actor, clock)
        write_off.given_up, write_off.epochs = given_up, sealed_to(camera)
        write_off.state_before = camera.state
        write_off.save()
        _put_out_of_service(camera, write_off, actor, clock)
        said = {"actor": actor, "why": reason, "rule": decision.rule, "clock": clock}
        _log(write_off, "confirmed", **said, first=write_off.proposed_by.username, **given_up)
        _tell_recordings(camera, "given-up", **said)
    return write_off


def refuse_write_off(*, write_off: WriteOff, reason: str, actor: Person, session: str, clock: Clock) -> WriteOff:
    """Leave the camera as it is, as the second person; raises what `confirm_write_off` does."""
    decision = require(actor, "write-off-confirm")
    lapse_where_heard(clock)
    with transaction.atomic():
        write_off, _ = _to_decide(write_off, reason, actor, session)
        _decide(write_off, WriteOffState.REFUSED, reason, actor, clock)
        write_off.save()
        first = write_off.proposed_by.username
        _log(write_off, "refused", actor=actor, why=reason, rule=decision.rule, clock=clock, first=first)
    return write_off


def withdraw_write_off(*, write_off: WriteOff, reason: str, actor: Person, clock: Clock) -> WriteOff:
    """Drop one's own proposal; raises NotPermitted, ReasonMissing, WriteOffOver."""
    decision = require(actor, "write-off-propose")
    need_reason(reason)
    with transaction.atomic():
        write_off = _locked(write_off)
        if write_off.proposed_by_id != actor.pk:
            raise NotPermitted(
                what="Somebody else proposed this.", remedy="Ask them, or the records manager.", rule="write-off-own"
            )
        _still(write_off, WriteOffState.PROPOSED)
        _end(write_off, WriteOffState.WITHDRAWN, reason, actor, clock)
        _log(write_off, "withdrawn", actor=actor, why=reason, rule=decision.rule, clock=clock)
    return write_off


def take_back_write_off(*, write_off: WriteOff, reason: str, actor: Person, clock: Clock) -> WriteOff:
    """Wait for the camera again, which turned up: it counts as lost, so a dock takes what is on it.

    One that had been revoked before is revoked again. Raises NotPermitted, ReasonMissing, WriteOffOver,
    KeydUnavailable, and KeysGone when a key that it may have sealed to was destroyed.
    """
    decision = require(actor, "write-off-propose")
    need_reason(reason)
    with transaction.atomic():
        write_off = _locked(write_off)  # the job that destroys keys waits for this row, or has been here before
        _still(write_off, WriteOffState.CONFIRMED)
        if not keys_are_there(write_off):
            raise KeysGone(
                what=f"The keys that camera {write_off.camera.name} sealed to were destroyed.",
                remedy="What it holds can be opened by nobody. Its page says what can still be done.",
            )
        camera = Camera.objects.select_for_update().get(pk=write_off.camera_id)
        revoked = write_off.state_before == DeviceState.REVOKED
        camera.state = DeviceState.REVOKED if revoked else DeviceState.LOST
        camera.written_off_utc = None
        camera.save(update_fields=["state", "written_off_utc"])
        _end(write_off, WriteOffState.TAKEN_BACK, reason, actor, clock)
        said = {"actor": actor, "why": reason, "rule": decision.rule, "clock": clock}
        _log(write_off, "taken-back", **said, state=str(camera.state))
        _tell_recordings(camera, "wanted-again", **said)
    return write_off


def keys_are_there(write_off: WriteOff) -> bool:
    """Say whether every key that the camera may have sealed to last is still there; raises KeydUnavailable."""
    return set(write_off.epochs) <= set(key_client().public()["epochs"]) and bool(write_off.epochs)


def lapse_where_heard(clock: Clock) -> int:
    """End proposals whose camera was docked since, or of which anything else came in; return how many."""
    ended = 0
    for waiting in WriteOff.objects.filter(state=WriteOffState.PROPOSED):
        with transaction.atomic():
            write_off = _locked(waiting)
            if write_off.state != WriteOffState.PROPOSED or not heard_since(write_off):
                continue
            _end(write_off, WriteOffState.LAPSED, DOCKED, None, clock)
            _log(write_off, "lapsed", actor=None, why=DOCKED, rule="write-off-lapses", clock=clock)
            ended += 1
    return ended


def _to_decide(write_off: WriteOff, reason: str, actor: Person, session: str) -> tuple[WriteOff, Camera]:
    need_reason(reason)
    camera = Camera.objects.select_for_update().get(pk=write_off.camera_id)
    write_off = _locked(write_off)
    _still(write_off, WriteOffState.PROPOSED)
    if heard_since(write_off):
        raise WriteOffOver(what=f"It lapsed: {DOCKED}.", remedy="Look at what came, then propose it anew if need be.")
    require_second(
        what=what_is_opened(write_off),
        first=write_off.proposed_by,
        first_session=write_off.proposed_session,
        person=actor,
        session=session,
    )
    return write_off, camera


def _locked(write_off: WriteOff) -> WriteOff:
    rows = WriteOff.objects.select_for_update(of=("self",)).select_related("camera", "proposed_by")
    return rows.get(pk=write_off.pk)


def _still(write_off: WriteOff, state: WriteOffState) -> None:
    if write_off.state != state:
        raise WriteOffOver(
            what=f"This was to be done while it stood at '{state.label}'; now: {write_off.get_state_display()}.",
            remedy="Open the camera's page to see how it stands.",
        )


def _decide(write_off: WriteOff, state: WriteOffState, reason: str, actor: Person, clock: Clock) -> None:
    write_off.state, write_off.decided_by = state, actor
    write_off.decided_utc, write_off.decision_reason = utc(clock), reason.strip()


def _end(write_off: WriteOff, state: WriteOffState, reason: str, actor: Person | None, clock: Clock) -> None:
    write_off.state, write_off.ended_by = state, actor
    write_off.ended_utc, write_off.ended_reason = utc(clock), reason.strip()
    write_off.save()


def _put_out_of_service(camera: Camera, write_off: WriteOff, actor: Person, clock: Clock) -> None:
    """Mark the camera and revoke it if it was not; one that was lost before counts as revoked since then."""
    camera.written_off_utc = write_off.decided_utc
    if camera.revoked_utc is None or camera.state == DeviceState.ENROLLED:
        camera.revoked_utc = write_off.decided_utc
        camera.revoked_why = f"{write_off.get_cause_display()}: {write_off.reason}"
    was, camera.state = camera.state, DeviceState.REVOKED
    camera.save(update_fields=["written_off_utc", "revoked_utc", "revoked_why", "state"])
    if was != DeviceState.REVOKED:
        log_event(
            EventType.REVOKE,
            actor=actor,
            why=write_off.decision_reason,
            rule="write-off",
            details={"deed": "write-off", "camera": camera.name, "kid": camera.kid},
            clock=clock,
        )


def _tell_recordings(camera: Camera, deed: str, *, actor: Person, why: str, rule: str, clock: Clock) -> None:
    """Write into the trail of each recording that is not here whole what became of its camera."""
    for recording in Recording.objects.filter(camera=camera, state__in=COMING):
        log_event(
            EventType.WRITE_OFF,
            recording=recording,
            actor=actor,
            why=why.strip(),
            rule=rule,
            details={"deed": deed, "camera": camera.name},
            clock=clock,
        )


def _log(
    write_off: WriteOff, deed: str, *, actor: Person | None, why: str, rule: str, clock: Clock, **more: Any
) -> None:
    camera = write_off.camera
    log_event(
        EventType.WRITE_OFF,
        actor=actor,
        actor_label="" if actor else "job fleet.write-offs",
        why=why.strip(),
        rule=rule,
        details={"deed": deed, "camera": camera.name, "kid": camera.kid, "write_off": write_off.pk} | more,
        clock=clock,
    )
