"""`./bwv check` takes words that a removal explains for gone, and nothing else."""

import pytest

from openbwv.custody import EventType, audit, subject_findings
from openbwv.server.checking import run_check
from openbwv.server.disclosure.models import Request
from openbwv.server.evidence.models import Recording
from openbwv.server.fleet.models import Camera, WriteOff
from openbwv.server.forgetting import forget
from openbwv.server.forgetting.words import NO_WORDS
from openbwv.server.retention.models import Certificate, Deletion, PolicyVersion
from openbwv.server.trail import log
from openbwv.server.trail.actions import log_event
from openbwv.server.trail.models import Event
from openbwv.server.trail.queries import shown_events
from tests.server import cast
from tests.server.forgetting.conftest import SIX_YEARS_AGO, at, has_words

ROOMS = ("log", "deeds", "removals")


@pytest.fixture
def forgotten(gone, old_event, running_log, clock):
    """Return a recording whose words were removed, beside an event about nothing that lost its own."""
    recording = gone()
    old_event(EventType.ADMIN_LOGIN, actor_label="lou")
    forget(clock)
    running_log.drain()
    recording.refresh_from_db()
    return recording


def empty(**more):
    return {**NO_WORDS, **more}


def test_everything_agrees_and_the_report_counts_what_has_no_words(forgotten, clock, codes):
    assert codes(*ROOMS) == []
    looked = run_check(clock=clock, only=["removals"]).looked_at
    assert looked == {"removals": 2, "events without words": 7}


def test_the_log_is_rebuilt_from_its_entries_as_before(forgotten):
    reader = log.reader()
    assert audit(reader.storage, vkey=reader.vkey).findings == ()


def test_completeness_of_another_recording_is_shown_as_before(forgotten, running_log, avery, clock):
    other = cast.recording(officer=avery, number=2)
    log_event(EventType.VIEW, recording=other, actor=avery, clock=clock)
    running_log.drain()
    reader = log.reader()
    entries = list(reader.entries(0, reader.checkpoint().size))
    assert subject_findings(entries, bytes(other.pseudonym), shown_events(other)) == []
    assert shown_events(forgotten) == {}


def test_a_write_off_whose_words_are_removed_is_on_record_still(old_event, codes, harper, indra, running_log, clock):
    about = {"kid": "ab" * 32, "certificate": "", "serial": "1", "enrolled_utc": SIX_YEARS_AGO}
    camera = Camera.objects.create(name="0417", state="revoked", written_off_utc=SIX_YEARS_AGO, **about)
    said = {"proposed_by": harper, "proposed_utc": SIX_YEARS_AGO, "decided_by": indra, "decided_utc": SIX_YEARS_AGO}
    WriteOff.objects.create(camera=camera, cause="lost", state="confirmed", **said)
    event = old_event(EventType.WRITE_OFF, actor=indra, details={"kid": camera.kid})
    forget(clock)
    running_log.drain()
    assert not has_words(event)
    assert codes(*ROOMS) == []


@pytest.fixture
def living(forgotten, avery, running_log, clock):
    """Return an event about a recording that is stored, logged after the removal."""
    recording = cast.recording(officer=avery, number=2)
    log_event(EventType.INGEST, recording=recording, clock=clock)
    event = log_event(EventType.VIEW, recording=recording, actor=avery, why="to see it", clock=clock)
    running_log.drain()
    return event


def test_words_that_somebody_emptied_are_missing(living, codes):
    Event.objects.filter(pk=living.pk).update(**empty())
    assert codes("removals") == ["words-missing"]
    assert codes("log") == []


def test_a_salt_alone_that_is_gone_is_missing(living, codes):
    Event.objects.filter(pk=living.pk).update(salt=None)
    assert codes("removals") == ["words-missing"]


def test_naming_a_true_removal_does_not_explain_another_event(living, codes):
    removal = Event.objects.filter(type=EventType.TEXT_REMOVED).first()
    Event.objects.filter(pk=living.pk).update(**empty(removal=removal))
    assert set(codes("removals")) == {"words-missing", "words-removed-early", "removal-miscounted"}


def test_a_removal_that_was_stretched_does_not_hold(living, codes):
    removal = Event.objects.filter(type=EventType.TEXT_REMOVED).first()
    details = removal.details | {"entries": {"1": [[0, 1000]]}, "events": 7}
    Event.objects.filter(pk=removal.pk).update(details=details)
    Event.objects.filter(pk=living.pk).update(**empty(removal=removal))
    assert codes("removals") == ["removal-altered"]
    assert "event-altered" in codes("log")


@pytest.mark.parametrize(
    "change",
    [{"years": 1000}, {"years": "6"}, {"cutoff_ms": 1 << 60}, {"about": "all"}, {"entries": []}, {"events": None}],
    ids=lambda change: next(iter(change)),
)
def test_a_removal_of_another_shape_explains_nothing(living, running_log, codes, clock, change):
    told = Event.objects.filter(type=EventType.TEXT_REMOVED).first().details
    forged = log_event(EventType.TEXT_REMOVED, details=told | change, clock=clock)
    Event.objects.filter(pk=living.pk).update(**empty(removal=forged))
    running_log.drain()
    assert codes(*ROOMS) == ["removal-altered"]


@pytest.mark.parametrize("about", ["recordings", "nothing"])
def test_a_forged_removal_of_living_words_is_found_by_the_leaves(living, running_log, codes, clock, about):
    """Whoever may write events can write a removal too; the log's seconds and ERASED leaves say otherwise."""
    told = Event.objects.filter(type=EventType.TEXT_REMOVED).first().details
    place = Event.objects.get(pk=living.pk).leaf_index
    details = told | {"about": about, "recordings": 0, "events": 1, "entries": {"1": [[place, place]]}}
    forged = log_event(EventType.TEXT_REMOVED, actor_label="retention", details=details, clock=clock)
    Event.objects.filter(pk=living.pk).update(**empty(removal=forged))
    running_log.drain()
    assert codes(*ROOMS) == ["words-removed-early"]


def test_a_removal_before_its_years_is_found(gone, running_log, codes, clock):
    """Somebody shortened the years in the database alone, ran the job, and put them back."""
    gone(SIX_YEARS_AGO.replace(year=2024))
    PolicyVersion.objects.update(log_years=1)
    assert forget(clock)["recordings"] == 1
    running_log.drain()
    PolicyVersion.objects.update(log_years=6)
    assert codes("removals") == ["removal-wrong"]


def test_a_removal_whose_cut_off_is_too_late_is_found(gone, old_event, running_log, codes):
    event = old_event(EventType.ADMIN_LOGIN, SIX_YEARS_AGO.replace(year=2025))
    place = Event.objects.get(pk=event.pk).leaf_index
    soon = SIX_YEARS_AGO.replace(year=2026)
    details = {
        "version": 1, "years": 6, "cutoff_ms": at(soon).utc_ms(), "about": "nothing", "events": 1,
        "entries": {"1": [[place, place]]},
    }  # fmt: skip
    removal = log_event(EventType.TEXT_REMOVED, details=details, clock=at(soon))
    Event.objects.filter(pk=event.pk).update(**empty(removal=removal))
    running_log.drain()
    assert codes("removals") == ["removal-wrong"]


def test_words_that_were_left_are_found(forgotten, codes, avery):
    row = Event.objects.filter(removal__isnull=False).first()
    Event.objects.filter(pk=row.pk).update(why="left behind")
    assert codes("removals") == ["words-remain"]
    Event.objects.filter(pk=row.pk).update(why="")
    Recording.objects.filter(pk=forgotten.pk).update(officer=avery)
    assert codes("removals") == ["words-remain"]


def test_a_pseudonym_or_certificate_that_is_gone_without_a_removal_is_found(gone, codes, clock):
    gone()
    Recording.objects.update(pseudonym=None)
    Certificate.objects.update(phase1=None)
    found = codes("removals")
    assert found == ["pseudonym-missing", "certificate-missing"]


def test_a_tombstone_that_claims_a_removal_is_found(forgotten, gone, codes):
    gone(number=2)
    Recording.objects.update(pseudonym=None, officer=None, unit=None)
    Deletion.objects.update(removal=Event.objects.filter(type=EventType.TEXT_REMOVED).first())
    assert codes("removals") == ["removal-miscounted"]


def test_a_request_that_claims_a_removal_is_found(forgotten, codes):
    removal = Event.objects.filter(type=EventType.TEXT_REMOVED).first()
    Request.objects.create(
        reference="ASK-2020-000001", secret_sha256=b"", kind="subject", channel="web", state="withdrawn",
        received_utc=SIX_YEARS_AGO, due_on=SIX_YEARS_AGO.date(), internal_on=SIX_YEARS_AGO.date(), name="",
        window_from_utc=SIX_YEARS_AGO, window_to_utc=SIX_YEARS_AGO.replace(hour=15),
    )  # fmt: skip
    assert codes("removals") == ["pseudonym-missing"]
    Request.objects.update(removal=removal)
    assert codes("removals") == ["removal-miscounted"]
