"""The rendered street, judged by ffprobe."""

import json
import shutil
import subprocess

import pytest

from openbwv.demo import judges
from openbwv.demo.street import BELOW_THE_CLOCK, THE_CLOCK, render_street


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    path = tmp_path_factory.mktemp("street") / "street.mp4"
    render_street(path, seconds=3)
    return path


@pytest.mark.skipif(not shutil.which("ffprobe"), reason="ffprobe is not installed")
def test_it_is_three_seconds_of_h264_and_aac(film):
    command = ["ffprobe", "-v", "error", "-show_streams", "-of", "json", str(film)]
    streams = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)["streams"]
    assert [stream["codec_name"] for stream in streams] == ["h264", "aac"]
    video, audio = streams
    assert (video["width"], video["height"], video["nb_frames"]) == (1280, 720, "75")
    assert float(video["duration"]) == pytest.approx(3, abs=0.001)
    assert float(audio["duration"]) == pytest.approx(3, abs=0.05)


@pytest.mark.skipif(not shutil.which("ffmpeg"), reason="ffmpeg is not installed")
def test_people_move_and_the_street_is_not_silent(film):
    def frame_md5(second):
        command = ["ffmpeg", "-v", "error", "-ss", str(second), "-i", str(film), "-frames:v", "1", "-f", "md5", "-"]
        return subprocess.run(command, check=True, capture_output=True).stdout

    assert frame_md5(0) != frame_md5(1.04)
    assert judges.changes(film, BELOW_THE_CLOCK)
    assert judges.changes(film, THE_CLOCK)
    assert not judges.changes(film, "280:20:500:0")  # the sky above
    command = ["ffmpeg", "-i", str(film), "-af", "volumedetect", "-vn", "-f", "null", "-"]
    report = subprocess.run(command, check=True, capture_output=True, text=True).stderr
    assert float(report.split("mean_volume: ")[1].split()[0]) > -40
