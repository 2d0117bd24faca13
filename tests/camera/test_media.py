"""What comes out of a recording, as ffmpeg and ffprobe see it."""

import numpy as np
import pytest

from openbwv import recording as r
from tests.camera import studio

MEMBERS = ("-show_entries", "stream=codec_type,codec_name,width,height,profile,duration", "-show_format")


@pytest.fixture(scope="module")
def clapped(tmp_path_factory):
    """A recording of a flash and a beep each second: 3 s of pre-event, 9 s after the press, muted from 4 to 6."""
    folder = tmp_path_factory.mktemp("clapped")
    source = studio.flash_and_beep(folder / "clap.mov", seconds=13)
    made = studio.record(folder / "store", "--mute", "4-6", source=str(source), seconds=9, prebuffer=3)
    return made, studio.played(made, folder)


def test_ffprobe_finds_h264_and_aac_of_the_right_size(clapped):
    facts = studio.probe(clapped[1], *MEMBERS)
    kinds = {stream["codec_type"]: stream for stream in facts["streams"]}
    assert (kinds["video"]["codec_name"], kinds["audio"]["codec_name"]) == ("h264", "aac")
    assert (kinds["video"]["width"], kinds["video"]["height"]) == (640, 360)


def test_pictures_follow_each_other_without_a_gap(clapped):
    gaps = np.diff(studio.times(clapped[1], "v"))
    assert len(gaps) == 12 * 25 - 1
    assert gaps.min() == pytest.approx(0.04, abs=1e-6)
    assert gaps.max() == pytest.approx(0.04, abs=1e-6)


def test_flash_and_beep_are_at_most_two_milliseconds_apart(clapped):
    bright = studio.luma(clapped[1]) > 128
    flashes = studio.times(clapped[1], "v")[bright]
    heard = np.abs(studio.sound(clapped[1])) > 0.1
    for flash in flashes[flashes >= 3.0]:
        if 7.0 <= flash < 9.0:
            continue  # muted
        around = np.flatnonzero(heard[int((flash - 0.3) * studio.RATE) : int((flash + 0.3) * studio.RATE)])
        assert around.size
        beep = flash - 0.3 + around[0] / studio.RATE
        assert abs(beep - flash) <= 0.002, (flash, beep)
    assert len(flashes) == 12


def test_there_is_no_sound_before_the_press_and_none_while_muted(clapped):
    samples = studio.sound(clapped[1])
    assert not np.any(samples[: 3 * studio.RATE - 2048])  # two AAC frames of the encoder's look-ahead
    assert not np.any(samples[int(7.05 * studio.RATE) : int(8.95 * studio.RATE)])
    assert np.abs(samples[int(3.0 * studio.RATE) : int(3.04 * studio.RATE)]).max() > 0.3
    assert np.abs(samples[int(9.0 * studio.RATE) : int(9.04 * studio.RATE)]).max() > 0.3


def test_both_tracks_are_equally_long_within_one_packet_of_sound(clapped):
    samples, pictures = studio.sound(clapped[1]), studio.times(clapped[1], "v")
    assert samples.size / studio.RATE == pytest.approx(pictures[-1] + 0.04, abs=1024 / studio.RATE)


def test_the_pre_event_is_as_long_as_asked_and_marked(clapped):
    fragments = [entry.body for entry in studio.entries(clapped[0]) if entry.type == r.EntryType.FRAG]
    before = [body for body in fragments if body.flags & r.FragFlag.PRE]
    video = [time for body in before for time in body.times if time.track == 1]
    assert sum(time.duration for time in video) / 90_000 == pytest.approx(3.0, abs=1.0)
    body = studio.entries(clapped[0])[0].body
    assert body.pre_ms == pytest.approx(3000, abs=1000)
    assert sum(time.duration for time in video) == body.pre_ms * 90


def test_a_fragment_begins_exactly_at_press_mute_unmute_and_stop(clapped):
    entries = studio.entries(clapped[0])
    starts = {time.start for e in entries if e.type == r.EntryType.FRAG for time in e.body.times if time.track == 1}
    press = entries[0].body.pre_ms * 90
    assert {press, press + 4 * 90_000, press + 6 * 90_000} <= starts
    assert dict(entries[-1].body.ends)[1] == press + 9 * 90_000


def test_muted_fragments_are_flagged_and_only_those(clapped):
    entries = studio.entries(clapped[0])
    press = entries[0].body.pre_ms * 90
    for entry in entries:
        if entry.type == r.EntryType.FRAG and entry.body.times:
            video = next(time for time in entry.body.times if time.track == 1)
            muted = press + 4 * 90_000 <= video.start < press + 6 * 90_000
            assert bool(entry.body.flags & r.FragFlag.MUTED) == muted, entry.seq


def test_the_verifier_agrees(clapped):
    assert studio.verdict(clapped[0]).verdict == "genuine"


def test_the_full_pre_event_buffer_is_thirty_seconds(tmp_path):
    made = studio.record(tmp_path / "store", seconds=1, prebuffer=31)
    body = studio.entries(made)[0].body
    assert abs(body.pre_ms - 31_000) <= 1000
    assert studio.verdict(made).verdict == "genuine"


@pytest.mark.parametrize("profile", ["720p25", "1080p30"])
def test_both_profiles_of_the_force_decode_without_a_word(tmp_path, profile):
    made = studio.record(tmp_path / "store", "--profile", profile, seconds=2)
    path, fps = studio.played(made, tmp_path), int(profile[-2:])
    video, audio = studio.probe(path, "-count_frames", "-show_streams")["streams"]
    assert (video["codec_name"], audio["codec_name"]) == ("h264", "aac")
    assert (video["width"], video["height"]) == {"720p25": (1280, 720), "1080p30": (1920, 1080)}[profile]
    assert (video["r_frame_rate"], int(video["nb_read_frames"])) == (f"{fps}/1", 2 * fps)
    pieces = [entry.body.times for entry in studio.entries(made) if entry.type == r.EntryType.FRAG]
    assert [[time.duration for time in times if time.track == 1] for times in pieces] == [[], [90_000], [90_000]]


def test_time_and_device_are_burnt_into_the_top_left_alone(tmp_path):
    source = studio.make(tmp_path / "grey.mp4", "-f", "lavfi", "-i", "color=0x505050:s=640x360:r=25:d=3")
    path = studio.played(studio.record(tmp_path / "store", source=str(source), seconds=1), tmp_path)
    import av

    picture = next(av.open(str(path)).decode(video=0)).to_ndarray()[:360]
    assert picture[8:30, 8:200].max() > 200  # letters
    assert picture[60:].std() < 4  # nothing below them


def test_positions_are_sealed_and_come_back(tmp_path):
    rows = "seconds,lat,lon\n" + "".join(f"{n / 2},{51.4613 + n / 1e4:.4f},-0.0116\n" for n in range(10))
    (tmp_path / "walk.csv").write_text(rows)
    made = studio.record(tmp_path / "store", "--track", str(tmp_path / "walk.csv"), seconds=3)
    assert b"514613" not in (made / "manifest.cbor").read_bytes()
    rec_id, dek = studio.dek_of(made)
    points = []
    for entry in studio.entries(made):
        if entry.type == r.EntryType.FRAG and entry.body.sealed:
            opened = r.open_sealed(r.media_key(dek, rec_id), rec_id, entry.seq, 1, entry.body.sealed)
            points += r.cbor.decode(opened)[1]
    assert points[0] == [0, 514613000, -116000]
    assert [point[0] for point in points] == [0, 500, 1000, 1500, 2000, 2500]
