"""A camera's time comes from the dock: kept as an offset with its uncertainty, a step stands in the journal."""

import json
import threading

import pytest

from openbwv import recording as r
from openbwv.camera.identity import load_identity
from openbwv.camera.journal import Journal
from openbwv.camera.offload import offload_once
from openbwv.camera.store import Store
from openbwv.camera.timing import CameraClock
from openbwv.shared.clock import SystemClock
from tests.dock.devices import page
from tests.dock.test_enrol import HARPER, start_enrol, waiting_session
from tests.dock.test_offload import folder, party  # noqa: F401  fixtures

HOUR_MS = 3_600_000
NEAR_MS = 2000


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
            offload_once(
                store=store, identity=identity, journal=journal, dock_url=server.url, clock=clock,
                told=lambda _text: None, stop=threading.Event(),
            )  # fmt: skip
            kept = json.loads((folder / "identity" / "clock.json").read_text())
            assert kept["offset_ms"] == pytest.approx(HOUR_MS, abs=NEAR_MS)
            state = clock.state()
            assert state.source == r.ClockSource.DOCK
            assert state.utc_ms == pytest.approx(SystemClock().utc_ms(), abs=NEAR_MS)
            assert 0 < state.uncertainty_ms < NEAR_MS
    [step] = syncs(folder)
    assert step[3] - step[2] == pytest.approx(HOUR_MS, abs=NEAR_MS)
    assert step[4] == r.ClockSource.DOCK


def test_enrolment_sets_the_clock_by_the_round_trip(force, server, dock, tmp_path):
    process = start_enrol(dock, tmp_path / "camera")
    process.stdout.readline()
    page(dock, f"/enrol/{waiting_session(dock)}", **HARPER)
    assert process.wait(20) == 0, process.stderr.read()
    identity = load_identity(tmp_path / "camera" / "identity", utc_ms=SystemClock().utc_ms())
    assert abs(identity.sync.offset_ms) < NEAR_MS
    assert 0 < identity.sync.uncertainty_ms < 1000
    assert CameraClock(SystemClock(), identity.sync).state().source == r.ClockSource.DOCK
