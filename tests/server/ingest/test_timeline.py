"""A camera's journal becomes pieces of time: on, off, docked, recording, and no word, with the reason beside it."""

from datetime import timedelta
from itertools import pairwise

import pytest

from openbwv.recording import EventKind, PowerReason
from openbwv.server.clock import utc
from openbwv.server.fleet.models import Camera
from openbwv.server.ingest.models import CameraSpan, Counted
from openbwv.server.ingest.timeline import timelines
from tests.recording.factory import Agency
from tests.server import cast
from tests.server.diary import Diary, index

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
AGENCY = Agency()
NO_WORD_ON = "No word (it was on, and its journal is silent)"


@pytest.fixture
def row(units, clock):
    return Camera.objects.create(
        name="0417", kid="ab" * 32, certificate="-", serial="01", unit=units["lewisham"],
        enrolled_utc=utc(clock) - 100 * HOUR,
    )  # fmt: skip


@pytest.fixture
def diary():
    return Diary(AGENCY.camera())


@pytest.fixture
def morning(clock):
    """Ten hours ago: the tests' day begins."""
    return utc(clock) - 10 * HOUR


def said(row, since, until):
    """Return the pieces of a time as (words, minutes since its beginning, minutes)."""
    pieces = timelines([row], from_utc=since, to_utc=until)[row.pk]
    assert pieces[0].from_utc == since
    assert pieces[-1].to_utc == until
    for one, other in pairwise(pieces):
        assert one.to_utc == other.from_utc
    return [(piece.words, (piece.from_utc - since) // MINUTE, (piece.to_utc - since) // MINUTE) for piece in pieces]


def test_a_shift_from_the_dock_to_the_dock(row, diary, clock, morning):
    diary.boot(morning).dock(morning)
    diary.stand_by(morning + HOUR, morning + 2 * HOUR)
    diary.say(morning + 2 * HOUR, EventKind.SLEEP).say(morning + 3 * HOUR, EventKind.WAKE)
    diary.stand_by(morning + 3 * HOUR, morning + 4 * HOUR).off(morning + 4 * HOUR)
    diary.boot(morning + 5 * HOUR).stand_by(morning + 5 * HOUR, morning + 6 * HOUR).dock(morning + 6 * HOUR)
    index(row, diary, clock)
    assert said(row, morning, morning + 6 * HOUR) == [
        ("In a dock", 0, 60),
        ("Switched on and standing by", 60, 120),
        ("Asleep", 120, 180),
        ("Switched on and standing by", 180, 240),
        ("Switched off (by hand)", 240, 300),
        ("Switched on and standing by", 300, 360),
    ]
    assert CameraSpan.objects.count() < 12  # heartbeats lengthen a row, they do not make one


def test_it_is_the_same_however_the_entries_are_cut(row, diary, clock, morning):
    diary.boot(morning).stand_by(morning, morning + HOUR).off(morning + HOUR)
    diary.boot(morning + 2 * HOUR).stand_by(morning + 2 * HOUR, morning + 3 * HOUR)
    index(row, diary, clock)
    whole = said(row, morning, morning + 3 * HOUR)
    CameraSpan.objects.all().delete()
    row.journal_id, row.journal_next_seq, row.journal_tail = b"", 0, b""
    entries, diary.entries = diary.entries, []
    for count in (1, 2, 40, 41, 130, len(entries)):
        before, diary.entries = len(diary.entries), entries[:count]
        index(row, diary, clock, first=before)
    assert said(row, morning, morning + 3 * HOUR) == whole


def test_a_recording_is_recording_and_the_time_around_it_is_known(row, diary, clock, morning):
    start, end = morning + 30 * MINUTE, morning + 40 * MINUTE
    diary.boot(morning).stand_by(morning, start - timedelta(seconds=20))
    diary.stand_by(end + timedelta(seconds=1), morning + HOUR)
    index(row, diary, clock)
    assert said(row, morning, morning + HOUR)[1] == (NO_WORD_ON, 29, 40)  # its recording has not arrived
    cast.recording(camera=row, started=start, ended_utc=end, duration_ms=600_000)
    assert said(row, morning, morning + HOUR) == [
        ("Switched on and standing by", 0, 30),
        ("Recording", 30, 40),
        ("Switched on and standing by", 40, 60),
    ]


def test_silence_while_it_was_on_is_a_hole_and_two_late_heartbeats_are_none(row, diary, clock, morning):
    diary.boot(morning).stand_by(morning, morning + 10 * MINUTE)
    late = morning + 10 * MINUTE + timedelta(seconds=80)
    diary.say(late, EventKind.HEARTBEAT, {1: 2}).stand_by(late, morning + 20 * MINUTE)
    diary.stand_by(morning + 30 * MINUTE, morning + HOUR)
    index(row, diary, clock)
    assert said(row, morning, morning + HOUR) == [
        ("Switched on and standing by", 0, 19),
        (NO_WORD_ON, 19, 30),
        ("Switched on and standing by", 30, 60),
    ]


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        (PowerReason.BATTERY, "Switched off (battery empty)"),
        (PowerReason.SHUTDOWN, "Switched off (shut down)"),
        (None, "Switched off (it does not say why)"),
    ],
)
def test_off_until_the_next_start_with_what_is_known_of_why(row, diary, clock, morning, reason, words):
    diary.boot(morning).stand_by(morning, morning + HOUR)
    if reason:
        diary.off(morning + HOUR, reason)
    diary.boot(morning + 2 * HOUR).stand_by(morning + 2 * HOUR, morning + 3 * HOUR)
    index(row, diary, clock)
    assert said(row, morning, morning + 3 * HOUR)[1] == (words, 60, 120)


def test_a_start_that_the_journal_does_not_have_is_a_hole(row, diary, clock, morning):
    diary.boot(morning).stand_by(morning, morning + HOUR).off(morning + HOUR)
    diary.boot(morning + 3 * HOUR, skip=1).stand_by(morning + 3 * HOUR, morning + 4 * HOUR)
    index(row, diary, clock)
    assert said(row, morning, morning + 4 * HOUR)[1] == ("No word (entries of its journal are missing)", 60, 180)


@pytest.mark.parametrize(("lost", "hole"), [(False, False), (True, True)])
def test_a_new_journal_goes_on_where_the_old_one_ended_or_leaves_a_hole(row, diary, clock, morning, lost, hole):
    camera = AGENCY.camera()
    diary.boot(morning).stand_by(morning, morning + HOUR).off(morning + HOUR)
    index(row, diary, clock)
    if lost:  # entries that never came here, and that the next journal follows
        diary.boot(morning + 2 * HOUR)
    after = Diary(camera, b"k" * 16, starts=diary.starts, previous=(b"j" * 16, diary.builder.tail))
    after.boot(morning + 3 * HOUR).stand_by(morning + 3 * HOUR, morning + 4 * HOUR)
    index(row, after, clock)
    between = said(row, morning, morning + 4 * HOUR)[1]
    assert between[0].startswith("No word (entries of its journal") == hole
    assert between[1:] == (60, 180)


def test_a_clock_that_was_never_set_places_nothing(row, diary, clock, morning):
    diary.boot(morning).stand_by(morning, morning + HOUR).off(morning + HOUR)
    diary.is_set = False
    diary.boot(morning + 2 * HOUR).stand_by(morning + 2 * HOUR, morning + 3 * HOUR)
    diary.is_set = True
    diary.boot(morning + 4 * HOUR).stand_by(morning + 4 * HOUR, morning + 5 * HOUR)
    index(row, diary, clock)
    assert said(row, morning, morning + 5 * HOUR)[1] == ("No word (its clock was not set)", 60, 240)


def test_a_clock_that_a_dock_sets_later_in_that_start_places_what_came_before(row, diary, clock, morning):
    diary.is_set = False
    diary.boot(morning).stand_by(morning, morning + HOUR)
    diary.sync(morning + HOUR, 50 * 365 * 24 * HOUR).dock(morning + HOUR)
    index(row, diary, clock)
    assert said(row, morning, morning + HOUR) == [("Switched on and standing by", 0, 60)]


@pytest.mark.parametrize("wrong", [-3 * HOUR, -20 * timedelta(days=365)])
def test_a_wrong_clock_is_moved_by_what_the_dock_put_right(row, diary, clock, morning, wrong):
    diary.shift = wrong
    diary.boot(morning).stand_by(morning, morning + HOUR)
    at = morning + HOUR
    diary.say(at, EventKind.CLOCK_SYNC, _step(diary, at, wrong), clock=False)
    diary.shift = timedelta(0)
    diary.dock(at)
    index(row, diary, clock)
    assert said(row, morning, morning + HOUR) == [("Switched on and standing by", 0, 60)]


def _step(diary, at, wrong):
    from tests.server.diary import ms

    return {1: diary.mono_ns(at), 2: ms(at + wrong), 3: ms(at), 4: 1, 5: 30}


@pytest.mark.parametrize("shift", [30 * HOUR, timedelta(days=365 * 900), -50 * HOUR])
def test_a_start_whose_clock_cannot_be_right_proves_nothing(row, diary, clock, morning, shift):
    """Ahead of the server, or behind what came before it in the same chain."""
    diary.boot(morning).stand_by(morning, morning + HOUR).off(morning + HOUR)
    diary.shift = shift
    diary.boot(morning + 2 * HOUR).stand_by(morning + 2 * HOUR, morning + 2 * HOUR + MINUTE)
    diary.shift = timedelta(0)
    diary.boot(morning + 4 * HOUR).stand_by(morning + 4 * HOUR, morning + 5 * HOUR)
    index(row, diary, clock)
    assert said(row, morning, morning + 5 * HOUR)[1][0].startswith("No word")
    assert said(row, morning, morning + 5 * HOUR)[1][1:] == (60, 240)


def test_before_the_first_start_it_was_off_and_before_another_nobody_knows(row, clock, morning):
    for starts, words in ((0, "Switched off (not started yet)"), (7, "No word (its journal does not reach so far)")):
        CameraSpan.objects.all().delete()
        diary = Diary(AGENCY.camera(), starts=starts)
        diary.boot(morning + HOUR).stand_by(morning + HOUR, morning + 2 * HOUR)
        index(row, diary, clock)
        assert said(row, morning, morning + 2 * HOUR)[0] == (words, 0, 60)


def test_after_the_last_entry_only_a_docked_camera_with_a_whole_journal_is_known(row, diary, clock, morning):
    diary.boot(morning).dock(morning)
    index(row, diary, clock)
    assert said(row, morning, morning + HOUR)[0][0].startswith("No word")
    values = {"signed": b"", "next_rc": 1, "journal_tail": b"", "newest_tail": b"", "taken_utc": utc(clock)}
    counted = Counted.objects.create(
        camera=row, journal_id=b"j" * 16, journal_next_seq=3, made_utc=morning + HOUR, **values
    )
    assert said(row, morning, morning + HOUR) == [("In a dock", 0, 60)]
    counted.journal_next_seq = 4  # one more entry that has not arrived
    counted.save()
    assert said(row, morning, morning + HOUR)[0][0].startswith("No word")


@pytest.mark.parametrize("is_set", [True, False])
@pytest.mark.parametrize("number", [0, 2**63 - 1])
def test_no_number_in_a_journal_makes_its_index_fail(row, diary, clock, morning, is_set, number):
    diary.is_set = is_set
    diary.boot(morning).stand_by(morning, morning + MINUTE)
    for public in ({1: number, 2: 0, 3: 5, 4: 1, 5: 0}, {1: 0, 2: number, 3: 10**12, 4: 1, 5: number}):
        diary.say(morning + MINUTE, EventKind.CLOCK_SYNC, public, clock=False)
    diary.say(morning + MINUTE, EventKind.BOOT, {1: number, 2: number}, clock=False)
    diary.say(morning + MINUTE, EventKind.POWER, {1: number, 2: number}).say(morning + MINUTE, 77, {5: number})
    index(row, diary, clock)
    assert said(row, morning, morning + HOUR)
    assert all(span.to_utc is None or span.to_utc <= utc(clock) for span in CameraSpan.objects.all())


def test_no_journal_is_no_word(row, morning):
    assert said(row, morning, morning + HOUR) == [("No word (no journal of it is here)", 0, 60)]


def test_many_cameras_cost_the_same_questions(row, diary, clock, morning, units, django_assert_max_num_queries):
    diary.boot(morning).stand_by(morning, morning + HOUR)
    index(row, diary, clock)
    others = [
        Camera.objects.create(
            name=f"05{number:02}", kid=f"{number:064x}", certificate="-", serial=f"{number}",
            enrolled_utc=utc(clock) - HOUR,
        )
        for number in range(20)
    ]  # fmt: skip
    with django_assert_max_num_queries(6):
        timelines([row, *others], from_utc=morning, to_utc=morning + HOUR)
