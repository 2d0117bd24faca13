"""Home: each role sees what it should do, counted rightly, as links that lead where it may go."""

import re
from datetime import timedelta

import pytest

from openbwv.server.clock import utc
from openbwv.server.fleet.models import Assignment, Camera
from openbwv.server.ingest.models import Aside
from openbwv.server.people.job_words import JOBS, how_long_ago, how_often
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
    assert "A job has not run: sweep" in words(lou, clock)
    row.clock_utc, row.outcome = utc(clock), "failed"
    row.save()
    assert "A job has not run: sweep" in words(lou, clock)
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
    assert "1 job has not run as it should." in page


def test_every_job_is_told_in_a_sentence_and_how_long_ago_it_ran(as_person, devi, clock):
    from openbwv.server.jobs import load_jobs

    assert JOBS.keys() == load_jobs().keys() | {"log", "tasks"}
    now = utc(clock)
    for name in JOBS:
        JobHeartbeat.objects.create(
            job=name, every_s=21_600, clock_utc=now, last_finished_utc=now - timedelta(minutes=5)
        )
    page = as_person(devi).get("/jobs/").content.decode()
    shown = re.sub("<details>.*?</details>", "", page, flags=re.DOTALL)
    for name, sentence in JOBS.items():
        assert f">{sentence}</th>" in shown
        assert f">{name}<" not in shown
    assert "5 minutes ago" in shown
    assert "Every 6 hours" in shown
    assert "All of it runs as it should." in shown


@pytest.mark.parametrize(
    ("seconds", "said"), [(59, "just now"), (60, "1 minute ago"), (7200, "2 hours ago"), (90_000, "1 day ago")]
)
def test_how_long_ago_is_said_as_people_say_it(seconds, said):
    assert how_long_ago(seconds) == said


@pytest.mark.parametrize(
    ("every_s", "said"),
    [(0, ""), (10, "every 10 seconds"), (60, "every minute"), (90, "every 90 seconds"), (86_400, "every day")],
)
def test_how_often_is_said_as_people_say_it(every_s, said):
    assert how_often(every_s) == said


@pytest.mark.parametrize("name", [name for name in cast.CAST if cast.CAST[name].roles])
def test_home_says_how_things_stand_when_nothing_needs_doing(as_person, units, clock, monkeypatch, name):
    monkeypatch.setattr("openbwv.server.people.views.todo_for", lambda *_: [])
    page = as_person(cast.person(name)).get("/")
    text = page.content.decode()
    assert "Nothing needs you today." in text
    assert "It is Fri 20 Nov 2026, 14:02" in text
    assert page.context["glance"], name
    for line in page.context["glance"]:
        assert line.words
        if line.address:
            assert as_person(cast.person(name)).get(line.address).status_code == 200, line


def test_somebody_without_a_role_is_told_nothing_of_how_things_stand(as_person, frankie, clock):
    page = as_person(frankie).get("/")
    assert page.context["glance"] == []
    assert b"At a glance" not in page.content


def test_home_names_what_is_deleted_next_and_leaves_out_what_is_kept(as_person, avery, clock):
    first = cast.recording(officer=avery, number=1, retain_until_utc=utc(clock) + timedelta(days=5), held_count=1)
    second = cast.recording(officer=avery, number=2, retain_until_utc=utc(clock) + timedelta(days=6))
    page = as_person(avery).get("/").content.decode()
    assert f'<a href="{second.get_absolute_url()}">{second.reference}, by Thu 26 Nov 2026, 14:02</a>' in page
    assert first.reference not in page


@pytest.fixture
def taken(camera, avery, clock):
    """Return an assignment of camera 0417 to Avery for the next ten hours; it was docked an hour ago."""
    camera.last_docked_utc = utc(clock) - timedelta(hours=1)
    camera.save()
    return Assignment.objects.create(
        pseudonym=b"a" * 16,
        camera=camera,
        person=avery,
        from_utc=utc(clock),
        until_utc=utc(clock) + timedelta(hours=10),
        signed=b"",
    )


def test_ones_own_camera_is_named_and_asked_for_when_it_is_not_brought_back(as_person, avery, noor, taken, clock):
    assert "0417, until Sat 21 Nov 2026, 00:02" in as_person(avery).get("/").content.decode()
    clock.advance(11 * 3_600_000)
    asked = "Dock camera 0417: you had it until Sat 21 Nov 2026, 00:02"
    assert words(avery, clock)[asked].level == "soon"
    assert "0417 has not been docked" in as_person(avery).get("/account/me").content.decode()
    clock.advance(3 * 86_400_000)
    assert words(avery, clock)[asked].level == "urgent"
    assert asked not in words(noor, clock)
    taken.camera.last_docked_utc = utc(clock)
    taken.camera.save()
    assert asked not in words(avery, clock)


def test_whoever_took_the_camera_next_answers_for_it(avery, noor, taken, clock):
    clock.advance(11 * 3_600_000)
    Assignment.objects.create(
        pseudonym=b"b" * 16,
        camera=taken.camera,
        person=noor,
        from_utc=utc(clock),
        until_utc=utc(clock) + timedelta(hours=10),
        signed=b"",
    )
    assert not any("Dock camera" in line for line in words(avery, clock))


@pytest.mark.parametrize("pretend", [True, False])
def test_a_pretend_force_says_so_on_every_page(client, db, state, clock, pretend):
    from cryptography.hazmat.primitives.asymmetric import ec

    from openbwv.recording import make_root, to_pem

    key = ec.generate_private_key(ec.SECP256R1())
    root = make_root(key, organisation="Test Force", serial=1, from_utc_ms=clock.utc_ms(), pretend=pretend)
    (state / "trust.pem").write_bytes(to_pem([root]))
    assert (b"PRETEND FORCE" in client.get("/account/login/").content) == pretend
