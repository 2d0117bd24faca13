"""Cutting what a muxer writes; ffprobe says whether the pieces are whole and the times are right."""

import contextlib
import json
import shutil
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openbwv import recording as r

MOVFLAGS = "frag_keyframe+empty_moov+default_base_moof"


def encode(tmp, *, rate="25", audio=True, movflags=MOVFLAGS):
    sound = ["-f", "lavfi", "-i", "sine=r=48000:d=4", "-c:a", "aac"] if audio else []
    command = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", f"testsrc2=s=160x120:r={rate}:d=4", *sound]
    command += ["-c:v", "libx264", "-preset", "ultrafast", "-g", rate, "-movflags", movflags, "-f", "mp4", "-"]
    return subprocess.run(command, capture_output=True, check=True, cwd=tmp).stdout


@pytest.fixture(scope="module")
def stream(tmp_path_factory):
    return encode(tmp_path_factory.mktemp("mp4"))


@pytest.fixture(scope="module")
def units(stream):
    return r.BoxCutter().write(stream)


def probe(data, *what):
    command = ["ffprobe", "-v", "error", "-of", "json", *what, "-"]
    return json.loads(subprocess.run(command, input=data, capture_output=True, check=True).stdout)


def test_the_units_are_the_stream(stream, units):
    joined = b"".join(unit.data for unit in units)
    assert units[0].init
    assert not any(unit.init for unit in units[1:])
    assert len(units) == 5
    assert stream.startswith(joined)
    assert stream[len(joined) :][4:8] == b"mfra", "only the seek index is left out"


@given(st.lists(st.integers(1, 5000), max_size=50))
@settings(max_examples=15)
def test_the_pieces_a_muxer_writes_do_not_matter(sizes):
    data, cutter, found, position = SAMPLE.data, r.BoxCutter(), [], 0
    for size in [*sizes, len(data)]:
        found += cutter.write(data[position : position + size])
        position += size
    assert found == SAMPLE.units
    assert cutter.waiting_bytes == 0


class _Sample:
    data: bytes
    units: list


SAMPLE = _Sample()


@pytest.fixture(scope="module", autouse=True)
def _sample(stream, units):
    SAMPLE.data, SAMPLE.units = stream, units


def test_ffprobe_agrees_on_tracks(stream, units):
    found = {track.track: track for track in r.track_info(units[0].data)}
    for number, shown in enumerate(probe(stream, "-show_streams")["streams"], 1):
        assert found[number].handler == {"video": "vide", "audio": "soun"}[shown["codec_type"]]
        assert found[number].sample_entry == shown["codec_tag_string"]
        assert found[number].timescale == int(shown["time_base"].split("/")[1])


@pytest.mark.parametrize(("rate", "audio"), [("25", True), ("30", True), ("30000/1001", False)])
def test_ffprobe_agrees_on_times(rate, audio, tmp_path):
    whole = r.BoxCutter().write(encode(tmp_path, rate=rate, audio=audio))
    infos = r.track_info(whole[0].data)
    ends = {}
    for unit in whole[1:]:
        packets = probe(whole[0].data + unit.data, "-ignore_editlist", "1", "-show_packets")["packets"]
        for track, start, duration in r.fragment_times(unit.data, infos):
            mine = [packet for packet in packets if packet["stream_index"] == track - 1]
            assert int(mine[0]["dts"]) == start
            if unit is not whole[-1]:  # ffprobe guesses how long the very last sample lasts
                assert int(mine[-1]["dts"]) + int(mine[-1]["duration"]) - int(mine[0]["dts"]) == duration
            assert ends.get(track, 0) == start
            ends[track] = start + duration
    assert len(ends) == (2 if audio else 1)


def test_every_fragment_plays_after_its_init(units):
    for unit in units[1:]:
        assert len(probe(units[0].data + unit.data, "-show_frames", "-select_streams", "v")["frames"]) == 25


@pytest.mark.parametrize("movflags", ["faststart", "frag_every_frame+empty_moov"])
def test_other_layouts_are_either_cut_or_refused(movflags, tmp_path):
    with contextlib.suppress(r.MediaError):
        found = r.BoxCutter().write(encode_file(tmp_path, movflags))
        assert found[0].init


def encode_file(tmp_path, movflags):
    path = tmp_path / "out.mp4"
    command = [
        "ffmpeg",
        "-v",
        "error",
        "-f",
        "lavfi",
        "-i",
        "testsrc2=s=64x64:r=5:d=1",
        "-movflags",
        movflags,
        str(path),
    ]
    subprocess.run(command, check=True)
    return path.read_bytes()


def test_media_before_the_init_unit_is_refused(units):
    with pytest.raises(r.MediaError):
        r.BoxCutter().write(units[1].data)


@given(st.data())
@settings(max_examples=150)
def test_damaged_units_are_one_kind_of_error(data):
    unit = data.draw(st.sampled_from(SAMPLE.units[:2]))
    changed = bytearray(unit.data[:2000])
    for _ in range(data.draw(st.integers(1, 3))):
        where = data.draw(st.integers(0, len(changed) - 1))
        changed[where] = data.draw(st.integers(0, 255))
    changed = changed[: data.draw(st.integers(0, len(changed)))]
    with contextlib.suppress(r.MediaError):
        r.track_info(bytes(changed))
    with contextlib.suppress(r.MediaError):
        r.fragment_times(bytes(changed))


def test_the_judges_are_here():
    assert shutil.which("ffmpeg")
    assert shutil.which("ffprobe")
