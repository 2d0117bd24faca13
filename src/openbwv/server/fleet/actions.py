"""Writes of the fleet: enrol, revoke, assign. Each deed and its event are one transaction."""

import hashlib
import secrets
from datetime import UTC, datetime, timedelta

from cryptography import x509

from django.db import transaction

from openbwv.custody import EventType
from openbwv.recording import Assignment as SignedAssignment
from openbwv.recording import Kind
from openbwv.server.clock import to_ms, utc
from openbwv.server.fleet.errors import (
    BadName,
    CodeUnknown,
    DeviceRevoked,
    EnrolmentOver,
    NameTaken,
    NoSuchDevice,
)
from openbwv.server.fleet.models import (
    Assignment,
    Camera,
    DeviceState,
    Dock,
    DockInvitation,
    Enrolment,
    EnrolmentState,
    NoCameraReport,
)
from openbwv.server.people.actions import NotPermitted
from openbwv.server.people.models import Person, Unit
from openbwv.server.people.rights import need_reason, require
from openbwv.server.trail.actions import log_event
from openbwv.server.vault.keys import key_client
from openbwv.shared import agency
from openbwv.shared.clock import Clock

INVITATION_HOURS = 1
ENROLMENT_S = 180  # the camera's own limit is two minutes; a person types in the meantime
USUAL_HOURS = 12
MOST_HOURS = 24
CODE_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
CODE_GROUPS = 4
CODE_GROUP_LENGTH = 5
NAME_LETTERS = 64


def invite_dock(*, name: str, unit: Unit | None, actor: Person, why: str = "", clock: Clock) -> str:
    """Return a code that lets one dock enrol itself within an hour; shown once, kept hashed. Raises NameTaken."""
    require(actor, "confirm-camera")
    _free_dock_name(name)
    groups = ["".join(secrets.choice(CODE_LETTERS) for _ in range(CODE_GROUP_LENGTH)) for _ in range(CODE_GROUPS)]
    code = "-".join(groups)
    with transaction.atomic():
        DockInvitation.objects.create(
            name=name,
            unit=unit,
            code_hash=_code_hash(code),
            made_by=actor,
            expires=datetime.now(UTC) + timedelta(hours=INVITATION_HOURS),
        )
        _log(EventType.CONFIG, {"deed": "invite-dock", "dock": name}, actor=actor, why=why, clock=clock)
    return code


def enrol_dock(*, csr: bytes, code: str, hosts: list[str], clock: Clock) -> Dock:
    """Enrol the dock that shows an invitation's code; raises CodeUnknown, BadRequest, NameTaken, KeydUnavailable."""
    request = agency.read_csr(csr)
    with transaction.atomic():
        invitation = (
            DockInvitation.objects.select_for_update()
            .filter(code_hash=_code_hash(code), used_at=None, expires__gt=datetime.now(UTC))
            .first()
        )
        if invitation is None:
            raise CodeUnknown
        name = _free_dock_name(invitation.name)
        der = key_client().issue(csr, profile="dock", name=name, hosts=[str(host) for host in hosts][:16])
        dock = Dock.objects.create(
            name=invitation.name, unit=invitation.unit, enrolled_utc=utc(clock), **_device(request, der)
        )
        invitation.used_at = datetime.now(UTC)
        invitation.save(update_fields=["used_at"])
        details = {"deed": "enrol-dock", "dock": dock.name, "kid": dock.kid}
        _log(EventType.ENROL, details, actor=invitation.made_by, why="invited", clock=clock)
    return dock


def ask_enrolment(*, csr: bytes, code: str, name: str, dock: Dock) -> Enrolment:
    """Keep a camera's request until a fleet manager compares the digits; raises BadName, BadRequest."""
    agency.read_csr(csr)
    _certificate_name(name)
    if not (len(code) == 6 and code.isascii() and code.isdigit()):
        raise BadName(what="The code is not six digits.", remedy="Start the enrolment again on the camera.")
    return Enrolment.objects.create(csr=csr, code=code, name=name, dock=dock, asked_at=datetime.now(UTC))


def confirm_enrolment(*, enrolment_id: int, dock: Dock, actor: Person, clock: Clock) -> Camera:
    """Certify a camera whose digits `actor` compared; an enrolled key gets a new certificate (renewal).

    Raises NotPermitted, EnrolmentOver, NameTaken, DeviceRevoked, KeydUnavailable.
    """
    require(actor, "confirm-camera")
    with transaction.atomic():
        enrolment = _open_enrolment(enrolment_id, dock)
        csr = bytes(enrolment.csr)
        request = agency.read_csr(csr)
        kid = agency.kid_of(request.public_key()).hex()
        known = Camera.objects.filter(kid=kid).first()
        if known is not None and known.state == DeviceState.REVOKED:
            raise DeviceRevoked(
                what=f"Camera {known.name} was revoked with this key.", remedy="Make it a new key and enrol it again."
            )
        if Camera.objects.filter(name=enrolment.name, state=DeviceState.ENROLLED).exclude(kid=kid).exists():
            raise NameTaken(
                what=f"There is a camera {enrolment.name} in use already.",
                remedy="Give this one another name, or revoke the other first.",
            )
        der = key_client().issue(csr, profile="camera", name=_certificate_name(enrolment.name))
        facts = {"name": enrolment.name, "state": DeviceState.ENROLLED, "unit": dock.unit, **_device(request, der)}
        facts |= {"revoked_utc": None, "revoked_why": ""}  # one that was lost is found again
        began = {"enrolled_utc": utc(clock), "epoch_id": key_client().public()["epoch"]["id"]}
        camera, made = Camera.objects.update_or_create(kid=kid, defaults=facts, create_defaults=facts | began)
        enrolment.state, enrolment.confirmed_by, enrolment.camera = EnrolmentState.CONFIRMED, actor, camera
        enrolment.save()
        details = {"deed": "enrol-camera" if made else "renew-camera", "camera": camera.name, "kid": kid}
        _log(EventType.ENROL, details | {"dock": dock.name, "code": enrolment.code}, actor=actor, clock=clock)
    return camera


def refuse_enrolment(*, enrolment_id: int, dock: Dock, clock: Clock) -> None:
    """End an enrolment whose digits did not match; raises EnrolmentOver."""
    with transaction.atomic():
        enrolment = _open_enrolment(enrolment_id, dock)
        enrolment.state = EnrolmentState.REFUSED
        enrolment.save(update_fields=["state"])
        log_event(
            EventType.REFUSED,
            actor_label=f"dock {dock.name}",
            why="the digits did not match",
            rule="enrolment",
            outcome="refused",
            details={"deed": "enrol-camera", "camera": enrolment.name, "dock": dock.name},
            clock=clock,
        )


def revoke(*, device: Camera | Dock, lost: bool = False, actor: Person, why: str, clock: Clock) -> None:
    """Refuse a device from its next request on, or report it lost. The list follows by itself.

    A lost camera is not refused: should it come back, what it recorded is evidence. Raises ReasonMissing, and
    DeviceRevoked for a device that was revoked, which stays so and since when: whoever has its key would be heard
    again as a lost one is. Nor does one person alone change what two have written off.
    """
    require(actor, "confirm-camera")
    need_reason(why)
    with transaction.atomic():
        locked = type(device).objects.select_for_update().get(pk=device.pk)
        if isinstance(locked, Camera) and locked.written_off_utc is not None:
            raise DeviceRevoked(
                what=f"Camera {device.name} was written off.", remedy="If it turned up, take the write-off back."
            )
        if locked.state == DeviceState.REVOKED:
            raise DeviceRevoked(
                what=f"{type(device).__name__} {device.name} was revoked already, and stays so.",
                remedy="Make it a new key and enrol it again.",
            )
        device.state = DeviceState.LOST if lost else DeviceState.REVOKED
        device.revoked_utc, device.revoked_why = utc(clock), why
        device.save(update_fields=["state", "revoked_utc", "revoked_why"])
        kind = type(device).__name__.lower()
        details = {"deed": "report-lost" if lost else "revoke", kind: device.name, "kid": device.kid}
        _log(EventType.REVOKE, details, actor=actor, why=why, clock=clock)


def take_camera(
    *, camera_kid: str, hours: int = USUAL_HOURS, for_username: str = "", actor: Person, clock: Clock
) -> Assignment:
    """Give a camera to `actor`, or by a fleet manager to somebody else, for some hours; ends what was before.

    Raises NotPermitted, NoSuchDevice, DeviceRevoked, KeydUnavailable.
    """
    person = _taker(actor, for_username)
    hours = min(max(hours, 1), MOST_HOURS)
    with transaction.atomic():
        camera = Camera.objects.select_for_update().filter(kid=camera_kid).first()
        if camera is None:
            raise NoSuchDevice(what="This camera is not enrolled here.", remedy="Enrol it at the dock first.")
        if camera.state != DeviceState.ENROLLED:
            raise DeviceRevoked(what=f"Camera {camera.name} is not in use.", remedy="Take another one.")
        now = utc(clock)
        camera.assignments.filter(until_utc__gt=now, from_utc__lt=now).update(until_utc=now)
        camera.assignments.filter(from_utc__gte=now).delete()
        until = now + timedelta(hours=hours)
        pseudonym = secrets.token_bytes(16)
        signer = key_client().signer("fleet")
        message = SignedAssignment(
            pseudonym=pseudonym, camera_kid=bytes.fromhex(camera.kid), from_ms=to_ms(now), until_ms=to_ms(until)
        )
        assignment = Assignment.objects.create(
            pseudonym=pseudonym,
            camera=camera,
            person=person,
            unit=person.unit,
            from_utc=now,
            until_utc=until,
            kind=int(Kind.PERSON),
            signed=message.encode(signer, signer.chain),
            made_by=actor,
        )
        details = {"deed": "take-camera", "camera": camera.name, "person": person.username, "hours": hours}
        _log(EventType.ASSIGN, details, actor=actor, clock=clock)
    return assignment


def report_no_camera(*, reason: str, note: str = "", actor: Person, clock: Clock) -> NoCameraReport:
    """Record that somebody found no camera to take."""
    with transaction.atomic():
        report = NoCameraReport.objects.create(
            person=actor, unit=actor.unit, reason=reason, note=note, at_utc=utc(clock)
        )
        _log(EventType.ASSIGN, {"deed": "no-camera", "reason": reason}, actor=actor, why=note, clock=clock)
    return report


def _taker(actor: Person, for_username: str) -> Person:
    if for_username and for_username != actor.username:
        require(actor, "confirm-camera")
        person = Person.objects.filter(username=for_username, is_active=True).first()
        if person is None:
            raise NoSuchDevice(what=f"There is nobody called {for_username}.", remedy="Check the user name.")
    else:
        person = actor
    if not person.has_role("officer", "supervisor"):
        raise NotPermitted(
            what=f"{person} does not carry a camera.", remedy="Ask an administrator for the role.", rule="take-camera"
        )
    return person


def _open_enrolment(enrolment_id: int, dock: Dock) -> Enrolment:
    enrolment = Enrolment.objects.select_for_update().filter(pk=enrolment_id, dock=dock).first()
    if enrolment is None or enrolment.state != EnrolmentState.PENDING:
        raise EnrolmentOver
    if datetime.now(UTC) - enrolment.asked_at > timedelta(seconds=ENROLMENT_S):
        raise EnrolmentOver
    return enrolment


def _device(request: x509.CertificateSigningRequest, der: bytes) -> dict[str, str]:
    certificate = x509.load_der_x509_certificate(der)
    return {
        "kid": agency.kid_of(request.public_key()).hex(),  # type: ignore[arg-type]
        "certificate": agency.to_pem([certificate]).decode("ascii"),
        "serial": f"{certificate.serial_number:x}",
    }


def _certificate_name(name: str) -> str:
    """Return a name as it can stand in a certificate; raises BadName."""
    cleaned = "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in name.strip()).strip("-")
    if not cleaned or len(name) > NAME_LETTERS or not name.isprintable():
        raise BadName(what=f"'{name[:70]}' cannot be a device's name.", remedy="Use 1 to 64 letters and digits.")
    return cleaned


def _free_dock_name(name: str) -> str:
    """Return a dock's name as it can stand in its certificate; raises BadName, NameTaken.

    Names that differ in punctuation or capitals alone are one: cameras know a dock by the name in its certificate.
    """
    wanted = _certificate_name(name)
    for taken in Dock.objects.values_list("name", flat=True):
        if _certificate_name(taken).casefold() == wanted.casefold():
            raise NameTaken(
                what=f"There is a dock called {taken} already"
                + ("." if taken == name else f"; its certificate would have the same name as one of {name}."),
                remedy="Choose a name that differs in a letter or a digit; a revoked dock keeps its name.",
            )
    return wanted


def _code_hash(code: str) -> str:
    plain = "".join(letter for letter in code.upper() if letter.isalnum())
    return hashlib.sha256(b"openbwv/dock-code/v1" + plain.encode()).hexdigest()


def _log(kind: EventType, details: dict, *, actor: Person | None, why: str = "", clock: Clock) -> None:
    log_event(kind, actor=actor, why=why, rule="fleet", details=details, clock=clock)
