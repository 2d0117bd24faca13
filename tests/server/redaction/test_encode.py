"""Release copies, judged by ffprobe and ffmpeg: nothing of the recording is left but what the plan lets through."""

import json
import subprocess

import numpy as np
import pytest

from openbwv.recording import BoxCutter
from openbwv.server.redaction.encode import NoReleaseCopy, release_copy
from openbwv.server.redaction.plan import BadPlan, Plan, Span
from openbwv.server.redaction.scratch import BLOCK_BYTES, Scratch
from tests.browser.footage import encode

RATE = 48_000


@pytest.fixture(scope="module")
def units():
    return [unit.data for unit in BoxCutter().write(encode(fps=25, seconds=6, b_frames=False))]


def made(units, plan, path):
    with release_copy(units, plan) as pieces, path.open("wb") as file:
        for piece in pieces:
            file.write(piece)
    return path


def probe(path, *what):
    command = ["ffprobe", "-v", "error", "-of", "json", *what, str(path)]
    return json.loads(subprocess.run(command, check=True, capture_output=True).stdout)


def sound_of(path):
    command = ["ffmpeg", "-v", "error", "-i", str(path), "-map", "0:a", "-f", "f32le", "-"]
    return np.frombuffer(subprocess.run(command, check=True, capture_output=True).stdout, dtype="<f4")


def brightest_each_frame(path):
    command = [
        "ffmpeg",
        "-v",
        "error",
        "-i",
        str(path),
        "-map",
        "0:v",
        "-vsync",
        "0",
        "-f",
        "rawvideo",
        "-pix_fmt",
        "gray",
        "-",
    ]
    raw = np.frombuffer(subprocess.run(command, check=True, capture_output=True).stdout, dtype=np.uint8)
    return raw.reshape(-1, 320 * 180).max(axis=1)


def test_a_trimmed_copy_is_as_long_as_the_plan_and_starts_at_once(units, tmp_path):
    path = made(units, Plan(1000, 4000), tmp_path / "copy.mp4")
    streams = probe(path, "-show_streams", "-count_frames")["streams"]
    assert [stream["codec_name"] for stream in streams] == ["h264", "aac"]
    assert int(streams[0]["nb_read_frames"]) == 75
    assert abs(float(streams[1]["duration"]) - 3.0) < 0.05
    head = path.read_bytes()
    assert head.index(b"moov") < head.index(b"mdat")


def test_filled_pictures_are_black_and_the_others_are_not(units, tmp_path):
    path = made(units, Plan(0, 6000, fill=(Span(2000, 4000),)), tmp_path / "copy.mp4")
    peak = brightest_each_frame(path)
    assert len(peak) == 150
    assert peak[50:100].max() <= 20  # black is 16; the decoder's rounding may add a little
    assert peak[:50].min() > 30
    assert peak[100:].min() > 30


def test_removed_sound_is_exact_zeros_and_the_rest_is_heard(units, tmp_path):
    samples = sound_of(made(units, Plan(0, 6000, silence=(Span(2000, 3000),)), tmp_path / "copy.mp4"))
    assert np.abs(samples[2 * RATE : 3 * RATE]).max() == 0.0
    assert np.abs(samples[:RATE]).max() > 0.05
    assert np.abs(samples[4 * RATE : 5 * RATE]).max() > 0.05


def test_dropped_sound_leaves_no_track(units, tmp_path):
    path = made(units, Plan(0, 6000, drop_sound=True), tmp_path / "copy.mp4")
    assert [each["codec_type"] for each in probe(path, "-show_streams")["streams"]] == ["video"]


def test_no_packet_of_the_recording_and_no_tag_is_in_the_copy(units, tmp_path):
    original = tmp_path / "original.mp4"
    original.write_bytes(b"".join(units))
    path = made(units, Plan(0, 6000), tmp_path / "copy.mp4")
    hashes = ("-show_packets", "-show_data_hash", "sha256", "-show_entries", "packet=data_hash,codec_type")
    before = {each["data_hash"] for each in probe(original, *hashes)["packets"] if each["codec_type"] == "video"}
    after = {each["data_hash"] for each in probe(path, *hashes)["packets"] if each["codec_type"] == "video"}
    assert before
    assert not before & after
    shown = probe(path, "-show_format", "-show_streams", "-show_chapters")
    assert set(shown["format"].get("tags", {})) <= {"major_brand", "minor_version", "compatible_brands"}
    assert not shown["chapters"]
    for stream in shown["streams"]:
        assert set(stream.get("tags", {})) <= {"language", "handler_name", "vendor_id"}


def test_a_recording_without_sound_can_be_released(tmp_path):
    silent = [unit.data for unit in BoxCutter().write(encode(fps=25, seconds=2, b_frames=False, sound=False))]
    path = made(silent, Plan(0, 2000), tmp_path / "copy.mp4")
    assert len(probe(path, "-show_streams")["streams"]) == 1


@pytest.mark.parametrize("bad", [[b""], [b"not a film at all" * 100]])
def test_what_is_no_film_is_said_to_be_none(bad):
    with pytest.raises(NoReleaseCopy), release_copy(bad, Plan(0, 1000)):
        pass


def test_a_plan_behind_the_end_makes_no_empty_copy(units):
    with pytest.raises(NoReleaseCopy), release_copy(units, Plan(60_000, 61_000)):
        pass


@pytest.mark.parametrize(
    "data", [{"from_ms": 5, "to_ms": 5}, {"from_ms": -1}, {"fill": [[3, 2]]}, {"fill": [["a", 2]]}, {"silence": [[1]]}]
)
def test_a_plan_that_cannot_be_carried_out_is_refused(data):
    with pytest.raises(BadPlan):
        Plan.from_json(data, duration_ms=6000)


def test_a_plan_comes_back_from_json_with_touching_spans_joined():
    plan = Plan.from_json({"fill": [[500, 900], [100, 500]], "drop_sound": True}, duration_ms=6000)
    assert plan == Plan(0, 6000, fill=(Span(100, 900),), drop_sound=True)
    assert Plan.from_json(plan.as_json(), duration_ms=6000) == plan


def test_the_scratch_file_holds_what_was_written_and_shows_none_of_it(tmp_path):
    with Scratch(tmp_path) as scratch:
        text = b"plain words " * (BLOCK_BYTES // 6)
        scratch.write(text)
        scratch.seek(5)
        scratch.write(b"CHANGED")
        scratch.seek(3 * BLOCK_BYTES)
        scratch.write(b"far")
        scratch._flush()
        scratch._file.seek(0)
        assert b"plain words" not in scratch._file.read()
        expected = bytearray(3 * BLOCK_BYTES) + b"far"
        expected[: len(text)] = text
        expected[5:12] = b"CHANGED"
        assert b"".join(scratch.chunks(1000)) == bytes(expected)
