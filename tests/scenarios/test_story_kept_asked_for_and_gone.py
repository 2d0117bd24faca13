"""Three recordings, forty days: one is flagged, one is asked for on day 30, one goes. A real key service and log."""

import tempfile

import pytest

from django.db import connection

from openbwv.custody import EventType, subject_findings
from openbwv.custody.completeness import ShownEvent
from openbwv.recording import BoxCutter, DestructionCertificate, Trust
from openbwv.server.cases.actions import open_matter
from openbwv.server.disclosure.actions import life
from openbwv.server.disclosure.actions.decide import answer_request, decide_match
from openbwv.server.disclosure.actions.release import check_release, make_release, open_copy, plan_release
from openbwv.server.disclosure.actions.submit import Answers, submit_request
from openbwv.server.evidence.actions import place_flag
from openbwv.server.retention.models import Certificate, Deletion
from openbwv.server.retention.queries import explain
from openbwv.server.sharing.actions import export_recording
from openbwv.server.trail import log
from openbwv.server.trail.actions import event_map
from openbwv.server.trail.models import Event
from openbwv.server.vault.housekeeping import rotate_if_due
from tests.browser.footage import encode
from tests.scenarios.windows import files_holding, holds, windows_of_each
from tests.server.conftest import *  # noqa: F403  the cast
from tests.server.disclosure.test_release import download
from tests.server.ingest.conftest import door, inline, keyd, running_log  # noqa: F401  fixtures
from tests.server.retention.conftest import force, policy  # noqa: F401  fixtures


@pytest.fixture(scope="module")
def film():
    """Return five seconds of film in units, which a copy can be made of."""
    return [unit.data for unit in BoxCutter().write(encode(fps=25, seconds=5, b_frames=False))]


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    """Return a temporary folder of the story's own, for this process and those it starts."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.fixture
def story(temporary, force, gale, units, film, clock):  # noqa: F811  fixtures
    """Return A, B and C on day 40, with what happened to them on the way."""
    a, b = (force.dock(seconds_ago=ago, units=film) for ago in (7_200, 3_600))
    c = force.dock(seconds_ago=120)
    matter = open_matter(reference="3001234/26", title="Robbery", actor=gale, clock=clock)
    place_flag(recording=a, category="arrest", matter=matter, actor=gale, clock=clock)
    force.wait(days=30)
    assert Deletion.objects.get(recording=b).state == "proposed"
    answers = Answers(
        kind="subject",
        from_utc=b.started_utc.replace(minute=0, second=0),
        to_utc=b.ended_utc,
        unit=units["lewisham"],
        name="Ellis",
        email="ellis@example.org",
    )
    # C lies outside the hour that the standing hold reaches to each side only if its camera was elsewhere.
    type(c).objects.filter(pk=c.pk).update(unit=units["camden"])
    type(c).objects.filter(pk__in=(a.pk, b.pk)).update(unit=units["lewisham"])
    request, _ = submit_request(answers=answers, clock=clock)
    for _ in range(20):
        force.wait(hours=12)
        rotate_if_due(clock)
        force.log.drain()
    force.wait(hours=1)
    for recording in (a, b, c):
        recording.refresh_from_db()
    return a, b, c, request


def test_flagged_it_is_still_there(story):
    a = story[0]
    assert a.state == "stored"
    assert "evidence in 3001234/26" in explain(a).sentence


def test_asked_for_on_day_30_it_is_frozen_though_its_deletion_was_proposed(story):
    b, request = story[1], story[3]
    assert b.state == "stored"
    assert explain(b).kept
    assert Deletion.objects.get(recording=b).state == "cancelled"
    assert request.matches.filter(recording=b).exists()


def test_the_third_is_gone_between_day_30_and_31_with_both_phases_of_its_certificate(story, state):
    c = story[2]
    deletion = Deletion.objects.get(recording=c)
    assert (c.state, deletion.state) == ("erased", "irrecoverable")
    assert 30.5 <= (deletion.erased_utc - c.ended_utc).total_seconds() / 86_400 <= 31
    assert (deletion.irrecoverable_utc - c.ended_utc).total_seconds() / 86_400 <= 32.1
    trust = Trust.load((state / "trust.pem").read_bytes())
    certificate = Certificate.objects.get(deletion=deletion)
    first, second = (
        DestructionCertificate.decode(bytes(data), trust=trust).body
        for data in (certificate.phase1, certificate.phase2)
    )
    assert (first.phase, second.phase) == (1, 2)
    assert first.kek_id == second.kek_id


def test_the_log_tells_the_whole_of_it_and_nothing_that_is_not_shown(story):
    for recording in story[:3]:
        shown = {
            event.leaf_index: ShownEvent(event_map(event), bytes(event.salt))
            for event in Event.objects.filter(recording=recording)
        }
        reader = log.reader()
        entries = list(reader.entries(0, reader.checkpoint().size))
        assert subject_findings(entries, bytes(recording.pseudonym), shown) == []


def test_the_hold_of_the_request_follows_the_proposal_in_the_log(story):
    b = story[1]
    proposed, cancelled, held = (
        Event.objects.get(recording=b, type=kind).leaf_index
        for kind in (EventType.DELETE_PROPOSED, EventType.DELETE_CANCELLED, EventType.HOLD)
    )
    assert proposed < held < cancelled


def test_every_file_of_the_vault_belongs_to_what_is_still_there(story, state):
    from openbwv.server.vault.models import StoredObject
    from openbwv.server.vault.store import vault_store

    assert not StoredObject.objects.filter(recording=story[2]).exists()
    assert StoredObject.objects.filter(recording=story[1]).exists()
    assert all(vault_store().path(row.key).exists() for row in StoredObject.objects.filter(recording=story[1]))


@pytest.fixture
def handed_out(story, gale, casey, blake, clock, tmp_path):
    """Return A's bundle, which Gale took with her, and the copy of B that Ellis fetched."""
    a, b, _, request = story
    bundle = export_recording(recording=a, to=tmp_path / "bundle", actor=gale, reason="for the court", clock=clock)
    life.assign_request(request=request, actor=casey, clock=clock)
    request.refresh_from_db()
    for match in request.matches.all():
        state, ground = ("part", "s. 45(4)(e)") if match.recording == b else ("not-shown", "")
        words = {"reason": "Ellis is in B alone, with others", "ground": ground}
        decide_match(match=match, state=state, actor=casey, clock=clock, **words)
    match = request.matches.get(recording=b)
    plan = {"from_ms": 1000, "to_ms": 4000, "fill": [[1000, 2000]], "silence": []}
    release = make_release(
        plan_release(match=match, plan=plan, checker=blake, actor=casey, session="c", clock=clock), clock=clock
    )
    watched = b"".join(open_copy(release=release, actor=blake, session="b", clock=clock))
    check_release(release=release, agree=True, note="", actor=blake, session="b", clock=clock)
    request = answer_request(request=request, outcome="part", answer="Here it is.", actor=casey, clock=clock)
    copy = download(request, release, clock)
    assert copy == watched
    return bundle, copy


def test_no_file_holds_a_window_of_footage_or_copy_but_the_bundle(handed_out, force, tmp_path):  # noqa: F811  a fixture
    """Only what was handed to a person is in the clear: A's two films in Gale's bundle, and Ellis's copy, held here."""
    bundle, copy = handed_out
    footage = [[plain for _, plain in each.plain] for each in force.footage.values()]
    windows = windows_of_each([*footage, [copy]], 200)
    assert holds(copy, windows)
    hers = [f"{bundle.name}/data/{name}.mp4" for name in ("master", "view")]
    assert files_holding(windows, tmp_path) == hers
    if connection.vendor == "sqlite":
        database = connection.connection.serialize()  # the tests' database is in memory: its pages as a file has them
        assert database.startswith(b"SQLite format 3")
        assert not holds(database, windows)
