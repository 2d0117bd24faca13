"""The public part of events: which facts each kind carries, checked when written and when read.

Kinds not in the table carry any integer-keyed map. `mono_ns` in a mute event is the media clock's instant (m0 + t) of
the first sample concerned, not of the press.
"""

from typing import Any

from openbwv.recording.bodies import ClockState
from openbwv.recording.fields import MAX_UINT, Fields
from openbwv.recording.problems import FormatError
from openbwv.recording.registry import FIRST_PRIVATE, SLUGS, ClockSource, EventKind, MuteReason

UINT, SINT, BOOL, BYTES16, BYTES32, MUTE_CODE, CLOCK_CODE, CATEGORY_CODE, CLOCK = (
    "uint",
    "int",
    "bool",
    "bytes16",
    "bytes32",
    "mute reason",
    "clock source",
    "category",
    "clock",
)
CLOCK_KEY = 8  # where the journal's events of a camera's mode say what its clock showed
Rule = dict[int, tuple[str, bool]]  # key -> (type, compulsory)

PUBLIC: dict[int, Rule] = {
    EventKind.MUTE_ON: {1: (MUTE_CODE, True), 2: (UINT, True)},
    EventKind.MUTE_OFF: {2: (UINT, True)},
    EventKind.CLOCK_SYNC: {1: (UINT, True), 2: (UINT, True), 3: (UINT, True), 4: (CLOCK_CODE, True), 5: (UINT, True)},
    EventKind.MARKER: {1: (UINT, True)},
    EventKind.CATEGORY: {1: (CATEGORY_CODE, True), 2: (BOOL, True)},
    EventKind.PEOPLE_TOLD: {1: (UINT, True), 2: (UINT, True)},
    EventKind.SIGNAL: {1: (UINT, True)},
    EventKind.DROP: {1: (UINT, True), 2: (UINT, False)},
    EventKind.THERMAL: {1: (UINT, True), 2: (SINT, False)},
    EventKind.STORAGE: {1: (UINT, True), 2: (UINT, False)},
    EventKind.BATTERY: {1: (UINT, True)},
    EventKind.TAMPER: {1: (UINT, True)},
    EventKind.LIVE_VIEW: {1: (BOOL, True)},
    EventKind.PROFILE: {1: (BYTES32, True)},
    EventKind.BOOT: {1: (UINT, True), 2: (UINT, False), CLOCK_KEY: (CLOCK, False)},
    EventKind.HEARTBEAT: {1: (UINT, True), 2: (UINT, False), 3: (UINT, False), CLOCK_KEY: (CLOCK, False)},
    EventKind.POWER: {1: (UINT, True), 2: (UINT, False), CLOCK_KEY: (CLOCK, False)},
    EventKind.SLEEP: {1: (UINT, False), CLOCK_KEY: (CLOCK, False)},
    EventKind.WAKE: {1: (UINT, False), CLOCK_KEY: (CLOCK, False)},
    EventKind.LABEL: {1: (BYTES16, True), 2: (CATEGORY_CODE, True), 3: (BOOL, True)},
    EventKind.ASSIGNED: {1: (BYTES16, True), 2: (UINT, True), 3: (UINT, True)},
    EventKind.RECOVERED: {1: (BYTES16, True), 2: (UINT, True), 3: (UINT, True)},
    EventKind.WIPED: {1: (BYTES16, True), 2: (BYTES32, True)},
    EventKind.ALARM: {1: (UINT, True)},
}
SHARED = {
    EventKind.CLOCK_SYNC,
    EventKind.THERMAL,
    EventKind.STORAGE,
    EventKind.BATTERY,
    EventKind.TAMPER,
    EventKind.PROFILE,
    EventKind.MUTE_ON,
    EventKind.MUTE_OFF,
    EventKind.SIGNAL,
}


def check_public(kind: int, public: dict[int, Any], *, in_journal: bool) -> None:
    """Check the public part of an event; raises FormatError."""
    if kind >= FIRST_PRIVATE:
        return
    known = EventKind(kind)
    if known not in SHARED and (known >= EventKind.BOOT) != in_journal:
        place = "a journal" if in_journal else "a recording"
        raise FormatError(f"An event of kind {known.name} does not belong in {place}.")
    f = Fields(public, f"public part of {known.name}")
    for key, (wanted, compulsory) in PUBLIC[known].items():
        if compulsory or f.has(key):
            _check(f, key, wanted)
    f.done()


def _check(f: Fields, key: int, wanted: str) -> None:
    if wanted == UINT:
        f.uint(key)
    elif wanted == BOOL:
        f.flag(key)
    elif wanted in (BYTES16, BYTES32):
        f.octets(key, 16 if wanted == BYTES16 else 32)
    elif wanted == MUTE_CODE:
        f.code(key, MuteReason)
    elif wanted == CLOCK_CODE:
        f.code(key, ClockSource)
    elif wanted == CLOCK:
        ClockState.from_row(f.array(key), "an event")
    elif wanted == CATEGORY_CODE:
        if f.uint(key) not in SLUGS and f.uint(key) < FIRST_PRIVATE:
            raise FormatError(f"The category code {f.uint(key)} is unknown.")
    elif type(f.value(key)) is not int or not -MAX_UINT - 1 <= f.value(key) <= MAX_UINT:
        raise FormatError(f"An event needs an integer of 64 bits under key {key}.")
