"""The microphone on ALSA without a sound card: the PCM "null", and a PCM that plays a file."""

import os
import subprocess
import sys
import time
from pathlib import Path

import av
import numpy as np
import pytest

from openbwv.camera.errors import SourceMissing
from openbwv.camera.microphone import LONGEST_WAITING, Microphone, open_microphone
from openbwv.camera.profile import PICTURES, SAMPLE_RATE
from openbwv.camera.v4l2 import Device

ALSA = Path("/usr/share/alsa/alsa.conf")
needs_alsa = pytest.mark.skipif(not ALSA.exists(), reason="needs Debian's libasound2-data")
PICTURE = PICTURES["360p25"]


class Pattern(Device):
    """A device whose pictures are the test pattern; everything behind the V4L2 demuxer is as it is."""

    def _open(self):
        return av.open("testsrc2=size=640x360:rate=25,format=yuv420p", format="lavfi")


@needs_alsa
def test_the_null_device_gives_samples_and_never_piles_up():
    microphone = Microphone("null")
    try:
        time.sleep(0.5)
        assert 0 < microphone._waiting <= LONGEST_WAITING
        assert microphone.take(1920).size == 1920
    finally:
        microphone.close()


@needs_alsa
def test_what_the_microphone_hears_is_in_the_ticks_of_a_device(tmp_path):
    """A PCM of ALSA's own kind `file` plays half full scale into the capture; judged in another process."""
    (tmp_path / "tone.raw").write_bytes(np.full(SAMPLE_RATE * 60, 16384, np.int16).tobytes())
    (tmp_path / "asound.conf").write_text(
        f'<{ALSA}>\npcm.tone {{ type file slave.pcm null file /dev/null infile "{tmp_path}/tone.raw" format raw }}\n'
    )
    code = (
        "import itertools\n"
        "from tests.camera.test_microphone import PICTURE, Pattern\n"
        "device = Pattern('/dev/video0', PICTURE, sound='tone')\n"
        "ticks = list(itertools.islice(device.ticks(), 10))\n"
        "device.close()\n"
        "print(len({t.sound.size for t in ticks}), float(max(t.sound.max() for t in ticks)))\n"
    )
    environment = {**os.environ, "ALSA_CONFIG_PATH": str(tmp_path / "asound.conf")}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    sizes, loudest = done.stdout.split()
    assert sizes == "1"
    assert float(loudest) == pytest.approx(0.5, abs=0.01)


@needs_alsa
def test_a_microphone_that_is_not_there_is_named():
    with pytest.raises(SourceMissing, match=r"'hw:77'.*cannot be opened"):
        open_microphone("hw:77")


def test_without_a_microphone_a_device_gives_silence_and_says_so(monkeypatch, caplog):
    def missing(_name):
        raise SourceMissing(what="The microphone 'default' cannot be opened.", remedy="")

    monkeypatch.setattr("openbwv.camera.microphone.Microphone", missing)
    assert open_microphone("off") is None
    assert caplog.text == ""
    device = Pattern("/dev/video0", PICTURE)
    try:
        assert "goes on without sound" in caplog.text
        tick = next(device.ticks())
        assert tick.sound.size == PICTURE.samples_per_frame
        assert not tick.sound.any()
    finally:
        device.close()
