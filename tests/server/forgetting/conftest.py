"""A policy in force, a log, and recordings that became irrecoverable when a test says so."""

from datetime import UTC, datetime, timedelta

import pytest

from openbwv.custody import EventType
from openbwv.server.clock import to_ms, utc
from openbwv.server.forgetting import cutoff_at, waiting
from openbwv.server.ingest.models import Receipt
from openbwv.server.retention.models import Certificate, Deletion, Hold
from openbwv.server.trail.actions import log_event
from openbwv.server.trail.models import Event
from openbwv.shared.clock import FixedClock
from tests.server import cast
from tests.server.checking.conftest import codes  # noqa: F401  a fixture
from tests.server.log_fixture import running_log  # noqa: F401  a fixture
from tests.server.retention.steps import approve

NOW = datetime(2026, 11, 20, 14, 2, 11, tzinfo=UTC)  # what the clock of the tests shows
SIX_YEARS_AGO = datetime(2020, 11, 20, 14, 2, 11, tzinfo=UTC)
SECOND = timedelta(seconds=1)
SECRET = "the witness lives at 12 High Street"


def at(moment):
    """Return a clock that stands at `moment`."""
    return FixedClock(to_ms(moment))


@pytest.fixture
def policy(units, indra, lou, clock):
    """Return policy version 1, under which the words of events stay six years."""
    return approve(indra, lou, clock)


@pytest.fixture
def gone(running_log, policy, avery, gale, indra, lou):  # noqa: F811  fixtures
    """Return a function that makes a recording that became irrecoverable at `ended`, with a trail full of words."""

    def make(ended=SIX_YEARS_AGO, *, number=1, **facts):
        recording = make_gone(ended, number=number, people=(avery, gale), **facts)
        running_log.drain()
        return recording

    return make


def make_gone(ended, *, number, people, **facts):
    """Make the rows and events of a recording that was stored, watched, held, released and deleted."""
    officer, investigator = people
    recording = cast.recording(
        officer=officer, number=number, started=ended - timedelta(days=40), state="erased", **facts
    )
    about = {"recording": recording}
    stored = log_event(EventType.INGEST, actor_label="door", clock=at(ended - timedelta(days=39)), **about)
    for type_ in (EventType.VIEW, EventType.HOLD):
        when = at(ended - timedelta(days=38))
        log_event(type_, actor=investigator, why=SECRET, details={"told": SECRET}, clock=when, **about)
    steps = [
        log_event(type_, actor_label="retention", details={"approvals": ["indra", "lou"]}, clock=at(when), **about)
        for type_, when in (
            (EventType.DELETE_PROPOSED, ended - timedelta(days=5)),
            (EventType.DELETE_AUTHORISED, ended - timedelta(days=2)),
            (EventType.ERASED, ended - timedelta(days=1)),
        )
    ]
    Hold.objects.create(kind="person", reason="", placed_by=investigator, placed_utc=ended, released_utc=ended, **about)
    Receipt.objects.create(camera_kid="aa", tail=bytes(32), event=stored, signed=SECRET.encode(), **about)
    deletion = Deletion.objects.create(
        cause="policy",
        state="irrecoverable",
        rule="capture-31-days",
        due_utc=ended,
        proposed_utc=ended - timedelta(days=5),
        opens_utc=ended - timedelta(days=2),
        erased_utc=ended - timedelta(days=1),
        irrecoverable_utc=ended,
        proposed_event=steps[0],
        authorised_event=steps[1],
        erased_event=steps[2],
        reason=SECRET,
        copies_known=["export 7"],
        **about,
    )
    Certificate.objects.create(
        deletion=deletion,
        cert_id=number.to_bytes(16),
        phase1=b"first " + SECRET.encode(),
        phase1_utc=ended,
        phase2=b"second",
        phase2_utc=ended,
    )
    return recording


@pytest.fixture
def old_event(running_log, policy):  # noqa: F811  fixtures
    """Return a function that logs an event about nothing at `when`, six years ago unless told otherwise."""

    def make(type_, when=SIX_YEARS_AGO, **more):
        event = log_event(type_, clock=at(when), **more)
        running_log.drain()
        return event

    return make


@pytest.fixture
def due(clock):
    """Return a function that says what would go now: recordings, requests, events and other rows."""

    def look():
        found = waiting(cutoff_at(utc(clock)))
        return found.recordings, found.requests, found.events, found.others

    return look


def has_words(event):
    """Say whether an event still has its words; all of them or none."""
    row = Event.objects.get(pk=event.pk)
    left = [row.salt is not None, bool(row.actor_label or row.why or row.rule or row.details or row.recording)]
    assert row.leaf_index is not None
    if row.salt is None:
        assert left == [False, False]
        assert (row.actor_id, row.recording_id, row.details) == (None, None, {})
        assert row.removal is not None
    return left[0]
