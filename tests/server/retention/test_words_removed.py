"""From dock to removal on a real key service and a real log: pages, commands, door and check, six years later."""

from datetime import timedelta

import pytest

from openbwv.server.checking import run_check
from openbwv.server.clock import utc
from openbwv.server.commands import policy as policy_command
from openbwv.server.commands import retention as retention_command
from openbwv.server.forgetting import forget
from openbwv.server.retention.models import Deletion, SweepClock
from openbwv.server.retention.sweep import sweep
from openbwv.server.trail.models import Event
from openbwv.server.vault.actions import rotate_retention_key
from tests.server.forgetting.conftest import SECRET
from tests.server.retention.steps import HOUR_MS
from tests.server.retention.test_pages import command, sign_in  # noqa: F401  fixtures

ROOMS = ("log", "deeds", "receipts", "certificates", "removals", "keys", "vault")


@pytest.fixture
def old(force, avery, gale, clock):
    """Return a recording of Avery that was watched, deleted, and became irrecoverable six years ago."""
    from openbwv.server.vault.actions import start_viewing

    recording = force.dock()
    type(recording).objects.filter(pk=recording.pk).update(officer=avery, unit=avery.unit)
    recording.refresh_from_db()
    start_viewing(recording=recording, person=gale, reason=SECRET, rule="watch-any", clock=clock)
    for hours in (28 * 24, 73):  # proposed, then carried out
        leap(clock, hours * HOUR_MS)
        sweep(clock)
    rotate_retention_key(clock=clock)
    force.log.drain()
    assert sweep(clock)["irrecoverable"] == 1
    now = utc(clock)
    leap(clock, (now.replace(year=now.year + 6) - now) // timedelta(milliseconds=1))
    return recording


def leap(clock, by_ms):
    """Move the clock, as somebody who then says that it is right."""
    clock.advance(by_ms)
    SweepClock.objects.update(last_utc=utc(clock))


@pytest.fixture
def forgotten(old, force, clock):
    assert forget(clock)["recordings"] == 1
    force.log.drain()
    old.refresh_from_db()
    return old


def test_everything_agrees_before_and_after(old, force, clock):
    assert run_check(clock=clock, only=ROOMS).disagreements == []
    assert Event.objects.filter(why=SECRET).exists()
    forget(clock)
    force.log.drain()
    assert not Event.objects.filter(why=SECRET).exists()
    report = run_check(clock=clock, only=ROOMS)
    assert report.disagreements == []
    assert report.looked_at["events without words"] > 5


def test_its_pages_say_when_and_under_which_rule(forgotten, sign_in, indra, devi):  # noqa: F811  a fixture
    reader = sign_in(devi)
    for address in ("", "/trail"):
        page = reader.get(f"/recordings/{forgotten.reference}{address}")
        assert page.status_code == 200
        words = page.content.decode()
        assert "The text of its trail was removed on" in words
        assert "under the rule of 6 years" in words
        assert "Avery" not in words
        assert SECRET not in words
    assert "No longer kept" in reader.get(f"/recordings/{forgotten.reference}").content.decode()
    assert "No longer kept" in reader.get("/recordings/").content.decode()
    assert reader.get(f"/recordings/{forgotten.reference}/trail.json").json() == {"lines": []}
    certificate = reader.get(f"/retention/certificates/{forgotten.reference}")
    assert bytes(Deletion.objects.get().certificate.phase1_sha256).hex() in certificate.content.decode()
    assert reader.get(f"/retention/certificates/{forgotten.reference}/phase1.cbor").status_code == 404
    overview = sign_in(indra).get("/retention/").content.decode()
    assert "The last removals" in overview
    assert "6 years, policy version 1" in overview


def test_the_dry_run_and_the_page_say_how_many_would_go(old, sign_in, command, indra):  # noqa: F811  fixtures
    about = Event.objects.filter(recording=old).count()
    told = command(retention_command)["words"]
    assert (told["years"], told["recordings"], told["requests"]) == (6, 1, 0)
    assert told["events"] >= about
    page = sign_in(indra).get("/retention/").content.decode()
    assert f"At the next run {told['events']} events lose the text under the rule of 6 years" in page
    done = command(retention_command, "--execute")
    assert done["recordings_without_words"] == 1
    assert done["events_without_words"] == told["events"]
    assert command(retention_command)["words"]["events"] == 0


def test_a_camera_that_asks_once_more_is_told_and_nothing_is_taken_in(forgotten, force):
    footage = force.footage[forgotten.pk]
    force.door.announce(footage)
    status, answer, _ = force.door.complete(footage)
    assert status == 409
    assert "was deleted here" in answer["error"]["what"]
    forgotten.refresh_from_db()
    assert forgotten.state == "erased"


def test_the_second_person_reads_how_many_a_shorter_period_takes(old, sign_in, command, lou):  # noqa: F811  fixtures
    acting = ("--as", "indra", "--reason", "shorter")
    assert command(policy_command, "propose", "--log-years", "1", *acting)["log_years"] == 1
    acting = ("--as", "lou", "--reason", "asked")
    shown = command(policy_command, "show", "2", *acting)
    assert shown["events_without_words"] > 5
    page = sign_in(lou).get("/retention/policy/2").content.decode()
    assert f"{shown['events_without_words']} events lose the text" in page
    assert "That cannot be undone" in page
    listed = command(policy_command, "list")["versions"]
    assert [each["log_years"] for each in listed] == [1, 6]
