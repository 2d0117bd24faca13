"""The key service over its socket: frames, strangers, restarts; and the command that starts it."""

import os
import socket
import stat
import struct
import subprocess
import sys
import threading

import pytest

from openbwv.custody import EventType
from openbwv.server.vault.keyd.errors import KeydUnavailable, KeyUnknown, ReleaseRefused
from openbwv.server.vault.keyd.service import FRAME_LIMIT_BYTES, serve_in_thread
from openbwv.server.vault.keys import KeyClient, KeydRefused, Shown, Wrap
from openbwv.shared import agency
from tests.server.vault.force_fixture import PASSPHRASE, SmallForce


@pytest.fixture
def force(tmp_path, monkeypatch):
    monkeypatch.setenv("BWV_CHECKPOINT_PLACE", str(tmp_path / "outside"))
    state = tmp_path / "state"
    state.mkdir()
    return SmallForce(state)


@pytest.fixture
def served(force):
    path = force.state / "run" / "keyd.sock"
    server = serve_in_thread(path, force.operations)
    yield KeyClient(path)
    server.shutdown()
    server.server_close()


def path_of(client):
    return client._path


def test_what_the_operations_do_goes_through_the_socket(force, served):
    one = force.record()
    wrap = served.rewrap(one.key_cbor, rec_id=one.rec_id, kid=one.kid, dc=one.dc)
    assert isinstance(wrap, Wrap)
    shown = force.write(EventType.VIEW, one)
    assert served.release(wrap, rec_id=one.rec_id, shown=shown) == one.dek
    with pytest.raises(ReleaseRefused):
        served.release(wrap, rec_id=one.rec_id, shown=force.write(EventType.HOLD, one))
    with pytest.raises(KeyUnknown):
        served.sign("agency", b"x")


def test_a_refusal_of_another_room_keeps_its_code(force, served):
    one = force.record()
    wrap = served.rewrap(one.key_cbor, rec_id=one.rec_id, kid=one.kid, dc=one.dc)
    good = force.write(EventType.VIEW, one)
    with pytest.raises(KeydRefused) as caught:
        served.release(wrap, rec_id=one.rec_id, shown=Shown(good.leaf, good.event, good.salt, b"no proof"))
    assert (caught.value.code, caught.value.http_status) == ("proof-rejected", 400)


def test_the_socket_is_its_owners_alone(served):
    assert stat.S_IMODE(os.stat(path_of(served)).st_mode) == 0o600


def test_another_user_is_hung_up_on(served, monkeypatch):
    from openbwv.server.vault.keyd import service

    monkeypatch.setattr(service.os, "getuid", lambda: 4711)
    monkeypatch.setattr(service.struct, "unpack", lambda *_: (1, 1234, 1234))
    with pytest.raises(KeydUnavailable):
        KeyClient(path_of(served)).public()


@pytest.mark.parametrize(
    "frame",
    [
        struct.pack(">I", FRAME_LIMIT_BYTES + 1),
        struct.pack(">I", 3) + b"\xff\xff\xff",
        struct.pack(">I", 1) + b"\x01",
        b"\x00",
    ],
)
def test_nonsense_ends_the_connection_and_not_the_service(served, frame):
    with socket.socket(socket.AF_UNIX) as raw:
        raw.connect(path_of(served))
        raw.sendall(frame)
        raw.shutdown(socket.SHUT_WR)
        raw.settimeout(5)
        assert raw.recv(10) == b""
    assert served.public()["origin"] == "test.bwv/log"


def test_threads_share_a_client(force, served):
    wrong = []

    def ask():
        for _ in range(20):
            if len(served.sign("fleet", b"message")) != 64:
                wrong.append(1)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_a_client_outlives_a_restart_of_the_service(force):
    path = force.state / "run" / "keyd.sock"
    client = KeyClient(path)
    with pytest.raises(KeydUnavailable):
        client.public()
    for _ in range(2):
        server = serve_in_thread(path, force.operations)
        assert client.public()["live"] == 0
        server.shutdown()
        server.server_close()
        connection = client._local.connection
        connection.shutdown(socket.SHUT_RDWR)
    with pytest.raises(KeydUnavailable) as caught:
        client.public()
    assert "./bwv keyd" in caught.value.remedy


def run_keyd(state, *, passphrase=None, clock_socket=None, extra=()):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("BWV_")}
    if clock_socket is not None:
        environment["BWV_CLOCK_SOCKET"] = clock_socket
    if passphrase is not None:
        file = state.parent / "pass"
        file.write_text(passphrase)
        environment["BWV_KEYRING_PASSPHRASE_FILE"] = str(file)
    return subprocess.Popen(
        [sys.executable, "-m", "openbwv", "keyd", "--state", str(state), *extra],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_the_command_serves_until_it_is_told_to_stop(force):
    process = run_keyd(force.state, passphrase=PASSPHRASE + "\n")
    try:
        assert "listening" in process.stdout.readline()
        assert KeyClient(force.state / "run" / "keyd.sock").public()["vkey"] == force.ring.vkey
    finally:
        process.terminate()
    assert process.wait(timeout=10) == 0
    assert not (force.state / "run" / "keyd.sock").exists()
    process.stdout.close()
    process.stderr.close()


@pytest.mark.parametrize(
    ("passphrase", "status", "said"),
    [("wrong", 78, "does not open"), (None, 78, "no terminal"), ("", 78, "is empty")],
)
def test_without_the_passphrase_it_does_not_start(force, passphrase, status, said):
    process = run_keyd(force.state, passphrase=passphrase)
    _, text = process.communicate(timeout=20)
    assert process.returncode == status
    assert said in text


def test_a_movable_clock_is_refused_on_a_force_that_does_not_pretend(force):
    (force.state / "trust.pem").write_bytes(agency.to_pem([force.ring.agency_cert]))
    process = run_keyd(force.state, passphrase=PASSPHRASE, clock_socket=str(force.state / "clock.sock"))
    _, text = process.communicate(timeout=20)
    assert process.returncode == 64
    assert "not a pretend force" in text


def test_it_imports_no_django():
    code = "import sys, openbwv.server.commands.keyd; sys.exit(any(m.split('.')[0] == 'django' for m in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
