"""Enrolling, assigning, revoking: at the dock's door and on the fleet manager's pages."""

import base64
import json
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from openbwv.recording import USE_CAMERA, USE_DOCK, Assignment, Trust, check_chain
from openbwv.server.fleet import actions
from openbwv.server.fleet.errors import DeviceRevoked, NameTaken
from openbwv.server.fleet.models import Assignment as AssignmentRow
from openbwv.server.fleet.models import Camera, DeviceState, Dock, Enrolment, NoCameraReport
from openbwv.server.fleet.revocation import publish_revocations, revocation_list
from openbwv.server.ingest.models import Aside
from openbwv.server.people.actions import NotPermitted
from openbwv.server.trail.models import Event
from openbwv.server.vault.force import force
from openbwv.shared import agency
from openbwv.shared.revocation import Revocations
from tests.server.cast import PASSWORD


def new_csr(name="wish"):
    key = ec.generate_private_key(ec.SECP256R1())
    return key, agency.make_csr(key, name)


def b64(data):
    return base64.b64encode(data).decode()


def post(door, path, **value):
    return door.ask("POST", path, json.dumps(value).encode())[:2]


def enrol(door, name="0418", csr=None, code="123456"):
    status, answer = post(
        door, "/enrolments", csr=b64(csr or new_csr()[1]), kind="camera", name=name, code=code, dock="Lewisham-1"
    )
    assert status == 201, answer
    return answer["id"]


def confirm(door, number, username="harper", password=PASSWORD):
    return post(door, f"/enrolments/{number}/confirm", username=username, password=password)


def code(answer):
    return answer["error"]["code"]


def test_a_fleet_manager_confirms_a_camera_at_the_dock(door, harper):
    key, csr = new_csr()
    status, package = confirm(door, enrol(door, csr=csr))
    assert status == 200, package
    chain = [base64.b64decode(der) for der in package["chain"]]
    facts = check_chain(chain, use=USE_CAMERA)
    assert facts.kid == agency.kid_of(key.public_key())
    assert facts.san_uri == "urn:bwv:camera:0418"
    assert package["trust"] == force().trust_pem.decode()
    assert package["log_vkey"] == force().vkey
    camera = Camera.objects.get(name="0418")
    assert camera.kid == facts.kid.hex()
    event = Event.objects.get(type=1)
    assert (event.actor, event.details["camera"], event.details["dock"]) == (harper, "0418", "Lewisham-1")


@pytest.mark.parametrize("name", ["avery", "lou", "frankie", "blake"])
def test_nobody_else_confirms_and_the_try_is_logged(door, harper, request, name):
    person = request.getfixturevalue(name)
    number = enrol(door)
    status, answer = confirm(door, number, username=name)
    assert (status, code(answer)) == (403, "not-permitted")
    assert Event.objects.get(type=64).actor == person
    assert not Camera.objects.filter(name="0418").exists()
    assert confirm(door, number)[0] == 200


def test_wrong_passwords_are_counted(door, harper):
    number = enrol(door)
    for _ in range(5):
        status, answer = confirm(door, number, password="wrong")
        assert (status, code(answer)) == (403, "sign-in-failed")
    assert confirm(door, number, username="nobody", password="x")[1]["error"]["code"] == "sign-in-failed"
    assert confirm(door, number)[0] == 429


def test_an_enrolment_is_confirmed_once_and_in_time(door, harper):
    number = enrol(door)
    assert confirm(door, number)[0] == 200
    assert code(confirm(door, number)[1]) == "expired"
    late = enrol(door, name="0419")
    Enrolment.objects.filter(pk=late).update(asked_at=datetime.now(UTC) - timedelta(minutes=4))
    status, answer = confirm(door, late)
    assert (status, code(answer)) == (410, "expired")


def test_digits_that_do_not_match_end_it(door, harper):
    number = enrol(door)
    assert post(door, f"/enrolments/{number}/refuse")[0] == 200
    assert confirm(door, number)[0] == 410
    assert Event.objects.get(type=64).details["camera"] == "0418"


def test_a_name_in_use_or_a_revoked_key_is_refused_and_the_same_key_renewed(door, harper):
    assert code(confirm(door, enrol(door, name="0417"))[1]) == "name-taken"
    _, csr = new_csr()
    assert confirm(door, enrol(door, csr=csr))[0] == 200
    before = Camera.objects.get(name="0418").serial
    assert confirm(door, enrol(door, csr=csr))[0] == 200
    renewed = Camera.objects.get(name="0418")
    assert renewed.serial != before
    actions.revoke(device=renewed, actor=harper, why="copied", clock=door.clock)
    assert code(confirm(door, enrol(door, name="0420", csr=csr))[1]) == "device-revoked"


@pytest.mark.parametrize(
    "changes", [{"csr": "AAAA"}, {"csr": None}, {"code": "12"}, {"name": ""}, {"name": "x" * 65}, {"kind": "dock"}]
)
def test_bad_requests_are_named(door, changes):
    value = {"csr": b64(new_csr()[1]), "kind": "camera", "name": "0418", "code": "123456"} | changes
    status, _ = post(door, "/enrolments", **value)
    assert status in (400, 502)
    assert Enrolment.objects.count() == 0


def take(door, username, **more):
    return post(
        door,
        "/assignments",
        **({"camera_kid": door.camera.kid.hex(), "username": username, "password": PASSWORD} | more),
    )


def test_an_officer_takes_a_camera_and_the_message_names_nobody(door, avery):
    status, answer = take(door, "avery", hours=8)
    assert status == 200, answer
    signed = base64.b64decode(answer["assignment"])
    message = Assignment.decode(signed, trust=Trust.load(force().trust_pem)).body
    assert message.camera_kid == door.camera.kid
    assert message.until_ms - message.from_ms == 8 * 3_600_000
    assert b"avery" not in signed.lower()
    row = AssignmentRow.objects.get()
    assert (bytes(row.pseudonym), row.person, row.unit) == (message.pseudonym, avery, avery.unit)
    assert answer["person"] == "PC Avery"
    listed = door.ask("GET", "/fleet/cameras")[1]["cameras"]
    assert [(each["name"], each["person"]) for each in listed] == [("0417", "PC Avery")]


def test_the_next_to_take_it_ends_the_first(door, avery, noor):
    assert take(door, "avery")[0] == 200
    door.clock.advance(3_600_000)
    assert take(door, "noor")[0] == 200
    first, second = AssignmentRow.objects.order_by("from_utc")
    assert first.until_utc == second.from_utc


def test_a_fleet_manager_gives_it_to_somebody_others_may_not(door, avery, noor, harper, frankie):
    assert take(door, "harper", **{"for": "avery"})[0] == 200
    assert AssignmentRow.objects.get().made_by == harper
    assert code(take(door, "noor", **{"for": "avery"})[1]) == "not-permitted"
    assert code(take(door, "frankie")[1]) == "not-permitted"
    assert code(take(door, "harper")[1]) == "not-permitted"
    assert code(take(door, "avery", camera_kid="00" * 32)[1]) == "no-such-device"
    Camera.objects.update(state=DeviceState.LOST)
    assert code(take(door, "avery")[1]) == "device-revoked"


@pytest.mark.parametrize("lost", [True, False])
def test_what_was_revoked_stays_so_and_since_when(door, harper, lost):
    camera = door.camera_row
    actions.revoke(device=camera, actor=harper, why="key copied", clock=door.clock)
    since = camera.revoked_utc
    door.clock.advance(3_600_000)
    with pytest.raises(DeviceRevoked):
        actions.revoke(device=camera, lost=lost, actor=harper, why="it is only lost", clock=door.clock)
    camera.refresh_from_db()
    assert (camera.state, camera.revoked_utc, camera.revoked_why) == (DeviceState.REVOKED, since, "key copied")


def test_no_camera_to_take_is_on_record(door, avery):
    who = {"username": "avery", "password": PASSWORD}
    assert post(door, "/assignments/none", reason="none-charged", note="all red", **who)[0] == 201
    report = NoCameraReport.objects.get()
    assert (report.person, report.reason, report.note) == (avery, "none-charged", "all red")
    assert post(door, "/assignments/none", reason="lazy", **who)[0] == 400


def test_a_revocation_reaches_the_signed_list_and_the_number_rises(door, harper):
    camera = door.camera_row
    assert publish_revocations(door.clock) is True
    assert publish_revocations(door.clock) is False
    actions.revoke(device=camera, actor=harper, why="key copied", clock=door.clock)
    assert publish_revocations(door.clock) is True
    listed = Revocations.read(revocation_list().encode(), trust_pem=force().trust_pem)
    assert listed.serials == {int(camera.serial, 16)}
    assert listed.number == 2
    _status, answer = door.hello_dock()
    assert answer["revoked"] == [camera.kid]
    assert answer["crl"] == revocation_list()


def test_a_lost_camera_is_not_on_the_list(door, harper):
    actions.revoke(device=door.camera_row, lost=True, actor=harper, why="left on a bus", clock=door.clock)
    publish_revocations(door.clock)
    assert Revocations.read(revocation_list().encode(), trust_pem=force().trust_pem).serials == frozenset()


def test_revoking_needs_the_role_and_a_reason(door, avery, harper):
    with pytest.raises(NotPermitted):
        actions.revoke(device=door.camera_row, actor=avery, why="x", clock=door.clock)
    from openbwv.server.people.rights import ReasonMissing

    with pytest.raises(ReasonMissing):
        actions.revoke(device=door.camera_row, actor=harper, why="  ", clock=door.clock)


def test_consistency_is_proved(door, running_log, harper):
    from openbwv.custody import open_note, verify_consistency
    from openbwv.server.trail import log

    running_log.drain()
    old = open_note(log.reader().note(), force().vkey)
    actions.revoke(device=door.camera_row, actor=harper, why="x", clock=door.clock)
    running_log.drain()
    new = open_note(log.reader().note(), force().vkey)
    answer = door.ask("GET", f"/consistency?old={old.size}")[1]
    proof = [base64.b64decode(each) for each in answer["proof"]]
    verify_consistency(old=old.size, old_root=old.root, new=new.size, new_root=new.root, proof=proof)


def invite(harper, clock, name="Camden 1"):
    return actions.invite_dock(name=name, unit=None, actor=harper, why="new dock", clock=clock)


def enrol_dock(client, code, csr=None, hosts=("127.0.0.1", "dock.example")):
    body = {"csr": b64(csr or new_csr()[1]), "code": code, "hosts": list(hosts)}
    return client.post("/fleet/enrol-dock", json.dumps(body), content_type="application/json")


def test_a_dock_enrols_itself_once_with_a_code(door, harper, client):
    code_ = invite(harper, door.clock)
    key, csr = new_csr()
    answer = enrol_dock(client, code_.lower().replace("-", " "), csr)
    assert answer.status_code == 201, answer.content
    value = answer.json()
    facts = check_chain([base64.b64decode(der) for der in value["chain"]], use=USE_DOCK)
    assert facts.kid == agency.kid_of(key.public_key())
    assert value["name"] == "Camden 1"
    assert Dock.objects.get(name="Camden 1").kid == facts.kid.hex()
    assert enrol_dock(client, code_).status_code == 403
    assert code_ not in json.dumps([event.details for event in Event.objects.all()])


def test_wrong_and_old_codes_have_one_answer_and_are_counted(door, harper, client):
    from openbwv.server.fleet.models import DockInvitation

    code_ = invite(harper, door.clock)
    DockInvitation.objects.update(expires=datetime.now(UTC) - timedelta(seconds=1))
    answers = [enrol_dock(client, each) for each in (code_, "AAAAA-AAAAA-AAAAA-AAAAA", "")]
    assert {(a.status_code, a.json()["error"]["code"]) for a in answers} == {(403, "code-unknown")}
    for _ in range(2):
        enrol_dock(client, "wrong")
    assert enrol_dock(client, "wrong").status_code == 429


def test_a_bad_dock_request_is_named(door, harper, client):
    code_ = invite(harper, door.clock)
    assert client.post("/fleet/enrol-dock", b"[", content_type="application/json").status_code == 400
    assert client.get("/fleet/enrol-dock").status_code == 405
    body = json.dumps({"csr": "AAAA", "code": code_})
    assert client.post("/fleet/enrol-dock", body, content_type="application/json").status_code == 400
    assert enrol_dock(client, code_).status_code == 201


def test_a_docks_name_is_one_docks(door, harper):
    with pytest.raises(NameTaken):
        invite(harper, door.clock, name="Lewisham-1")


@pytest.mark.parametrize("name", ["Lewisham 1", "lewisham_1", " Lewisham/1."])
def test_names_that_would_stand_alike_in_a_certificate_are_one_name(door, harper, name):
    with pytest.raises(NameTaken, match="Lewisham-1"):
        invite(harper, door.clock, name=name)


def test_of_two_invitations_to_names_that_stand_alike_the_first_dock_gets_it(door, harper, client):
    first, second = invite(harper, door.clock, name="Camden 1"), invite(harper, door.clock, name="Camden-1")
    assert enrol_dock(client, first).status_code == 201
    refused = enrol_dock(client, second)
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "name-taken")
    assert not Dock.objects.filter(name="Camden-1").exists()


def test_harper_sees_the_fleet_and_settles_what_was_kept_aside(door, harper, as_person, avery):
    take(door, "avery")
    stranger = door.stranger()
    door.hello(stranger.key, stranger.chain)
    client = as_person(harper)
    page = client.get("/fleet/").content.decode()
    assert "0417" in page
    assert "PC Avery" in page
    assert "Kept aside: 1" in page
    aside = Aside.objects.get()
    assert "not enrolled" in client.get("/fleet/aside").content.decode()
    assert client.post(f"/fleet/aside/{aside.pk}/settle", {"reason": ""}).status_code == 302
    client.post(f"/fleet/aside/{aside.pk}/settle", {"reason": "a trainer's camera"})
    aside.refresh_from_db()
    assert (aside.resolved_by, aside.resolved_why) == (harper, "a trainer's camera")
    assert "PC Avery" in client.get("/fleet/assignments").content.decode()
    assert client.get(f"/fleet/docks/{door.dock.kid}").status_code == 200


def test_harper_invites_and_revokes_on_the_pages(door, harper, as_person):
    client = as_person(harper)
    page = client.post("/fleet/invite-dock", {"name": "Camden 1"}).content.decode()
    assert "shown once" in page
    assert "name" in client.post("/fleet/invite-dock", {"name": "Lewisham-1"}).content.decode()
    address = f"/fleet/cameras/{door.camera_row.kid}"
    assert client.post(f"{address}/revoke", {"what": "revoke", "reason": ""}).status_code == 400
    assert client.post(f"{address}/revoke", {"what": "revoke", "reason": "key copied"}).status_code == 302
    assert "key copied" in client.get(address).content.decode()
    assert Camera.objects.get().state == DeviceState.REVOKED


@pytest.mark.parametrize("name", ["frankie", "avery", "gale"])
def test_the_fleets_pages_are_closed_to_others(door, as_person, request, name):
    client = as_person(request.getfixturevalue(name))
    kid = door.camera_row.kid
    for path in ("/fleet/", "/fleet/aside", "/fleet/assignments", "/fleet/invite-dock", f"/fleet/cameras/{kid}"):
        assert client.get(path).status_code == 403
    assert client.post(f"/fleet/cameras/{kid}/revoke", {"what": "revoke", "reason": "x"}).status_code == 403
    assert Camera.objects.get().state == DeviceState.ENROLLED


def test_the_auditor_looks_and_changes_nothing(door, devi, as_person):
    client = as_person(devi)
    assert client.get("/fleet/").status_code == 200
    assert b"Invite a dock</a>" not in client.get("/fleet/").content
    assert client.post("/fleet/invite-dock", {"name": "x"}).status_code == 403
