"""A camera that signs whatever it likes: recordings whose last entry was changed at random, and signed anew."""

import random
from typing import Any

from openbwv import recording as r
from tests.recording.factory import SECOND, resign

VALUES: list[Any] = [
    0, 1, 2, 3, 5, 16, 63, 64, 100, 2**31, 2**32, 2**63 - 1, 2**63, 2**64 - 1, -1, -(2**63), -(2**63) - 1, True, False,
    None, b"", bytes(16), bytes(32), bytes(64), "", "x", [], [1], [1, 2, 3], [[1, 2, 3]], {}, {1: 1}, {64: 1}, {"a": 1},
]  # fmt: skip
KEYS = [0, 1, 2, 4, 6, 7, 9, 15, 40, 63, 64, 2**63]
STEPS = [-(10**9), -1000, -1, 1, 1000, 10**9]


def recording(camera, chance: random.Random) -> tuple[list[bytes], list[bytes]]:
    """Return the entries and media of a recording that breaks off after a changed entry."""
    builder, rec = camera.start(pre_ms=chance.choice([0, 5000]))
    camera.add(builder, rec, 0)
    at = camera.mono_ns + SECOND
    events = [
        (r.EventKind.MUTE_ON, {1: 1, 2: at}), (r.EventKind.CLOCK_SYNC, {1: 1, 2: 2, 3: 3, 4: 1, 5: 6}),
        (r.EventKind.CATEGORY, {1: 3, 2: True}), (r.EventKind.DROP, {1: 1}), (r.EventKind.THERMAL, {1: 1, 2: -4}),
        (r.EventKind.PROFILE, {1: bytes(32)}), (r.EventKind.LIVE_VIEW, {1: True}), (70, {1: "x"}),
    ]  # fmt: skip
    kind, public = chance.choice(events)
    rec.entries.append(builder.event(kind, mono_ns=at, public=public))
    camera.add(builder, rec, 1, flags=chance.choice([0, 2]))
    camera.add(builder, rec, 2)
    camera.finish(builder, rec)
    last = chance.randrange(len(rec.entries))
    covered = sum(r.parse_entry(entry).type == r.EntryType.FRAG for entry in rec.entries[: last + 1])
    changed = resign(rec.entries[last], camera.signer, lambda payload: _change(payload, chance))
    return [*rec.entries[:last], changed], rec.media[:covered]


def _change(payload: dict[int, Any], chance: random.Random) -> None:
    *way, key = chance.choice([path for path in _paths(payload) if path])
    holder: Any = payload
    for step in way:
        holder = holder[step]
    value, deed = holder[key], chance.choice(["replace", "replace", "step", "delete", "add"])
    if deed == "delete":
        del holder[key]
    elif deed == "step" and type(value) is int:
        holder[key] = value + chance.choice(STEPS)
    elif deed == "add" and isinstance(value, dict):
        value[chance.choice(KEYS)] = chance.choice(VALUES)
    elif deed == "add" and isinstance(value, list):
        value.append(value[0] if value and chance.random() < 0.5 else chance.choice(VALUES))
    else:
        holder[key] = chance.choice(VALUES)


def _paths(value: Any, path: tuple[Any, ...] = ()):
    yield path
    if isinstance(value, dict | list):
        for key in value if isinstance(value, dict) else range(len(value)):
            yield from _paths(value[key], (*path, key))
