"""`camera record`: one recording by a plan, without a person; for tests, demonstrations and measurements."""

import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from openbwv import recording as r
from openbwv.camera.app import Camera, Parts
from openbwv.camera.deck import Deck
from openbwv.camera.errors import SourceEnded
from openbwv.camera.guard import START_LEAST_BYTES, StorageGuard
from openbwv.camera.indicators import Indicator, Terminal
from openbwv.camera.machine import OPEN_STATES
from openbwv.camera.positions import Track, read_track
from openbwv.camera.profile import Policy, policy_from
from openbwv.camera.source import Source
from openbwv.camera.sources import open_source
from openbwv.camera.startup import Started, started_in
from openbwv.camera.store import Store
from openbwv.camera.timing import CameraClock, UnpacedClock
from openbwv.camera.writer import Writer


@dataclass(frozen=True)
class Plan:
    """What to record. Times are seconds from the press."""

    source: str
    seconds: float
    store: Path
    picture: str | None = None
    prebuffer_s: int | None = None
    mutes: list[tuple[float, float]] = field(default_factory=list)
    markers: list[float] = field(default_factory=list)
    told: list[float] = field(default_factory=list)
    category: int | None = None
    evidential: bool = False
    track: Path | None = None
    test_identity: bool = False
    loop: bool = False
    unpaced: bool = False
    sound: str | None = None
    as_json: bool = False


def id_time_ms(rec_id: bytes | None) -> int:
    """Return the milliseconds at the front of a recording's id (UUIDv7); 0 for None."""
    return int.from_bytes(rec_id[:6], "big") if rec_id else 0


class Pace:
    """Waits for the moments at which pictures are due; not paced, it moves the clock there instead."""

    def __init__(self, unpaced: UnpacedClock | None) -> None:
        self._unpaced = unpaced

    def until(self, mono_ns: int) -> None:
        """Wait until `mono_ns`."""
        if self._unpaced is not None:
            self._unpaced.move_to(mono_ns)
            return
        left_s = (mono_ns - time.monotonic_ns()) / 1e9
        if left_s > 0:
            time.sleep(left_s)


def record(plan: Plan) -> int:
    """Record by a plan; prints the folder last. Returns 0, or raises what the command then says."""
    with started_in(plan.store, test_identity=plan.test_identity) as started:
        pre_s = 30 if plan.prebuffer_s is None else plan.prebuffer_s
        out = sys.stderr
        for sentence in started.sentences:
            out.write(sentence + "\n")
        unpaced = None
        if plan.unpaced:  # what is made at once must not claim to reach into the future
            ago_s = plan.seconds + pre_s + 1
            after_ms = id_time_ms(started.store.counters().last_rec_id) + 1  # nor begin before the recording before it
            utc_ms = max(started.clock.own_utc_ms() - round(ago_s * 1000), after_ms)
            unpaced = UnpacedClock(utc_ms=utc_ms, mono_ns=started.clock.mono_ns())
        policy = policy_from(started.identity.profile, picture=plan.picture, pre_s=plan.prebuffer_s)
        camera, writer = make_camera(
            started,
            policy,
            Terminal(out),
            source=lambda: open_source(plan.source, policy.picture, loop=plan.loop, sound=plan.sound),
            unpaced=unpaced,
            track=read_track(plan.track) if plan.track else None,
        )
        try:
            _follow(camera, plan, policy)
            camera.note_off(r.PowerReason.SHUTDOWN)
        finally:
            writer.stop()
        if camera.failure is not None and camera.last_folder is None:
            raise camera.failure
        _print(camera, plan)
        if camera.failure is not None:
            raise camera.failure
    return 0


def make_camera(
    started: Started,
    policy: Policy,
    indicator: Indicator,
    *,
    source: Callable[[], Source],
    unpaced: UnpacedClock | None = None,
    track: Track | None = None,
) -> tuple[Camera, Writer]:
    """Put a camera together from what start-up found."""
    clock = CameraClock(unpaced, started.identity.sync) if unpaced else started.clock
    writer = Writer(wait_when_full=unpaced is not None)

    def make_deck() -> Deck:
        return Deck(
            store=started.store,
            identity=started.identity,
            policy=policy,
            clock=clock,
            writer=writer,
            boots=started.boots,
            track=track,
            reserve=started.reserve,
        )

    parts = Parts(
        policy=policy,
        clock=clock,
        writer=writer,
        journal=started.journal,
        indicator=indicator,
        guard=StorageGuard(policy.picture.bytes_per_second, START_LEAST_BYTES),
        store_path=started.store.path,
        make_deck=make_deck,
        open_source=source,
        pace=Pace(unpaced).until,
        may_start=lambda: policy.record_unassigned or started.identity.assignment is not None,
    )
    return Camera(parts), writer


def _follow(camera: Camera, plan: Plan, policy: Policy) -> None:
    fps = policy.picture.fps
    camera.power_on()
    for _ in range(policy.pre_s * fps):
        camera.step()
        if camera.source_over:
            raise SourceEnded(
                what=f"The source {plan.source} ended before the pre-event buffer of {policy.pre_s} s was full.",
                remedy="Use a longer source, a smaller --prebuffer, or --loop.",
            )
    camera.must("start")
    deeds = _deeds(camera, plan, fps)
    for number in range(round(plan.seconds * fps)):
        for deed in deeds.get(number, []):
            deed()
        camera.step()
        if camera.state not in OPEN_STATES:
            break
    if camera.state in OPEN_STATES:
        while camera.deck is not None and camera.deck.busy:
            camera.step()
        if plan.category is not None or plan.evidential:
            camera.label(category=plan.category, evidential=plan.evidential)
        camera.must("stop")
    camera.finish()


def _deeds(camera: Camera, plan: Plan, fps: int) -> dict[int, list[Callable[[], None]]]:
    deeds: dict[int, list[Callable[[], None]]] = {}

    def at(seconds: float, deed: Callable[[], None]) -> None:
        deeds.setdefault(round(seconds * fps), []).append(deed)

    for begin, end in plan.mutes:
        at(begin, lambda: camera.mute(r.MuteReason.PRIVACY))
        at(end, lambda: camera.must("unmute"))
    for moment in plan.markers:
        at(moment, lambda: camera.must("marker"))
    for moment in plan.told:
        at(moment, lambda: camera.must("told"))
    return deeds


def _print(camera: Camera, plan: Plan) -> None:
    folder = camera.last_folder
    if plan.as_json:
        stored = Store(plan.store).read(bytes.fromhex(folder.name)) if folder else None
        facts = {
            "recording": str(folder),
            "rec_id": folder.name if folder else None,
            "closed": bool(stored and stored.closed),
            "fragments": len(stored.fragments) if stored else 0,
            "media_bytes": stored.media_bytes if stored else 0,
        }
        sys.stdout.write(json.dumps(facts) + "\n")
    sys.stdout.write(f"{folder}\n")
    sys.stdout.flush()
