"""A download: the bundle as one ZIP that checks out, and nothing of it left on the machine."""

import io
import tempfile
import zipfile
from pathlib import Path

import bagit
import pytest

from openbwv.custody import EventType
from openbwv.server.evidence import download as room
from openbwv.server.trail.models import Event
from tests.server.ingest.conftest import door, inline, keyd, running_log
from tests.server.sharing.conftest import footage, stored

__all__ = ["door", "footage", "inline", "keyd", "running_log", "stored"]


def left_over():
    places = [room.MEMORY, Path(tempfile.gettempdir())]
    return [path for place in places if place.is_dir() for path in place.glob(f"{room.PREFIX}*")]


def test_gale_downloads_a_bundle_that_holds_together(as_person, gale, stored, tmp_path, clock):
    answer = as_person(gale).post(f"{stored.get_absolute_url()}/export", {"reason": "crime 1/26"})
    assert answer.status_code == 200
    assert answer["Content-Type"] == "application/zip"
    assert f"{stored.reference}.zip" in answer["Content-Disposition"]
    with zipfile.ZipFile(io.BytesIO(b"".join(answer.streaming_content))) as archive:
        assert archive.testzip() is None
        archive.extractall(tmp_path)
    assert bagit.Bag(str(tmp_path / stored.reference)).is_valid()
    event = Event.objects.get(recording=stored, type=EventType.EXPORT)
    assert (event.actor, event.why) == (gale, "crime 1/26")
    assert left_over() == []


def test_a_download_broken_off_leaves_nothing(as_person, gale, stored, clock):
    answer = as_person(gale).post(f"{stored.get_absolute_url()}/export", {"reason": "crime 1/26"})
    next(iter(answer.streaming_content))
    answer.close()
    assert left_over() == []


@pytest.mark.parametrize(
    ("name", "reason", "status"), [("avery", "mine", 403), ("devi", "audit", 403), ("gale", "", 200)]
)
def test_who_may_not_or_gives_no_reason_gets_no_byte(as_person, units, stored, clock, name, reason, status):
    from tests.server import cast

    person = cast.person(name)
    stored.officer = cast.person("avery")
    stored.save()
    answer = as_person(person).post(f"{stored.get_absolute_url()}/export", {"reason": reason})
    assert answer.status_code == status
    assert answer["Content-Type"].startswith("text/html")
    assert not Event.objects.filter(type=EventType.EXPORT).exists()
    assert left_over() == []
