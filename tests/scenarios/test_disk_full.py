"""A force on a small disk of its own that is really full: refused with words, and made good when there is room."""

import os
import shutil
import subprocess

import pytest

from openbwv.shared import door as protocol
from openbwv.shared.upload import Progress, announce, finish, send_media
from tests.scenarios.force import RealForce, wait_until
from tests.scenarios.test_door_over_tls import NOW_MS, parcel

DISK_MIB = 48
pytestmark = [pytest.mark.sqlite, pytest.mark.timeout(600)]


@pytest.fixture
def disk(tmp_path):
    """Return a folder that is a small disk of its own."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={DISK_MIB}m", "tmpfs", str(folder)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    except FileNotFoundError:
        pytest.skip("there is no mount")
    if done.returncode:
        pytest.skip(f"no small disk may be mounted here: {done.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], timeout=20, check=True)


class Filler:
    """A file that takes all the room there is."""

    def __init__(self, folder):
        self.path = folder / "filler"

    def take(self):
        """Fill the disk to its last block."""
        with self.path.open("wb") as file:
            for size in (1 << 20, 4096, 1):
                try:
                    while os.write(file.fileno(), bytes(size)):
                        pass
                except OSError:
                    continue
        assert shutil.disk_usage(self.path.parent).free == 0

    def give(self):
        """Make room again."""
        self.path.unlink()


def test_a_force_whose_disk_is_full_refuses_says_so_and_goes_on_when_there_is_room(disk):
    force, filler = RealForce(disk), Filler(disk)
    try:
        force.start_keyd()
        force.start_worker()
        force.start_door()
        key, chain = force.device("dock", "Lewisham-1")
        camera = force.camera()
        whole, coming = (camera.record(utc_ms=NOW_MS, size=50_000) for _ in range(2))
        with force.client(key, chain, "Lewisham-1") as client:
            client.greet()
            first, second = parcel(whole), parcel(coming)
            receipt = complete(client, first)
            announce(client, second)
            filler.take()
            for act in (client.greet, lambda: send_media(client, second, progress=Progress())):
                with pytest.raises(protocol.DoorFull) as refused:
                    act()
                assert (refused.value.door_code, refused.value.status) == ("disk-full", 507)
                assert "Free some space" in refused.value.remedy
            assert client.parts_held(coming.rec_id) == []
            assert client.receipts(camera.kid) == [receipt], "what can be read is read"
            filler.give()
            assert complete(client, second)
            for name, process in force.processes.items():
                assert process.poll() is None, f"{name} has ended"
        wait_until(lambda: not force.run("check", "--json", "--state", force.state, status=None)["disagreements"],
                   seconds=90, what="a check without a finding")  # fmt: skip
    finally:
        force.close()


def complete(client, sent):
    """Upload everything and return the receipt."""
    announce(client, sent)
    send_media(client, sent, progress=Progress())
    receipts = []

    def asked():
        try:
            receipts.append(finish(client, sent))
        except protocol.DoorBusy:
            return False
        return True

    wait_until(asked, seconds=90, what="the receipt")
    return receipts[0]
