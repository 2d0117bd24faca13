"""Attacks on the real door: its process, its port, its TLS. What one connection does is never another's trouble."""

import contextlib
import secrets
import socket
import ssl
import time
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from openbwv.server.ingest.receiver import MOST_BEFORE_TLS, MOST_CONNECTIONS_OF_ONE
from openbwv.shared import agency
from openbwv.shared.durable import write_durably
from tests.scenarios.force import RealForce, wait_until
from tests.server.ingest.conftest import NoAnswer, read_answer

HELLO = b"GET /hello HTTP/1.1\r\nhost: door\r\n\r\n"
RECORDING = b"/recordings/" + b"0" * 32


@pytest.fixture(scope="module")
def force(tmp_path_factory):
    made = RealForce(tmp_path_factory.mktemp("force"))
    try:
        made.start_keyd()
        made.start_door()
        made.device("dock", "Lewisham-1")
        yield made
    finally:
        made.close()


def context(force, name="Lewisham-1"):
    made = ssl.create_default_context(cadata=(force.state / "trust.pem").read_text())
    made.check_hostname = False
    if name:
        made.load_cert_chain(force.folder / f"{name}.pem", force.folder / f"{name}.key")
    return made


def tcp(force):
    return socket.create_connection(("127.0.0.1", force.port), timeout=20)


def connect(force, chosen=None):
    return (chosen or context(force)).wrap_socket(tcp(force))


def say(force, sent):
    """Send bytes over a TLS connection of its own and return all that comes back until the door ends it."""
    with connect(force) as wire:
        with contextlib.suppress(OSError):
            wire.sendall(sent)
        return until_end(wire)


def until_end(wire):
    data = b""
    with contextlib.suppress(OSError):
        while more := wire.recv(1 << 16):
            data += more
    return data


def asks_hello(force, chosen=None):
    """Return whether a device gets its hello answered."""
    try:
        with connect(force, chosen) as wire:
            wire.sendall(HELLO)
            return read_answer(wire.recv(1 << 16))[0] == 200
    except (OSError, NoAnswer):
        return False


def test_a_device_is_answered(force):
    assert asks_hello(force)


def test_nobody_without_a_good_certificate_hears_a_word_of_http(force):
    chosen = context(force)
    chosen.maximum_version = ssl.TLSVersion.TLSv1_2
    assert not asks_hello(force, chosen)
    assert not asks_hello(force, context(force, name=None))
    key = ec.generate_private_key(ec.SECP256R1())
    root_key, root = agency.make_agency("Scenario Force")
    leaf = agency.issue(
        agency_key=root_key, agency=root, public_key=key.public_key(), profile=agency.Profile.DOCK, name="Lewisham-1"
    )
    (force.folder / "forged.pem").write_bytes(agency.to_pem([leaf, root]))
    (force.folder / "forged.key").write_bytes(agency.key_to_pem(key))
    assert not asks_hello(force, context(force, "forged"))
    for noise in (HELLO, b"\x16\x03\x01\xff\xff" + secrets.token_bytes(70_000), b"\x80\x2e\x01\x03\x01", b"\r\n" * 9):
        with tcp(force) as wire:
            with contextlib.suppress(OSError):
                wire.sendall(noise)
                wire.shutdown(socket.SHUT_WR)
            assert b"HTTP" not in until_end(wire)
    assert asks_hello(force)


def test_a_list_that_is_published_keeps_a_device_out_from_the_next_handshake_on(force):
    force.device("camera", "0666")
    assert asks_hello(force, context(force, "0666"))
    certificate = x509.load_pem_x509_certificates((force.folder / "0666.pem").read_bytes())[0]
    before = (force.state / "tls" / "crl.pem").read_bytes()
    new = force.keyd.crl([(certificate.serial_number, 1_795_000_000_000)], number=99)
    write_durably(force.state / "tls" / "crl.pem", new, replace=True)
    assert not asks_hello(force, context(force, "0666"))
    assert asks_hello(force)
    write_durably(force.state / "tls" / "crl.pem", b"no list", replace=True)
    assert not asks_hello(force, context(force, "0666"))
    assert asks_hello(force)
    write_durably(force.state / "tls" / "crl.pem", before, replace=True)


REFUSED = {
    "garbage": (secrets.token_bytes(3000) + b"\r\n\r\n", 400),
    "a head of megabytes": (b"GET /" + b"a" * 3_000_000, 431),
    "thousands of headers": (b"GET /hello HTTP/1.1\r\n" + b"x: y\r\n" * 2500 + b"\r\n", 431),
    "HTTP/1.0": (b"GET /hello HTTP/1.0\r\n\r\n", 505),
    "NUL": (b"GET /hello\x00 HTTP/1.1\r\nhost: door\r\n\r\n", 400),
    "length and chunks": (
        b"POST /hello HTTP/1.1\r\nhost: door\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"
        + HELLO,
        400,
    ),
    "chunks": (b"POST /hello HTTP/1.1\r\nhost: door\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n" + HELLO, 411),
    "a part without end": (
        b"PUT " + RECORDING + b"/manifest HTTP/1.1\r\nhost: door\r\ncontent-length: 9999999999999\r\n\r\n" + HELLO * 3,
        401,
    ),
}


@pytest.mark.parametrize("attack", REFUSED)
def test_what_cannot_be_read_as_one_request_is_refused_once_and_the_connection_ends(force, attack):
    sent, status = REFUSED[attack]
    got, value, headers, rest = read_answer(say(force, sent))
    assert (got, headers["connection"], rest) == (status, "close", b"")
    assert value["error"]["remedy"]
    assert asks_hello(force)


@pytest.mark.parametrize(
    "path", [b"/%68ello", b"/hello%00", b"//hello", b"/x/../hello", b"/hello/", b"/hello#x", b"/HELLO"]
)
def test_there_is_one_way_to_write_an_address(force, path):
    with connect(force) as wire:
        wire.sendall(HELLO.replace(b"/hello", path, 1))
        assert read_answer(wire.recv(1 << 16))[0] == 404


def test_a_request_inside_a_refused_body_is_not_heard(force):
    body = HELLO * 1000
    head = b"PUT " + RECORDING + b"/manifest?from=0 HTTP/1.1\r\nhost: door\r\ncontent-length: %d\r\n\r\n" % len(body)
    last = HELLO.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n")
    status, _, _, rest = read_answer(say(force, head + body + last))
    assert status == 401
    status, _, _, rest = read_answer(rest)
    assert (status, rest) == (200, b"")


def test_strangers_that_connect_and_say_nothing_keep_nobody_out(force):
    """Six hundred of one address: few threads of the door wait for them, and devices are answered meanwhile."""
    silent = []
    try:
        for _ in range(600):
            with contextlib.suppress(OSError):
                silent.append(tcp(force))
        status = Path(f"/proc/{force.processes['door'].pid}/status").read_text()
        assert int(status.partition("Threads:")[2].split()[0]) < 2 * MOST_BEFORE_TLS
        assert asks_hello(force)
    finally:
        for wire in silent:
            wire.close()


def test_a_device_that_opens_all_it_can_leaves_the_door_to_others(force):
    force.device("camera", "0777")
    greedy, held = context(force, "0777"), []
    try:
        for _ in range(MOST_CONNECTIONS_OF_ONE):
            wire = connect(force, greedy)
            wire.sendall(HELLO)
            assert read_answer(wire.recv(1 << 16))[0] == 200
            held.append(wire)
        with connect(force, greedy) as one_more:
            status, value, headers, _ = read_answer(until_end(one_more))
            assert (status, value["error"]["code"], headers["retry-after"]) == (503, "busy", "1")
        assert asks_hello(force)
    finally:
        for wire in held:
            wire.close()
    wait_until(lambda: asks_hello(force, greedy), what="a place for the device again")


def test_a_signal_ends_it_in_order(force):
    process = force.processes["door"]
    with connect(force) as idle:
        idle.sendall(HELLO)
        idle.recv(1 << 16)
        began = time.monotonic()
        process.terminate()
        assert process.wait(timeout=30) == 0
        assert until_end(idle) == b""
    assert time.monotonic() - began < 30
    force.stop("door")
    assert "Traceback" not in (force.folder / "door.err").read_text()
