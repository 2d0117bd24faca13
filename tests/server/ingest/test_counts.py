"""What a camera signed of its counters: only a later one counts, and what it counted and is not here is an alarm."""

from dataclasses import replace
from datetime import timedelta

import pytest

from openbwv import recording as r
from openbwv.custody import EventType
from openbwv.server.clock import utc
from openbwv.server.evidence.models import Recording
from openbwv.server.fleet.given_up import given_up_with
from openbwv.server.fleet.models import Assignment, Camera
from openbwv.server.ingest import counts
from openbwv.server.ingest.aside import aside_store
from openbwv.server.ingest.missing import GRACE, look_at_counters, numbers_in_words
from openbwv.server.ingest.models import Aside, Counted, JournalPart, MissingNumber
from openbwv.server.people.todo import todo_for
from openbwv.server.trail import log
from openbwv.server.trail.models import Event
from openbwv.server.vault.store import vault_store
from tests.server.diary import Diary

HOUR_MS = 3_600_000


@pytest.fixture
def diary(door):
    """The camera's journal: it has started and stands in the dock."""
    made = Diary(door.camera)
    at = utc(door.clock) - timedelta(hours=1)
    return made.boot(at).dock(at)


def put(door, statement, camera=None, *, kid=None):
    """Send a statement, signed by `camera`, as that of `kid`; return (status, answer)."""
    camera = camera or door.camera
    data = statement if isinstance(statement, bytes) else statement.encode(camera.signer, camera.chain)
    return door.ask("PUT", f"/counts?camera={kid or camera.kid.hex()}", data)[:2]


def state(door, diary, next_rc=4, **changes):
    return diary.statement(utc(door.clock), next_rc, **changes)


def missing():
    return list(MissingNumber.objects.values_list("rc", flat=True))


def alarms(person, clock):
    return [line for line in todo_for(person, clock) if "not arrived" in line.words or "other counters" in line.words]


def announce(door, *numbers, camera=None):
    found = [(camera or door.camera).record(utc_ms=door.clock.utc_ms(), rc=rc) for rc in numbers]
    for footage in found:
        door.announce(footage)
    return found


# -- what is taken -----------------------------------------------------------------------------------------------------


def test_it_comes_through_a_dock_and_says_what_is_there_when_and_where(door, diary):
    announce(door, 1, 2)
    early = utc(door.clock) - timedelta(hours=3)  # the dock had no network until now
    assert put(door, replace(state(door, diary), clock=diary.statement(early, 1).clock))[0] == 201
    camera, counted = Camera.objects.get(), Counted.objects.get()
    assert (camera.next_rc, camera.last_docked_utc, counted.dock.name) == (4, early, "Lewisham-1")
    assert (counted.made_utc, counted.taken_utc) == (early, utc(door.clock))
    assert missing() == [3]
    event = Event.objects.filter(type=EventType.INVENTORY, rule="counts").get()
    assert (event.details["next_rc"], event.details["missing"], event.details["dock"]) == (4, 1, "Lewisham-1")


def test_the_same_again_and_an_old_one_change_nothing(door, diary):
    first = state(door, diary, 3)
    assert put(door, first)[0] == 201
    door.clock.advance(8 * HOUR_MS)
    later = diary.boot(utc(door.clock)).dock(utc(door.clock)).statement(utc(door.clock), 6)
    assert put(door, later)[0] == 201
    docked, events = Camera.objects.get().last_docked_utc, Event.objects.count()
    lowest = replace(first, next_rc=1, starts=0, journal_next_seq=0)
    for old in (first, later, lowest, replace(lowest, clock=later.clock)):
        assert put(door, old) == (200, {})
    assert (Camera.objects.get().next_rc, Camera.objects.get().last_docked_utc) == (6, docked)
    assert (missing(), Event.objects.count(), Aside.objects.count()) == ([1, 2, 3, 4, 5], events, 0)


@pytest.mark.parametrize("changes", [{"starts": 9, "next_rc": 2}, {"journal_tail": b"x" * 32}, {"starts": 0}])
def test_counters_that_contradict_are_kept_aside_and_stand_on_the_fleet_managers_page(door, diary, harper, changes):
    assert put(door, state(door, diary))[0] == 201
    if "starts" in changes and changes["starts"] == 0:
        changes = changes | {"next_rc": 9}
    status, answer = put(door, replace(state(door, diary), **changes))
    assert (status, answer["error"]["code"]) == (409, "equivocation")
    aside = Aside.objects.get()
    assert (aside.kind, aside.code, aside.device_kid) == ("counts", "equivocation", door.camera.kid.hex())
    assert any("kept aside" in line.words for line in todo_for(harper, door.clock))
    assert Counted.objects.get().next_rc == 4


def test_a_lowered_forged_or_altered_statement_is_refused_and_lowers_nothing(door, diary):
    good = state(door, diary).encode(door.camera.signer, door.camera.chain)
    assert put(door, good)[0] == 201
    lowered = replace(state(door, diary), next_rc=2)
    by_dock = lowered.encode(r.SoftwareSigner(door.dock_key), door.dock_chain)
    stranger = door.stranger()
    foreign = lowered.encode(stranger.signer, stranger.chain)
    kid = door.camera.kid.hex()
    for number in range(40, len(good), 97):
        altered = bytearray(good)
        altered[number] ^= 1
        assert put(door, bytes(altered), kid=kid)[0] in (202, 400), number
    assert put(door, by_dock, kid=kid)[0] == 400
    assert put(door, foreign, kid=kid)[0] == 202
    assert put(door, b"", kid=kid)[0] == 400
    assert (Camera.objects.get().next_rc, Counted.objects.get().next_rc) == (4, 4)


def test_it_is_that_cameras_own(door, diary):
    _, other = door.new_camera("0555")
    assert put(door, state(door, diary), other, kid=door.camera.kid.hex())[0] == 400
    door.hello(other.key, other.chain)
    status, answer = put(door, state(door, diary))
    assert (status, answer["error"]["code"]) == (403, "not-your-recording")
    assert put(door, state(door, diary, journal_id=b"", journal_next_seq=0), other)[0] == 201
    assert Counted.objects.get().dock is None  # straight at the server


def test_a_revoked_or_unknown_camera_is_kept_aside(door, diary):
    Camera.objects.update(state="revoked")
    assert put(door, state(door, diary))[0] == 403
    assert put(door, state(door, diary), door.stranger())[0] == 202
    assert sorted(Aside.objects.values_list("code", flat=True)) == ["revoked", "unknown-device"]
    assert not Counted.objects.exists()


def test_a_checkpoint_that_the_log_never_had_is_refused(door, diary, running_log):
    running_log.drain()
    now = log.reader().checkpoint()
    held = r.Anchor(now.origin, now.size, now.root)
    for anchor in (held._replace(root=b"x" * 32), held._replace(size=now.size + 1)):
        status, answer = put(door, state(door, diary, anchor=anchor))
        assert (status, answer["error"]["code"]) == (409, "entry-refused")
    assert put(door, state(door, diary, anchor=held))[0] == 201
    assert put(door, state(door, diary, 5, anchor=held._replace(origin="an older log", size=99)))[0] == 201


def test_a_clock_that_is_not_set_or_ahead_docks_nothing_and_counts_all_the_same(door, diary):
    unset = r.ClockState(5, 0, r.ClockSource.NONE)
    ahead = r.ClockState(door.clock.utc_ms() + 10**9, 0, r.ClockSource.DOCK)
    for number, clock in enumerate((unset, ahead, r.ClockState(2**62, 0, r.ClockSource.DOCK)), start=2):
        assert put(door, state(door, diary, number, clock=clock))[0] == 201
    assert (Camera.objects.get().last_docked_utc, Camera.objects.get().next_rc) == (None, 4)


# -- what is missing ---------------------------------------------------------------------------------------------------


def test_a_missing_number_is_on_its_way_then_an_alarm_and_goes_when_it_arrives(door, diary, harper, blake):
    Camera.objects.update(unit=blake.unit)
    announce(door, *range(1, 12))
    assert put(door, state(door, diary, 13))[0] == 201
    assert alarms(harper, door.clock) == []
    assert look_at_counters(door.clock) == 0
    door.clock.advance(GRACE.seconds * 1000)
    [line] = alarms(harper, door.clock)
    said = "Camera 0417 began 12 recordings; number 12 has not arrived; docked at Lewisham-1 on "
    assert line.words.startswith(said)
    assert (line.level, line.address) == ("urgent", f"/fleet/cameras/{door.camera.kid.hex()}")
    [theirs] = alarms(blake, door.clock)
    assert (theirs.words, theirs.address) == (line.words, "/recordings/?camera=0417")
    assert [look_at_counters(door.clock) for _ in range(2)] == [1, 0]
    event = Event.objects.get(type=EventType.MISSING)
    assert (event.details["deed"], event.details["numbers"], event.rule) == ("missing", "number 12", "missing-number")
    announce(door, 12)
    assert (alarms(harper, door.clock), missing()) == ([], [])
    assert Event.objects.filter(type=EventType.MISSING).order_by("pk").last().details["deed"] == "arrived"


def test_the_cameras_page_lists_them_and_what_its_journal_says(door, diary, harper, as_person):
    address = f"/fleet/cameras/{door.camera.kid.hex()}"
    Camera.objects.update(enrolled_utc=utc(door.clock) - timedelta(hours=3))
    assert "It has not been docked since" in as_person(harper).get(address).content.decode()
    put_journal(door, diary.entries)
    announce(door, 1, 2)
    put(door, state(door, diary, 7, held=(4, 5)))
    page = as_person(harper).get(address).content.decode()
    assert "It began 6 recordings" in page
    assert "Numbers 3 to 6: on its way" in page
    assert "In a dock" in page
    door.clock.advance(HOUR_MS)
    page = as_person(harper).get(address).content.decode()
    assert "Numbers 3 and 6: not on the camera either" in page
    assert "Numbers 4 to 5: still on the camera" in page
    announce(door, 3, 4, 5, 6)
    assert "Each of them has arrived." in as_person(harper).get(address).content.decode()


def test_what_the_camera_says_that_it_still_holds_is_no_loss_yet(door, diary, harper):
    assert put(door, state(door, diary, 3, held=(1, 2)))[0] == 201
    door.clock.advance(HOUR_MS)
    [line] = alarms(harper, door.clock)
    assert "numbers 1 to 2 have not arrived, but the camera still holds them" in line.words
    assert line.level == "soon"
    assert put(door, state(door, diary, 4, held=(1,)))[0] == 201  # 2 is gone from it, 3 was never said to be there
    door.clock.advance(HOUR_MS)
    assert list(MissingNumber.objects.values_list("rc", "on_camera")) == [(1, True), (2, False), (3, False)]
    assert alarms(harper, door.clock)[0].level == "urgent"


def test_a_supervisor_is_told_of_cameras_of_the_unit_alone(door, diary, blake, noor, avery, units):
    Camera.objects.update(unit=units["camden"])
    put(door, state(door, diary, 2))
    door.clock.advance(HOUR_MS)
    assert alarms(blake, door.clock) == []
    camera, now = Camera.objects.get(), utc(door.clock)
    Assignment.objects.create(
        pseudonym=b"a" * 16, camera=camera, person=avery, signed=b"",
        from_utc=now - timedelta(days=9), until_utc=now - timedelta(days=8),
    )  # fmt: skip
    assert len(alarms(blake, door.clock)) == 1
    assert alarms(noor, door.clock) == []


def test_a_camera_that_two_people_wrote_off_is_no_alarm(door, diary, harper):
    put(door, state(door, diary, 2))
    door.clock.advance(HOUR_MS)
    assert alarms(harper, door.clock)
    Camera.objects.update(state="revoked", revoked_utc=utc(door.clock), written_off_utc=utc(door.clock))
    assert alarms(harper, door.clock) == []
    assert look_at_counters(door.clock) == 0


def test_two_docks_and_only_one_with_a_network(door, diary, harper):
    """The older word comes later, through the other dock: it changes nothing, and what it counted is here by then."""
    older = state(door, diary, 3)
    newer = diary.boot(utc(door.clock)).dock(utc(door.clock)).statement(utc(door.clock), 5)
    assert put(door, newer)[0] == 201
    announce(door, 3, 4)
    assert missing() == [1, 2]
    door.hello_dock()
    announce(door, 1, 2)
    assert put(door, older)[0] == 200
    door.clock.advance(HOUR_MS)
    assert alarms(harper, door.clock) == []


def test_a_number_that_nobody_can_have_made_fills_no_table(door, diary, harper):
    assert put(door, state(door, diary, 2**62))[0] == 201
    assert MissingNumber.objects.count() == 1000
    assert Counted.objects.get().unlisted == 2**62 - 1001
    door.clock.advance(HOUR_MS)
    assert f"{2**62 - 1} of them have not arrived" in alarms(harper, door.clock)[0].words


def test_a_camera_enrolled_anew_counts_on(door, diary):
    announce(door, 1, 2)
    Camera.objects.update(state="revoked", revoked_utc=utc(door.clock))
    _, anew = door.new_camera("0417")
    announce(door, 3, camera=anew)
    assert put(door, Diary(anew, starts=3).boot(utc(door.clock)).statement(utc(door.clock), 5), anew)[0] == 201
    assert missing() == [4]


def anew_after(door, numbers):
    """Announce `numbers` under the camera's first key, revoke it and return the row and the camera with a new one."""
    announce(door, *numbers)
    Camera.objects.update(state="revoked", revoked_utc=utc(door.clock))
    return door.new_camera("0417")


def test_a_new_key_that_began_from_1_is_not_credited_with_what_the_old_one_brought(door, diary):
    """Its first word was given when it was enrolled, and then numbers 1 to 3 never come."""
    row, anew = anew_after(door, (1, 2, 3))
    own = Diary(anew, starts=3).boot(utc(door.clock))
    assert put(door, own.statement(utc(door.clock), 1), anew)[0] == 201
    announce(door, 4, camera=anew)
    assert put(door, own.boot(utc(door.clock)).statement(utc(door.clock), 5), anew)[0] == 201
    assert missing() == [1, 2, 3]
    assert given_up_with(Camera.objects.get(pk=row.pk), door.clock).missing == ((1, 3),)


def test_a_store_that_started_less_often_than_the_old_one_is_a_new_one(door, diary):
    _, anew = anew_after(door, (1, 2, 3))  # in the third start of that store
    assert put(door, Diary(anew).boot(utc(door.clock)).statement(utc(door.clock), 4), anew)[0] == 201
    assert missing() == [1, 2, 3]


def test_a_number_that_the_new_key_had_used_as_well_takes_the_credit_above_it_back(door, diary):
    _, anew = anew_after(door, (1, 2, 3))
    assert put(door, Diary(anew, starts=3).boot(utc(door.clock)).statement(utc(door.clock), 5), anew)[0] == 201
    assert missing() == [4]
    announce(door, 2, camera=anew)
    assert (missing(), Counted.objects.get().first_rc) == ([3, 4], 2)
    announce(door, 3, 1, camera=anew)
    assert (missing(), Counted.objects.get().unlisted) == ([4], 0)


# -- what is not as it was signed --------------------------------------------------------------------------------------


def put_journal(door, entries):
    status, answer, _ = door.ask("PUT", f"/journal?camera={door.camera.kid.hex()}&from=0", b"".join(entries))
    assert status == 200, answer


@pytest.mark.parametrize("altered", [False, True])
def test_a_journal_that_is_not_the_one_signed_for_is_an_alarm(door, diary, harper, altered):
    said = state(door, diary, 1)
    other = Diary(door.camera)
    at = utc(door.clock) - timedelta(hours=1)
    other.boot(at).dock(at - timedelta(0) if not altered else at + timedelta(minutes=1))
    put(door, said)
    assert look_at_counters(door.clock) == 0  # the journal is not here yet
    assert not Counted.objects.get().compared
    put_journal(door, other.entries if altered else diary.entries)
    assert look_at_counters(door.clock) == int(altered)
    assert Counted.objects.get().compared
    assert [line.words for line in alarms(harper, door.clock)] == (
        ["Camera 0417 signed other counters than fit what is here. Entry 2 of its journal is another one than it"
         " signed for."] if altered else []
    )  # fmt: skip
    if altered:
        assert Event.objects.get(type=EventType.MISSING).rule == "counters-differ"


@pytest.mark.parametrize("altered", [False, True])
def test_a_newest_recording_that_ends_otherwise_is_an_alarm(door, diary, harper, altered):
    put_journal(door, diary.entries)
    footage = door.camera.record(utc_ms=door.clock.utc_ms(), rc=1)
    tail = b"x" * 32 if altered else footage.tail
    put(door, state(door, diary, 2, newest=footage.rec_id, newest_tail=tail))
    assert look_at_counters(door.clock) == 0  # it is not here yet
    door.announce(footage)
    assert look_at_counters(door.clock) == int(altered)
    reference = Recording.objects.get().reference
    assert [reference in line.words for line in alarms(harper, door.clock)] == [True] * altered


@pytest.mark.parametrize(
    ("numbers", "words"),
    [
        ([], ""),
        ([12], "number 12"),
        ([3, 4, 5], "numbers 3 to 5"),
        ([3, 9], "numbers 3 and 9"),
        ([1, 2, 5, 7, 8], "numbers 1 to 2, 5 and 7 to 8"),
    ],
)
def test_numbers_are_said_shortly(numbers, words):
    assert numbers_in_words(numbers) == words


# -- what a dishonest one may do ---------------------------------------------------------------------------------------


def test_a_camera_that_counts_on_and_on_fills_no_table(door, diary, monkeypatch):
    monkeypatch.setattr(counts, "MOST_LISTED", 10)
    monkeypatch.setattr(counts, "MOST_ROWS", 25)
    for number in range(1, 5):
        assert put(door, state(door, diary, 1 + 20 * number))[0] == 201
    assert len(missing()) == 25
    assert missing()[0] == 11
    assert len(missing()) + Counted.objects.get().unlisted == 80, "every number is counted still"


def test_numbers_that_are_only_counted_are_an_alarm_no_more_when_they_arrive(door, diary, harper, monkeypatch):
    monkeypatch.setattr(counts, "MOST_LISTED", 2)
    announce(door, 1)
    assert put(door, state(door, diary, 6))[0] == 201
    assert (missing(), Counted.objects.get().unlisted) == ([4, 5], 2)
    announce(door, 4, 2)
    assert (missing(), Counted.objects.get().unlisted) == ([5], 1)
    announce(door, 3, 5, 6)
    assert (missing(), Counted.objects.get().unlisted) == ([], 0)
    door.clock.advance(HOUR_MS)
    assert alarms(harper, door.clock) == []


def test_a_number_that_two_keys_of_one_name_used_counts_once(door, diary, monkeypatch):
    monkeypatch.setattr(counts, "MOST_LISTED", 10)
    earlier, other = door.new_camera("0997")
    announce(door, 1, camera=other)
    announce(door, 1)
    Camera.objects.filter(pk=earlier.pk).update(name=door.camera_row.name, state="revoked")
    assert put(door, state(door, diary, 12))[0] == 201
    assert (Counted.objects.get().unlisted, missing()) == (0, list(range(2, 12)))


@pytest.mark.parametrize("looked_before", [True, False])
def test_counters_that_differ_wait_for_a_person_whatever_the_camera_signs_next(
    door, diary, harper, running_log, looked_before
):
    address = f"/journal?camera={door.camera.kid.hex()}&from=0"
    assert door.ask("PUT", address, b"".join(diary.entries))[0] == 200
    differing = state(door, diary, 1, journal_tail=b"x" * 32)
    assert put(door, differing)[0] == 201
    if looked_before:
        assert (look_at_counters(door.clock), look_at_counters(door.clock)) == (1, 0)
    door.clock.advance(HOUR_MS)
    diary.boot(utc(door.clock)).dock(utc(door.clock))
    assert door.ask("PUT", address, b"".join(diary.entries))[0] == 200
    assert put(door, state(door, diary, 1))[0] == 201
    look_at_counters(door.clock)
    assert alarms(harper, door.clock) == []
    kept = Aside.objects.get()
    assert (kept.kind, kept.code, kept.resolved_utc, kept.times) == ("counts", "equivocation", None, 1)
    assert r.CountStatement.decode(aside_store().read(kept.path, length=kept.length)).body == differing
    assert any("kept aside" in line.words for line in todo_for(harper, door.clock))


def test_a_journal_whose_file_is_gone_keeps_no_counters_from_being_looked_at(door, diary, running_log):
    address = f"/journal?camera={door.camera.kid.hex()}&from=0"
    assert door.ask("PUT", address, b"".join(diary.entries))[0] == 200
    assert put(door, state(door, diary, 2))[0] == 201
    vault_store().remove(JournalPart.objects.get().object.key)
    door.clock.advance(GRACE // timedelta(milliseconds=1))
    assert look_at_counters(door.clock) == 1, "number 1 is missing"
    assert put(door, state(door, diary, 3))[0] == 201
