"""Log, events, head and outside checkpoint: each altered by itself is found and named."""

import shutil

import pytest

from openbwv.custody import EventType
from openbwv.server.checking import WALKS, log_walk, run_check
from openbwv.server.trail import log
from openbwv.server.trail.actions import log_event
from openbwv.server.trail.models import Event, LogHead
from openbwv.shared.log_folder import checkpoint_file
from tests.server import cast


@pytest.fixture
def logged(running_log, avery, clock):
    """Return five events in the log."""
    recording = cast.recording(officer=avery)
    events = [
        log_event(EventType.VIEW, recording=recording, actor=avery, why=f"reason {number}", clock=clock)
        for number in range(5)
    ]
    running_log.drain()
    return [Event.objects.get(pk=event.pk) for event in events]


def flip(path, place=-1):
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(data)


def test_a_true_log_agrees_and_the_report_says_what_was_looked_at(logged, clock):
    report = run_check(clock=clock, only=["log"])
    assert report.ok
    assert report.looked_at == {"log entries": 5, "events": 5}
    assert set(report.left_out) == set(WALKS) - {"log"}
    assert report.as_dict()["clock_utc_ms"] == clock.utc_ms()


@pytest.mark.parametrize(
    "change",
    [
        {"why": "a better reason"}, {"rule": "another"}, {"outcome": "refused"}, {"actor_label": "noor"},
        {"details": {"more": 1}}, {"type": 31}, {"subject": bytes(16)}, {"salt": bytes(32)}, {"recording": None},
    ],
)  # fmt: skip
def test_an_event_changed_after_it_was_logged_is_found(logged, codes, change):
    Event.objects.filter(pk=logged[2].pk).update(**change)
    assert "event-altered" in codes("log")


def test_an_event_whose_time_was_changed_is_found(logged, codes):
    from datetime import timedelta

    Event.objects.filter(pk=logged[2].pk).update(at_utc=logged[2].at_utc + timedelta(milliseconds=1))
    assert codes("log") == ["event-altered"]


def test_a_leaf_changed_in_the_database_is_found(logged, codes):
    Event.objects.filter(pk=logged[2].pk).update(leaf=bytes(logged[1].leaf))
    assert codes("log") == ["event-other-leaf"]


def test_an_event_removed_from_the_database_is_found(logged, codes):
    logged[2].delete()
    assert codes("log") == ["leaf-without-event"]


def test_events_that_swapped_places_are_found(logged, codes):
    Event.objects.filter(pk=logged[1].pk).update(leaf_index=99)
    Event.objects.filter(pk=logged[2].pk).update(leaf_index=1)
    assert codes("log") == ["event-other-leaf", "leaf-without-event", "event-beyond-log"]


def test_an_event_that_claims_an_entry_past_the_log_is_found(logged, codes):
    LogHead.objects.update(size=200)
    Event.objects.filter(pk=logged[4].pk).update(leaf_index=100)
    assert set(codes("log")) == {"leaf-without-event", "event-beyond-log", "log-behind-database"}


@pytest.mark.parametrize(("place", "generation"), [(5, 1), (6, 1), (1 << 40, 1), (0, 0), (0, 2), (7, 9)])
def test_an_invented_event_past_all_that_the_log_ever_had_is_named(logged, clock, place, generation):
    """Nothing is missing from log or database, and still it was never logged."""
    event = log_event(EventType.VIEW, actor_label="lou", clock=clock)
    Event.objects.filter(pk=event.pk).update(leaf_index=place, log_generation=generation)
    found = run_check(clock=clock, only=["log"]).disagreements
    assert [(each.code, each.where) for each in found] == [("event-beyond-log", f"event {event.pk}")]


def test_an_event_that_is_logged_while_the_check_looks_is_no_disagreement(
    running_log, logged, codes, clock, monkeypatch
):
    def settled(reader):
        log_event(EventType.VIEW, actor_label="lou", clock=clock)
        running_log.drain()
        return settle(reader)

    settle = log_walk._settled_outside
    monkeypatch.setattr(log_walk, "_settled_outside", settled)
    assert codes("log") == []
    assert Event.objects.filter(leaf_index=5).exists()


def test_an_invented_event_past_the_end_of_an_earlier_log_is_named(logged, state, clock):
    shutil.copytree(state / "log", state / "log-generation-1")
    (state / "log-generation-1.vkey").write_text(log.vkey())
    LogHead.objects.update(generation=2)
    Event.objects.filter(leaf_index=4).update(leaf_index=5)
    found = run_check(clock=clock, only=["log"]).disagreements
    earlier = [each.code for each in found if each.where.startswith("log of generation 1")]
    assert earlier == ["leaf-without-event", "event-beyond-log"]


def test_an_event_without_its_salt_is_still_bound_by_its_leaf(logged, codes):
    """After erasure event and salt may be gone; the leaf stays and is compared."""
    Event.objects.filter(pk=logged[2].pk).update(salt=None, why="", details={})
    assert codes("log") == []


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("tile/0/000.p/5", {"tile-mismatch", "head-mismatch"}),
        ("tile/entries/000.p/5", {"tile-mismatch", "root-mismatch", "log-forked", "event-other-leaf"}),
        ("checkpoint", {"checkpoint-bad"}),
    ],
)
def test_a_changed_file_is_found(logged, state, codes, name, expected):
    flip(state / "log" / name, place=-3)
    assert set(codes("log")) == expected


@pytest.mark.parametrize(
    ("name", "code"),
    [("tile/0/000.p/5", "tile-missing"), ("tile/entries/000.p/5", "bundle-missing"), ("checkpoint", "log-missing")],
)
def test_a_missing_file_is_found(logged, state, codes, name, code):
    (state / "log" / name).unlink()
    assert code in codes("log")


def test_a_missing_or_changed_outside_checkpoint_is_found(logged, state, codes):
    place = checkpoint_file(state).path
    note = place.read_text()
    place.write_text(note.replace("\n5\n", "\n4\n"))
    assert codes("log") == ["checkpoint-bad"]
    place.unlink()
    assert codes("log") == ["outside-checkpoint-missing"]


def test_a_log_rolled_back_behind_the_outside_checkpoint_is_found(running_log, logged, state, codes, clock, tmp_path):
    import shutil

    shutil.copytree(state / "log", tmp_path / "old")
    log_event(EventType.CONFIG, actor_label="lou", clock=clock)
    running_log.drain()
    shutil.rmtree(state / "log")
    shutil.copytree(tmp_path / "old", state / "log")
    assert set(codes("log")) == {"log-rolled-back", "log-behind-database", "event-beyond-log"}


def test_a_head_that_disagrees_or_is_gone_is_found(logged, codes):
    LogHead.objects.update(root=bytes(32))
    assert codes("log") == ["head-mismatch"]
    LogHead.objects.all().delete()
    assert codes("log") == ["head-missing"]


def test_events_that_wait_for_more_than_a_minute_are_found(logged, codes, clock):
    log_event(EventType.CONFIG, actor_label="lou", clock=clock)
    assert codes("log") == []
    clock.advance(61_000)
    assert codes("log") == ["events-waiting"]


def test_a_pseudonym_of_another_recording_is_found(running_log, logged, avery, codes):
    other = cast.recording(officer=avery, number=2)
    Event.objects.filter(pk=logged[0].pk).update(recording=other)
    assert codes("log") == ["event-altered", "event-other-subject"]


def test_without_the_log_s_key_the_check_says_so(db, state, codes):
    assert codes("log") == ["no-log-key"]


def test_a_force_whose_worker_never_ran_is_told_to_start_it(running_log, codes, clock):
    assert codes("log") == ["log-not-begun"]
    event = log_event(EventType.VIEW, actor_label="lou", clock=clock)
    Event.objects.filter(pk=event.pk).update(leaf_index=0, log_generation=1)
    assert codes("log") == ["log-not-begun", "event-beyond-log"]


@pytest.mark.parametrize(("place", "explains"), [(1, True), (9999, False), (None, False)])
def test_only_a_restore_that_its_own_log_has_explains_an_entry_without_event(
    logged, state, codes, clock, place, explains
):
    shutil.copytree(state / "log", state / "log-generation-1")
    (state / "log-generation-1.vkey").write_text(log.vkey())
    LogHead.objects.update(generation=2, size=2)
    Event.objects.filter(leaf_index=0).delete()
    told = {"generation": 2, "unknown_leaves": [{"index": 0, "type": "view", "t_s": 1}]}
    event = log_event(EventType.RESTORE, actor_label="./bwv restore", details=told, clock=clock)
    Event.objects.filter(pk=event.pk).update(leaf_index=place, log_generation=place and 2)
    run = run_check(clock=clock, only=["log"]).disagreements
    found = [each.code for each in run if each.where.startswith("log of generation 1")]
    assert found == ([] if explains else ["leaf-without-event"])
