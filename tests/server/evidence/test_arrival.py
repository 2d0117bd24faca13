"""A recording arrives: what its signed manifest says stands in its row, once, however the entries are cut."""

import itertools
import secrets
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from openbwv import recording as fmt
from openbwv.recording.registry import (
    CATEGORIES,
    ClockSource,
    CloseReason,
    Codec,
    Container,
    EventKind,
    FragFlag,
    MuteReason,
    TrackKind,
)
from openbwv.server.evidence import arrival
from openbwv.server.evidence.models import Flag, Mark, Recording
from openbwv.server.fleet.models import Assignment, Camera
from openbwv.server.trail.models import Event

PRESS = datetime(2026, 11, 20, 14, 0, 30, tzinfo=UTC)
SECOND_NS = 1_000_000_000
M0 = 5 * SECOND_NS  # the media clock starts 30 s before the press
TRACKS = (
    fmt.Track(1, TrackKind.VIDEO, Container.FMP4, Codec.H264, 12800),
    fmt.Track(2, TrackKind.AUDIO, Container.FMP4, Codec.AAC, 48000),
)


def build(*, events=(), seconds=10, close=CloseReason.BUTTON, source=ClockSource.DOCK):
    """Return the entries of a recording with a 30 s pre-buffer; `events` are (second, kind, public)."""
    rec_id = secrets.token_bytes(16)
    signer = fmt.SoftwareSigner(ec.generate_private_key(ec.SECP256R1()))
    builder = fmt.RecordingBuilder(
        rec_id=rec_id, dek=fmt.new_dek(secrets.token_bytes), signer=signer, chain=[b"leaf", b"root"]
    )
    clock = fmt.ClockState(int(PRESS.timestamp() * 1000), 100, source, 0)
    press_ns = M0 + 30 * SECOND_NS
    body = fmt.OpenBody(rc=7, bt=3, clock=clock, m0_ns=M0, tracks=TRACKS, pre_ms=30_000)
    raw = [builder.open(body, mono_ns=press_ns)]
    raw.append(builder.fragment(b"init", mono_ns=press_ns, flags=FragFlag.INIT)[1])
    for second in range(30 + seconds):
        now = max(press_ns, M0 + (second + 1) * SECOND_NS)
        times = (fmt.TrackTime(1, 273 + second * 12800, 12800), fmt.TrackTime(2, second * 48000, 48000))
        raw.append(builder.fragment(b"x" * 100, mono_ns=now, times=times)[1])
        raw += [builder.event(kind, mono_ns=now, public=public) for at, kind, public in events if at == second]
    if close is not None:
        raw.append(builder.close(close, mono_ns=M0 + (30 + seconds) * SECOND_NS))
    return [fmt.parse_entry(entry) for entry in raw]


@pytest.fixture
def camera(units, clock):
    return Camera.objects.create(
        name="0417",
        kid="ab" * 32,
        certificate="-",
        serial="01",
        unit=units["lewisham"],
        enrolled_utc=datetime(2026, 1, 1, tzinfo=UTC),
    )


@pytest.fixture
def assigned(camera, avery, units):
    return Assignment.objects.create(
        pseudonym=b"p" * 16,
        camera=camera,
        person=avery,
        unit=units["lewisham"],
        from_utc=PRESS - timedelta(hours=1),
        until_utc=PRESS + timedelta(hours=9),
        signed=b"-",
    )


def arrive(entries, camera, clock, assignment=None, cuts=()):
    recording = arrival.announce_recording(open_entry=entries[0], camera=camera, assignment=assignment, clock=clock)
    edges = [1, *sorted(cuts), len(entries)]
    for start, end in itertools.pairwise(edges):
        arrival.take_entries(recording=recording, entries=entries[start:end], clock=clock)
    return Recording.objects.get(pk=recording.pk)


def test_it_can_be_found_as_soon_as_its_first_entry_is_here(camera, assigned, avery, clock):
    recording = arrive(build()[:1], camera, clock, assigned)
    assert recording.reference == "BWV-2026-000001"
    assert (recording.officer, recording.unit.code, recording.state) == (avery, "lewisham", "announced")
    assert recording.opened_utc == PRESS
    assert recording.started_utc == PRESS - timedelta(seconds=30)
    assert (recording.rc, recording.boot, recording.pre_ms, recording.clock_sync) == (7, 3, 30_000, True)
    assert Event.objects.get(recording=recording).details["deed"] == "announced"


def test_without_an_assignment_the_cameras_unit_is_its_place_and_nobody_its_officer(camera, clock):
    recording = arrive(build(), camera, clock)
    assert (recording.officer, recording.unit.code) == (None, "lewisham")


def test_length_bytes_end_and_close_are_read_from_the_manifest(camera, clock):
    recording = arrive(build(seconds=10), camera, clock)
    assert (recording.fragments, recording.duration_ms) == (40, 40_000)
    assert recording.ended_utc == recording.started_utc + timedelta(seconds=40)
    assert (recording.closed, recording.close_reason) == (True, CloseReason.BUTTON)
    assert recording.media_bytes == 40 * 116 + 20


def test_one_that_breaks_off_has_no_end_until_it_is_stored(camera, clock):
    recording = arrive(build(close=None), camera, clock)
    assert (recording.closed, recording.ended_utc) == (False, None)
    arrival.mark_stored(recording=recording, clock=clock)
    assert recording.ended_utc == recording.started_utc + timedelta(seconds=40)


def test_mute_marker_and_people_told_stand_on_the_time_line(camera, clock):
    entries = build(
        events=[
            (31, EventKind.PEOPLE_TOLD, {1: 2, 2: M0 + 32 * SECOND_NS}),
            (33, EventKind.MUTE_ON, {1: int(MuteReason.LEGAL_PRIVILEGE), 2: M0 + 34 * SECOND_NS}),
            (35, EventKind.MUTE_OFF, {2: M0 + 36 * SECOND_NS}),
            (36, EventKind.MARKER, {1: 1}),
        ]
    )
    recording = arrive(entries, camera, clock)
    marks = {mark.kind: (mark.from_ms, mark.to_ms, mark.reason) for mark in Mark.objects.all()}
    assert marks["mute"] == (34_000, 36_000, "Legal privilege")
    assert marks["told"][0] == 32_000
    assert marks["marker"][0] == 37_000
    assert (recording.muted_ms, recording.marker_count) == (2000, 1)


def test_sound_that_is_never_turned_on_again_is_off_to_the_end(camera, clock):
    entries = build(events=[(35, EventKind.MUTE_ON, {1: 1, 2: M0 + 35 * SECOND_NS})])
    assert arrive(entries, camera, clock).muted_ms == 5000


def test_the_cameras_category_and_flag_are_taken_and_a_restricted_one_closes_it(camera, assigned, avery, clock):
    code = CATEGORIES["domestic-abuse"].code
    entries = build(events=[(38, EventKind.CATEGORY, {1: code, 2: True})])
    recording = arrive(entries, camera, clock, assigned)
    assert (recording.category, recording.restricted) == ("domestic-abuse", True)
    assert recording.evidential_from_camera
    flag = Flag.objects.get()
    assert (flag.from_camera, flag.placed_by) == (True, avery)
    assert flag.review_date.isoformat() == "2027-02-18"


def test_a_clock_that_nobody_set_is_told(camera, clock):
    assert not arrive(build(source=ClockSource.NONE), camera, clock).clock_sync


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True)
@given(cuts=st.lists(st.integers(min_value=1, max_value=46), max_size=6), repeat=st.integers(0, 10))
def test_however_the_entries_are_cut_or_repeated_the_row_is_the_same(camera, clock, cuts, repeat):
    entries = build(
        events=[
            (33, EventKind.MUTE_ON, {1: 1, 2: M0 + 33 * SECOND_NS}),
            (35, EventKind.MUTE_OFF, {2: M0 + 36 * SECOND_NS}),
            (36, EventKind.MARKER, {1: 1}),
        ]
    )
    recording = arrive(entries, camera, clock, cuts=cuts)
    arrival.take_entries(recording=recording, entries=entries[-repeat - 1 :], clock=clock)
    recording.refresh_from_db()
    assert (recording.next_seq, bytes(recording.tail)) == (len(entries), entries[-1].sig_structure_sha256)
    assert (recording.fragments, recording.duration_ms, recording.muted_ms) == (40, 40_000, 3000)
    assert recording.marks.count() == 2
    Mark.objects.all().delete()


def test_references_count_up_within_a_year(camera, clock):
    assert [arrive(build(), camera, clock).reference for _ in range(2)] == ["BWV-2026-000001", "BWV-2026-000002"]


def test_how_long_an_upload_still_takes_is_told_in_minutes(camera, clock):
    recording = arrive(build(), camera, clock)
    assert arrival.minutes_left(recording) == 1
    arrival.mark_arriving(recording=recording)
    assert recording.state == "arriving"
    recording.media_bytes = 3_600_000_000
    assert arrival.minutes_left(recording) == 12
    arrival.mark_stored(recording=recording, clock=clock)
    assert arrival.minutes_left(recording) == 0


def test_an_entry_that_does_not_open_is_refused(camera, clock):
    with pytest.raises(TypeError, match="OPEN"):
        arrival.announce_recording(open_entry=build()[1], camera=camera, clock=clock)
