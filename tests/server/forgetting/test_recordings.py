"""Six years after a recording became irrecoverable: its trail's words go, the log and the tombstone stay."""

import hashlib
from datetime import timedelta

import pytest

from openbwv.custody import EventType, check_tlog_proof, decode_leaf
from openbwv.server.cases.models import Matter
from openbwv.server.clock import utc
from openbwv.server.disclosure.models import Match, Request
from openbwv.server.evidence.models import Flag, Recording
from openbwv.server.forgetting import forget
from openbwv.server.ingest.models import Receipt
from openbwv.server.people.models import Person
from openbwv.server.retention.errors import ClockNotBelieved
from openbwv.server.retention.models import Certificate, Deletion, Hold, PolicyVersion, SweepClock
from openbwv.server.trail import log
from openbwv.server.trail.actions import log_event, proof_of
from openbwv.server.trail.models import Event
from tests.server.forgetting.conftest import SECOND, SECRET, SIX_YEARS_AGO, has_words

NOTHING = {"recordings": 0, "requests": 0, "events": 0, "others": 0}


@pytest.mark.parametrize(("after", "goes"), [(-SECOND, True), (0 * SECOND, True), (SECOND, False)])
def test_six_years_to_the_second(gone, due, clock, after, goes):
    recording = gone(SIX_YEARS_AGO + after)
    assert due()[0] == goes
    assert forget(clock)["recordings"] == goes
    recording.refresh_from_db()
    assert (recording.pseudonym is None) == goes


def test_the_words_go_and_the_leaves_stay(gone, running_log, clock):
    recording = gone()
    before = list(Event.objects.filter(recording=recording).order_by("id"))
    root = log.reader().checkpoint()
    assert forget(clock) == NOTHING | {"recordings": 1, "events": 6}
    for event in before:
        assert not has_words(event)
        row = Event.objects.get(pk=event.pk)
        assert (bytes(row.leaf), row.leaf_index, row.at_utc) == (bytes(event.leaf), event.leaf_index, event.at_utc)
        checkpoint = check_tlog_proof(proof_of(row), bytes(row.leaf), log.vkey())
        assert checkpoint.size >= root.size
    running_log.drain()
    assert log.reader().root_at(root.size, log.reader().checkpoint().size) == root.root


def test_the_removal_is_in_the_log_and_says_rule_cut_off_count_and_places(gone, running_log, clock):
    gone()
    places = sorted(Event.objects.filter(recording__isnull=False).values_list("leaf_index", flat=True))
    forget(clock)
    running_log.drain()
    removal = Event.objects.get(type=EventType.TEXT_REMOVED)
    assert removal.is_logged
    assert removal.rule == "policy version 1: 6 years"
    assert removal.details == {
        "version": 1,
        "years": 6,
        "cutoff_ms": int(SIX_YEARS_AGO.timestamp() * 1000),
        "about": "recordings",
        "recordings": 1,
        "events": 6,
        "entries": {"1": [[places[0], places[-1]]]},
    }
    assert removal.actor is None


def test_the_tombstone_no_longer_says_whose_it_was(gone, clock):
    recording = gone()
    signed = bytes(Certificate.objects.get().phase1)
    forget(clock)
    recording.refresh_from_db()
    left = (recording.pseudonym, recording.officer, recording.unit, recording.assignment)
    assert left == (None, None, None, None)
    assert (recording.reference, recording.state, recording.fragments) == ("BWV-2026-000001", "erased", 60)
    deletion = Deletion.objects.get()
    assert (deletion.proposed_event, deletion.authorised_event, deletion.erased_event) == (None, None, None)
    assert (deletion.reason, deletion.copies_known) == ("", [])
    assert deletion.irrecoverable_utc == SIX_YEARS_AGO
    certificate = Certificate.objects.get()
    assert (certificate.phase1, certificate.phase2) == (None, None)
    assert bytes(certificate.phase1_sha256) == hashlib.sha256(signed).digest()
    assert bytes(certificate.phase2_sha256) == hashlib.sha256(b"second").digest()
    assert not Hold.objects.exists()
    assert not Receipt.objects.exists()


def test_nothing_maps_the_pseudonym_to_the_recording_any_more(gone, clock):
    recording = gone()
    pseudonym = bytes(recording.pseudonym)
    forget(clock)
    assert not Recording.objects.filter(pseudonym=pseudonym).exists()
    rows = Event.objects.filter(subject=pseudonym)
    assert rows.count() == 6
    assert not rows.filter(recording__isnull=False).exists()
    assert decode_leaf(bytes(rows.first().leaf)).subj == pseudonym, "the leaf stays as it is"


def held(recording, gale):
    Hold.objects.create(recording=recording, kind="person", reason="x", placed_by=gale, placed_utc=SIX_YEARS_AGO)


def counted(recording, gale):
    Recording.objects.filter(pk=recording.pk).update(held_count=1)


def flagged(recording, gale):
    matter = Matter.objects.create(reference="01/9/26", title="t", opened_by=gale, opened_utc=SIX_YEARS_AGO)
    Flag.objects.create(recording=recording, matter=matter, placed_by=gale, placed_utc=SIX_YEARS_AGO)


def to_review(recording, gale):
    day = SIX_YEARS_AGO.date()
    Flag.objects.create(recording=recording, review_date=day, placed_by=gale, placed_utc=SIX_YEARS_AGO)


def asked_for(recording, gale):
    request = Request.objects.create(
        reference="ASK-2020-000001",
        pseudonym=bytes(16),
        secret_sha256=bytes(32),
        kind="subject",
        channel="web",
        state="received",
        received_utc=SIX_YEARS_AGO,
        due_on=SIX_YEARS_AGO.date(),
        internal_on=SIX_YEARS_AGO.date(),
        window_from_utc=SIX_YEARS_AGO,
        window_to_utc=SIX_YEARS_AGO + SECOND,
        name="Ellis",
    )
    Match.objects.create(request=request, recording=recording, found_utc=SIX_YEARS_AGO, why="time")


def not_erased(recording, gale):
    Recording.objects.filter(pk=recording.pk).update(state="stored")


def not_irrecoverable(recording, gale):
    Deletion.objects.update(state="erased", irrecoverable_utc=None)


@pytest.mark.parametrize(
    "keep",
    [held, counted, flagged, to_review, asked_for, not_erased, not_irrecoverable],
    ids=lambda each: each.__name__,
)
def test_nothing_goes_of_what_is_kept_held_or_asked_for(gone, due, gale, clock, keep):
    recording = gone()
    keep(recording, gale)
    assert due()[0] == 0
    assert forget(clock)["recordings"] == 0
    assert Event.objects.filter(recording=recording, why=SECRET).count() == 2


def test_a_request_that_was_closed_keeps_nothing_in_mind(gone, gale, clock):
    recording = gone()
    asked_for(recording, gale)
    Request.objects.update(state="withdrawn", closed_utc=utc(clock))
    assert forget(clock)["recordings"] == 1
    assert not Match.objects.exists()
    assert Request.objects.get().name == "Ellis", "its own years have only begun"


def test_an_event_that_the_log_does_not_have_yet_waits_with_all_of_its_recording(gone, due, running_log, clock):
    recording = gone()
    log_event(EventType.REFUSED, recording=recording, outcome="refused", why="late", clock=clock)
    assert due()[0] == 0
    running_log.drain()
    assert due()[0] == 1


def test_a_leap_of_the_clock_stops_it_until_a_person_confirms(gone, clock):
    gone()
    SweepClock.objects.create(id=1, last_utc=utc(clock) - timedelta(hours=25))
    with pytest.raises(ClockNotBelieved):
        forget(clock)
    assert Event.objects.filter(why=SECRET).count() == 2
    SweepClock.objects.update(last_utc=utc(clock))
    assert forget(clock)["recordings"] == 1


def test_nothing_goes_without_a_policy_that_two_people_approved(gone, clock):
    gone()
    PolicyVersion.objects.update(approved_utc=None, approved_by=None)
    assert forget(clock) == NOTHING


def test_a_longer_period_keeps_and_a_shorter_one_takes(gone, due, clock):
    gone()
    PolicyVersion.objects.update(log_years=7)
    assert due()[0] == 0
    PolicyVersion.objects.update(log_years=1)
    assert due()[0] == 1


def test_what_happens_afterwards_does_not_name_the_recording(gone, gale, clock):
    recording = gone()
    stale = Recording.objects.get(pk=recording.pk)
    pseudonym = bytes(recording.pseudonym)
    forget(clock)
    late = log_event(EventType.REFUSED, recording=stale, actor=gale, outcome="refused", clock=clock)
    assert late.recording is None
    assert bytes(late.subject) != pseudonym


def test_who_did_it_keeps_their_account(gone, clock):
    gone()
    people = Person.objects.count()
    forget(clock)
    assert Person.objects.count() == people
