"""A camera's time comes from the dock: kept as an offset with its uncertainty, a step stands in the journal."""

import json
import threading
import time
from types import SimpleNamespace

from openbwv import recording as r
from openbwv.camera.docking import Docking
from openbwv.camera.homecoming import Homecoming
from openbwv.camera.identity import load_identity
from openbwv.camera.journal import Journal
from openbwv.camera.offload import offload_once
from openbwv.camera.store import Store
from openbwv.camera.timing import CameraClock, Sync
from openbwv.shared.clock import FixedClock, SystemClock
from openbwv.shared.door import Hello, Welcome
from tests.dock.devices import page
from tests.dock.test_enrol import HARPER, start_enrol, waiting_session
from tests.dock.test_offload import folder, party  # noqa: F401  fixtures

HOUR_MS = 3_600_000
ROUNDING_MS = 2  # each of the clocks is read in whole milliseconds


class SlowClock(SystemClock):
    """A camera's own clock that is an hour behind."""

    def utc_ms(self):
        return super().utc_ms() - HOUR_MS


def syncs(store):
    entries = r.JournalReader().feed((store / "journal.cbor").read_bytes())
    return [e.body.public for e in entries if getattr(e.body, "kind", None) == r.EventKind.CLOCK_SYNC]


def test_every_visit_measures_against_the_cameras_own_clock_and_a_step_is_in_the_journal(force, server, folder):  # noqa: F811
    """The running camera docks twice with one clock: the second visit must not take the first one's offset away."""
    identity = load_identity(folder / "identity", utc_ms=SystemClock().utc_ms())
    clock = CameraClock(SlowClock(), identity.sync)
    assert clock.state().source == r.ClockSource.NONE
    with Store(folder).locked() as store:
        journal = Journal(store, identity.signer, identity.chain, mono_ns=clock.mono_ns, utc_ms=clock.utc_ms)
        journal.start(1)
        for _ in range(2):
            began_ns = time.monotonic_ns()
            docking = Docking(
                store=store, identity=identity, journal=journal, dock_url=server.url, clock=clock,
                told=lambda _text: None, stop=threading.Event(),
            )  # fmt: skip
            offload_once(docking)
            took_ms = (time.monotonic_ns() - began_ns) // 1_000_000
            kept = json.loads((folder / "identity" / "clock.json").read_text())
            assert abs(kept["offset_ms"] - HOUR_MS) <= kept["uncertainty_ms"] + ROUNDING_MS
            assert 0 < kept["uncertainty_ms"] <= took_ms // 2 + ROUNDING_MS
            before_ms, state, after_ms = SystemClock().utc_ms(), clock.state(), SystemClock().utc_ms()
            assert state.source == r.ClockSource.DOCK
            assert before_ms - state.uncertainty_ms <= state.utc_ms <= after_ms + state.uncertainty_ms
    [step] = syncs(folder)
    assert abs(step[3] - step[2] - HOUR_MS) <= step[5] + ROUNDING_MS
    assert step[4] == r.ClockSource.DOCK


def test_enrolment_sets_the_clock_by_the_round_trip(force, server, dock, tmp_path):
    began_ns = time.monotonic_ns()
    process = start_enrol(dock, tmp_path / "camera")
    process.stdout.readline()
    page(dock, f"/enrol/{waiting_session(dock)}", **HARPER)
    assert process.wait(120) == 0, process.stderr.read()
    took_ms = (time.monotonic_ns() - began_ns) // 1_000_000
    identity = load_identity(tmp_path / "camera" / "identity", utc_ms=SystemClock().utc_ms())
    assert abs(identity.sync.offset_ms) <= identity.sync.uncertainty_ms + ROUNDING_MS
    assert 0 < identity.sync.uncertainty_ms <= took_ms // 2
    assert CameraClock(SystemClock(), identity.sync).state().source == r.ClockSource.DOCK


def visit(camera, clock, *, dock_ms, began_ns):
    """Let a camera with `clock` hear a dock's time that it asked for at `began_ns`, and take it home."""
    home = Homecoming(load_identity(camera / "identity", utc_ms=clock.own_utc_ms()), clock, lambda _text: None)
    home.hear(Hello(time_ms=dock_ms, nonce=bytes(32), door="Lewisham-1", checkpoint=None))
    home.take(SimpleNamespace(hello_began_ns=began_ns), Welcome(token=""))
    return home.step


def test_time_that_a_slow_disk_takes_is_no_step_of_the_clock(folder, monkeypatch):  # noqa: F811
    own = FixedClock(SystemClock().utc_ms())
    clock = CameraClock(own, None)
    monkeypatch.setattr(Sync, "keep", lambda _sync, _folder: own.advance(5_000))
    assert visit(folder, clock, dock_ms=own.utc_ms() + HOUR_MS, began_ns=time.monotonic_ns()) is not None
    for _ in range(3):
        assert visit(folder, clock, dock_ms=own.utc_ms() + HOUR_MS, began_ns=time.monotonic_ns()) is None
    assert visit(folder, clock, dock_ms=own.utc_ms() + 2 * HOUR_MS, began_ns=time.monotonic_ns()) is not None


def test_what_passes_before_the_own_clock_is_read_counts_as_uncertainty(folder):  # noqa: F811
    clock = CameraClock(FixedClock(SystemClock().utc_ms()), None)
    visit(folder, clock, dock_ms=SystemClock().utc_ms(), began_ns=time.monotonic_ns() - 3_000_000_000)
    assert clock.state().uncertainty_ms >= 1500
