"""Sources as they come: without sound, variable rate, odd sizes, a size that changes, cut short, missing, real."""

from pathlib import Path

import numpy as np
import pytest

from openbwv import recording as r
from openbwv.camera.errors import SourceEnded, SourceMissing, TrackUnreadable
from openbwv.camera.positions import read_track
from openbwv.camera.profile import PICTURES
from openbwv.camera.source import Media
from openbwv.camera.v4l2 import Device
from tests.camera import studio

PICTURE = PICTURES["360p25"]
CLIPS = sorted((Path(__file__).resolve().parents[3] / "shared" / "media").glob("*.mp4"))


def judged(made, tmp_path, *, seconds):
    path = studio.played(made, tmp_path)
    gaps = np.diff(studio.times(path, "v"))
    assert (gaps.min(), gaps.max()) == (pytest.approx(0.04, abs=1e-6), pytest.approx(0.04, abs=1e-6))
    assert len(gaps) + 1 == round(seconds * 25)
    assert studio.sound(path).size / studio.RATE == pytest.approx(seconds, abs=0.03)
    assert studio.verdict(made).verdict == "genuine"
    return path


def test_a_file_without_sound_gets_silence(tmp_path):
    source = studio.make(tmp_path / "mute.mp4", "-f", "lavfi", "-i", "testsrc=s=640x360:r=25:d=3")
    path = judged(studio.record(tmp_path / "store", source=str(source), seconds=2), tmp_path, seconds=2)
    assert not np.any(studio.sound(path))


def test_a_variable_frame_rate_becomes_a_constant_one(tmp_path):
    steady = ["-f", "lavfi", "-i", "testsrc=s=640x360:r=30:d=4", "-vf", "select='not(mod(n,7))+lt(mod(n,30),9)'"]
    source = studio.make(tmp_path / "vfr.mp4", *steady, "-fps_mode", "vfr")
    assert len(set(np.round(np.diff(studio.times(source, "v")), 4))) > 1
    judged(studio.record(tmp_path / "store", source=str(source), seconds=3), tmp_path, seconds=3)


@pytest.mark.parametrize("size", ["333x217", "240x720", "1920x200"])
def test_odd_sizes_are_scaled_and_padded(tmp_path, size):
    frames = ["-f", "lavfi", "-i", f"testsrc=s={size}:r=25:d=2", "-c:v", "libx264rgb", "-pix_fmt", "rgb24"]
    source = studio.make(tmp_path / "odd.mkv", *frames)
    path = judged(studio.record(tmp_path / "store", source=str(source), seconds=1), tmp_path, seconds=1)
    stream = studio.probe(path, "-select_streams", "v", "-show_entries", "stream=width,height")["streams"][0]
    assert (stream["width"], stream["height"]) == (640, 360)


def test_a_source_that_changes_its_size_goes_on_and_an_event_says_so(tmp_path):
    for name, size in (("a", "640x360"), ("b", "320x240")):
        pattern = ["-f", "lavfi", "-i", f"testsrc=s={size}:r=25:d=2", "-bsf:v", "h264_mp4toannexb", "-f", "h264"]
        studio.make(tmp_path / f"{name}.h264", *pattern)
    (tmp_path / "both.h264").write_bytes((tmp_path / "a.h264").read_bytes() + (tmp_path / "b.h264").read_bytes())
    made = studio.record(tmp_path / "store", source=str(tmp_path / "both.h264"), seconds=3)
    judged(made, tmp_path, seconds=3)
    assert [entry.body.kind for entry in studio.events(made)] == [r.EventKind.PROFILE]
    assert studio.events(made)[0].body.public[1] != bytes(32)


def test_a_source_that_ends_closes_the_recording_and_says_why(tmp_path):
    source = studio.make(tmp_path / "short.mp4", "-f", "lavfi", "-i", "testsrc=s=640x360:r=25:d=2")
    made = studio.record(tmp_path / "store", source=str(source), seconds=30)
    judged(made, tmp_path, seconds=2)
    assert studio.entries(made)[-1].body.why == r.CloseReason.SOURCE_ENDED


def test_a_file_cut_short_is_recorded_up_to_the_cut(tmp_path):
    source = studio.make(tmp_path / "whole.ts", "-f", "lavfi", "-i", "testsrc=s=640x360:r=25:d=4")
    data = source.read_bytes()
    (tmp_path / "cut.ts").write_bytes(data[: len(data) // 2])
    made = studio.record(tmp_path / "store", source=str(tmp_path / "cut.ts"), seconds=30)
    assert studio.entries(made)[-1].body.why == r.CloseReason.SOURCE_ENDED
    assert studio.verdict(made).verdict == "genuine"


def test_a_file_can_begin_again_at_its_end(tmp_path):
    source = studio.flash_and_beep(tmp_path / "loop.mov", seconds=2)
    made = studio.record(tmp_path / "store", "--loop", source=str(source), seconds=5, prebuffer=2)
    path = judged(made, tmp_path, seconds=7)
    assert (studio.luma(path) > 128).sum() == 7


def test_a_source_too_short_for_its_pre_event_is_refused_with_a_remedy(tmp_path):
    source = studio.make(tmp_path / "short.mp4", "-f", "lavfi", "-i", "testsrc=s=640x360:r=25:d=1")
    with pytest.raises(SourceEnded, match="--loop"):
        studio.record(tmp_path / "store", source=str(source), seconds=3, prebuffer=5)


@pytest.mark.parametrize("name", ["nothing.mp4", "text.mp4", "sound.wav"])
def test_what_is_no_picture_is_named(tmp_path, name):
    (tmp_path / "text.mp4").write_text("not a film")
    studio.make(tmp_path / "sound.wav", "-f", "lavfi", "-i", "sine=d=1")
    with pytest.raises(SourceMissing, match=name):
        Media(str(tmp_path / name), PICTURE)


def test_a_device_that_is_not_there_is_named():
    with pytest.raises(SourceMissing, match="/dev/video99"):
        Device("/dev/video99", PICTURE)


def test_the_pattern_has_picture_and_sound(tmp_path):
    path = judged(studio.record(tmp_path / "store", seconds=2), tmp_path, seconds=2)
    assert np.abs(studio.sound(path)).max() > 0.05


@pytest.mark.parametrize("clip", CLIPS or [None], ids=lambda clip: clip.stem if clip else "made-up")
def test_real_footage(tmp_path, clip):
    """Real clips where they lie beside the checkout; a busy made-up one elsewhere."""
    busy = ["-f", "lavfi", "-i", "mandelbrot=s=854x480:r=24000/1001", "-t", "2", "-c:v", "mpeg4"]
    source = clip or studio.make(tmp_path / "busy.mp4", *busy)
    made = studio.record(tmp_path / "store", "--loop", source=str(source), seconds=2)
    judged(made, tmp_path, seconds=2)


GPX = """<gpx xmlns="http://www.topografix.com/GPX/1/1"><trk><trkseg>
<trkpt lat="51.5" lon="-0.1"><time>2026-11-20T14:00:00Z</time></trkpt>
<trkpt lat="51.6" lon="-0.2"><time>2026-11-20T14:00:01.500Z</time></trkpt></trkseg></trk></gpx>"""


def test_a_gpx_track_counts_from_its_first_point(tmp_path):
    (tmp_path / "walk.gpx").write_text(GPX)
    points = read_track(tmp_path / "walk.gpx").between(0, 10_000)
    assert points == [(0, 515_000_000, -1_000_000), (1500, 516_000_000, -2_000_000)]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "seconds,lat\n1,2\n",
        "seconds,lat,lon\n0,91,0\n",
        "seconds,lat,lon\n0,x,0\n",
        "<gpx><trkpt",
        "seconds,lat,lon\nnan,1,1\n",
        "<!DOCTYPE a [<!ENTITY b 'c'>]><gpx/>",
        "<gpx><trkpt lat='1' lon='1'/></gpx>",
    ],
)
def test_a_bad_track_is_refused(tmp_path, text):
    (tmp_path / "track").write_text(text)
    with pytest.raises(TrackUnreadable):
        read_track(tmp_path / "track")
