"""A new camera, a dock, six digits, a fleet manager; and somebody in between."""

import contextlib
import json
import os
import ssl
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from openbwv.camera.enrol import Meeting, check_package
from openbwv.recording.errors import BwvError
from openbwv.shared import agency, door
from openbwv.shared.door import DoorError
from openbwv.shared.enrolment import EnrolmentRefused, commitment, shown_code
from tests.dock.devices import ROOT, page, wait_for
from tests.dock.force import Force

HARPER = {"username": "harper", "password": "fleet-secret", "answer": "same"}


def start_enrol(dock, store, *more):
    code = (
        "import sys; from openbwv.command import run; from openbwv.camera.enrol import main;"
        " sys.exit(run(main, sys.argv[1:]))"
    )
    command = [sys.executable, "-c", code, "--dock", dock.enrol_url, "--store", store, "--name", "0417", "--json"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    return subprocess.Popen([*command, *more], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment)


def waiting_session(dock):
    text = wait_for(lambda: "wants to be enrolled" in (t := page(dock).text) and t, "the dock to show the camera")
    return text.split('href="/enrol/')[1].split('"')[0]


def digits_on_dock(dock, session):
    text = page(dock, f"/enrol/{session}").text
    return text.split('class="code">')[1].split("<")[0].replace(" ", "")


def test_a_fleet_manager_confirms_and_the_camera_has_an_identity_openssl_accepts(force, server, dock, tmp_path):
    process = start_enrol(dock, tmp_path / "camera")
    shown = json.loads(process.stdout.readline())["code"]
    session = waiting_session(dock)
    assert digits_on_dock(dock, session) == shown
    answer = page(dock, f"/enrol/{session}", **HARPER)
    assert "Camera 0417 is enrolled" in answer.text
    assert json.loads(process.stdout.readline())["enrolled"] is True
    assert process.wait(10) == 0
    identity = tmp_path / "camera" / "identity"
    judge = ["openssl", "verify", "-CAfile", identity / "trust.pem", "-purpose", "sslclient", identity / "chain.pem"]
    assert subprocess.run(judge, capture_output=True, check=False).returncode == 0
    assert (identity / "key.pem").stat().st_mode & 0o777 == 0o600
    assert (identity / "trust.pem").read_bytes() == force.trust_pem
    assert server.enrolled[0]["code"] == shown
    again = start_enrol(dock, tmp_path / "camera")
    assert again.wait(10) == 73
    assert b"already-enrolled" in again.stdout.read()


@pytest.mark.parametrize(
    ("form", "said"),
    [
        (HARPER | {"answer": "differ"}, "was refused"),
        (HARPER | {"username": "avery", "password": "officer-secret"}, "not-permitted"),
        (HARPER | {"password": "wrong"}, "sign-in-failed"),
    ],
    ids=["digits differ", "an officer", "wrong password"],
)
def test_anything_but_a_fleet_managers_yes_enrols_nothing_and_ends_the_try(server, dock, tmp_path, form, said):
    process = start_enrol(dock, tmp_path / "camera")
    process.stdout.readline()
    session = waiting_session(dock)
    assert said in page(dock, f"/enrol/{session}", **form).text
    assert process.wait(10) == 77
    assert not (tmp_path / "camera" / "identity").exists()
    assert server.enrolled == []
    assert "unknown, over, or not opened yet" in page(dock, f"/enrol/{session}", **HARPER).text
    assert server.enrolled == []


def test_nobody_answers(dock, tmp_path):
    process = start_enrol(dock, tmp_path / "camera", "--wait", "1")
    assert process.wait(10) == 77
    assert b"two minutes" in process.stderr.read()


class Between:
    """Somebody between camera and dock, with a TLS key of their own. `relay` says what reaches the dock."""

    def __init__(self, dock, folder, relay):
        forger = Force("Forger")
        identity = forger.party("dock", agency.Profile.DOCK, hosts=["127.0.0.1"]).write(folder)
        self.seen = []
        between = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_POST(self):
                value = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                between.seen.append((self.path, value))
                status, answer = relay(self.path, value)
                data = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(identity / "chain.pem", identity / "key.pem")
        self.server.daemon_threads = True
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        self.spki = forger and door.to_base64(agency.spki_of(_public(identity)))
        self.url = f"https://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def _public(identity):
    from cryptography import x509

    return x509.load_pem_x509_certificates((identity / "chain.pem").read_bytes())[0].public_key()


@pytest.fixture
def to_dock(dock):
    with httpx.Client(base_url=dock.enrol_url, verify=False, trust_env=False) as client:
        yield lambda path, value: client.post(path, json=value)


def test_somebody_who_passes_everything_on_is_seen_because_the_docks_key_is_in_the_digits(dock, tmp_path, to_dock):
    box = {}

    def relay(path, value):
        answer = to_dock(path, value)
        value = answer.json()
        if path == "/enrol/commit":
            box["honest"] = value["dock_spki"]
            value["dock_spki"] = box["between"].spki
        return answer.status_code, value

    box["between"] = Between(dock, tmp_path / "between", relay)
    with contextlib.closing(box["between"]):
        client, session, code = Meeting(box["between"].url, ec.generate_private_key(ec.SECP256R1()), "0417").open()
        client.close()
        assert digits_on_dock(dock, session) != code


def test_naming_the_true_docks_key_does_not_help_either(dock, tmp_path, to_dock):
    between = Between(dock, tmp_path / "between", lambda path, value: (200, to_dock(path, value).json()))
    with contextlib.closing(between), pytest.raises(EnrolmentRefused, match="another key than the one it shows"):
        Meeting(between.url, ec.generate_private_key(ec.SECP256R1()), "0417").open()


def test_grinding_a_request_of_ones_own_after_the_opening_is_refused_by_the_dock(dock, tmp_path, to_dock):
    """The forger lets the camera open, then looks for a CSR whose digits at the dock are the camera's."""
    box = {"nonce_d": os.urandom(32)}
    mine_nonce, mine_csr = os.urandom(32), agency.make_csr(ec.generate_private_key(ec.SECP256R1()), "0417")

    def relay(path, value):
        if path == "/enrol/commit":
            box["dock"] = to_dock(path, {"commit": commitment(mine_csr, mine_nonce).hex()}).json()
            return 201, {
                "session": "00" * 16, "nonce_d": box["nonce_d"].hex(), "dock_spki": box["between"].spki,
            }  # fmt: skip
        box["opened"] = value
        return 200, {"code": "000000"}

    box["between"] = Between(dock, tmp_path / "between", relay)
    with contextlib.closing(box["between"]):
        client, _, code = Meeting(box["between"].url, ec.generate_private_key(ec.SECP256R1()), "0417").open()
        client.close()
    dock_spki = door.from_base64(box["dock"]["dock_spki"], "spki")
    nonce_d = bytes.fromhex(box["dock"]["nonce_d"])
    key, other = ec.generate_private_key(ec.SECP256R1()), None
    for number in range(2000):  # a thousandth of the work shows the way: digits of other requests come out at will
        candidate = agency.make_csr(key, f"c{number}")
        if shown_code(candidate, dock_spki, mine_nonce, nonce_d)[-2:] == code[-2:]:
            other = candidate
            break
    assert other is not None
    opening = {
        "session": box["dock"]["session"],
        "csr": door.to_base64(other),
        "nonce_c": mine_nonce.hex(),
        "name": "0417",
    }
    refused = to_dock("/enrol/open", opening)
    assert refused.status_code == 403
    assert refused.json()["error"]["code"] == "enrolment-refused"
    again = to_dock("/enrol/open", opening | {"csr": door.to_base64(mine_csr)})
    assert again.status_code == 403, "one try"
    assert "wants to be enrolled" not in page(dock).text


def test_a_certificate_for_another_key_name_or_agency_is_not_taken(force):
    key = ec.generate_private_key(ec.SECP256R1())
    package = make_package(force, key)
    assert check_package(package, key=key, name="0417")["trust.pem"] == force.trust_pem
    other = Force()
    for bad in (
        make_package(force, ec.generate_private_key(ec.SECP256R1())),
        make_package(force, key, name="0999"),
        make_package(force, key, profile=agency.Profile.DOCK),
        package | {"trust": other.trust_pem.decode()},
        package | {"epoch_key": door.to_base64(other.epoch_message())},
        package | {"epoch_key": None},
        package | {"log_vkey": "nonsense"},
        package | {"chain": []},
    ):
        with pytest.raises(BwvError):
            check_package(bad, key=key, name="0417")


def make_package(force, key, *, name="0417", profile=agency.Profile.CAMERA):
    certificate = agency.issue(
        agency_key=force.agency_key, agency=force.agency, public_key=key.public_key(), profile=profile, name=name
    )
    return {
        "chain": [door.to_base64(agency.to_der(each)) for each in (certificate, force.agency)],
        "trust": force.trust_pem.decode(), "epoch_key": door.to_base64(force.epoch_message()), "log_vkey": force.vkey,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("path", "value", "status"),
    [
        ("/enrol/commit", {"commit": "zz"}, 400),
        ("/enrol/commit", {}, 400),
        ("/enrol/commit", [], 400),
        ("/enrol/open", {"session": "none", "nonce_c": "00" * 32, "csr": "AA==", "name": "0417"}, 403),
        ("/enrol/open", {"session": "none", "nonce_c": "00" * 32, "csr": "?", "name": "0417"}, 400),
        ("/enrol/open", {"session": "none", "nonce_c": "00" * 32, "csr": "AA==", "name": "<script>"}, 400),
    ],
)
def test_nonsense_at_the_enrolment_port_is_refused_with_a_code(to_dock, path, value, status):
    answer = to_dock(path, value)
    assert answer.status_code == status
    assert set(answer.json()["error"]) >= {"code", "what", "remedy"}


def test_no_dock_at_the_address(tmp_path):
    with pytest.raises(DoorError, match="cannot be reached"):
        Meeting("https://127.0.0.1:9", ec.generate_private_key(ec.SECP256R1()), "0417").open()
