"""What a dock asks for on behalf of people who stand at it: enrolments, assignments, and who has which camera.

Each deed takes (JSON, address parts, the dock, clock) and returns (status, JSON). Who does it is the person who signed
in at the dock's page, never the dock: its token only says where they stand.
"""

from typing import Any

from openbwv.server.clock import to_ms
from openbwv.server.fleet import actions, queries
from openbwv.server.fleet.models import Dock, NoCameraReason
from openbwv.server.fleet.revocation import revocation_list
from openbwv.server.fleet.sign_in import sign_in
from openbwv.server.ingest.errors import BadRequest
from openbwv.server.ingest.hello import current_epoch_key
from openbwv.server.ingest.http import hex_of, number_of
from openbwv.server.ingest.tokens import Peer
from openbwv.server.people.actions import NotPermitted
from openbwv.server.people.pages import log_refusal
from openbwv.server.trail import log
from openbwv.server.vault.force import force
from openbwv.shared.clock import Clock
from openbwv.shared.door import from_base64, to_base64

Reply = tuple[int, dict[str, Any]]


def ask_enrolment(value: dict[str, Any], _found: dict[str, str], peer: Peer, clock: Clock) -> Reply:
    """A camera opened its commitment at a dock: keep its request until a fleet manager compares the digits."""
    if value.get("kind", "camera") != "camera":
        raise BadRequest(what="Only cameras are enrolled at a dock.", remedy="Invite a dock on the fleet page.")
    enrolment = actions.ask_enrolment(
        csr=from_base64(value.get("csr"), "enrolment"),
        code=str(value.get("code", "")),
        name=str(value.get("name", "")),
        dock=_dock(peer),
    )
    return 201, {"id": enrolment.pk}


def confirm_enrolment(value: dict[str, Any], found: dict[str, str], peer: Peer, clock: Clock) -> Reply:
    """A fleet manager compared the digits and signed in: certify the camera and return what it takes home."""
    person = sign_in(value)
    try:
        camera = actions.confirm_enrolment(enrolment_id=int(found["id"]), dock=_dock(peer), actor=person, clock=clock)
    except NotPermitted as refusal:
        log_refusal(person, refusal, deed="enrol a camera at a dock")
        raise
    return 200, {
        "chain": [to_base64(der) for der in queries.chain_of(camera)],
        "trust": force().trust_pem.decode("ascii"),
        "epoch_key": to_base64(current_epoch_key()),
        "log_vkey": force().vkey,
        "crl": revocation_list(),
    }


def refuse_enrolment(value: dict[str, Any], found: dict[str, str], peer: Peer, clock: Clock) -> Reply:
    """The digits did not match: end this try."""
    actions.refuse_enrolment(enrolment_id=int(found["id"]), dock=_dock(peer), clock=clock)
    return 200, {}


def assign(value: dict[str, Any], _found: dict[str, str], peer: Peer, clock: Clock) -> Reply:
    """Somebody signed in at the dock's page and takes a camera."""
    person = sign_in(value)
    kid = hex_of(str(value.get("camera_kid", "")), length=32, name="camera_kid").hex()
    try:
        assignment = actions.take_camera(
            camera_kid=kid,
            hours=number_of(value.get("hours", actions.USUAL_HOURS), name="hours"),
            for_username=str(value.get("for") or ""),
            actor=person,
            clock=clock,
        )
    except NotPermitted as refusal:
        log_refusal(person, refusal, deed="take a camera at a dock")
        raise
    return 200, {
        "assignment": to_base64(bytes(assignment.signed)),
        "person": str(assignment.person),
        "until_ms": to_ms(assignment.until_utc),
    }


def report_no_camera(value: dict[str, Any], _found: dict[str, str], peer: Peer, clock: Clock) -> Reply:
    """Somebody found no camera to take; why is recorded."""
    person = sign_in(value)
    reason = str(value.get("reason", ""))
    if reason not in NoCameraReason.values:
        raise BadRequest(what=f"'{reason[:40]}' is no reason.", remedy=f"Use {', '.join(NoCameraReason.values)}.")
    actions.report_no_camera(reason=reason, note=str(value.get("note") or "")[:300], actor=person, clock=clock)
    return 201, {}


def list_cameras(_value: dict[str, Any], _found: dict[str, str], peer: Peer, clock: Clock) -> Reply:
    """Return who has which camera, for the dock's page."""
    return 200, {"cameras": queries.who_has_which(clock)}


def consistency(value: dict[str, Any], _found: dict[str, str], peer: Peer, clock: Clock) -> Reply:
    """Return the proof that the log only grew since the size a dock or camera knows (the newest when not told)."""
    reader = log.reader()
    checkpoint = reader.checkpoint()
    old = number_of(value.get("old", checkpoint.size), name="old")
    proof = reader.consistency_proof(min(old, checkpoint.size), checkpoint.size)
    return 200, {"old_size": old, "size": checkpoint.size, "proof": [to_base64(each) for each in proof]}


def _dock(peer: Peer) -> Dock:
    if not isinstance(peer.device, Dock):
        raise BadRequest(what="Only a dock may ask this.", remedy="Use the dock's page.")
    return peer.device
