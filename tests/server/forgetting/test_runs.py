"""A run that is cut, two at once, and more than a batch: every event goes once, with a removal that names it."""

import pytest

from openbwv.custody import EventType
from openbwv.server.forgetting import forget, job, recordings, requests, words
from openbwv.server.jobs import Scheduler, load_jobs
from openbwv.server.people.job_words import job_in_words
from openbwv.server.retention.errors import StillRead
from openbwv.server.trail.models import Event, JobHeartbeat
from tests.server.forgetting.conftest import SECRET, has_words


class Killed(BaseException):
    """The process is gone."""


PLACES = [
    (words, "log_event"),
    (recordings, "remove_words"),
    (recordings, "_empty"),
    (recordings, "_keep_hashes"),
    (job, "truncate_journal"),
]


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize(("module", "name"), PLACES, ids=[name for _, name in PLACES])
def test_killed_before_and_after_each_step_the_next_run_ends_the_same(
    gone, running_log, monkeypatch, clock, codes, module, name, moment
):
    gone()
    events = list(Event.objects.filter(recording__isnull=False))
    real = getattr(module, name)

    def dying(*arguments, **keywords):
        if moment == "after":
            real(*arguments, **keywords)
        raise Killed

    with monkeypatch.context() as broken:
        broken.setattr(module, name, dying)
        with pytest.raises(Killed):
            forget(clock)
    forget(clock)
    running_log.drain()
    assert not any(has_words(event) for event in events)
    assert Event.objects.filter(type=EventType.TEXT_REMOVED).count() == 1
    assert codes("log", "deeds", "removals") == []


def test_of_two_runs_at_once_the_second_finds_nothing_left(gone, monkeypatch, clock, running_log, codes):
    """The second has read what is due, and waits for the lock while the first does it all."""
    gone()
    real, other = recordings.recordings_due, []

    def overtaken(cutoff):
        if not other:
            other.append(True)
            found = list(real(cutoff))
            other.append(forget(clock))
            return real(cutoff).model.objects.filter(pk__in=[each.pk for each in found])
        return real(cutoff)

    monkeypatch.setattr(recordings, "recordings_due", overtaken)
    assert forget(clock)["recordings"] == 0
    assert other[1]["recordings"] == 1
    running_log.drain()
    assert Event.objects.filter(type=EventType.TEXT_REMOVED).count() == 1
    assert codes("removals") == []


def test_a_second_run_does_nothing(gone, clock):
    gone()
    forget(clock)
    assert sum(forget(clock).values()) == 0
    assert Event.objects.filter(type=EventType.TEXT_REMOVED).count() == 1


def test_more_than_a_batch_goes_in_several_transactions(gone, old_event, monkeypatch, clock, running_log, codes):
    monkeypatch.setattr(recordings, "BATCH", 2)
    monkeypatch.setattr(words, "AT_ONCE", 4)
    monkeypatch.setattr(job, "MOST_BATCHES", 2)
    for number in range(1, 6):
        gone(number=number)
    assert forget(clock)["recordings"] == 4
    assert forget(clock)["recordings"] == 1
    running_log.drain()
    told = Event.objects.filter(type=EventType.TEXT_REMOVED).values_list("details", flat=True)
    assert [each["recordings"] for each in told] == [2, 2, 1]
    assert not Event.objects.filter(why=SECRET).exists()
    assert codes("log", "removals") == []


def test_a_reader_that_keeps_the_journal_from_being_emptied_is_told_of(gone, monkeypatch, clock):
    gone()
    with monkeypatch.context() as broken:
        broken.setattr(job, "truncate_journal", lambda: False)
        with pytest.raises(StillRead):
            forget(clock)
    assert not Event.objects.filter(why=SECRET).exists()
    assert sum(forget(clock).values()) == 0


def test_it_is_a_periodic_job_with_a_heartbeat_and_words(gone, clock):
    gone()
    name = "retention.words"
    assert job_in_words(name) != name
    assert Scheduler(clock, jobs={name: load_jobs()[name]}).step() == 1
    beat = JobHeartbeat.objects.get(job=name)
    assert (beat.outcome, beat.message) == ("done", "")
    assert not Event.objects.filter(why=SECRET).exists()


def test_spans_are_runs_of_places_in_each_log():
    places = [(2, 5), (1, 3), (1, 1), (1, 2), (1, 9)]
    spans = words.spans_of(places)
    assert spans == {"1": [[1, 3], [9, 9]], "2": [[5, 5]]}
    assert all(words.is_among(spans, *place) for place in places)
    assert not any(words.is_among(spans, *place) for place in [(1, 0), (1, 4), (2, 4), (3, 5)])


def test_requests_go_before_recordings():
    assert job.STEPS[0] is requests.forget_some, "so that what a request still says keeps nothing in mind"
