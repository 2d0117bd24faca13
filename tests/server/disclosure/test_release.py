"""From a match to a copy in the asker's hands: planned, made, checked by a second person, handed out, judged."""

import json
import subprocess
import uuid
from datetime import timedelta

import pytest

from openbwv.custody import EventType
from openbwv.recording import BoxCutter
from openbwv.server.clock import utc
from openbwv.server.disclosure.actions import life
from openbwv.server.disclosure.actions.decide import answer_request, decide_match
from openbwv.server.disclosure.actions.release import (
    check_release,
    hand_out,
    hand_over,
    make_release,
    open_copy,
    plan_release,
    send_code,
)
from openbwv.server.disclosure.errors import CodeWrong, NotDecidable, NotReleasable, RequestOver, TooMany, WrongAnswers
from openbwv.server.disclosure.models import OneTimeCode, OutboxMessage, ReleaseState
from openbwv.server.evidence.models import Recording
from openbwv.server.people.actions import NotPermitted
from openbwv.server.redaction.plan import BadPlan
from openbwv.server.retention.errors import SecondPersonNeeded
from openbwv.server.trail.errors import LogNotRunning
from openbwv.server.trail.models import Event
from openbwv.server.vault.models import StoredObject, ViewingSession
from openbwv.server.vault.store import vault_store
from tests.browser.footage import encode
from tests.server.ingest.conftest import door, inline, keyd, running_log  # noqa: F401  fixtures

PLAN = {"from_ms": 1000, "to_ms": 4000, "fill": [[1000, 4000]], "silence": [[1000, 4000]]}


@pytest.fixture(scope="module")
def units_of_video():
    return [unit.data for unit in BoxCutter().write(encode(fps=25, seconds=5, b_frames=False))]


@pytest.fixture
def matched(door, running_log, units_of_video, ask, casey, clock):  # noqa: F811  fixtures
    """Return a match of Ellis's request, which Casey has taken and decided to release in part."""
    footage = door.camera.record(utc_ms=clock.utc_ms() - 7_200_000, units=units_of_video)
    door.upload(footage)
    recording = Recording.objects.get(pk=uuid.UUID(bytes=footage.rec_id))
    request, _ = ask()
    life.assign_request(request=request, actor=casey, clock=clock)
    match = request.matches.get(recording=recording)
    ground = "Data Protection Act 2018, section 45(4)(e)"
    return decide_match(match=match, state="part", ground=ground, reason="others are in it", actor=casey, clock=clock)


def plan(match, casey, blake, clock, **changes):
    return plan_release(match=match, plan=PLAN | changes, checker=blake, actor=casey, session="c", clock=clock)


@pytest.fixture
def made(matched, casey, blake, clock):
    release = make_release(plan(matched, casey, blake, clock), clock=clock)
    assert release.state == ReleaseState.MADE, release.problem
    return release


def check(release, blake, clock, **changes):
    b"".join(open_copy(release=release, actor=blake, session="b", clock=clock))
    values = {"agree": True, "note": "", "session": "b"} | changes
    return check_release(release=release, actor=blake, clock=clock, **values)


@pytest.fixture
def answered(made, casey, blake, clock):
    """Return the request, answered, with a copy that Blake has checked."""
    check(made, blake, clock)
    made.refresh_from_db()
    return answer_request(request=made.match.request, outcome="part", answer="Here it is.", actor=casey, clock=clock)


def code_of(request):
    return OutboxMessage.objects.filter(subject__endswith="Your code").first().body.split("code is ")[1][:6]


def download(request, release, clock, digits=None):
    send_code(request=request, address="198.51.100.7", clock=clock)
    digits = digits or code_of(request)
    release.refresh_from_db()
    pieces = hand_out(request=request, release=release, digits=digits, address="198.51.100.7", clock=clock)
    return b"".join(pieces)


def probe(path, *what):
    command = ["ffprobe", "-v", "error", "-of", "json", "-show_streams", "-show_format", *what, str(path)]
    return json.loads(subprocess.run(command, check=True, capture_output=True).stdout)


def decoded(path, *arguments):
    command = ["ffmpeg", "-v", "error", "-i", str(path), *arguments, "-"]
    return subprocess.run(command, check=True, capture_output=True).stdout


def test_the_whole_way_and_ffprobe_finds_only_what_the_plan_lets_through(answered, made, clock, tmp_path):
    copy = tmp_path / "copy.mp4"
    copy.write_bytes(download(answered, made, clock))
    facts = probe(copy)
    assert [stream["codec_type"] for stream in facts["streams"]] == ["video", "audio"]
    assert abs(float(facts["format"]["duration"]) - 3.0) < 0.1
    tags = {name for part in (facts["format"], *facts["streams"]) for name in part.get("tags", {})}
    assert tags <= {"major_brand", "minor_version", "compatible_brands", "language", "handler_name", "vendor_id"}
    assert set(decoded(copy, "-map", "0:a", "-f", "s16le")) == {0}
    assert max(decoded(copy, "-map", "0:v", "-f", "rawvideo", "-pix_fmt", "gray")) <= 20
    event = Event.objects.get(type=EventType.RELEASE)
    assert event.details["length"] == copy.stat().st_size
    assert event.details["request"] == answered.reference


def test_the_sealed_copy_is_no_video_and_dies_with_its_recording(made, units_of_video):
    row = StoredObject.objects.get(kind="release")
    sealed = vault_store().path(row.key).read_bytes()
    assert b"ftyp" not in sealed[:200]
    assert b"moov" not in sealed
    assert row.recording == made.match.recording


def test_the_key_was_released_to_the_job_for_this_request(made):
    event = Event.objects.filter(type=EventType.KEY_RELEASE, details__purpose="release").get()
    assert event.details["request"] == made.match.request.reference
    assert event.actor.username == "casey"


# ── the second person ────────────────────────────────────────────────────────────────────────────────────────────
def test_nobody_checks_their_own_copy_nor_one_they_were_not_chosen_for(matched, made, casey, kim, clock):
    with pytest.raises(WrongAnswers, match="somebody else"):
        plan(matched, casey, casey, clock)
    for person in (casey, kim):
        with pytest.raises(NotPermitted, match="not chosen"):
            check_release(release=made, agree=True, note="", actor=person, session="x", clock=clock)


def test_who_has_not_watched_the_copy_cannot_pass_it(made, blake, clock):
    with pytest.raises(SecondPersonNeeded, match="not opened"):
        check_release(release=made, agree=True, note="", actor=blake, session="b", clock=clock)
    with pytest.raises(SecondPersonNeeded, match="their own"):
        check(made, blake, clock, session="c")


def test_the_checkers_watching_is_logged_with_the_request(made, blake, noor, clock):
    check(made, blake, clock)
    event = Event.objects.get(type=EventType.VIEW)
    assert (event.actor, event.details["request"]) == (blake, made.match.request.reference)
    assert event.leaf_index is not None
    with pytest.raises(NotPermitted):
        open_copy(release=made, actor=noor, session="n", clock=clock)


def test_without_the_log_nobody_watches_the_copy_and_it_does_not_count_as_opened(made, blake, clock, monkeypatch):
    def stopped(_event, timeout_s=2.0):
        raise LogNotRunning(what="The log is not running.", remedy="start it")

    monkeypatch.setattr("openbwv.server.disclosure.actions.release.wait_for_leaf", stopped)
    with pytest.raises(LogNotRunning):
        open_copy(release=made, actor=blake, session="b", clock=clock)
    with pytest.raises(SecondPersonNeeded, match="not opened"):
        check_release(release=made, agree=True, note="", actor=blake, session="b", clock=clock)


def test_of_the_original_a_checker_watches_the_matched_span_alone(matched, casey, indra, clock, as_person):
    asked, recording = matched.request, matched.recording
    asked.window_from_utc = recording.started_utc + timedelta(seconds=2)
    asked.window_to_utc = recording.started_utc + timedelta(seconds=3)
    asked.save()
    make_release(plan(matched, casey, indra, clock, to_ms=2500, fill=[], silence=[]), clock=clock)
    assert as_person(indra).post(f"/recordings/{recording.reference}/watch", {"reason": "check"}).status_code == 302
    viewing = ViewingSession.objects.get()
    assert (viewing.from_ms, viewing.to_ms) == (1000, 3000)
    assert viewing.event.details["request"] == asked.reference
    assert viewing.event.rule == "watch-to-check"


@pytest.mark.parametrize("who", ["avery", "gale", "lou", "frankie"])
def test_who_may_not_check_cannot_be_chosen(request, matched, casey, clock, who):
    with pytest.raises(WrongAnswers):
        plan(matched, casey, request.getfixturevalue(who), clock)


def test_declined_with_a_note_it_cannot_be_answered_with(made, casey, blake, clock):
    b"".join(open_copy(release=made, actor=blake, session="b", clock=clock))
    declined = check_release(release=made, agree=False, note="a face at 2 s", actor=blake, session="b", clock=clock)
    assert declined.state == ReleaseState.DECLINED
    with pytest.raises(NotDecidable, match="no copy"):
        answer_request(request=made.match.request, outcome="part", answer="x", actor=casey, clock=clock)


def test_a_copy_that_another_replaced_is_not_said_to_have_been_refused(made, casey, blake, clock, as_person):
    plan(made.match, casey, blake, clock)
    made.refresh_from_db()
    assert made.state == ReleaseState.REPLACED
    page = as_person(casey).get(made.match.request.get_absolute_url()).content
    assert b"another copy was made instead" in page
    assert b"said no" not in page
    assert b", to be checked by " in page


def test_an_unchecked_copy_cannot_be_handed_out(made, clock):
    with pytest.raises(NotReleasable):
        hand_out(request=made.match.request, release=made, digits="000000", address="x", clock=clock)
    assert not Event.objects.filter(type=EventType.RELEASE).exists()


# ── plans, answers ───────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize("bad", [{"from_ms": 4000, "to_ms": 1000}, {"from_ms": "x"}, {"fill": [[3, 1]]}, {"fill": 7}])
def test_a_plan_that_cannot_be_is_refused(matched, casey, blake, clock, bad):
    with pytest.raises(BadPlan):
        plan(matched, casey, blake, clock, **bad)


def test_no_sound_track_where_none_was_chosen(matched, casey, blake, clock, tmp_path):
    release = make_release(plan(matched, casey, blake, clock, drop_sound=True, fill=[], silence=[]), clock=clock)
    copy = tmp_path / "copy.mp4"
    copy.write_bytes(b"".join(open_copy(release=release, actor=blake, session="b", clock=clock)))
    assert [stream["codec_type"] for stream in probe(copy)["streams"]] == ["video"]


def test_made_twice_it_is_one_copy(made, clock):
    again = make_release(made, clock=clock)
    assert again.sha256 == made.sha256
    assert StoredObject.objects.filter(kind="release").count() == 1


def test_the_outcome_must_fit_the_decisions(made, casey, blake, clock):
    check(made, blake, clock)
    for wrong in ("full", "refused"):
        with pytest.raises(NotDecidable, match="do not add up"):
            answer_request(request=made.match.request, outcome=wrong, answer="x", actor=casey, clock=clock)
    with pytest.raises(WrongAnswers, match="kind of no footage"):
        answer_request(request=made.match.request, outcome="no-footage", answer="x", actor=casey, clock=clock)


def test_an_undecided_match_stops_the_answer_and_an_answer_stops_decisions(answered, made, casey, clock):
    with pytest.raises(RequestOver):
        decide_match(match=made.match, state="refused", reason="x", ground="y", actor=casey, clock=clock)


# ── codes ────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_a_code_is_good_once_and_then_blanked(answered, made, clock):
    download(answered, made, clock)
    used = OneTimeCode.objects.get()
    assert used.used
    assert "code is" not in used.message.body
    with pytest.raises(CodeWrong):
        hand_out(request=answered, release=made, digits="123456", address="198.51.100.7", clock=clock)


def test_five_wrong_tries_end_a_code(answered, made, clock):
    send_code(request=answered, address="198.51.100.7", clock=clock)
    right = code_of(answered)
    wrong = f"{(int(right) + 1) % 1_000_000:06d}"
    made.refresh_from_db()
    for _ in range(5):
        with pytest.raises(CodeWrong):
            hand_out(request=answered, release=made, digits=wrong, address="198.51.100.7", clock=clock)
    with pytest.raises(CodeWrong):
        hand_out(request=answered, release=made, digits=right, address="198.51.100.7", clock=clock)


def test_an_old_code_and_too_many_codes_are_refused(answered, made, clock):
    send_code(request=answered, address="198.51.100.7", clock=clock)
    OneTimeCode.objects.update(expires=utc(clock).replace(year=2020))
    made.refresh_from_db()
    with pytest.raises(CodeWrong):
        hand_out(request=answered, release=made, digits=code_of(answered), address="192.0.2.1", clock=clock)
    for _ in range(10):
        send_code(request=answered, address="198.51.100.9", clock=clock)
    with pytest.raises(TooMany):
        send_code(request=answered, address="198.51.100.9", clock=clock)


def test_a_copy_is_handed_over_in_person_by_its_officer_alone_and_it_is_on_record(
    answered, made, casey, kim, blake, as_person
):
    answered.email = ""
    answered.save()
    address = f"{answered.get_absolute_url()}/copies/{made.pk}"
    for other in (kim, blake):
        assert as_person(other).post(f"{address}/hand-over", {"shown": "passport"}).status_code == 403
    browser = as_person(casey)
    assert "there is no e-mail address, so it cannot be downloaded" in browser.get(address).content.decode()
    assert browser.post(f"{address}/hand-over", {"shown": " "}).status_code == 400
    answer = browser.post(f"{address}/hand-over", {"shown": "passport and the secret"})
    assert answer["Content-Disposition"].startswith("attachment")
    assert len(b"".join(answer.streaming_content)) == made.length
    event = Event.objects.get(type=EventType.RELEASE)
    assert (event.actor, event.why, event.details["deed"]) == (casey, "passport and the secret", "handed-over")
    made.refresh_from_db()
    assert made.state == ReleaseState.HANDED_OUT


@pytest.mark.parametrize("decision", ["refused", "embargoed", "not-shown"])
def test_a_checked_copy_stays_here_once_its_recording_is_decided_otherwise(
    made, casey, blake, clock, as_person, decision
):
    check(made, blake, clock)
    made.refresh_from_db()
    after = utc(clock).date() + timedelta(days=90)
    grounds = {"reason": "on a second look", "ground": "s. 45", "review_date": after}
    decide_match(match=made.match, state=decision, actor=casey, clock=clock, **grounds)
    refused = {"outcome": "refused"}
    outcome = {"outcome": "no-footage", "no_footage_kind": "nobody-there"} if decision == "not-shown" else refused
    request = answer_request(request=made.match.request, answer="No.", actor=casey, clock=clock, **outcome)
    with pytest.raises(NotReleasable):
        download(request, made, clock)
    made.refresh_from_db()
    with pytest.raises(NotReleasable):
        hand_over(request=request, release=made, shown="passport", actor=casey, clock=clock)
    assert not Event.objects.filter(type=EventType.RELEASE).exists()
    page = as_person(casey).get(f"/requests/{request.reference}/copies/{made.pk}").content.decode()
    assert "Hand it over" not in page


def test_a_copy_that_is_replaced_while_it_is_handed_over_does_not_leave(answered, made, matched, casey, blake, clock):
    looked_at = type(made).objects.get(pk=made.pk)
    plan(matched, casey, blake, clock, to_ms=3000, fill=[[1000, 3000]], silence=[[1000, 3000]])
    with pytest.raises(NotReleasable, match="in the place of this one"):
        hand_over(request=answered, release=looked_at, shown="passport", actor=casey, clock=clock)
    made.refresh_from_db()
    assert made.state == ReleaseState.REPLACED
    assert not Event.objects.filter(type=EventType.RELEASE).exists()


def test_before_the_answer_a_copy_is_not_handed_over(made, casey, as_person):
    address = f"{made.match.request.get_absolute_url()}/copies/{made.pk}"
    browser = as_person(casey)
    assert "Hand it over in person" not in browser.get(address).content.decode()
    answer = browser.post(f"{address}/hand-over", {"shown": "passport"})
    assert answer.status_code == 409
    assert not Event.objects.filter(type=EventType.RELEASE).exists()


def test_the_page_of_a_copy_that_is_being_made_shows_when_it_is_done(matched, casey, blake, clock, as_person):
    release = plan(matched, casey, blake, clock)
    address = f"{matched.request.get_absolute_url()}/copies/{release.pk}"
    page = as_person(casey).get(address).content.decode()
    assert 'data-progress="runs"' in page
    assert "openbwv/progress.js" in page
    make_release(release, clock=clock)
    page = as_person(casey).get(address).content.decode()
    assert 'data-progress=""' in page
    assert "openbwv/progress.js" not in page
