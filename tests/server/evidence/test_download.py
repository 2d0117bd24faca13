"""A download: asked for, made by a task, saved once by who asked as one ZIP that checks out; nothing of it is left."""

import io
import tempfile
import zipfile
from datetime import timedelta
from pathlib import Path

import bagit
import pytest
from django_tasks_db.models import DBTaskResult

from django.utils import timezone

from openbwv.custody import EventType
from openbwv.server.evidence import bundle_zip as room
from openbwv.server.evidence import download as downloads
from openbwv.server.evidence.models import Download, DownloadState, Recording
from openbwv.server.retention.copies import copies_known
from openbwv.server.trail.errors import LogNotRunning
from openbwv.server.trail.models import Event
from openbwv.server.vault.actions import remove_recording_bytes
from openbwv.server.vault.models import StoredObject
from openbwv.server.vault.store import vault_store
from tests.server import cast
from tests.server.ingest.conftest import door, inline, keyd, running_log
from tests.server.sharing.conftest import footage, stored

__all__ = ["door", "footage", "inline", "keyd", "running_log", "stored"]
REASON = "crime 1/26"


def left_over():
    places = [room.MEMORY, Path(tempfile.gettempdir())]
    return [path for place in places if place.is_dir() for path in place.glob(f"{room.PREFIX}*")]


def exports(recording):
    return Event.objects.filter(recording=recording, type=EventType.EXPORT)


@pytest.fixture
def asked(as_person, gale, stored, clock):
    """Return the download that Gale asked for, and her browser."""
    browser = as_person(gale)
    answer = browser.post(f"{stored.get_absolute_url()}/export", {"reason": REASON})
    made = Download.objects.get()
    assert (answer.status_code, answer["Location"]) == (302, made.get_absolute_url())
    task = DBTaskResult.objects.get()
    assert (task.task_path, task.args_kwargs["args"]) == ("openbwv.server.evidence.jobs.make_bundle", [made.pk])
    return made, browser


@pytest.fixture
def made(asked, clock):
    """Return it once the task has run."""
    download, browser = asked
    assert downloads.make_download(download, clock=clock).state == DownloadState.READY
    return Download.objects.get(), browser


def page_of(browser, download):
    return browser.get(download.get_absolute_url()).content.decode()


def save(browser, download):
    return browser.post(f"{download.get_absolute_url()}/fetch")


def test_gale_waits_then_saves_a_bundle_that_holds_together_once(asked, gale, stored, tmp_path, clock):
    download, browser = asked
    waiting = page_of(browser, download)
    assert "The bundle is being made" in waiting
    assert '<noscript><meta http-equiv="refresh" content="5"></noscript>' in waiting
    assert download.get_absolute_url() in browser.get(stored.get_absolute_url()).content.decode()
    assert save(browser, download).status_code == 410
    downloads.make_download(download, clock=clock)
    ready = page_of(browser, download)
    assert "The bundle is ready" in ready
    assert "refresh" not in ready
    answer = save(browser, download)
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/zip")
    assert f"{stored.reference}.zip" in answer["Content-Disposition"]
    assert "no-store" in answer["Cache-Control"]
    with zipfile.ZipFile(io.BytesIO(b"".join(answer.streaming_content))) as archive:
        assert archive.testzip() is None
        archive.extractall(tmp_path)
    assert bagit.Bag(str(tmp_path / stored.reference)).is_valid()
    made, fetched = exports(stored).order_by("id")
    assert (made.actor, made.why, fetched.actor) == (gale, REASON, gale)
    assert fetched.details == {"deed": "fetched", "download": download.pk}
    assert fetched.leaf_index is not None
    assert len(copies_known(stored)) == 2
    assert save(browser, download).status_code == 410
    assert "was saved" in page_of(browser, download)


def test_it_waits_sealed_and_nothing_is_left_afterwards(made, stored, django_capture_on_commit_callbacks):
    download, browser = made
    file = vault_store().path(download.object.key)
    assert download.object.recording == stored
    assert b"PK\x03\x04" not in file.read_bytes()
    assert stored.reference.encode() not in file.read_bytes()
    assert left_over() == []
    assert download.reason == ""
    with django_capture_on_commit_callbacks(execute=True):
        b"".join(save(browser, download).streaming_content)
    assert not file.exists()
    assert not StoredObject.objects.filter(name=f"bundle-{download.pk}").exists()


def test_it_is_removed_before_its_first_byte_leaves_and_still_arrives_whole(made, django_capture_on_commit_callbacks):
    """So a reader who breaks off, or a server that dies while it sends, leaves nothing."""
    download, browser = made
    file = vault_store().path(download.object.key)
    with django_capture_on_commit_callbacks(execute=True):
        answer = save(browser, download)
    assert not file.exists()
    with zipfile.ZipFile(io.BytesIO(b"".join(answer.streaming_content))) as archive:
        assert archive.testzip() is None


def test_what_a_crash_left_is_removed_with_what_is_too_old(made, clock, django_capture_on_commit_callbacks):
    download, _ = made
    file = vault_store().path(download.object.key)
    Download.objects.update(state=DownloadState.FETCHED, expires=timezone.now() - timedelta(seconds=1))
    with django_capture_on_commit_callbacks(execute=True):
        downloads.tidy_downloads(clock)
    assert not file.exists()


def test_it_dies_with_the_recording(made, stored, django_capture_on_commit_callbacks):
    download, browser = made
    file = vault_store().path(download.object.key)
    with django_capture_on_commit_callbacks(execute=True):
        remove_recording_bytes(recording=stored)
    assert not file.exists()
    assert "time to save the bundle is over" in page_of(browser, download)
    assert save(browser, download).status_code == 410


def test_a_deletion_that_began_meanwhile_wins(asked, stored, clock):
    Recording.objects.update(state="deleting")
    assert downloads.make_download(asked[0], clock=clock).state == DownloadState.FAILED
    assert "is not stored here" in Download.objects.get().problem


def test_after_its_hours_it_is_removed(made, clock, django_capture_on_commit_callbacks):
    download, browser = made
    file = vault_store().path(download.object.key)
    assert downloads.tidy_downloads(clock) == 0
    Download.objects.update(expires=timezone.now() - timedelta(seconds=1))
    assert save(browser, download).status_code == 410
    with django_capture_on_commit_callbacks(execute=True):
        assert downloads.tidy_downloads(clock) == 1
    assert not file.exists()
    assert Download.objects.get().state == DownloadState.OVER
    assert downloads.tidy_downloads(clock) == 0


def test_only_who_asked_sees_and_saves_it(made, blake, as_person, units):
    download, _ = made
    other = cast.person("casey")
    for person in (blake, other):
        assert as_person(person).get(download.get_absolute_url()).status_code == 403
        assert save(as_person(person), download).status_code == 403
    assert Event.objects.filter(type=EventType.REFUSED).count() == 4
    assert Download.objects.get().state == DownloadState.READY


def test_who_may_not_export_any_more_gets_nothing(made, gale):
    download, browser = made
    gale.roles_held.all().delete()
    assert save(browser, download).status_code == 403
    assert Download.objects.get().state == DownloadState.READY


def test_a_log_that_is_down_is_told_and_it_is_tried_again(asked, clock, monkeypatch):
    download, browser = asked

    def down(**_):
        raise LogNotRunning(what="The log is not running.", remedy="Start ./bwv worker.")

    with monkeypatch.context() as patch:
        patch.setattr(downloads, "export_recording", down)
        with pytest.raises(LogNotRunning):
            downloads.make_download(download, clock=clock)
    page = page_of(browser, download)
    assert "The bundle is being made" in page
    assert "It waits: The log is not running. It is tried again." in page
    assert downloads.make_download(download, clock=clock).state == DownloadState.READY
    assert downloads.make_download(download, clock=clock).state == DownloadState.READY  # a task may run twice
    assert StoredObject.objects.filter(name=f"bundle-{download.pk}").count() == 1


def test_without_the_log_nothing_leaves_and_it_can_be_saved_later(made, monkeypatch, stored):
    download, browser = made

    def down(_event, timeout_s=2.0):
        raise LogNotRunning(what="The log is not running.", remedy="Start ./bwv worker.")

    with monkeypatch.context() as patch:
        patch.setattr(downloads, "wait_for_leaf", down)
        assert save(browser, download).status_code == 503
    assert save(browser, download).status_code == 200


def test_what_was_never_made_is_said_to_have_failed(asked, clock):
    download, browser = asked
    Download.objects.update(asked=timezone.now() - timedelta(hours=3))
    assert downloads.tidy_downloads(clock) == 1
    assert "The bundle could not be made" in page_of(browser, download)
    assert downloads.make_download(download, clock=clock).state == DownloadState.FAILED


def test_a_task_that_was_cut_leaves_no_footage_for_longer_than_its_next_try(asked, clock, settings):
    with room.place_for(asked[0].pk) as place:
        left = place.with_name(f"{place.name}left")
        left.mkdir()
        (left / "master.mp4").write_bytes(b"footage")
    assert left_over() == [left]
    downloads.make_download(asked[0], clock=clock)
    assert left_over() == []


@pytest.mark.parametrize(
    ("name", "reason", "status"), [("avery", "mine", 403), ("devi", "audit", 403), ("gale", "", 200)]
)
def test_who_may_not_or_gives_no_reason_gets_no_byte(as_person, units, stored, clock, name, reason, status):
    person = cast.person(name)
    stored.officer = cast.person("avery")
    stored.save()
    answer = as_person(person).post(f"{stored.get_absolute_url()}/export", {"reason": reason})
    assert answer.status_code == status
    assert answer["Content-Type"].startswith("text/html")
    assert not exports(stored).exists()
    assert not Download.objects.exists()
