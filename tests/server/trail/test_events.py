"""An event is written with the deed, logged once the deed has committed, and proves itself afterwards."""

import os
import time

import pytest

from django.db import IntegrityError, transaction

from openbwv.custody import (
    EventType,
    LeafRejected,
    ProofRejected,
    check_tlog_proof,
    commit_event,
    decode_leaf,
    event_matches,
    subject_findings,
)
from openbwv.server.trail import log
from openbwv.server.trail.actions import event_map, log_event, wait_for_leaf
from openbwv.server.trail.errors import LogNotRunning, NoVerifierKey
from openbwv.server.trail.models import Event, LogHead
from openbwv.server.trail.queries import shown_events
from tests.server import cast

pytestmark = pytest.mark.django_db

ODD_TEXT = "Zoë’s note — 証拠 \U0001f600 ' OR 1=1 --"


def test_an_event_holds_what_was_said_and_its_leaf_commits_to_all_of_it(recording, gale, clock):
    event = log_event(
        EventType.VIEW,
        recording=recording,
        actor=gale,
        why=ODD_TEXT,
        rule="watch-any",
        details={"from_ms": 0, "to_ms": None, "list": [1, {"a": True}]},
        clock=clock,
    )
    row = Event.objects.get(pk=event.pk)
    assert event_map(row) == event_map(event)
    assert event_matches(bytes(row.leaf), event_map(row), bytes(row.salt))
    read = decode_leaf(bytes(row.leaf))
    assert (read.type, read.t_s, read.subj) == (EventType.VIEW, clock.utc_ms() // 1000, bytes(recording.pseudonym))
    assert (row.actor, row.actor_label, row.leaf_index) == (gale, "gale", None)


def test_nothing_about_a_person_or_the_recording_s_name_is_in_the_leaf(recording, gale, clock):
    event = log_event(
        EventType.VIEW, recording=recording, actor=gale, why=ODD_TEXT, details={"matter": "M-12"}, clock=clock
    )
    leaf = bytes(event.leaf)
    for text in (b"gale", ODD_TEXT.encode(), b"M-12", recording.reference.encode(), recording.rec_id):
        assert text not in leaf
    assert len(leaf) <= 64


def test_every_event_has_a_salt_of_its_own(recording, clock):
    first, second = (log_event(EventType.VIEW, recording=recording, clock=clock) for _ in range(2))
    assert bytes(first.salt) != bytes(second.salt)
    assert bytes(first.leaf) != bytes(second.leaf)


def test_events_about_nothing_in_particular_cannot_be_tied_together(clock):
    first, second = (log_event(EventType.CONFIG, actor_label="init", clock=clock) for _ in range(2))
    assert bytes(first.subject) != bytes(second.subject)


def test_a_deed_that_is_rolled_back_leaves_no_event(recording, clock):
    def deed():
        with transaction.atomic():
            log_event(EventType.HOLD, recording=recording, clock=clock)
            raise RuntimeError("the deed failed")

    with pytest.raises(RuntimeError, match="the deed failed"):
        deed()
    assert not Event.objects.exists()


@pytest.mark.parametrize("details", [{"length": 1.5}, {"when": object()}, {1: "one"}])
def test_details_that_cannot_be_committed_to_are_refused(recording, clock, details):
    with pytest.raises(LeafRejected):
        log_event(EventType.VIEW, recording=recording, details=details, clock=clock)
    assert not Event.objects.exists()


def test_a_type_nobody_defined_is_refused(clock):
    with pytest.raises(ValueError, match="999"):
        log_event(999, clock=clock)


def test_waiting_gives_a_proof_that_holds_for_this_event_alone(running_log, recording, clock):
    events = [log_event(EventType.VIEW, recording=recording, clock=clock) for _ in range(3)]
    proof = wait_for_leaf(events[1])
    assert check_tlog_proof(proof, bytes(events[1].leaf), log.vkey()).size == 3
    with pytest.raises(ProofRejected):
        check_tlog_proof(proof, bytes(events[0].leaf), log.vkey())
    assert [Event.objects.get(pk=each.pk).leaf_index for each in events] == [0, 1, 2]


def test_without_a_worker_waiting_ends_and_says_that_the_log_is_not_running(recording, clock):
    event = log_event(EventType.VIEW, recording=recording, clock=clock)
    began = time.monotonic()
    with pytest.raises(LogNotRunning, match="log is not running") as caught:
        wait_for_leaf(event, timeout_s=0.1)
    assert 0.1 <= time.monotonic() - began < 2
    assert (caught.value.code, caught.value.http_status, caught.value.exit_code) == ("log-not-running", 503, 75)


def test_all_events_that_wait_are_drained_in_batches(running_log, recording, clock):
    for _ in range(600):
        log_event(EventType.VIEW, recording=recording, clock=clock)
    assert running_log.step() == 256
    assert running_log.step() == 256
    assert running_log.drain() == 88
    assert running_log.drain() == 0
    assert list(Event.objects.order_by("id").values_list("leaf_index", flat=True)) == list(range(600))
    head = LogHead.objects.get()
    assert (head.size, bytes(head.root)) == (600, log.reader().checkpoint().root)


def test_who_holds_the_pseudonym_shows_that_there_is_no_other_event(running_log, avery, recording, clock):
    other = cast.recording(officer=avery, number=2)
    for each in (recording, other, recording, other, other):
        log_event(EventType.VIEW, recording=each, actor=avery, clock=clock)
    running_log.drain()
    reader = log.reader()
    entries = list(reader.entries(0, reader.checkpoint().size))
    shown = shown_events(recording)
    assert len(shown) == 2
    assert subject_findings(entries, bytes(recording.pseudonym), shown) == []
    del shown[2]
    (finding,) = subject_findings(entries, bytes(recording.pseudonym), shown)
    assert (finding.code, finding.where) == ("event-withheld", "entry 2")


def test_when_event_and_salt_are_destroyed_the_leaf_is_noise(running_log, recording, clock):
    event = log_event(EventType.VIEW, recording=recording, why="a secret", clock=clock)
    running_log.drain()
    leaf = bytes(event.leaf)
    for guess in range(50):  # whoever guesses the event exactly still cannot tell without the salt
        assert commit_event(event_map(event), os.urandom(32)) not in leaf, guess


def test_a_force_without_its_log_s_key_says_so(recording, state, clock):
    with pytest.raises(NoVerifierKey):
        log.reader()


@pytest.mark.parametrize(
    ("place", "generation", "passes"),
    [(None, None, True), (0, 1, True), (None, 1, False), (0, None, False), (-1, 1, False), (-1, None, False)],
)
def test_an_event_has_both_a_log_and_a_place_in_it_or_neither(clock, place, generation, passes):
    event = log_event(EventType.CONFIG, actor_label="init", clock=clock)

    def put():
        with transaction.atomic():
            Event.objects.filter(pk=event.pk).update(leaf_index=place, log_generation=generation)

    if passes:
        put()
    else:
        with pytest.raises(IntegrityError, match="event_leaf_whole"):
            put()
