"""Who gets as far as the protocol: judged with curl and openssl as well as with our own client."""

import ssl
import subprocess
import time

import httpx
import pytest

from openbwv.recording import USE_DOCK
from openbwv.shared.agency import Profile
from openbwv.shared.door import DoorForbids, DoorUnreachable
from openbwv.shared.revocation import Revocations
from openbwv.shared.tls import TlsIdentity, client_context
from tests.dock.devices import Camera, DockProcess, make_dock_store, wait_for
from tests.dock.fake_door import running
from tests.dock.force import Force, make_recording

DAY_MS = 86_400_000


@pytest.fixture(scope="module")
def force():
    return Force()


@pytest.fixture(scope="module")
def revoked(force, tmp_path_factory):
    return Camera(force, tmp_path_factory.mktemp("revoked"), "0666")


@pytest.fixture(scope="module")
def dock(force, revoked, tmp_path_factory):
    """One dock for all of these, with a revocation list from its enrolment."""
    store = tmp_path_factory.mktemp("dock")
    make_dock_store(force, store, crl=force.crl(revoked.party))
    dock = DockProcess(store).start()
    yield dock
    dock.stop()


def curl(dock, *more, url=None):
    command = ["curl", "--silent", "--show-error", "--max-time", "5", "--cacert", dock.store / "identity" / "trust.pem"]
    return subprocess.run([*command, *more, (url or dock.camera_url) + "/hello"], capture_output=True, check=False)


def as_camera(folder):
    return ["--cert", folder / "chain.pem", "--key", folder / "key.pem"]


def test_curl_with_a_cameras_certificate_is_let_in_and_its_name_is_checked_by_curl(force, dock, tmp_path):
    camera = Camera(force, tmp_path)
    answer = curl(dock, *as_camera(camera.folder))
    assert answer.returncode == 0, answer.stderr
    assert b'"nonce"' in answer.stdout


def test_no_certificate_is_refused(dock):
    answer = curl(dock)
    assert answer.returncode != 0
    assert answer.stdout == b""


def test_a_certificate_of_a_forged_agency_with_the_same_name_is_refused(dock, tmp_path):
    stranger = Camera(Force(), tmp_path)
    assert curl(dock, *as_camera(stranger.folder)).returncode != 0


@pytest.mark.parametrize("shift_days", [-500, 500], ids=["expired", "not yet valid"])
def test_a_certificate_out_of_its_dates_is_refused(force, dock, tmp_path, shift_days):
    now = time.time_ns() // 1_000_000
    camera = Camera(force, tmp_path, party=force.camera(now_ms=now + shift_days * DAY_MS))
    assert curl(dock, *as_camera(camera.folder)).returncode != 0
    with camera.client(dock.camera_url) as client, pytest.raises(DoorUnreachable):
        client.greet()


def test_a_revoked_certificate_is_refused(dock, revoked):
    assert curl(dock, *as_camera(revoked.folder)).returncode != 0


def test_a_key_without_tls_use_is_refused(force, dock, tmp_path):
    """A receipt certificate is under the CA, but not for TLS."""
    folder = force.party("receipt", Profile.RECEIPT).write(tmp_path / "receipt")
    assert curl(dock, *as_camera(folder)).returncode != 0


@pytest.mark.parametrize("port", [0, 1], ids=["camera port", "enrolment port"])
@pytest.mark.parametrize("version", ["-tls1_1", "-tls1_2"])
def test_older_tls_is_refused(force, dock, tmp_path, port, version):
    camera = Camera(force, tmp_path)
    command = [
        "openssl",
        "s_client",
        "-connect",
        f"127.0.0.1:{dock.ports[port]}",
        version,
        "-cipher",
        "ALL:@SECLEVEL=0",
    ]
    command += ["-cert", camera.folder / "chain.pem", "-key", camera.folder / "key.pem"]
    answer = subprocess.run(command, input=b"", capture_output=True, check=False, timeout=10)
    assert answer.returncode != 0
    assert b"Cipher is (NONE)" in answer.stdout


def test_openssl_sees_tls_1_3_and_a_request_for_a_client_certificate(force, dock, tmp_path):
    command = ["openssl", "s_client", "-connect", f"127.0.0.1:{dock.ports[0]}", "-CAfile"]
    command += [dock.store / "identity" / "trust.pem", "-verify_return_error"]
    answer = subprocess.run(command, input=b"", capture_output=True, check=False, timeout=10)
    assert b"TLSv1.3" in answer.stdout
    assert b"Acceptable client certificate CA names" in answer.stdout or b"Client Certificate Types" in answer.stdout
    assert b"Verify return code: 0 (ok)" in answer.stdout


def test_the_enrolment_port_serves_nothing_but_enrolment(dock):
    for path in ("/hello", "/", "/recordings/00/parts", "/receipts", "/static/dock.css"):
        answer = httpx.get(dock.enrol_url + path, verify=False, trust_env=False)
        assert answer.status_code == 404


def test_our_client_refuses_a_dock_of_another_agency_a_revoked_one_and_one_for_another_use(force, dock, tmp_path):
    camera = Camera(force, tmp_path)
    identity = TlsIdentity(camera.folder / "key.pem", camera.folder / "chain.pem")

    def knock(**changes):
        keys = {"trust_pem": force.trust_pem, "identity": identity, "uses": [USE_DOCK]} | changes
        with httpx.Client(verify=client_context(**keys), trust_env=False) as client:
            return client.get(dock.camera_url + "/hello").status_code

    from cryptography import x509

    assert knock() == 200
    own = x509.load_pem_x509_certificates((dock.store / "identity" / "chain.pem").read_bytes())[0]
    for changes in (
        {"trust_pem": Force().trust_pem},
        {"revocations": Revocations(1, frozenset([own.serial_number]))},
        {"uses": [Profile.DOOR.use]},
    ):
        with pytest.raises((ssl.SSLError, httpx.ConnectError)):
            knock(**changes)


def test_not_a_byte_of_a_request_leaves_before_the_peer_is_judged(force, tmp_path):
    """A server whose certificate is a camera's: same CA, wrong use. It must not even see the request line."""
    with running(force, tmp_path / "server") as fake:
        camera = Camera(force, tmp_path)
        context = camera.context(uses=[USE_DOCK])
        with httpx.Client(verify=context, trust_env=False) as client, pytest.raises(httpx.ConnectError):
            client.get(fake.url + "/hello")
        assert fake.requests == []


def test_a_revocation_list_that_comes_while_the_dock_runs_counts_in_the_handshake(force, tmp_path):
    """Judged by curl, which says no hello and has no token: TLS itself refuses it."""
    with running(force, tmp_path / "server") as fake:
        make_dock_store(force, tmp_path / "dock", door_url=fake.url)
        dock = DockProcess(tmp_path / "dock").start()
        try:
            gone, other = Camera(force, tmp_path, "0666"), Camera(force, tmp_path, "0418")
            assert curl(dock, *as_camera(gone.folder)).returncode == 0
            with other.client(dock.camera_url) as client:
                client.greet()  # stays connected over the change
                fake.crl = force.crl(gone.party)
                fake.tokens.clear()  # the dock says hello again and hears of it
                other.recordings = [make_recording(force, other.party)]
                other.offload(dock.camera_url)
                wait_for(lambda: curl(dock, *as_camera(gone.folder)).returncode != 0, "the handshake to fail", 30)
                wait_for(lambda: curl(dock, *as_camera(other.folder)).returncode == 0, "the others to be let in")
                client.greet()
        finally:
            dock.stop()


def test_a_camera_revoked_while_the_dock_runs_is_refused_at_its_next_request(force, tmp_path):
    with running(force, tmp_path / "server") as fake:
        make_dock_store(force, tmp_path / "dock", door_url=fake.url)
        dock = DockProcess(tmp_path / "dock").start()
        try:
            camera = Camera(force, tmp_path)
            camera.recordings = [make_recording(force, camera.party)]
            with camera.client(dock.camera_url) as client:
                client.greet()
                fake.revoked.add(camera.party.kid)
                fake.tokens.clear()  # the dock says hello again and hears of it

                other = Camera(force, tmp_path, "0418")
                other.recordings = [make_recording(force, other.party)]
                other.offload(dock.camera_url)  # gives the uplink something to ask the server

                def refused():
                    try:
                        client.manifest_held(bytes(16))
                    except DoorForbids as problem:
                        return problem.door_code == "revoked"
                    return False

                wait_for(refused, "the revocation to arrive", timeout_s=30)
                with pytest.raises(DoorForbids):
                    client.greet()
        finally:
            dock.stop()
