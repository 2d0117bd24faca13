"""An answer in part, the whole way: two recordings match, of one a part leaves, the other stays; Ellis reads why."""

import re
import uuid
from datetime import timedelta

import pytest

from django.test import Client
from django.utils import timezone

from openbwv.custody import EventType
from openbwv.server.clock import utc
from openbwv.server.disclosure.actions import life
from openbwv.server.disclosure.actions.decide import answer_request, decide_match
from openbwv.server.disclosure.actions.release import make_release
from openbwv.server.disclosure.errors import NotDecidable, WrongAnswers
from openbwv.server.disclosure.models import OutboxMessage, Release, Request
from openbwv.server.evidence.models import Recording
from openbwv.server.redaction.plan import Plan
from openbwv.server.trail.models import Event
from tests.server.disclosure.test_release import units_of_video  # noqa: F401  fixtures
from tests.server.ingest.conftest import door, inline, keyd, running_log  # noqa: F401  fixtures

REFUSED = "Data Protection Act 2018, section 45(4)(a)"
OTHERS = "Data Protection Act 2018, section 45(4)(e)"
HOUR_MS = 3_600_000


def browser_of(person=None):
    """Return a browser of its own, signed in as `person` or as nobody."""
    made = Client()
    if person is not None:
        made.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
    return made


@pytest.fixture
def filmed(door, running_log, units_of_video, clock):  # noqa: F811  fixtures
    """Return two recordings of five seconds, a quarter of an hour apart."""

    def film(ago_ms):
        footage = door.camera.record(utc_ms=clock.utc_ms() - ago_ms, units=units_of_video)
        door.upload(footage)
        return Recording.objects.get(pk=uuid.UUID(bytes=footage.rec_id))

    return film(2 * HOUR_MS), film(2 * HOUR_MS - HOUR_MS // 4)


@pytest.fixture
def asked(filmed, ask, casey, clock):
    """Return Ellis's request, which Casey has taken, and the secret."""
    request, secret = ask()
    assert {match.recording for match in request.matches.all()} == set(filmed)
    life.assign_request(request=request, actor=casey, clock=clock)
    request.refresh_from_db()
    return request, secret


def text_of(answer):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))


def test_ellis_gets_a_part_and_reads_which_and_why(asked, filmed, casey, blake, clock):
    request, secret = asked
    given, kept = filmed
    at, officer, checker, ellis = request.get_absolute_url(), browser_of(casey), browser_of(blake), browser_of()
    ellis.get(f"/ask/open/{request.reference}/{secret}")
    before = text_of(ellis.get("/ask/status"))
    assert "We must reply by Sun 20 Dec 2026" in before
    assert given.reference not in before

    goes, stays = (request.matches.get(recording=each) for each in filmed)
    words = {"state": "refused", "ground": REFUSED, "reason": "a witness speaks, name known to us"}
    assert officer.post(f"{at}/matches/{stays.pk}", words).status_code == 302
    without = officer.post(f"{at}/matches/{goes.pk}", {"state": "part", "reason": "others are in it"})
    assert "needs its legal ground" in text_of(without)
    words = {"state": "part", "ground": OTHERS, "reason": "others are in it"}
    assert officer.post(f"{at}/matches/{goes.pk}", words).status_code == 302

    plan = {"from_s": "1", "to_s": "4", "picture": "fill", "sound": "keep", "checker": blake.pk}
    assert officer.post(f"{at}/matches/{goes.pk}/copy", plan).status_code == 302
    release = make_release(Release.objects.get(), clock=clock)
    answer = {"outcome": "part", "answer": "You get what shows you."}
    assert "second person has checked" in text_of(officer.post(f"{at}/do/answer", answer))
    copy = f"{at}/copies/{release.pk}"
    assert "not opened" in text_of(checker.post(copy, {"decision": "agree"}))
    watched = b"".join(checker.get(f"{copy}/copy.mp4").streaming_content)
    assert checker.post(copy, {"decision": "agree"}).status_code == 302
    for wrong in ("full", "refused"):
        assert "do not add up" in text_of(officer.post(f"{at}/do/answer", answer | {"outcome": wrong}))
    assert officer.post(f"{at}/do/answer", answer).status_code == 302

    request.refresh_from_db()
    assert (request.outcome, request.answered_utc) == ("part", utc(clock))
    assert timezone.localdate(request.standing.ends_utc) == timezone.localdate(utc(clock)).replace(year=2027, month=2)
    told = OutboxMessage.objects.get(subject__contains="answered")
    assert "answered your request" in told.body
    start = timezone.localtime(given.started_utc)
    page = text_of(ellis.get("/ask/status"))
    assert "You get part of the footage you asked for." in page
    assert "You get what shows you." in page
    stretch = [f"{start + timedelta(seconds=second):%H:%M:%S}" for second in (1, 4)]
    assert f"{stretch[0]} to {stretch[1]}" in page
    assert f"Left out of it: the picture, its beginning, its end. Ground: {OTHERS}" in page
    assert f"Other footage is withheld. Ground: {REFUSED}" in page
    hidden = timezone.localtime(kept.started_utc)
    for secret_word in ("witness", "others are in it", kept.reference, f"{hidden:%H:%M:%S}", f"{hidden:%H:%M}"):
        assert secret_word not in page
    assert "Left out of it: the picture" in text_of(officer.get(at))

    ellis.post("/ask/status/code")
    code = OutboxMessage.objects.filter(subject__endswith="Your code").get().body.split("code is ")[1][:6]
    assert re.findall(r'action="/ask/download/(\d+)"', ellis.get("/ask/status").content.decode()) == [str(release.pk)]
    film = ellis.post(f"/ask/download/{release.pk}", {"code": code})
    assert b"".join(film.streaming_content) == watched
    released = Event.objects.get(type=EventType.RELEASE)
    assert released.recording == given
    assert ellis.post("/ask/download/99", {"code": code}).status_code == 404


# ── full means all of it ─────────────────────────────────────────────────────────────────────────────────────────
@pytest.fixture
def copied(recorded, ask, casey, blake, clock):
    """Return a function: a recording of a minute is to be released in full, by a checked copy of this plan."""
    recorded()
    request, _ = ask()
    life.assign_request(request=request, actor=casey, clock=clock)
    match = decide_match(match=request.matches.get(), state="full", reason="Ellis", actor=casey, clock=clock)

    def copy(**plan):
        people = {"planned_by": casey, "checker": blake, "checked_by": blake}
        plan = Plan.from_json(plan, duration_ms=60_000).as_json()
        Release.objects.create(match=match, state="checked", plan=plan, planned_utc=utc(clock), **people)
        return request

    return copy


def answer(request, casey, clock, outcome):
    return answer_request(request=request, outcome=outcome, answer="Here it is.", actor=casey, clock=clock)


@pytest.mark.parametrize(
    ("plan", "words"),
    [
        ({"fill": [[0, 60_000]]}, "the picture"),
        ({"fill": [[1000, 1500]]}, "some of the picture"),
        ({"silence": [[0, 60_000]]}, "the sound"),
        ({"silence": [[59_000, 70_000]]}, "some of the sound"),
        ({"drop_sound": True, "silence": [[0, 1]]}, "the sound"),
        ({"from_ms": 1000}, "its beginning"),
        ({"to_ms": 59_000, "fill": [[0, 60_000]]}, "the picture and its end"),
    ],
)
def test_in_full_means_that_nothing_is_left_out(copied, casey, clock, plan, words):
    request = copied(**plan)
    for outcome in ("full", "part"):
        with pytest.raises(NotDecidable, match=f"its copy leaves out {words}") as caught:
            answer(request, casey, clock, outcome)
        assert "in part" in caught.value.remedy
    match = request.matches.get(state="full")
    decide_match(match=match, state="part", ground=OTHERS, reason="others", actor=casey, clock=clock)
    assert answer(request, casey, clock, "part").outcome == "part"


def test_all_of_it_is_in_full(copied, casey, clock):
    assert answer(copied(), casey, clock, "full").outcome == "full"


def test_what_was_not_asked_for_may_be_cut_off(copied, casey, clock):
    request = copied(from_ms=1000, to_ms=4000, fill=[[5000, 6000]])
    started = request.matches.get().recording.started_utc
    first, last = started + timedelta(seconds=1), started + timedelta(seconds=4)
    Request.objects.update(window_from_utc=first, window_to_utc=last)
    assert answer(request, casey, clock, "full").outcome == "full"


def test_where_the_clock_was_not_set_nobody_can_say_what_was_not_asked_for(copied, casey, clock):
    request = copied(from_ms=1000)
    Recording.objects.update(clock_sync=False)
    with pytest.raises(NotDecidable, match="its beginning"):
        answer(request, casey, clock, "full")


def test_a_part_needs_its_ground(copied, casey, clock):
    match = copied().matches.get()
    with pytest.raises(WrongAnswers, match="legal ground"):
        decide_match(match=match, state="part", reason="others", actor=casey, clock=clock)
