"""Connections cut between and inside parts by a real TCP proxy; cameras pulled; many at once."""

import signal
import threading

import pytest

from openbwv.shared import door, upload
from openbwv.shared.door import DoorUnreachable
from tests.dock.devices import Camera, parcel, wait_for
from tests.dock.force import make_recording
from tests.dock.proxy import CuttingProxy
from tests.dock.test_way_home import receipts_of


@pytest.fixture
def proxy(lone_dock):
    proxy = CuttingProxy(lone_dock.ports[0])
    yield proxy
    proxy.close()


@pytest.fixture
def small_parts(monkeypatch):
    monkeypatch.setattr(door, "PART_TARGET_BYTES", 1 << 20)
    real = upload.missing_runs
    monkeypatch.setattr(upload, "missing_runs", lambda f, h: real(f, h, target_bytes=1 << 20))


def spooled(dock, recording):
    folder = dock.store / "spool" / recording.kid.hex() / recording.rec_id.hex()
    parts = sorted(folder.glob("*.part"))
    return b"".join(part.read_bytes() for part in parts), parts


def test_cut_every_few_hundred_kilobytes_it_resumes_and_sends_each_finished_part_once(
    force, lone_dock, camera, proxy, small_parts
):
    recording = make_recording(force, camera.party, fragments=24, size=250_000)
    camera.recordings = [recording]
    custody = []
    for _attempt in range(30):
        proxy.cut_after(1_500_000)  # more than one part, less than two: most cuts fall inside one
        try:
            custody = camera.offload(proxy.url)
            break
        except DoorUnreachable:
            assert not list((lone_dock.store / "spool").rglob("*.tmp")) or wait_for(
                lambda: not list((lone_dock.store / "spool").rglob("*.tmp")), "half a part to be removed"
            )
    assert custody
    assert proxy.cuts >= 4
    assert spooled(lone_dock, recording)[0] == recording.media
    assert proxy.passed < 2.5 * len(recording.media)


@pytest.mark.parametrize("after", [200, 3_000, 20_000, 300_000, 900_000, 1_060_000, 1_300_000])
def test_cut_at_one_place_and_again_it_ends_whole(force, lone_dock, camera, proxy, small_parts, after):
    recording = make_recording(force, camera.party, fragments=8, size=200_000)
    camera.recordings = [recording]
    proxy.cut_after(after)
    with pytest.raises(DoorUnreachable):
        camera.offload(proxy.url)
    assert camera.offload(proxy.url)
    assert spooled(lone_dock, recording)[0] == recording.media


def test_a_dock_killed_in_the_middle_of_a_part_keeps_the_finished_ones(force, lone_dock, camera, proxy, small_parts):
    recording = make_recording(force, camera.party, fragments=24, size=250_000)
    camera.recordings = [recording]
    proxy.cut_after(3_700_000)
    with pytest.raises(DoorUnreachable):
        camera.offload(proxy.url)
    lone_dock.kill(signal.SIGKILL)
    before = {path.name for path in spooled(lone_dock, recording)[1]}
    assert before
    lone_dock.start()
    with camera.client(lone_dock.camera_url) as client:
        client.greet()
        held = client.parts_held(recording.rec_id)
    assert len(held) == len(before)
    assert camera.offload(lone_dock.camera_url)
    assert spooled(lone_dock, recording)[0] == recording.media
    assert before <= {path.name for path in spooled(lone_dock, recording)[1]}


def test_a_camera_pulled_half_way_is_on_the_server_as_far_as_it_came(force, server, dock, camera):
    recording = make_recording(force, camera.party, fragments=12, size=100_000)
    camera.recordings = [recording]
    whole = parcel(recording)
    with camera.client(dock.camera_url) as client:
        client.greet()
        upload.announce(client, whole)
        run = whole.fragments[:5]
        client.put_part(
            recording.rec_id, first_seq=run[0].seq, length=sum(f.length for f in run), chunks=lambda: whole.read(run)
        )
    stored = wait_for(lambda: server.stored.get(recording.rec_id), "the manifest at the server")
    wait_for(lambda: len(stored.parts) == 5, "the five fragments at the server")
    assert stored.reader.next_seq == len(recording.entries)
    assert stored.receipt is None
    camera.offload(dock.camera_url)  # put back
    wait_for(lambda: receipts_of(camera, dock), "the receipt")
    assert stored.media == recording.media


def test_a_camera_that_changes_docks_in_the_middle(force, server, dock, camera, tmp_path):
    """Half went through the dock, the rest straight to the server: one recording, one receipt, no byte twice kept."""
    recording = make_recording(force, camera.party, fragments=10, size=50_000)
    camera.recordings = [recording]
    whole = parcel(recording)
    with camera.client(dock.camera_url) as client:
        client.greet()
        upload.announce(client, whole)
        run = whole.fragments[3:6]
        client.put_part(
            recording.rec_id, first_seq=run[0].seq, length=sum(f.length for f in run), chunks=lambda: whole.read(run)
        )
    wait_for(lambda: len(server.stored[recording.rec_id].parts) == 3 if server.stored else False, "three fragments")
    assert camera.offload(server.url)
    assert server.stored[recording.rec_id].media == recording.media


def test_several_cameras_at_once(force, lone_dock, tmp_path):
    cameras = [Camera(force, tmp_path / "cameras", f"04{number}") for number in range(10, 16)]
    for each in cameras:
        each.recordings = [make_recording(force, each.party, fragments=6, size=200_000) for _ in range(2)]
    results = {}

    def go(each):
        results[each.name] = each.offload(lone_dock.camera_url)

    threads = [threading.Thread(target=go, args=(each,)) for each in cameras]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert {name: len(receipts) for name, receipts in results.items()} == {each.name: 2 for each in cameras}
    for each in cameras:
        for recording in each.recordings:
            assert spooled(lone_dock, recording)[0] == recording.media
