"""A disk that fills or fails at any write, a medium that is too slow, a start without room."""

import errno

import pytest

from openbwv import recording as r
from openbwv.camera import layout, record
from openbwv.camera.disk import Disk, Reserve
from openbwv.camera.draft import Draft
from openbwv.camera.errors import StorageLow, StorageTooSlow
from openbwv.camera.indicators import Remembering
from openbwv.camera.machine import State
from openbwv.camera.profile import policy_from
from openbwv.camera.recovery import recover_store
from openbwv.camera.source import Media
from openbwv.camera.startup import start_up
from openbwv.camera.store import Store
from openbwv.camera.timing import UnpacedClock
from openbwv.camera.writer import Writer
from openbwv.shared.clock import SystemClock
from openbwv.shared.durable import DiskFull, as_write_error
from tests.camera import studio


class FullAfter(Disk):
    """The real disk, full from the nth append on; giving the reserve up makes room for `spare` more."""

    def __init__(self, appends, *, spare=0, reserve=None):
        self.left, self.spare, self.reserve, self.given = appends, spare, reserve, False

    def append(self, handle, data, path):
        self.left -= 1
        if self.left < 0:
            if self.reserve is not None and not self.given and not self.reserve._path.stat().st_size:
                self.given, self.left = True, self.spare
            else:
                raise as_write_error(OSError(errno.ENOSPC, "No space left on device"), path)
        super().append(handle, data, path)


@pytest.fixture
def started(tmp_path):
    store = Store(tmp_path / "store")
    with store.locked():
        yield start_up(store, SystemClock(), test_identity=True)


def camera_with(started, monkeypatch, disk, *, seconds=8):
    """Run a camera on a disk; returns it after at most `seconds`."""
    monkeypatch.setattr(Draft, "__init__", _with_disk(Draft.__init__, disk))
    policy = policy_from({}, picture="360p25", pre_s=1)
    clock = SystemClock()
    camera, writer = record.make_camera(
        started,
        policy,
        Remembering(),
        source=lambda: Media("testsrc2", policy.picture),
        unpaced=UnpacedClock(utc_ms=clock.utc_ms(), mono_ns=clock.mono_ns()),
    )
    camera.power_on()
    for _ in range(30):
        camera.step()
    camera.must("start")
    for _ in range(seconds * 25):
        camera.step()
        if camera.state == State.ERROR:
            break
        writer.drain()
    if camera.state == State.RECORDING:
        camera.must("stop")
        camera.finish()
    writer.stop()
    return camera


def _with_disk(init, disk):
    def make(self, store, **options):
        init(self, store, **(options | {"disk": disk}))

    return make


@pytest.mark.parametrize("appends", range(12))
def test_a_disk_full_at_each_write_loses_nothing_that_was_signed(started, monkeypatch, appends):
    camera = camera_with(started, monkeypatch, FullAfter(appends))
    assert camera.state == State.ERROR
    assert camera.failure.code == "disk-full"
    assert "alarm" in camera.parts.indicator.sounds
    recover_store(started.store.path, signer=started.identity.signer, bt=started.boots + 1, mono_ns=1)
    for rec_id in started.store.rec_ids():
        verdict = studio.verdict(started.store.folder(rec_id))
        assert (verdict.verdict, verdict.closed) == ("genuine", True)


@pytest.mark.parametrize("appends", [4, 7, 8])
def test_the_reserve_lets_a_full_disk_end_in_a_clean_close(started, monkeypatch, appends):
    disk = FullAfter(appends, spare=50, reserve=started.reserve)
    camera = camera_with(started, monkeypatch, disk)
    assert camera.state == State.ERROR
    folder = camera.last_folder
    assert studio.entries(folder)[-1].body.why == r.CloseReason.STORAGE
    assert studio.verdict(folder).verdict == "genuine"


def test_a_start_without_room_is_refused_and_says_how_to_mend_it(started):
    policy = policy_from({}, picture="360p25", pre_s=0)
    camera, writer = record.make_camera(
        started, policy, Remembering(), source=lambda: Media("testsrc2", policy.picture)
    )
    camera.parts.free = lambda _: 5 << 20
    camera.power_on()
    with pytest.raises(StorageLow, match="Dock the camera"):
        camera.must("start")
    assert camera.state == State.STANDBY
    assert started.store.rec_ids() == []
    writer.stop()


def test_room_that_runs_out_warns_then_stops_cleanly(started):
    policy = policy_from({}, picture="360p25", pre_s=0)
    clock = UnpacedClock(utc_ms=SystemClock().utc_ms(), mono_ns=1)
    free = iter([2 << 30] * 2 + [100 << 20, 40 << 20, 20 << 20] + [20 << 20] * 20)
    camera, writer = record.make_camera(
        started, policy, Remembering(), source=lambda: Media("testsrc2", policy.picture), unpaced=clock
    )
    camera.parts.guard = type(camera.parts.guard)(policy.picture.bytes_per_second, 0)
    camera.power_on()
    camera.must("start")
    camera.parts.free = lambda _: next(free)
    for _ in range(60 * 25):
        camera.step()
        writer.drain()
        if camera.state == State.ERROR:
            break
    writer.stop()
    levels = [e.body.public[1] for e in studio.events(camera.last_folder) if e.body.kind == r.EventKind.STORAGE]
    assert levels == sorted(levels)
    assert levels[-1] == 3
    assert studio.entries(camera.last_folder)[-1].body.why == r.CloseReason.STORAGE


def test_a_medium_that_is_too_slow_is_a_fault_and_not_a_silent_loss():
    import threading

    gate = threading.Event()
    writer = Writer(wait_when_full=False, length=4)
    for _ in range(3):
        writer.do(gate.wait)
    assert writer.failure is None

    def go_on():
        for _ in range(10):
            writer.do(gate.wait)

    with pytest.raises(StorageTooSlow, match="too slow"):
        go_on()
    assert writer.slow
    gate.set()
    writer.stop()


def test_a_failed_append_leaves_the_file_as_long_as_before(tmp_path, monkeypatch):
    disk, path = Disk(), tmp_path / "file"
    handle = disk.create(path)
    disk.append(handle, b"whole", path)
    real, calls = __import__("os").write, []

    def half(descriptor, data):
        if calls:
            raise OSError(errno.ENOSPC, "No space left on device")
        calls.append(1)
        return real(descriptor, bytes(data)[:3])

    monkeypatch.setattr("os.write", half)
    with pytest.raises(DiskFull):
        disk.append(handle, b"torn entry", path)
    assert path.read_bytes() == b"whole"


def test_the_reserve_is_taken_given_up_and_taken_again(tmp_path):
    reserve = Reserve(tmp_path / layout.RESERVE, length=4096)
    assert reserve.take()
    assert reserve.give_up()
    assert not reserve.give_up()
    assert reserve.take()


@pytest.mark.parametrize("writes", range(2))
def test_a_disk_full_for_counters_and_journal_is_said_and_leaves_no_half_file(started, monkeypatch, writes):
    """The nth durable write that is no part of a recording, and all after it, meet a full disk."""
    from openbwv.shared import durable

    real, left = durable._write_all, [writes]

    def full(descriptor, data):
        left[0] -= 1
        if left[0] < 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(descriptor, data)

    said = ""
    with monkeypatch.context() as patch:
        patch.setattr(durable, "_write_all", full)
        try:
            camera = camera_with(started, patch, Disk(), seconds=3)
        except DiskFull as problem:
            said = problem.code
        else:
            said = camera.failure.code if camera.failure else ""
    assert left[0] < 0, "no write met it"
    assert said == "disk-full", "a write failed and nobody heard of it"
    assert not list(started.store.path.rglob("*.tmp"))
    recover_store(started.store.path, signer=started.identity.signer, bt=started.boots + 1, mono_ns=1)
    for rec_id in started.store.rec_ids():
        verdict = studio.verdict(started.store.folder(rec_id))
        assert (verdict.verdict, verdict.closed) == ("genuine", True)
    again = camera_with(started, monkeypatch, Disk(), seconds=2)
    assert again.failure is None
    assert studio.verdict(again.last_folder).verdict == "genuine"
