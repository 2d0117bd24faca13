"""A camera is written off by two people; until then, and only until then, its epoch key is kept (R10)."""

from datetime import timedelta

import pytest
from cryptography import x509

from django.db import IntegrityError, transaction

from openbwv.custody import EventType
from openbwv.server.clock import utc
from openbwv.server.fleet import actions
from openbwv.server.fleet.errors import DeviceRevoked, KeysGone, WriteOffOver, WriteOffPending
from openbwv.server.fleet.models import Camera, DeviceState, WriteOff, WriteOffState
from openbwv.server.fleet.revocation import publish_revocations, revocation_list
from openbwv.server.fleet.write_offs import (
    confirm_write_off,
    lapse_where_heard,
    refuse_write_off,
    take_back_write_off,
    withdraw_write_off,
)
from openbwv.server.people.actions import NotPermitted
from openbwv.server.people.models import RoleHeld
from openbwv.server.people.rights import ReasonMissing
from openbwv.server.retention.errors import SecondPersonNeeded
from openbwv.server.trail.models import Event
from openbwv.server.vault.epochs import begin_epoch_if_due
from openbwv.server.vault.keyd.errors import EpochKeyDestroyed, KeydUnavailable
from openbwv.server.vault.keys import KeyClient, key_client
from tests.server.fleet.writing_off import WEEK_MS, camera, deeds, epochs, opened, propose, write_off

__all__ = ["camera"]


def test_two_people_write_a_camera_off_and_its_key_goes_with_the_next_job(door, camera, harper, indra):
    first = camera.epoch_id
    made = propose(camera, harper, door.clock)
    begin_epoch_if_due(door.clock)
    assert first in epochs(), "one person frees nothing"
    confirm_write_off(**opened(made, indra, door.clock))
    assert first in epochs(), "nor does the decision itself"
    camera.refresh_from_db()
    assert (camera.state, camera.written_off_utc) == (DeviceState.REVOKED, utc(door.clock))
    begin_epoch_if_due(door.clock)
    assert first not in epochs()
    with pytest.raises(EpochKeyDestroyed):
        door.keyd.ring.epoch_private(first)
    gone = Event.objects.filter(type=EventType.KEM_EPOCH, details__destroyed=True).order_by("id").first()
    assert gone.details == {"epoch": first, "destroyed": True, "written_off": ["0417"]}
    assert deeds() == ["proposed", "confirmed"]
    assert Event.objects.filter(type=EventType.REVOKE, details__deed="write-off").count() == 1


def test_another_camera_of_the_same_key_keeps_it_and_the_write_off_says_so(door, camera, harper, indra):
    from openbwv.server.fleet.given_up import given_up_with

    other, _ = door.new_camera("0418")
    other.epoch_id = camera.epoch_id
    other.save()
    fate = given_up_with(camera, door.clock).keys
    assert (fate.own, fate.exists, fate.goes) == (camera.epoch_id, True, ())
    assert fate.kept_by == ("no newer key is known to have reached 0418",)
    write_off(camera, harper, indra, door.clock)
    begin_epoch_if_due(door.clock)
    assert camera.epoch_id in epochs()
    other.epoch_id = epochs()[-1]
    other.save()
    begin_epoch_if_due(door.clock)
    assert epochs() == [*epochs()[-2:]]


def test_what_is_said_to_go_is_what_goes(door, camera, harper, indra):
    from openbwv.server.fleet.given_up import given_up_with

    said = given_up_with(camera, door.clock).keys
    before = epochs()
    write_off(camera, harper, indra, door.clock)
    begin_epoch_if_due(door.clock)
    assert [each for each in before if each not in epochs()] == list(said.goes) == before[:3]
    assert said.kept_by == ()


def test_the_same_person_is_refused_and_by_the_database_too(door, camera, harper):
    RoleHeld.objects.create(person=harper, role="records")
    harper.__dict__.pop("role_codes", None)
    made = propose(camera, harper, door.clock)
    for decide in (confirm_write_off, refuse_write_off):
        with pytest.raises(SecondPersonNeeded, match="yourself"):
            decide(**opened(made, harper, door.clock))
    row = WriteOff.objects.filter(pk=made.pk)
    with pytest.raises(IntegrityError, match="write_off_two_people"), transaction.atomic():
        row.update(state=WriteOffState.CONFIRMED, decided_by=harper, decided_utc=utc(door.clock))
    with pytest.raises(IntegrityError, match="write_off_decided_whole"), transaction.atomic():
        row.update(state=WriteOffState.CONFIRMED)
    with pytest.raises(IntegrityError, match="camera_written_off_is_revoked"), transaction.atomic():
        Camera.objects.update(written_off_utc=utc(door.clock))
    camera.refresh_from_db()
    assert (camera.state, camera.written_off_utc) == (DeviceState.ENROLLED, None)


def test_the_second_has_a_session_of_their_own_and_has_opened_it(door, camera, harper, indra):
    made = propose(camera, harper, door.clock)
    unopened = {"write_off": made, "reason": "agreed", "actor": indra, "clock": door.clock}
    with pytest.raises(SecondPersonNeeded, match="opened"):
        confirm_write_off(**unopened, session="second")
    with pytest.raises(SecondPersonNeeded, match="of their own"):
        confirm_write_off(**opened(made, indra, door.clock, session="first"))
    made.refresh_from_db()
    assert made.state == WriteOffState.PROPOSED


def test_nobody_else_proposes_or_decides(door, camera, harper, request):
    made = propose(camera, harper, door.clock)
    for name in ("frankie", "avery", "blake", "devi", "gale", "lou", "casey", "jules"):
        person = request.getfixturevalue(name)
        with pytest.raises(NotPermitted):
            propose(camera, person, door.clock)
        for decide in (confirm_write_off, refuse_write_off):
            with pytest.raises(NotPermitted):
                decide(**opened(made, person, door.clock))
        for undo in (withdraw_write_off, take_back_write_off):
            with pytest.raises(NotPermitted):
                undo(write_off=made, reason="x", actor=person, clock=door.clock)
    assert deeds() == ["proposed"]


def test_a_fleet_manager_does_not_decide_and_a_records_manager_does_not_propose(door, camera, harper, indra):
    with pytest.raises(NotPermitted):
        propose(camera, indra, door.clock)
    with pytest.raises(NotPermitted):
        confirm_write_off(**opened(propose(camera, harper, door.clock), harper, door.clock))


def test_every_step_needs_its_reason(door, camera, harper, indra):
    for said in ({"reason": " "}, {"cause": "mislaid"}):
        with pytest.raises(ReasonMissing):
            propose(camera, harper, door.clock, **said)
    made = propose(camera, harper, door.clock)
    for decide in (confirm_write_off, refuse_write_off):
        with pytest.raises(ReasonMissing):
            decide(**opened(made, indra, door.clock) | {"reason": " "})
    with pytest.raises(ReasonMissing):
        withdraw_write_off(write_off=made, reason="", actor=harper, clock=door.clock)


def test_a_proposal_is_withdrawn_by_who_made_it_or_refused_with_a_reason(door, camera, harper, indra):
    made = propose(camera, harper, door.clock)
    with pytest.raises(WriteOffPending):
        propose(camera, harper, door.clock)
    withdraw_write_off(write_off=made, reason="found in a locker", actor=harper, clock=door.clock)
    with pytest.raises(WriteOffOver):
        confirm_write_off(**opened(made, indra, door.clock))
    again = propose(camera, harper, door.clock)
    refuse_write_off(**opened(again, indra, door.clock) | {"reason": "ask the garage first"})
    again.refresh_from_db()
    assert (again.state, again.decided_by, again.decision_reason) == ("refused", indra, "ask the garage first")
    assert deeds() == ["proposed", "withdrawn", "proposed", "refused"]
    begin_epoch_if_due(door.clock)
    assert camera.epoch_id in epochs()


def test_somebody_elses_proposal_is_not_ones_own_to_withdraw(door, camera, harper, jules):
    RoleHeld.objects.create(person=jules, role="fleet")
    made = propose(camera, harper, door.clock)
    with pytest.raises(NotPermitted, match="Somebody else"):
        withdraw_write_off(write_off=made, reason="x", actor=jules, clock=door.clock)


def test_a_camera_that_docks_meanwhile_is_not_written_off(door, camera, harper, indra):
    made = propose(camera, harper, door.clock)
    assert door.hello(door.camera.key, door.camera.chain)[0] == 200
    with pytest.raises(WriteOffOver):
        confirm_write_off(**opened(made, indra, door.clock))
    made.refresh_from_db()
    camera.refresh_from_db()
    assert (made.state, made.ended_by, camera.written_off_utc) == ("lapsed", None, None)
    assert deeds() == ["proposed", "lapsed"]


def test_a_recording_that_a_dock_brings_meanwhile_ends_the_proposal_too(door, camera, harper):
    made = propose(camera, harper, door.clock)
    assert lapse_where_heard(door.clock) == 0
    door.announce(door.camera.record(utc_ms=door.clock.utc_ms(), rc=1))
    assert lapse_where_heard(door.clock) == 1
    made.refresh_from_db()
    assert made.state == WriteOffState.LAPSED
    assert lapse_where_heard(door.clock) == 0


def test_docking_between_the_look_and_the_lock_is_seen_as_well(door, camera, harper, indra, monkeypatch):
    made = propose(camera, harper, door.clock)
    what = opened(made, indra, door.clock)

    def docked_just_after(clock):
        Camera.objects.filter(pk=camera.pk).update(last_docked_utc=utc(clock))
        return 0

    monkeypatch.setattr("openbwv.server.fleet.write_offs.lapse_where_heard", docked_just_after)
    with pytest.raises(WriteOffOver, match="lapsed"):
        confirm_write_off(**what)
    camera.refresh_from_db()
    assert camera.written_off_utc is None


def test_a_written_off_camera_is_out_of_service(door, camera, harper, indra, avery):
    from openbwv.server.fleet.queries import not_brought_back, who_has_which
    from openbwv.server.people.todo import todo_for

    actions.take_camera(camera_kid=camera.kid, actor=avery, clock=door.clock)
    door.clock.advance(WEEK_MS)
    assert "Camera 0417 not docked for 3 days" in {line.words for line in todo_for(harper, door.clock)}
    publish_revocations(door.clock)
    write_off(camera, harper, indra, door.clock)
    assert not any("docked" in line.words for line in todo_for(harper, door.clock))
    assert not_brought_back(avery, door.clock) == []
    assert who_has_which(door.clock) == []
    with pytest.raises(DeviceRevoked):
        actions.take_camera(camera_kid=camera.kid, actor=avery, clock=door.clock)
    camera.refresh_from_db()
    for lost in (True, False):
        with pytest.raises(DeviceRevoked, match="written off"):
            actions.revoke(device=camera, lost=lost, actor=harper, why="x", clock=door.clock)
    assert publish_revocations(door.clock) is True
    listed = x509.load_pem_x509_crl(revocation_list().encode("ascii"))
    assert [f"{each.serial_number:x}" for each in listed] == [camera.serial]


def test_the_records_manager_finds_it_at_home(door, camera, harper, indra, clock):
    from openbwv.server.people.todo import todo_for

    assert not any("written off" in line.words for line in todo_for(indra, clock))
    propose(camera, harper, clock)
    line = next(line for line in todo_for(indra, clock) if "written off" in line.words)
    assert (line.words, line.address) == (
        "Camera 0417 to be written off or not",
        f"/fleet/cameras/{camera.kid}/write-off",
    )
    other, _ = door.new_camera("0418")
    propose(other, harper, clock)
    line = next(line for line in todo_for(indra, clock) if "written off" in line.words)
    assert (line.count, line.words, line.address) == (2, "cameras to be written off or not", "/fleet/write-offs")
    assert not any("written off" in line.words for line in todo_for(harper, clock))


@pytest.mark.parametrize(
    ("before", "after"), [("enrolled", "lost"), ("lost", "lost"), ("revoked", "revoked")], ids=lambda value: value
)
def test_one_that_turns_up_in_time_is_waited_for_again(door, camera, harper, indra, running_log, before, after):
    if before != "enrolled":
        actions.revoke(device=camera, lost=before == "lost", actor=harper, why="?", clock=door.clock)
    made = write_off(camera, harper, indra, door.clock)
    take_back_write_off(write_off=made, reason="in a drawer", actor=harper, clock=door.clock)
    camera.refresh_from_db()
    assert (camera.state, camera.written_off_utc) == (after, None)
    for _ in range(3):
        door.clock.advance(WEEK_MS)
        begin_epoch_if_due(door.clock)
    assert camera.epoch_id in epochs()
    if after == "lost":
        door.upload(door.camera.record(utc_ms=door.clock.utc_ms(), rc=1))
    with pytest.raises(WriteOffOver):
        take_back_write_off(write_off=made, reason="again", actor=harper, clock=door.clock)
    assert deeds() == ["proposed", "confirmed", "taken-back"]
    propose(camera, harper, door.clock)


def test_once_the_keys_are_gone_it_cannot_be_taken_back(door, camera, harper, indra):
    made = write_off(camera, harper, indra, door.clock)
    begin_epoch_if_due(door.clock)
    with pytest.raises(KeysGone):
        take_back_write_off(write_off=made, reason="in a drawer", actor=harper, clock=door.clock)
    camera.refresh_from_db()
    assert (camera.state, made.state) == (DeviceState.REVOKED, "confirmed")


def test_without_the_key_service_nothing_is_decided(door, camera, harper, indra):
    what = opened(propose(camera, harper, door.clock), indra, door.clock)
    door.keyd.server.shutdown()
    door.keyd.server.server_close()
    key_client()._forget()
    with pytest.raises(KeydUnavailable):
        confirm_write_off(**what)
    what["write_off"].refresh_from_db()
    camera.refresh_from_db()
    assert (what["write_off"].state, camera.state) == ("proposed", "enrolled")
    assert deeds() == ["proposed"]


class Killed(BaseException):
    """The process ends here."""


def test_killed_in_the_decision_nothing_is_decided(door, camera, harper, indra, monkeypatch):
    what = opened(propose(camera, harper, door.clock), indra, door.clock)

    def killed(*_arguments, **_options):
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr("openbwv.server.fleet.write_offs._tell_recordings", killed)
        with pytest.raises(Killed):
            confirm_write_off(**what)
    camera.refresh_from_db()
    assert (camera.state, camera.written_off_utc) == (DeviceState.ENROLLED, None)
    assert deeds() == ["proposed"]
    begin_epoch_if_due(door.clock)
    assert camera.epoch_id in epochs()
    confirm_write_off(**what)
    assert deeds() == ["proposed", "confirmed"]


@pytest.mark.parametrize("when", ["before", "after"])
def test_killed_at_the_destruction_each_key_that_went_has_its_event(door, camera, harper, indra, monkeypatch, when):
    write_off(camera, harper, indra, door.clock)
    before = epochs()
    real = KeyClient.destroy_epoch

    def killed(self, epoch):
        if when == "after":
            real(self, epoch)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(KeyClient, "destroy_epoch", killed)
        with pytest.raises(Killed):
            begin_epoch_if_due(door.clock)
    assert (camera.epoch_id in epochs()) == (when == "before")
    begin_epoch_if_due(door.clock)
    gone = [each for each in before if each not in epochs()]
    assert gone == before[:3]
    events = Event.objects.filter(type=EventType.KEM_EPOCH, details__destroyed=True)
    assert sorted(each.details["epoch"] for each in events) == gone
    begin_epoch_if_due(door.clock)
    assert events.count() == 3


def test_an_enrolled_camera_is_known_to_have_the_key_it_was_given(door, harper):
    from tests.server.fleet.test_fleet import confirm, enrol, new_csr

    _, csr = new_csr()
    assert confirm(door, enrol(door, csr=csr))[0] == 200
    made = Camera.objects.get(name="0418")
    assert made.epoch_id == epochs()[-1]
    actions.revoke(device=made, lost=True, actor=harper, why="?", clock=door.clock)
    door.clock.advance(WEEK_MS)
    begin_epoch_if_due(door.clock)
    assert confirm(door, enrol(door, csr=csr))[0] == 200
    made.refresh_from_db()
    assert (made.state, made.revoked_utc, made.epoch_id) == ("enrolled", None, epochs()[0])
    assert utc(door.clock) - made.enrolled_utc == timedelta(days=7)
