"""Several parts on their way at once: what is urgent overtakes, what is refused or slow holds up nothing else."""

import contextlib
import threading

import pytest

from openbwv.shared import upload
from tests.dock.devices import Camera, DockProcess, make_dock_store, page, parcel, wait_for
from tests.dock.fake_door import error
from tests.dock.force import make_recording
from tests.dock.test_way_home import receipts_of, spool_folders

MB = 1 << 20


class Gate:
    """Holds up every part at the server until it is let through; the parts' recordings, as they came."""

    def __init__(self, server):
        self.parts, self.inside, self.most = [], 0, 0
        self._pass = threading.Semaphore(0)
        self._lock = threading.Lock()
        self._open = threading.Event()
        server.refuse = self

    def __call__(self, method, path):
        if "/parts/" not in path:
            return
        with self._lock:
            self.parts.append(path.split("/")[2])
            self.inside += 1
            self.most = max(self.most, self.inside)
        while not self._open.is_set() and not self._pass.acquire(timeout=0.05):
            pass
        with self._lock:
            self.inside -= 1

    def let_through(self, count=1):
        self._pass.release(count)

    def open(self):
        self._open.set()


@pytest.fixture
def gate(server):
    gate = Gate(server)
    yield gate
    gate.open()


@contextlib.contextmanager
def dock_of(force, server, folder, *more):
    make_dock_store(force, folder, door_url=server.url)
    dock = DockProcess(folder, *more).start()
    try:
        yield dock
    finally:
        dock.stop()


def big(force, party, *, megabytes=24, **more):
    """A recording of several parts of 8 MiB."""
    return make_recording(force, party, fragments=megabytes, size=MB, **more)


def announced(server, recording):
    stored = server.stored.get(recording.rec_id)
    return stored is not None and stored.reader.next_seq == len(recording.entries) and stored.key


def arrived(server, recording):
    stored = server.stored.get(recording.rec_id)
    return set(stored.parts) if stored else set()


@pytest.mark.parametrize("at_once", [1, 3])
def test_a_flagged_recording_overtakes_a_large_one_at_the_next_part(force, server, gate, tmp_path, at_once):
    cameras = [Camera(force, tmp_path / "cameras", name) for name in ("0417", "0418", "0419")]
    large = big(force, cameras[0].party)
    later = make_recording(force, cameras[1].party)
    flagged = make_recording(force, cameras[2].party, evidential=True)
    for camera, recording in zip(cameras, (large, later, flagged), strict=True):
        camera.recordings = [recording]
    with dock_of(force, server, tmp_path / "dock", "--parts-at-once", str(at_once)) as dock:
        cameras[0].offload(dock.camera_url)
        most_of_one = max(1, at_once - 1)
        wait_for(lambda: gate.inside == most_of_one, "the large one to be under way")
        cameras[1].offload(dock.camera_url)
        wait_for(lambda: announced(server, later), "the server to know the ordinary one")
        if at_once == 3:
            wait_for(lambda: gate.parts[-1] == later.rec_id.hex(), "the third connection to take the ordinary one")
        begun = len(gate.parts)
        cameras[2].offload(dock.camera_url)
        wait_for(lambda: announced(server, flagged), "the server to know the flagged one")
        assert len(gate.parts) == begun, "every connection is taken"
        gate.let_through()
        wait_for(lambda: len(gate.parts) > begun, "the next part")
        assert gate.parts[begun] == flagged.rec_id.hex()
        gate.open()
        for camera in cameras:
            wait_for(lambda camera=camera: receipts_of(camera, dock), "every receipt")
    assert gate.most <= at_once
    assert server.stored[large.rec_id].media == large.media


def test_what_the_server_lists_first_goes_before_what_is_older(force, server, gate, tmp_path):
    cameras = [Camera(force, tmp_path / "cameras", name) for name in ("0417", "0418", "0419")]
    large, older, asked = [make_recording(force, each.party) for each in cameras]
    server.todo = [asked.rec_id, older.rec_id]
    with dock_of(force, server, tmp_path / "dock", "--parts-at-once", "1") as dock:
        for camera, recording in zip(cameras, (large, older, asked), strict=True):
            camera.recordings = [recording]
            camera.offload(dock.camera_url)
            wait_for(lambda recording=recording: announced(server, recording), "the server to know it")
            wait_for(lambda: gate.inside == 1, "the large one to be under way")
        gate.open()
        for camera in cameras:
            wait_for(lambda camera=camera: receipts_of(camera, dock), "every receipt")
    assert gate.parts == [each.rec_id.hex() for each in (large, asked, older)]


def test_a_server_that_dies_with_several_parts_under_way_gets_all_of_them_in_the_end(force, server, gate, tmp_path):
    cameras = [Camera(force, tmp_path / "cameras", name) for name in ("0417", "0418")]
    for each in cameras:
        each.recordings = [big(force, each.party, megabytes=20)]
    with dock_of(force, server, tmp_path / "dock") as dock:
        for each in cameras:
            each.offload(dock.camera_url)
        wait_for(lambda: gate.inside == 3, "three parts to be under way")
        server.stop()
        wait_for(lambda: "The server is not reached" in page(dock).text, "the page to say so")
        gate.open()
        server.refuse = lambda method, path: None
        server.start()
        for each in cameras:
            wait_for(lambda each=each: receipts_of(each, dock), "both receipts", 60)
        assert spool_folders(dock) == []
        assert "Held up" not in page(dock).text
    for each in cameras:
        assert server.stored[each.recordings[0].rec_id].media == each.recordings[0].media


def test_a_recording_that_is_refused_holds_up_no_other_and_is_said(force, server, tmp_path):
    cameras = [Camera(force, tmp_path / "cameras", name) for name in ("0417", "0418", "0419")]
    bad, slow, good = [make_recording(force, each.party) for each in cameras]
    cut = bad.rec_id.hex(), slow.rec_id.hex()

    def refuse(method, path):
        if cut[0] in path and "/parts/" in path:
            return error(409, "not-the-signed-bytes")
        return (503, {"Retry-After": "1"}, {}) if cut[1] in path and "/parts/" in path else None

    server.refuse = refuse
    with dock_of(force, server, tmp_path / "dock") as dock:
        for camera, recording in zip(cameras, (bad, slow, good), strict=True):
            camera.recordings = [recording]
            camera.offload(dock.camera_url)
        wait_for(lambda: receipts_of(cameras[2], dock), "the good one's receipt")
        wait_for(lambda: "Held up: Refused: not-the-signed-bytes" in page(dock).text, "the page to say what is wrong")
        assert not server.stored[bad.rec_id].receipt
        server.refuse = lambda method, path: refuse(method, path) if cut[0] in path else None
        wait_for(lambda: receipts_of(cameras[1], dock), "the busy one's receipt")


def test_a_slow_server_gets_no_more_connections_and_loses_nothing(force, server, gate, tmp_path):
    cameras = [Camera(force, tmp_path / "cameras", f"04{number}") for number in range(10, 16)]
    with dock_of(force, server, tmp_path / "dock") as dock:
        for each in cameras:
            each.recordings = [make_recording(force, each.party)]
            each.offload(dock.camera_url)
        for number in range(len(cameras)):
            wait_for(lambda number=number: len(gate.parts) >= min(number + 3, 6), "three to be under way")
            gate.let_through()
        for each in cameras:
            wait_for(lambda each=each: receipts_of(each, dock), "every receipt")
    assert gate.most == 3
    assert sorted(gate.parts) == sorted(each.recordings[0].rec_id.hex() for each in cameras)


def test_a_recording_that_still_arrives_is_never_counted_as_done(force, server, tmp_path):
    """A camera hands over part by part, with other recordings in between: each part goes on, none waits for a pass."""
    camera, other = (Camera(force, tmp_path / "cameras", name) for name in ("0417", "0418"))
    recording = make_recording(force, camera.party, fragments=9)
    camera.recordings, whole = [recording], parcel(recording)
    with dock_of(force, server, tmp_path / "dock") as dock, camera.client(dock.camera_url) as client:
        client.greet()
        upload.announce(client, whole)
        for place in (0, 6, 3):  # a gap in between
            run = whole.fragments[place : place + 3]
            upload.send_run(client, recording.rec_id, run, whole.read)
            other.recordings = [make_recording(force, other.party)]
            other.offload(dock.camera_url)
            seqs = {each.seq for each in run}
            wait_for(lambda seqs=seqs: seqs <= arrived(server, recording), "these fragments at the server")
            wait_for(lambda: server.stored[other.recordings[0].rec_id].receipt, "the other recording's receipt")
        upload.finish(client, whole)
        wait_for(lambda: receipts_of(camera, dock), "the receipt")
    assert server.stored[recording.rec_id].media == recording.media
