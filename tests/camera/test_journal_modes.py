"""The journal says every change of a camera's mode, with what its clock showed; a full disk for it stops nothing."""

from types import SimpleNamespace

import pytest

from openbwv import recording as r
from openbwv.camera import layout
from openbwv.camera.app import Camera, Parts
from openbwv.camera.guard import StorageGuard
from openbwv.camera.journal import Journal
from openbwv.camera.machine import State
from openbwv.camera.store import Store
from openbwv.recording.events import CLOCK_KEY
from openbwv.shared import durable
from openbwv.shared.durable import DiskFull
from tests.camera import studio
from tests.recording.factory import Agency

M, P, E = r.CameraMode, r.PowerReason, r.EventKind


class Word:
    """The journal's part in a camera: keeps what it is told."""

    def __init__(self, order, *, full=False):
        self.order, self.full = order, full

    def event(self, kind, *, public=None):
        if self.full:
            raise DiskFull(what="The disk is full.", remedy="-")
        self.order.append((kind.name, tuple((public or {}).values())))

    def mode(self, mode, reason=None):
        self.event(E.POWER, public={1: mode, 2: reason})


def camera_of(tmp_path, order, **more):
    said = []
    parts = Parts(
        policy=SimpleNamespace(picture=SimpleNamespace(fps=25), pre_s=0),
        clock=SimpleNamespace(mono_ns=lambda: 0),
        writer=SimpleNamespace(idle=True, failure=None, drain=lambda: None),
        journal=Word(order, **more),
        indicator=SimpleNamespace(show=lambda *_, **__: None, say=said.append, sound=lambda _: None),
        guard=StorageGuard(1, 0),
        store_path=tmp_path,
        make_deck=lambda: SimpleNamespace(set_zero=lambda _: None, recorded_s=0, busy=False),
        open_source=lambda: SimpleNamespace(ticks=lambda: iter(()), close=lambda: None),
        pace=lambda _: None,
        free=lambda _: 1 << 40,
        offload=lambda: order.append("offload"),
    )
    return Camera(parts), said


def test_every_change_of_mode_is_noted_and_docking_before_it_begins(tmp_path):
    order = []
    camera, _ = camera_of(tmp_path, order)
    camera.power_on()
    for event in ("sleep", "wake", "dock", "undock", "fault", "power_off"):
        assert camera.event(event), event
    camera.note_off(P.SHUTDOWN)  # it is off: that was said
    assert order == [
        ("POWER", (M.STANDBY, None)),
        ("SLEEP", ()),
        ("WAKE", ()),
        ("POWER", (M.DOCKED, P.DOCK)),
        "offload",
        ("POWER", (M.STANDBY, None)),
        ("POWER", (M.ERROR, P.FAULT)),
        ("POWER", (M.OFF, P.BY_HAND)),
    ]


@pytest.mark.parametrize("reason", [P.BY_HAND, P.SHUTDOWN])
def test_a_camera_that_ends_standing_by_says_that_it_goes_off(tmp_path, reason):
    order = []
    camera, _ = camera_of(tmp_path, order)
    camera.power_on()
    camera.note_off(reason)
    assert order[-1] == ("POWER", (M.OFF, reason))


def test_a_journal_that_cannot_be_written_is_said_and_stops_nothing(tmp_path):
    camera, said = camera_of(tmp_path, [], full=True)
    camera.power_on()
    assert camera.event("dock")
    assert camera.state == State.DOCKED
    camera.note_off(P.BY_HAND)
    assert [text for text in said if "The journal was not written." in text] == said
    assert len(said) == 3


def test_after_a_write_that_failed_the_chain_goes_on_where_it_stands(tmp_path, monkeypatch):
    maker = Agency().camera()
    journal = Journal(Store(tmp_path), maker.signer, list(maker.chain), mono_ns=lambda: 5, utc_ms=lambda: 10**12)
    journal.start(1)
    with monkeypatch.context() as patch:
        patch.setattr(durable, "_write_all", _full)
        with pytest.raises(DiskFull):
            journal.mode(M.STANDBY)
    journal.mode(M.DOCKED, P.DOCK)
    reader = r.JournalReader()
    entries = reader.feed((tmp_path / layout.JOURNAL).read_bytes())
    assert [entry.seq for entry in entries] == [0, 1, 2]
    assert (entries[2].body.public[1], journal.position()) == (M.DOCKED, (entries[0].rec_id, 3, reader.tail))


def _full(_descriptor, _data):
    raise OSError(28, "No space left on device")


def test_a_recording_by_a_plan_leaves_a_journal_that_says_when_it_was_on(tmp_path):
    studio.record(tmp_path, seconds=1)
    entries = r.JournalReader().feed((tmp_path / layout.JOURNAL).read_bytes())[1:]
    modes = [entry.body.public[1] for entry in entries if entry.body.kind == E.POWER]
    assert modes == [M.STANDBY, M.STANDBY, M.OFF]  # before the recording, after it, and the end
    clocks = [entry.body.public[CLOCK_KEY] for entry in entries]
    assert all(r.ClockState.from_row(clock, "a test").utc_ms > 10**12 for clock in clocks)
