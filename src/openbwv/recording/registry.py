"""Every code of the recording format, each an integer with one meaning for ever.

Numbers are never reused; docs/ref/recording-format.md shows the same tables, and a test compares them. Codes that are
not listed are refused, but for kinds of events and categories from 64 up, which are another maker's: kept, and given no
meaning here.
"""

from dataclasses import dataclass
from enum import IntEnum, IntFlag

FORMAT_VERSION = 1
FIRST_PRIVATE = 64


class EntryType(IntEnum):
    """What an entry is."""

    OPEN = 0
    FRAG = 1
    EVENT = 2
    CLOSE = 3
    JOURNAL = 4


class FragFlag(IntFlag):
    """What is special about a fragment."""

    PRE = 1
    MUTED = 2
    INIT = 4
    AFTER_DROP = 8


class EventKind(IntEnum):
    """What happened. Kinds from 32 up stand in the device journal only."""

    MUTE_ON = 1
    MUTE_OFF = 2
    CLOCK_SYNC = 3
    MARKER = 4
    CATEGORY = 5
    PEOPLE_TOLD = 6
    SIGNAL = 7
    DROP = 8
    THERMAL = 9
    STORAGE = 10
    BATTERY = 11
    TAMPER = 12
    LIVE_VIEW = 13
    PROFILE = 14
    BOOT = 32
    HEARTBEAT = 33
    POWER = 34
    SLEEP = 35
    WAKE = 36
    LABEL = 37
    ASSIGNED = 38
    RECOVERED = 39
    WIPED = 40
    ALARM = 41


class Trigger(IntEnum):
    """What started the recording. SPLIT and CRASH_RESTART continue the recording before."""

    BUTTON = 1
    SIGNAL = 2
    REMOTE = 3
    SPLIT = 4
    CRASH_RESTART = 5


class CloseReason(IntEnum):
    """What ended the recording."""

    BUTTON = 1
    BATTERY = 2
    STORAGE = 3
    DOCK = 4
    SPLIT = 5
    RECOVERED = 6
    FAULT = 7
    SOURCE_ENDED = 8
    TIME_LIMIT = 9
    SHUTDOWN = 10


class MuteReason(IntEnum):
    """Why sound was muted."""

    PRIVACY = 1
    LEGAL_PRIVILEGE = 2
    MEDICAL = 3
    TACTICAL = 4
    POLICY = 5
    OTHER = 15


class ClockSource(IntEnum):
    """Where the camera's UTC comes from. NONE means: do not rely on it."""

    NONE = 0
    DOCK = 1
    GNSS = 2
    NETWORK = 3
    RTC = 4


class CameraMode(IntEnum):
    """What a camera is doing, as its journal says it. In RECORDING and MUTED a recording is open."""

    OFF = 0
    BOOT = 1
    STANDBY = 2
    SLEEP = 3
    RECORDING = 4
    MUTED = 5
    STOPPING = 6
    DOCKED = 7
    ERROR = 8


class PowerReason(IntEnum):
    """Why a camera went into a mode, where the journal's POWER says it."""

    BY_HAND = 1
    BATTERY = 2
    SHUTDOWN = 3
    DOCK = 4
    FAULT = 5


class TrackKind(IntEnum):
    """What a track holds."""

    VIDEO = 1
    AUDIO = 2


class Container(IntEnum):
    """What a unit is: FMP4 = init (ftyp + moov), then moof + mdat. 2 is reserved for a WebM cluster."""

    FMP4 = 1


class Codec(IntEnum):
    """How a track is encoded. 2 (HEVC), 3 (AV1) and 17 (Opus) are reserved."""

    H264 = 1
    AAC = 16


class Kind(IntEnum):
    """What an assignment gives: a person, a pool of a unit, or nobody yet."""

    PERSON = 1
    UNIT = 2


@dataclass(frozen=True)
class Category:
    """A label for a recording. `code` stands in the format, the slug in commands and pages."""

    code: int
    title: str
    restricted: bool = False


CATEGORIES: dict[str, Category] = {
    "none": Category(0, "No category yet"),
    "non-evidential": Category(1, "Non-evidential"),
    "stop-and-search": Category(2, "Stop and search"),
    "arrest": Category(3, "Arrest"),
    "use-of-force": Category(4, "Use of force"),
    "traffic": Category(5, "Traffic"),
    "public-order": Category(6, "Public order"),
    "complaint": Category(7, "Complaint"),
    "training": Category(8, "Training"),
    "false-signal": Category(9, "Started by a false signal"),
    "other": Category(10, "Other"),
    "domestic-abuse": Category(32, "Domestic abuse", restricted=True),
    "sexual-offence": Category(33, "Sexual offence", restricted=True),
    "child": Category(34, "Child", restricted=True),
    "strip-search": Category(35, "Strip search", restricted=True),
    "medical": Category(36, "Medical", restricted=True),
    "inside-a-home": Category(37, "Inside a home", restricted=True),
}
SLUGS: dict[int, str] = {category.code: slug for slug, category in CATEGORIES.items()}
