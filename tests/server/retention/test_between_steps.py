"""A hold, and a kill, between every two steps of a deletion."""

from datetime import timedelta

import pytest

from openbwv.custody import EventType
from openbwv.server.checking import run_check
from openbwv.server.evidence.models import State
from openbwv.server.retention import actions, certifying, erasing, sweep
from openbwv.server.retention.errors import HoldTooLate
from openbwv.server.retention.models import Alarm, Certificate, Deletion, DeletionState, SweepClock
from openbwv.server.trail.models import Event
from openbwv.server.vault import actions as vault
from openbwv.server.vault.actions import rotate_retention_key
from openbwv.server.vault.models import StoredObject
from openbwv.server.vault.release import wrap_of
from openbwv.server.vault.store import vault_store
from tests.server.retention.steps import HOUR_MS


def propose(force, deletion):
    force.wait(days=28)


def authorise(force, deletion):
    force.clock.advance(72 * HOUR_MS)
    assert sweep.authorise(deletion(), clock=force.clock) == 1


def reach_the_log(force, deletion):
    force.log.drain()


def mark(force, deletion):
    assert erasing.mark_deleting(deletion(), clock=force.clock).state == DeletionState.DELETING


def drop(force, deletion):
    one = deletion()
    vault.drop_key(recording=one.recording, authorised=one.authorised_event, clock=force.clock)


def remove(force, deletion):
    assert erasing.remove(deletion(), clock=force.clock).state == DeletionState.ERASED


def certify(force, deletion):
    force.log.drain()
    certifying.sign_phase_1(deletion(), clock=force.clock)


def rotate(force, deletion):
    rotate_retention_key(clock=force.clock)
    force.log.drain()


def second_phase(force, deletion):
    assert certifying.sign_phase_2_where_due(clock=force.clock) == 1


STEPS = (propose, authorise, reach_the_log, mark, drop, remove, certify, rotate, second_phase)
NO_RETURN = STEPS.index(mark) + 1


@pytest.mark.parametrize("after", range(len(STEPS) + 1))
def test_a_hold_after_each_step_wins_until_the_point_of_no_return_and_is_refused_after_it(force, gale, after):
    recording = force.dock()

    def deletion():
        return Deletion.objects.select_related("recording", "authorised_event").get(recording=recording)

    for step in STEPS[:after]:
        step(force, deletion)
    if after >= NO_RETURN:
        with pytest.raises(HoldTooLate, match="comes too late") as refused:
            actions.place_hold(recording=recording, kind="person", reason="late", actor=gale, clock=force.clock)
        assert "/recordings/BWV-2026-000001" in refused.value.remedy
        assert not recording.holds.exists()
        return
    actions.place_hold(recording=recording, kind="person", reason="in time", actor=gale, clock=force.clock)
    force.clock.advance(96 * HOUR_MS)
    SweepClock.objects.update(last_utc=None)
    force.wait(days=10)
    recording.refresh_from_db()
    assert recording.state == State.STORED
    assert wrap_of(recording)
    cancelled = Event.objects.filter(recording=recording, type=EventType.DELETE_CANCELLED).count()
    assert cancelled == (1 if after else 0)
    assert not Deletion.objects.filter(recording=recording).exclude(state="cancelled").exists()


def test_the_key_service_refuses_where_the_database_was_fooled(force, gale, clock):
    """A hold leaf that the table no longer shows: the key stays, the deletion is taken back, and somebody is told."""
    recording = force.dock()

    def deletion():
        return Deletion.objects.select_related("recording", "authorised_event").get(recording=recording)

    for step in (propose, authorise, reach_the_log):
        step(force, deletion)
    from openbwv.server.trail.actions import log_event

    log_event(EventType.HOLD, recording=recording, actor=gale, why="kept off the table", clock=clock)
    force.log.drain()
    assert erasing.erase(deletion(), clock=clock) == DeletionState.CANCELLED
    recording.refresh_from_db()
    assert recording.state == State.STORED
    assert wrap_of(recording)
    assert Alarm.objects.get().kind == "refused"


def test_a_released_hold_gives_seven_days_and_a_new_wait(force, gale, clock):
    recording = force.dock()
    force.wait(days=29)
    hold = actions.place_hold(recording=recording, kind="person", reason="complaint", actor=gale, clock=clock)
    force.wait(days=10)
    hold.refresh_from_db()
    actions.release_hold(hold=hold, reason="settled", actor=gale, clock=clock)
    recording.refresh_from_db()
    released = Event.objects.get(type=EventType.UNHOLD).at_utc
    assert recording.retain_until_utc == released + timedelta(days=7)
    force.wait(days=7, step_hours=6)
    last = Deletion.objects.get(state="erased")
    assert last.erased_utc - last.proposed_utc >= timedelta(hours=72)
    assert Deletion.objects.filter(state="cancelled").count() == 1


def test_a_hold_released_early_leaves_the_old_date(force, gale, clock):
    recording = force.dock()
    old = recording.retain_until_utc
    hold = actions.place_hold(recording=recording, kind="person", reason="complaint", actor=gale, clock=clock)
    force.wait(days=5)
    actions.release_hold(hold=hold, reason="settled", actor=gale, clock=clock)
    recording.refresh_from_db()
    assert recording.retain_until_utc == old


class Killed(BaseException):
    """The process is gone."""


PLACES = [
    (sweep, "authorise"),
    (sweep, "log_event"),
    (erasing, "wait_for_leaf"),
    (erasing, "mark_deleting"),
    (vault, "drop_key"),
    (erasing, "remove"),
    (vault, "remove_recording_bytes"),
    (erasing, "scrub"),
    (erasing, "log_event"),
    (sweep, "truncate_journal"),
    (certifying, "wait_for_leaf"),
    (certifying, "_sign"),
]


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize(("module", "name"), PLACES, ids=[f"{m.__name__.split('.')[-1]}.{n}" for m, n in PLACES])
def test_killed_before_and_after_each_step_the_next_run_goes_on_to_the_same_end(
    force, monkeypatch, module, name, moment
):
    recording = force.dock()
    force.wait(days=27)
    real = getattr(module, name)

    def dying(*arguments, **keywords):
        if moment == "after":
            real(*arguments, **keywords)
        raise Killed

    with monkeypatch.context() as broken:
        broken.setattr(module, name, dying)
        with pytest.raises(Killed):
            force.wait(days=5, step_hours=6)
    done = force.wait(days=5, step_hours=6)
    recording.refresh_from_db()
    assert recording.state == State.ERASED
    deletion = recording.deletions.get()
    assert deletion.certificate.phase1
    assert Event.objects.filter(recording=recording, type=EventType.ERASED).count() == 1
    assert done["failed"] == 0


def test_files_that_a_kill_left_are_gone_before_a_certificate_says_so(force):
    """Killed between the commit and the unlinking: here nothing runs on commit, as nothing does after SIGKILL."""
    recording = force.dock()
    keys = list(StoredObject.objects.filter(recording=recording).values_list("key", flat=True))
    for step in STEPS[: STEPS.index(remove) + 1]:
        step(force, lambda: Deletion.objects.select_related("recording", "authorised_event").get())
    assert all(vault_store().path(key).exists() for key in keys), "the kill"
    found = run_check(clock=force.clock, only=["vault"]).disagreements
    assert [each.code for each in found] == ["erased-remains"] * len(keys)
    SweepClock.objects.update(last_utc=None)  # nobody looked while the steps were taken by hand
    force.wait(hours=1)
    assert Deletion.objects.get().certificate.phase1
    assert keys
    assert not any(vault_store().path(key).exists() for key in keys)
    assert not StoredObject.objects.filter(key__in=keys).exists()
    assert run_check(clock=force.clock, only=["vault"]).disagreements == []


def test_no_certificate_while_the_databases_journal_may_hold_the_key(force, monkeypatch):
    """A reader kept SQLite's write-ahead log from being emptied, or a kill came before it: the next run does it."""
    force.dock()
    with monkeypatch.context() as broken:
        broken.setattr(sweep, "truncate_journal", lambda: False)
        force.wait(days=31)
        deletion = Deletion.objects.get()
        assert deletion.state == DeletionState.ERASED
        assert not Certificate.objects.exists()
        assert "still reads" in deletion.problem
    emptied = []
    monkeypatch.setattr(sweep, "truncate_journal", lambda: emptied.append(True) or True)
    force.wait(hours=1)
    assert emptied
    assert Certificate.objects.get().phase1
    deletion.refresh_from_db()
    assert deletion.problem == ""
