"""What a camera records: size, rate, bit rate, and the times that policy sets."""

from dataclasses import dataclass
from typing import Any

from openbwv.camera.errors import BadOption

SAMPLE_RATE = 48_000
AUDIO_BIT_RATE = 64_000
VIDEO_TIMESCALE = 90_000


@dataclass(frozen=True)
class Picture:
    """Width and height in pixels, frames a second, bits a second."""

    name: str
    width: int
    height: int
    fps: int
    bit_rate: int

    @property
    def samples_per_frame(self) -> int:
        """Sound samples in the time of one picture; whole for 25 and 30 a second."""
        return SAMPLE_RATE // self.fps

    @property
    def units_per_frame(self) -> int:
        """Length of one picture in units of the video track."""
        return VIDEO_TIMESCALE // self.fps

    @property
    def bytes_per_second(self) -> int:
        """What a recording grows by, sound included."""
        return (self.bit_rate + AUDIO_BIT_RATE) // 8

    def frame_ns(self, index: int) -> int:
        """Return when picture `index` is due, in nanoseconds after the first."""
        return index * 1_000_000_000 // self.fps


PICTURES = {
    picture.name: picture
    for picture in (
        Picture("720p25", 1280, 720, 25, 3_000_000),
        Picture("1080p30", 1920, 1080, 30, 6_000_000),
        Picture("360p25", 640, 360, 25, 800_000),  # for simulated cameras and tests; not offered to a force
    )
}


@dataclass(frozen=True)
class Policy:
    """The times and permissions a force sets in the camera's profile; times in seconds."""

    picture: Picture
    pre_s: int = 30
    beep_s: int = 30
    split_s: int = 4 * 3600
    mute_allowed: bool = True
    record_unassigned: bool = True


def policy_from(profile: dict[str, Any], *, picture: str | None = None, pre_s: int | None = None) -> Policy:
    """Return the policy in a profile, with what the command line overrides; raises BadOption."""
    name = picture or str(profile.get("profile", "720p25"))
    if name not in PICTURES:
        raise BadOption(what=f"There is no picture profile '{name}'.", remedy=f"Use one of: {', '.join(PICTURES)}.")
    return Policy(
        picture=PICTURES[name],
        pre_s=_within("pre-event buffer", profile.get("pre_s", 30) if pre_s is None else pre_s, 0, 120),
        beep_s=_within("beep interval", profile.get("beep_s", 30), 5, 300),
        split_s=_within("length of a file", profile.get("split_s", 4 * 3600), 1, 24 * 3600),
        mute_allowed=bool(profile.get("mute_allowed", True)),
        record_unassigned=bool(profile.get("record_unassigned", True)),
    )


def _within(what: str, value: object, low: int, high: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise BadOption(
            what=f"The {what} cannot be {value!r} seconds.", remedy=f"Use a whole number from {low} to {high}."
        )
    return value
