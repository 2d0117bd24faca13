"""The whole way with nothing faked: server, key service, worker, dock and camera as their own processes."""

import json
import shutil
import subprocess
import sys
import time
from types import SimpleNamespace

import pytest
from cryptography import x509

from openbwv.camera.identity import load_identity
from openbwv.shared.clock import SystemClock
from tests.dock.devices import Camera, DockProcess, free_ports, is_open, page, wait_for
from tests.dock.force import Party, make_recording
from tests.dock.proxy import HoldingProxy
from tests.dock.test_enrol import digits_on_dock, start_enrol, waiting_session
from tests.dock.test_way_home import receipts_of
from tests.scenarios.force import RealForce
from tests.scenarios.test_nothing_in_the_clear import sign_in
from tests.scenarios.windows import files_holding, windows_of, windows_of_each

PASSWORD = "correct horse battery staple"


@pytest.fixture(scope="module")
def real(tmp_path_factory):
    """A force with a fleet manager and an officer, its processes running, a dock invited and enrolled."""
    force = RealForce(tmp_path_factory.mktemp("force"))
    try:
        force.start_keyd()
        force.start_worker()
        force.start_door()
        [port] = free_ports(1)
        force.start("pages", "server", "--state", force.state, "--port", port)
        deed = ["--state", str(force.state), "--as", "lou", "--reason", "the test's cast"]
        person(force, "add", "harper", "--name", "Harper", "--role", "fleet", "--password-stdin", *deed)
        person(force, "add", "avery", "--name", "PC Avery", "--role", "officer", "--unit", "lewisham",
               "--password-stdin", *deed)  # fmt: skip
        person(force, "add", "gale", "--name", "Gale", "--role", "investigator", "--password-stdin", *deed)
        deed[3] = "harper"
        invited = force.run("fleet", "invite-dock", "--name", "Lewisham-1", "--unit", "lewisham", *deed, "--json")
        wait_for(lambda: is_open(port), "the pages")
        store = force.folder / "dock"
        force.run("dock", "enrol", "--server", f"http://127.0.0.1:{port}", "--code", invited["code"],
                  "--store", store, "--json")  # fmt: skip
        dock = DockProcess(store, "--door", force.url, environment=temporary(force)).start()
        yield force, dock, f"http://127.0.0.1:{port}", invited["code"]
        dock.stop()
    finally:
        force.close()


def temporary(force):
    """The temporary folder that is searched in the end, for a dock's environment."""
    return {"TMPDIR": force.environment["TMPDIR"]}


def person(force, *words):
    command = [sys.executable, "-m", "openbwv", "person", *words]
    done = subprocess.run(command, env=force.environment, input=PASSWORD, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def bwv(force, *words):
    command = [sys.executable, "-m", "openbwv", *map(str, words)]
    done = subprocess.run(command, env=force.environment, capture_output=True, text=True, check=False, timeout=110)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.timeout(400)
def test_enrol_take_record_offload_receipt_wipe(real):
    force, dock, _, _ = real
    store = force.folder / "camera"
    process = start_enrol(dock, store)
    shown = json.loads(process.stdout.readline())["code"]
    session = waiting_session(dock)
    assert digits_on_dock(dock, session) == shown
    answer = page(dock, f"/enrol/{session}", username="harper", password=PASSWORD, answer="same")
    assert "is enrolled" in answer.text, answer.text
    assert process.wait(20) == 0, process.stderr.read()

    bwv(force, "camera", "offload", "--store", store, "--dock", dock.camera_url, "--json")  # stands in the dock
    kid = load_identity(store / "identity", utc_ms=SystemClock().utc_ms()).kid.hex()
    taken = page(dock, "/take", camera=kid, username="avery", password=PASSWORD, hours="12")
    assert taken.status_code == 200, taken.text
    assigned = bwv(force, "camera", "assign", "--store", store, "--dock", dock.camera_url, "--wait", 10, "--json")
    assert json.loads(assigned)["assigned"] is True

    recorded = bwv(force, "camera", "record", "--source", "testsrc2", "--seconds", 3, "--store", store)
    folder = recorded.strip().splitlines()[-1]
    trust = store / "identity" / "trust.pem"
    assert "GENUINE" in bwv(force, "verify", folder, "--trust", trust)
    shutil.copytree(store, force.folder / "camera-before-offload")  # searched with the rest once the footage is known
    words = ["camera", "offload", "--store", store, "--dock", dock.camera_url, "--wait-receipts", 60, "--json"]
    result = json.loads(bwv(force, *words))
    assert len(result["wiped"]) == 1, (result, page(dock).text, (dock.store / "log.txt").read_text())
    assert (result["left"], result["receipts_refused"], result["alarms"]) == ([], [], [])
    with force.database() as database:
        row = database.execute("SELECT state, officer_id IS NOT NULL, reference FROM evidence_recording").fetchone()
    assert row[:2] == ("stored", 1)
    # The bundle is what the force hands to a person: its films are the only files in which the footage may be found.
    words = ["--to", force.folder / "bundle", "--as", "gale", "--reason", "a case", "--state", force.state]
    bwv(force, "export", row[2], *words)
    films = ["bundle/data/master.mp4", "bundle/data/view.mp4"]
    windows = windows_of([(force.folder / films[0]).read_bytes()])
    assert files_holding(windows, force.folder) == films
    a_recording_that_is_lost_is_on_home(real, store)


def a_recording_that_is_lost_is_on_home(real, store):
    """The camera's newest recording is gone from it before it docks: what it signed of its counters tells."""
    force, dock, pages, _ = real
    recorded = bwv(
        force, "camera", "record", "--source", "testsrc2", "--seconds", 1, "--prebuffer", 0, "--store", store
    )
    shutil.rmtree(recorded.strip().splitlines()[-1])
    bwv(force, "camera", "offload", "--store", store, "--dock", dock.camera_url, "--json")
    counted = "SELECT c.next_rc, d.name FROM ingest_counted c JOIN fleet_dock d ON d.id = c.dock_id"
    wait_for(lambda: (3, "Lewisham-1") in force.query(counted), "the counters at the server", 60)
    with force.database() as database:  # past the time in which it would be on its way
        database.execute("UPDATE ingest_missingnumber SET since_utc = datetime(since_utc, '-1 hour')")
    browser = sign_in(SimpleNamespace(pages=pages.rpartition(":")[2]), "harper", PASSWORD)
    home = browser.get("/").text
    assert "began 2 recordings; number 2 has not arrived; docked at Lewisham-1 on" in home, home
    kid = load_identity(store / "identity", utc_ms=SystemClock().utc_ms()).kid.hex()
    page = browser.get(f"/fleet/cameras/{kid}").text
    assert "Number 2: not on the camera either" in page
    assert "In a dock" in page
    assert "Recording" in page


def enrolled_camera(force, name):
    """A camera that the force knows, driven by the test."""
    key, chain = force.device("camera", name)
    party = Party(name, key, x509.load_der_x509_certificate(chain[0]), tuple(chain))
    trust = SimpleNamespace(trust_pem=(force.state / "trust.pem").read_bytes())
    return Camera(trust, force.folder / "cameras", name, party)


@pytest.mark.timeout(240)
def test_a_flagged_recording_overtakes_a_large_one_on_its_way_to_the_real_door(real):
    """The way to the server takes a megabyte at a time; the flagged one, docked second, is there long before 32."""
    force, dock, _, _ = real
    epoch = force.keyd.public()["epoch"]
    large, flagged = (enrolled_camera(force, name) for name in ("0501", "0502"))
    large.recordings = [make_recording(None, large.party, fragments=32, size=1 << 20, epoch=epoch)]
    flagged.recordings = [make_recording(None, flagged.party, evidential=True, epoch=epoch)]
    dock.stop()
    proxy = HoldingProxy(force.port)
    other = DockProcess(dock.store, "--door", proxy.url, environment=temporary(force)).start()
    try:
        wait_for(lambda: "The server is reached" in page(other).text, "the dock to reach the server", 60)
        proxy.hold_after(4 << 20)
        large.offload(other.camera_url)
        flagged.offload(other.camera_url)
        for _ in range(32):
            if receipts_of(flagged, other):
                break
            proxy.hold_after(1 << 20)
            time.sleep(0.5)
        assert receipts_of(flagged, other)
        assert receipts_of(large, other) == []
        windows = windows_of_each([each.recordings[0].plaintexts for each in (large, flagged)], 32)
        assert files_holding(windows, force.folder) == []  # while the large one lies in the spool
        proxy.hold_after(None)
        wait_for(lambda: receipts_of(large, other), "the large one's receipt", 90)
        assert files_holding(windows, force.folder) == []
    finally:
        other.stop()
        proxy.close()
        dock.start()


def test_a_dock_code_works_once(real, tmp_path):
    force, _, server_url, code = real
    command = [sys.executable, "-m", "openbwv", "dock", "enrol", "--server", server_url, "--code", code,
               "--store", str(tmp_path / "dock"), "--json"]  # fmt: skip
    done = subprocess.run(command, env=force.environment, capture_output=True, text=True, check=False)
    assert done.returncode == 77
    assert not (tmp_path / "dock" / "identity").exists()
