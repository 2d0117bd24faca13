"""Which source a name stands for: the test pattern, a V4L2 device, or a media file."""

from openbwv.camera.profile import Picture
from openbwv.camera.source import Media, Source
from openbwv.camera.v4l2 import Device

SOUND_HELP = "a device's microphone: default, off, or an ALSA name such as hw:1"


def open_source(name: str, picture: Picture, *, loop: bool, sound: str | None = None) -> Source:
    """Open a source; raises SourceMissing. `loop` begins a file again at its end; `sound` is a device's microphone."""
    if name.startswith("/dev/"):
        return Device(name, picture, sound=sound)
    return Media(name, picture, loop=loop)
