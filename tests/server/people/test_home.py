"""Home: each role sees what it should do, counted rightly, as links that lead where it may go."""

from datetime import timedelta

import pytest

from openbwv.server.clock import utc
from openbwv.server.fleet.models import Camera
from openbwv.server.ingest.models import Aside
from openbwv.server.people.todo import todo_for
from openbwv.server.trail.models import JobHeartbeat
from tests.server import cast


def words(person, clock):
    return {line.words: line for line in todo_for(person, clock)}


@pytest.fixture
def camera(units, clock):
    return Camera.objects.create(
        name="0417",
        kid="ab" * 32,
        certificate="-",
        serial="01",
        unit=units["lewisham"],
        enrolled_utc=utc(clock) - timedelta(days=100),
        last_docked_utc=utc(clock),
    )


def test_a_recording_without_a_category_until_it_has_one(avery, blake, noor, clock):
    recording = cast.recording(officer=avery)
    for person in (avery, blake):
        assert words(person, clock)["recording needs a category"].count == 1
    assert "recording needs a category" not in words(noor, clock)
    recording.category = "arrest"
    recording.save()
    assert "recording needs a category" not in words(avery, clock)


def test_what_deletes_within_three_days_unless_it_is_kept(avery, clock):
    due = utc(clock) + timedelta(days=3)
    recording = cast.recording(officer=avery, retain_until_utc=due)
    cast.recording(officer=avery, number=2, retain_until_utc=due + timedelta(seconds=1))
    assert words(avery, clock)["recording deletes in the next 3 days"].count == 1
    recording.held_count = 1
    recording.save()
    assert "recording deletes in the next 3 days" not in words(avery, clock)


def test_announced_an_hour_ago_and_not_uploaded(avery, clock):
    now = utc(clock)
    cast.recording(officer=avery, state="announced", ingest_utc=None, announced_utc=now - timedelta(minutes=59))
    assert not any("announced" in line for line in words(avery, clock))
    clock.advance(120_000)
    assert words(avery, clock)["recording was announced but is not uploaded"].count == 1


def test_a_camera_that_was_not_docked_for_three_days(harper, avery, camera, clock):
    assert "Camera 0417 not docked for 3 days" not in words(harper, clock)
    clock.advance(3 * 86_400_000 + 1)
    assert "Camera 0417 not docked for 3 days" in words(harper, clock)
    assert not any("docked" in line for line in words(avery, clock))


def test_what_is_kept_aside_is_counted_until_somebody_settles_it(harper, clock):
    aside = Aside.objects.create(kind="note", code="unknown-key", what="?", at_utc=utc(clock))
    assert words(harper, clock)["upload is kept aside, because it could not be accepted"].level == "urgent"
    aside.resolved_utc, aside.resolved_by = utc(clock), harper
    aside.save()
    assert not any("aside" in line for line in words(harper, clock))


def test_a_job_that_has_not_run_and_a_worker_that_never_did(lou, devi, avery, clock):
    for person in (lou, devi):
        assert "No job has ever run: start ./bwv worker" in words(person, clock)
    row = JobHeartbeat.objects.create(job="sweep", every_s=60, clock_utc=utc(clock))
    assert not any("job" in line for line in words(lou, clock))
    clock.advance(15 * 60_000 + 1)
    assert "The job sweep has not run" in words(lou, clock)
    row.clock_utc, row.outcome = utc(clock), "failed"
    row.save()
    assert "The job sweep has not run" in words(lou, clock)
    assert not any("job" in line for line in words(avery, clock))


@pytest.mark.parametrize("name", list(cast.CAST))
def test_every_link_of_the_menu_and_of_home_leads_where_its_reader_may_go(as_person, units, camera, avery, clock, name):
    cast.recording(officer=avery, retain_until_utc=utc(clock))
    Aside.objects.create(kind="note", code="unknown-key", what="?", at_utc=utc(clock))
    person = cast.person(name)
    client = as_person(person)
    page = client.get("/")
    links = [link["address"] for link in page.context["navigation"]]
    links += [line.address for line in page.context["todo"]]
    for address in links:
        assert client.get(address).status_code == 200, address


def test_jobs_are_shown_with_what_went_wrong(as_person, devi, clock):
    JobHeartbeat.objects.create(job="sweep", every_s=60, outcome="failed", message="the disk is full")
    page = as_person(devi).get("/jobs/").content.decode()
    assert "the disk is full" in page
    assert "Failed" in page


@pytest.mark.parametrize("pretend", [True, False])
def test_a_pretend_force_says_so_on_every_page(client, db, state, clock, pretend):
    from cryptography.hazmat.primitives.asymmetric import ec

    from openbwv.recording import make_root, to_pem

    key = ec.generate_private_key(ec.SECP256R1())
    root = make_root(key, organisation="Test Force", serial=1, from_utc_ms=clock.utc_ms(), pretend=pretend)
    (state / "trust.pem").write_bytes(to_pem([root]))
    assert (b"PRETEND FORCE" in client.get("/account/login/").content) == pretend
