"""Deletion from the day of recording to the certificate's second phase, on a real key service and a real log."""

from datetime import timedelta

import pytest

from openbwv.custody import EventType
from openbwv.recording import BwvError, DestructionCertificate, Trust
from openbwv.server.clock import from_ms, utc
from openbwv.server.evidence.models import State
from openbwv.server.retention import actions, queries, rules
from openbwv.server.retention.models import Alarm, Certificate, Deletion, DeletionCause
from openbwv.server.retention.sweep import begin_deletion, sweep
from openbwv.server.trail.models import Event
from openbwv.server.vault.actions import rotate_retention_key
from openbwv.server.vault.models import KeyWrap, ManifestPart, Part, StoredObject
from openbwv.server.vault.store import vault_store

pytestmark = pytest.mark.usefixtures("settings")
HOUR = timedelta(hours=1)


def events(recording, *kinds):
    return list(Event.objects.filter(recording=recording, type__in=kinds).order_by("id"))


def erased(force):
    """Return a recording that has been erased, with phase 1 of its certificate."""
    recording = force.dock()
    force.wait(days=31)
    recording.refresh_from_db()
    assert recording.state == State.ERASED
    return recording


def test_nothing_keeps_it_so_it_is_erased_in_the_last_twelve_hours_before_its_date(force):
    recording = force.dock()
    due = recording.retain_until_utc
    assert due == recording.ended_utc + timedelta(hours=744)
    force.wait(days=30)
    recording.refresh_from_db()
    assert recording.state == State.STORED
    force.wait(hours=24, step_hours=1)
    recording.refresh_from_db()
    deletion = recording.deletions.get()
    assert recording.state == State.ERASED
    assert deletion.erased_utc - deletion.proposed_utc >= rules.WAIT
    assert due - 12 * HOUR <= deletion.erased_utc <= due
    assert not Alarm.objects.exists()


def test_the_leaves_stand_in_their_order_and_name_the_policy(force):
    recording = erased(force)
    force.log.drain()
    kinds = (EventType.DELETE_PROPOSED, EventType.DELETE_AUTHORISED, EventType.ERASED)
    found = events(recording, *kinds)
    assert tuple(event.type for event in found) == kinds
    assert [event.leaf_index for event in found] == sorted(event.leaf_index for event in found)
    assert found[1].rule == "policy version 1"
    assert found[1].details["approvals"] == ["indra", "lou"]


def test_the_wait_is_counted_from_the_proposals_leaf(force, clock):
    class Ticking:
        """A clock on which a second passes between two looks."""

        looks = 0

        def utc_ms(self):
            self.looks += 1
            return clock.utc_ms() + 1000 * self.looks

    recording = force.dock()
    clock.advance(31 * 24 * 3_600_000)  # proposed late, so that nothing but the wait says when it opens
    deletion = begin_deletion(recording, cause=DeletionCause.POLICY, clock=Ticking())
    assert deletion.opens_utc >= deletion.proposed_event.at_utc + timedelta(hours=72)
    assert deletion.proposed_event.at_utc > deletion.proposed_utc


def test_nothing_of_it_is_left_but_the_tombstone(force, django_capture_on_commit_callbacks):
    recording = force.dock()
    keys = list(StoredObject.objects.filter(recording=recording).values_list("key", flat=True))
    assert keys
    with django_capture_on_commit_callbacks(execute=True):
        force.wait(days=31)
    recording.refresh_from_db()
    for model in (KeyWrap, Part, ManifestPart, StoredObject):
        assert not model.objects.filter(recording=recording).exists()
    assert not any(vault_store().path(key).exists() for key in keys)
    assert recording.marks.count() == 0
    assert (recording.reference, recording.fragments) == ("BWV-2026-000001", 6)


def test_the_key_service_never_gives_its_key_again(force, keyd):
    recording = erased(force)
    footage = force.footage[recording.pk]
    with pytest.raises(BwvError, match="destroyed"):
        keyd.rewrap(footage.key_cbor, footage.rec_id, force.door.camera.kid, b"")


def test_the_certificate_is_signed_twice_and_says_what_it_cannot_prove(force, state):
    recording = erased(force)
    trust = Trust.load((state / "trust.pem").read_bytes())
    certificate = Certificate.objects.get(deletion__recording=recording)
    first = DestructionCertificate.decode(bytes(certificate.phase1), trust=trust).body
    assert (first.phase, first.rec_id, first.last_seq) == (1, recording.rec_id, recording.next_seq - 1)
    assert first.dc != bytes(32)
    assert first.approvals == ("indra", "lou")
    assert len(first.objects) >= 2
    assert any("epoch key" in line for line in first.cannot_prove)
    assert 0 < first.leaves.proposed < first.leaves.authorised < first.leaves.erased

    rotate_retention_key(clock=force.clock)
    force.log.drain()
    assert force.wait(hours=1)["irrecoverable"] == 1
    certificate.refresh_from_db()
    second = DestructionCertificate.decode(bytes(certificate.phase2), trust=trust).body
    assert (second.phase, second.cert_id, second.kek_id) == (2, first.cert_id, first.kek_id)
    assert second.leaves.kek > second.leaves.erased
    assert second.kek_destroyed_at_ms >= second.erased_at_ms
    deletion = recording.deletions.get()
    assert (deletion.state, bool(deletion.irrecoverable_utc)) == ("irrecoverable", True)


def test_a_rotation_that_another_recording_needs_does_not_stop_either(force):
    gone = erased(force)
    kept = force.dock()
    rotate_retention_key(clock=force.clock)
    assert KeyWrap.objects.get().recording_id == kept.pk
    assert not KeyWrap.objects.filter(recording=gone).exists()


@pytest.mark.parametrize("day", [0, 27, 29, 30, 31, 40])
def test_docked_late_it_stays_a_week_and_then_goes(force, day):
    recording = force.dock(seconds_ago=day * 86_400 + 120)
    force.wait(days=45, step_hours=12)
    deletion = recording.deletions.get()
    wanted = max(recording.ended_utc + timedelta(days=31), recording.ingest_utc + timedelta(days=7))
    assert deletion.due_utc == wanted
    assert wanted - 12 * HOUR <= deletion.erased_utc <= wanted
    shown = queries.explain(recording)
    assert shown.due_utc == wanted


@pytest.mark.parametrize("years", [-2, 2])
def test_a_camera_two_years_off_loses_nothing_early(force, years):
    recording = force.dock(seconds_ago=-years * 365 * 86_400)
    assert recording.retain_until_utc >= recording.ingest_utc + timedelta(days=7)
    force.wait(days=6, step_hours=12)
    recording.refresh_from_db()
    assert recording.state == State.STORED


def test_without_an_approved_policy_nothing_is_deleted_and_the_alarm_stays(door, running_log, clock):
    from tests.server.retention.conftest import Force

    force = Force(door, running_log, clock)
    recording = force.dock()
    force.wait(days=33)
    recording.refresh_from_db()
    assert recording.state == State.STORED
    assert set(Alarm.objects.filter(cleared_utc=None).values_list("kind", flat=True)) == {"no-policy", "overdue"}


def test_a_leap_of_the_clock_deletes_nothing_until_a_person_confirms_it(force, indra, frankie):
    from openbwv.server.retention.actions.confirm_clock import confirm_clock
    from openbwv.server.retention.errors import ClockNotBelieved

    recording = force.dock()
    force.wait(hours=1)
    force.clock.advance(30 * 86_400_000)
    for _ in range(2):
        with pytest.raises(ClockNotBelieved, match="Nothing was deleted"):
            sweep(force.clock)
    assert Alarm.objects.filter(kind="clock-leapt", cleared_utc=None).count() == 1
    with pytest.raises(BwvError, match="may not"):
        confirm_clock(reason="x", actor=frankie, clock=force.clock)
    confirm_clock(reason="The server was off for a month", actor=indra, clock=force.clock)
    assert force.wait(hours=84, step_hours=6)["erased"] == 1
    deletion = recording.deletions.get()
    assert deletion.erased_utc - deletion.proposed_utc >= rules.WAIT  # the wait is whole even so
    recording.refresh_from_db()
    assert queries.explain(recording).sentence.startswith("Deleted on")


def test_the_log_is_down_so_it_waits_and_an_alarm_says_so(force, monkeypatch):
    from openbwv.server.retention import erasing
    from openbwv.server.trail.errors import LogNotRunning

    def down(event, timeout_s=2.0):
        raise LogNotRunning(what="The log is not running.", remedy="Start it.")

    recording = force.dock()
    force.wait(days=30)
    with monkeypatch.context() as broken:
        broken.setattr(erasing, "wait_for_leaf", down)
        assert force.wait(hours=30)["erased"] == 0
    recording.refresh_from_db()
    assert recording.state == State.STORED
    assert set(Alarm.objects.filter(cleared_utc=None).values_list("kind", flat=True)) == {"failed", "overdue"}
    assert force.wait(hours=1)["erased"] == 1
    assert not Alarm.objects.filter(cleared_utc=None).exists()


def test_copies_that_left_before_stand_on_the_certificate(force, gale, state):
    from openbwv.server.trail.actions import log_event

    recording = force.dock()
    log_event(EventType.EXPORT, recording=recording, actor=gale, why="case 12/26", clock=force.clock)
    force.wait(days=31)
    body = DestructionCertificate.decode(
        bytes(Certificate.objects.get().phase1), trust=Trust.load((state / "trust.pem").read_bytes())
    ).body
    assert [line.split()[0] for line in body.copies_known] == ["export"]


def test_owner_and_supervisor_are_warned_seven_and_three_days_ahead_once_each(force):
    recording = force.dock()
    force.wait(days=23)
    assert recording.notices.count() == 0
    force.wait(days=2)
    assert [notice.days_ahead for notice in recording.notices.all()] == [7]
    force.wait(days=4)
    assert sorted(notice.days_ahead for notice in recording.notices.all()) == [3, 7]


def test_dry_run_tells_what_the_job_then_does(force):
    recording = force.dock()
    force.wait(days=27)
    assert queries.dry_run(utc(force.clock)) == []
    later = utc(force.clock) + 13 * HOUR
    assert [(line.recording, line.deed) for line in queries.dry_run(later)] == [(recording, "propose")]
    force.wait(hours=13)
    assert [line.deed for line in queries.dry_run(utc(force.clock))] == ["wait"]
    assert [line.deed for line in queries.dry_run(utc(force.clock) + 84 * HOUR)] == ["delete"]


def test_one_that_never_arrived_is_not_deleted(force, avery):
    from tests.server import cast

    waiting = cast.recording(officer=avery, state="announced", ingest_utc=None, retain_until_utc=None, number=77)
    force.wait(days=40)
    waiting.refresh_from_db()
    assert waiting.state == State.ANNOUNCED
    assert not Deletion.objects.exists()


def test_its_page_says_when_and_why_in_every_state(force, indra):
    recording = force.dock()
    assert queries.explain(recording).sentence.startswith("Deletes on ")
    assert "31 days after recording" in queries.explain(recording).sentence
    hold = actions.place_hold(recording=recording, kind="person", reason="a complaint", actor=indra, clock=force.clock)
    recording.refresh_from_db()
    assert queries.explain(recording).kept
    assert "it is on hold: a complaint" in queries.explain(recording).sentence
    actions.release_hold(hold=hold, reason="withdrawn", actor=indra, clock=force.clock)
    recording.refresh_from_db()
    assert from_ms(recording.due_explained["utc_ms"]) == recording.retain_until_utc
