"""The commands as a person or a script uses them: record, run, its socket; killed at any moment; secrets."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from openbwv import recording as r
from openbwv.camera import layout
from openbwv.camera.cli import main
from openbwv.camera.errors import BadOption, IdentityDamaged, NotEnrolled, StoreBusy
from openbwv.camera.identity import EPOCH_WARN_MS, load_identity
from openbwv.camera.store import Store
from openbwv.camera.throwaway import make_test_identity
from tests.camera import studio

ENVIRONMENT = os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[2] / "src")}
BWV = [sys.executable, "-m", "openbwv", "camera"]


def run_record(store, *options, seconds="2"):
    command = [*BWV, "record", "--source", "testsrc2", "--seconds", seconds, "--store", str(store), "--prebuffer", "0"]
    return subprocess.run([*command, *options], capture_output=True, text=True, env=ENVIRONMENT, check=False)


def test_the_last_line_is_the_recordings_folder_and_labels_are_signed(tmp_path):
    done = run_record(tmp_path, "--test-identity", "--fast", "--json", "--category", "arrest", "--flag", "--told", "1")
    assert done.returncode == 0, done.stderr
    facts, folder = json.loads(done.stdout.splitlines()[-2]), Path(done.stdout.splitlines()[-1])
    assert folder.is_absolute()
    assert facts["closed"]
    told, label = (entry.body for entry in studio.events(folder))
    assert (told.kind, told.public[2]) == (r.EventKind.PEOPLE_TOLD, 1000)
    assert (label.kind, label.public) == (r.EventKind.CATEGORY, {1: 3, 2: True})
    assert "BEEP" in done.stderr


def test_a_camera_that_is_not_enrolled_records_nothing_and_says_how_to_mend_it(tmp_path):
    done = run_record(tmp_path, "--json")
    assert done.returncode == 78
    assert json.loads(done.stdout)["error"]["code"] == "not-enrolled"
    assert "./bwv camera enrol" in done.stderr
    assert Store(tmp_path).folders() == []


def test_a_store_with_a_test_identity_is_never_mistaken_for_an_enrolled_one(tmp_path):
    studio.record(tmp_path, seconds=1)
    with pytest.raises(NotEnrolled, match="no force accepts"):
        main(["record", "--source", "testsrc2", "--seconds", "1", "--store", str(tmp_path)])


def test_the_trust_file_of_a_test_identity_lies_in_the_store(tmp_path):
    folder = studio.record(tmp_path, seconds=1)
    assert studio.verdict(folder).signer == "trusted"
    assert (tmp_path / "identity" / "key.pem").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "options",
    [
        ["--mute", "3"],
        ["--mute", "1-9"],
        ["--mute", "2-1"],
        ["--marker", "5"],
        ["--prebuffer", "999"],
        ["--told", "-1"],
    ],
)
def test_bad_options_are_usage_errors(tmp_path, options):
    with pytest.raises(BadOption):
        main(
            ["record", "--source", "testsrc2", "--seconds", "2", "--store", str(tmp_path), "--test-identity", *options]
        )


def test_a_movable_clock_is_refused_under_a_certificate_that_does_not_pretend(tmp_path):
    studio.record(tmp_path / "store", seconds=1)
    (tmp_path / "store" / layout.IDENTITY / "trust.pem").write_bytes((tmp_path / "store" / "trust.pem").read_bytes())
    moved = ENVIRONMENT | {"BWV_CLOCK_SOCKET": str(tmp_path / "clock.sock")}
    for command in (("record", "--seconds", "1"), ("run",), ("offload", "--dock", "https://127.0.0.1:1")):
        words = [*BWV, *command, "--store", str(tmp_path / "store"), "--json"]
        words += [] if command[0] == "offload" else ["--source", "testsrc2", "--test-identity"]
        done = subprocess.run(words, capture_output=True, text=True, env=moved, check=False, timeout=60)
        assert done.returncode == 64, done.stderr
        assert "not a pretend force" in done.stderr
    assert len(Store(tmp_path / "store").folders()) == 1


def test_two_cameras_cannot_use_one_store(tmp_path):
    with Store(tmp_path).locked(), pytest.raises(StoreBusy, match=r"control\.sock"):
        main(["record", "--source", "testsrc2", "--seconds", "1", "--store", str(tmp_path), "--test-identity"])


@pytest.mark.parametrize("name", ["key.pem", "chain.pem", "trust.pem", "epoch.cbor"])
@pytest.mark.parametrize("content", [b"", b"\xffgarbage"])
def test_a_damaged_identity_is_named_and_nothing_is_recorded(tmp_path, name, content):
    make_test_identity(tmp_path, name="x", utc_ms=1_795_000_000_000)
    (tmp_path / "identity" / name).write_bytes(content)
    with pytest.raises(IdentityDamaged, match=name):
        load_identity(tmp_path / "identity", utc_ms=1_795_000_000_000)


@pytest.mark.parametrize("name", ["chain.pem", "trust.pem", "epoch.cbor"])
def test_parts_of_two_identities_do_not_mix(tmp_path, name):
    for camera in ("a", "b"):
        make_test_identity(tmp_path / camera, name=camera, utc_ms=1_795_000_000_000)
    (tmp_path / "a" / "identity" / name).write_bytes((tmp_path / "b" / "identity" / name).read_bytes())
    with pytest.raises(IdentityDamaged):
        load_identity(tmp_path / "a" / "identity", utc_ms=1_795_000_000_000)


def test_an_epoch_key_older_than_fourteen_days_is_said_at_every_start(tmp_path):
    make_test_identity(tmp_path, name="x", utc_ms=1_795_000_000_000)
    fresh = load_identity(tmp_path / "identity", utc_ms=1_795_000_000_000 + EPOCH_WARN_MS)
    old = load_identity(tmp_path / "identity", utc_ms=1_795_000_000_000 + EPOCH_WARN_MS + 86_400_000)
    assert not any("15 days old" in said for said in fresh.warnings)
    assert any("15 days old" in said for said in old.warnings)


def test_recordings_follow_one_another_in_number_and_tail(tmp_path):
    folders = [studio.record(tmp_path, seconds=1) for _ in range(3)]
    bodies = [studio.entries(folder)[0].body for folder in folders]
    assert [body.rc for body in bodies] == [1, 2, 3]
    assert [body.bt for body in bodies] == [1, 2, 3]
    assert [body.previous for body in bodies] == [None, *(bytes.fromhex(folder.name) for folder in folders[:2])]
    assert bodies[2].previous_tail == studio.entries(folders[1])[-1].sig_structure_sha256


@pytest.mark.parametrize("damage", [b"", b"\xff\xff", None])
def test_lost_counters_are_found_again_from_the_recordings(tmp_path, damage):
    studio.record(tmp_path, seconds=1)
    path = tmp_path / layout.COUNTERS
    path.unlink()
    if damage is not None:
        path.write_bytes(damage)
    body = studio.entries(studio.record(tmp_path, seconds=1))[0].body
    assert (body.rc, body.bt) == (2, 2)


def test_a_torn_journal_goes_on_and_a_damaged_one_is_set_aside(tmp_path):
    studio.record(tmp_path, seconds=1)
    journal = tmp_path / layout.JOURNAL
    with journal.open("ab") as file:
        file.write(b"\xd2\x84\x58")
    studio.record(tmp_path, seconds=1)
    reader = r.JournalReader()
    reader.feed(journal.read_bytes())
    reader.finish()
    data = bytearray(journal.read_bytes())
    data[len(data) // 2] ^= 1
    journal.write_bytes(data)
    studio.record(tmp_path, seconds=1)
    assert (tmp_path / "journal.1.cbor").read_bytes() == data
    r.JournalReader().feed(journal.read_bytes())


def test_no_plaintext_lies_anywhere_in_the_store(tmp_path):
    folder = studio.record(tmp_path, seconds=2)
    plain = studio.decrypted(folder)
    windows = {plain[at : at + 64] for at in range(2000, len(plain) - 64, 4096)}
    for path in tmp_path.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            assert not any(window in data for window in windows), path
            assert b"ftyp" not in data


@pytest.mark.parametrize("after_s", [0.3, 1.1, 2.0, 2.7])
def test_killed_at_any_moment_a_camera_loses_at_most_two_seconds(tmp_path, after_s):
    command = [*BWV, "record", "--source", "testsrc2", "--seconds", "60", "--store", str(tmp_path), "--test-identity"]
    process = subprocess.Popen(
        [*command, "--prebuffer", "0", "--profile", "360p25"], stderr=subprocess.PIPE, env=ENVIRONMENT, text=True
    )
    while "[RECORDING]" not in process.stderr.readline():
        assert process.poll() is None
    began = time.monotonic()
    time.sleep(after_s)
    process.send_signal(signal.SIGKILL)
    killed_s = time.monotonic() - began
    process.wait()
    process.stderr.close()
    done = run_record(tmp_path, "--test-identity", "--fast", "--profile", "360p25", seconds="1")
    assert done.returncode == 0, done.stderr
    store = Store(tmp_path)
    first = store.read(store.rec_ids()[0])
    verdict = studio.verdict(first.folder)
    assert (verdict.verdict, verdict.closed) == ("genuine", True)
    assert r.parse_entry(first.entries[-1]).body.why == r.CloseReason.RECOVERED
    kept_s = dict(r.parse_entry(first.entries[-1]).body.ends).get(1, 0) / 90_000
    assert kept_s >= killed_s - 2.2
    assert "Recovered the recording" in done.stderr


class Wire:
    """Talks to the control socket of a running camera."""

    def __init__(self, store):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(str(store / layout.SOCKET))
        self.stream = self.socket.makefile("rw")

    def say(self, line):
        self.stream.write(line + "\n")
        self.stream.flush()
        return json.loads(self.stream.readline())


@pytest.fixture
def running(tmp_path):
    command = [*BWV, "run", "--store", str(tmp_path), "--test-identity", "--profile", "360p25", "--prebuffer", "1"]
    process = subprocess.Popen([*command, "--json"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=ENVIRONMENT)
    assert json.loads(process.stdout.readline())["state"] == "standby"
    wire = Wire(tmp_path)
    yield wire, process, tmp_path
    wire.socket.close()
    process.terminate()
    process.wait(timeout=20)
    process.stdout.close()


def test_a_running_camera_is_driven_by_its_socket(running):
    wire, _, _ = running
    assert wire.say("stop")["error"]["code"] == "cannot-now"
    folder = Path(wire.say("start")["recording"])
    time.sleep(1.2)
    assert wire.say("told")["told_ms"] > 500
    assert wire.say("mute medical")["state"] == "muted"
    assert wire.say("mute")["error"]["code"] == "cannot-now"
    time.sleep(0.5)
    assert wire.say("unmute")["state"] == "recording"
    assert wire.say("category nonsense")["error"]["code"] == "bad-option"
    wire.say("category arrest")
    wire.say("marker")
    assert wire.say("stop")["state"] == "standby"
    assert wire.say("category traffic")["ok"]
    kinds = [entry.body.kind.name for entry in studio.events(folder)]
    assert kinds == ["PEOPLE_TOLD", "MUTE_ON", "MUTE_OFF", "CATEGORY", "MARKER"]
    assert studio.verdict(folder).verdict == "genuine"
    assert wire.say("dock")["error"]["code"] == "cannot-now"


def test_buttons_start_mark_and_stop(running):
    wire, _, _ = running
    for edge in ("down", "up", "down", "up"):
        wire.say(f"button {edge}")
        time.sleep(0.06)
    assert wire.say("status")["state"] == "recording"
    wire.say("button down")
    time.sleep(3.3)
    assert wire.say("status")["state"] == "standby"
    assert wire.say("button sideways")["error"]["code"] == "bad-option"


def test_a_source_that_breaks_is_an_error_until_it_is_recovered(tmp_path):
    source = studio.make(tmp_path / "short.mp4", "-f", "lavfi", "-i", "testsrc=s=640x360:r=25:d=3")
    store = tmp_path / "store"
    command = [*BWV, "run", "--store", str(store), "--source", str(source), "--no-loop", "--test-identity"]
    command += ["--profile", "360p25", "--prebuffer", "0", "--json"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=ENVIRONMENT)
    process.stdout.readline()
    wire = Wire(store)
    folder = Path(wire.say("start")["recording"])
    time.sleep(4)
    assert wire.say("status")["state"] == "error"
    assert studio.entries(folder)[-1].body.why == r.CloseReason.SOURCE_ENDED
    assert wire.say("start")["error"]["code"] == "cannot-now"
    assert wire.say("recover")["state"] == "standby"
    second = Path(wire.say("start")["recording"])
    time.sleep(1)
    assert wire.say("quit")["ok"]
    assert process.wait(timeout=20) == 0
    wire.socket.close()
    process.stdout.close()
    assert second != folder
    assert [studio.verdict(each).verdict for each in (folder, second)] == ["genuine", "genuine"]


def test_told_to_end_it_closes_what_it_records(running):
    wire, process, store = running
    folder = Path(wire.say("start")["recording"])
    time.sleep(0.5)
    process.terminate()
    assert process.wait(timeout=20) == 0
    assert studio.entries(folder)[-1].body.why == r.CloseReason.SHUTDOWN
    assert not (store / layout.SOCKET).exists()
