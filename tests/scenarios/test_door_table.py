"""Every row of docs/ref/door.md, asked with curl of a real door."""

import base64
import json
import re
import subprocess
from pathlib import Path

import pytest

from openbwv.recording import Inventory, SoftwareSigner
from tests.scenarios.force import RealForce
from tests.scenarios.test_door_over_tls import NOW_MS
from tests.server.footage import sha256

PAGE = Path(__file__).parents[2] / "docs" / "ref" / "door.md"
# rows tested with faults put in, or on the bare connection: tests/server/ingest
ELSEWHERE = {"disk-full", "vault-away", "busy", "key-does-not-open", "too-slow"}


class Curl:
    """Asks the door with curl, as one device."""

    def __init__(self, force, name, key, chain):
        self.force, self.name, self.key, self.chain = force, name, key, chain
        self.token = ""

    def __call__(self, method, path, *, body=None, headers=(), token=None, options=()):
        folder = self.force.folder
        out, sent = folder / "curl.out", folder / "curl.in"
        command = ["curl", "-sS", "--tlsv1.3", "--cacert", self.force.state / "trust.pem", "-X", method, "-o", out]
        command += ["--cert", folder / f"{self.name}.pem", "--key", folder / f"{self.name}.key"]
        command += ["-w", "%{http_code} %header{retry-after}", "-H", "Expect:"]
        command += ["-H", f"Authorization: Bearer {self.token if token is None else token}"]
        command += options
        for header in headers:
            command += ["-H", header]
        if body is not None:
            sent.write_bytes(body)
            command += ["--data-binary", f"@{sent}", "-H", "Content-Type: application/octet-stream"]
        out.write_bytes(b"")
        command.append(self.force.url + path)
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=30, check=False)
        assert done.returncode == 0, done.stderr
        answer = out.read_bytes()
        status, _, self.retry_after = done.stdout.partition(" ")
        try:
            value = json.loads(answer)
        except ValueError:
            return int(status), answer
        return int(status), value.get("error", value)

    def hello(self, **changes):
        """Say hello; `changes` replace fields of the inventory."""
        first = self("GET", "/hello")[1]
        fields = {"nonce": bytes.fromhex(first["nonce"]), "door": first["door"], "boot": 1, "next_rc": 1} | changes
        status, answer = self("POST", "/hello", body=Inventory(**fields).encode(SoftwareSigner(self.key), self.chain))
        self.token = answer.get("token", self.token)
        return status, answer


@pytest.fixture(scope="module")
def force(tmp_path_factory):
    made = RealForce(tmp_path_factory.mktemp("force"))
    try:
        made.start_keyd()
        made.start_worker()
        made.start_door()
        yield made
    finally:
        made.close()


@pytest.fixture(scope="module")
def dock(force):
    curl = Curl(force, "Lewisham-1", *force.device("dock", "Lewisham-1"))
    assert curl.hello()[0] == 200
    return curl


@pytest.fixture(scope="module")
def camera(force):
    return force.camera("0417")


@pytest.fixture
def announced(dock, camera):
    footage = camera.record(utc_ms=NOW_MS)
    assert dock("PUT", f"/recordings/{footage.hex}/manifest?from=0", body=footage.manifest)[0] == 200
    return footage


def digest(data):
    return f"Content-Digest: sha-256=:{base64.b64encode(sha256(data)).decode()}:"


def changed(data):
    return data[:-1] + bytes([data[-1] ^ 1])


seen = set()


def expect(answer, status, code):
    got, value = answer
    assert (got, value.get("code")) == (status, code), value
    assert value["remedy"]
    seen.add((status, code))


def test_who_asks(force, dock, camera):
    expect(dock("GET", f"/recordings/{'00' * 16}/manifest", token="none"), 401, "token-expired")
    expect(dock.hello(door="another"), 403, "hello-refused")
    expect(dock.hello(nonce=b"\0" * 32), 403, "hello-refused")
    key, chain = force.device("camera", "0500")
    with force.database() as database:
        database.execute("DELETE FROM fleet_camera WHERE name='0500'")
    expect(Curl(force, "0500", key, chain).hello(), 202, "unknown-device")
    revoked = Curl(force, "0501", *force.device("camera", "0501"))
    assert revoked.hello()[0] == 200
    with force.database() as database:
        database.execute("UPDATE fleet_camera SET state='revoked', revoked_utc='2026-11-20' WHERE name='0501'")
    expect(revoked("GET", "/receipts"), 403, "revoked")


def test_entries(force, dock, camera, announced):
    path = f"/recordings/{announced.hex}"
    other = camera.record(utc_ms=NOW_MS)
    own = Curl(force, "0502", *force.device("camera", "0502"))
    assert own.hello()[0] == 200
    expect(own("GET", f"{path}/manifest"), 403, "not-your-recording")
    expect(dock("PUT", f"/recordings/{other.hex}/manifest?from=1", body=other.entries[1]), 409, "entries-first")
    expect(dock("PUT", f"{path}/manifest?from=0", body=other.manifest), 409, "entry-refused")
    again = camera.record(utc_ms=NOW_MS, rec_id=announced.rec_id, rc=camera.rc - 2, seconds=2)
    expect(dock("PUT", f"{path}/manifest?from=0", body=again.manifest), 409, "equivocation")
    expect(dock("PUT", f"/recordings/{other.hex}/manifest?from=0", body=b"\xd2\x84\x40"), 400, "truncated")
    expect(
        dock("PUT", f"/recordings/{other.hex}/manifest?from=0", body=b"\xd2" + b"\x83\x40\xa0\x40"), 400, "malformed"
    )


def test_parts(dock, announced):
    path = f"/recordings/{announced.hex}/parts"
    seq, data = announced.part(0, 3)
    expect(dock("PUT", f"{path}/{seq}", body=data[:-1]), 409, "not-on-a-fragment-edge")
    expect(dock("PUT", f"{path}/{seq}", body=changed(data), headers=[digest(data)]), 409, "digest-wrong")
    expect(dock("PUT", f"{path}/{seq}", body=changed(data)), 409, "not-the-signed-bytes")
    status, value = dock("PUT", f"{path}/{seq}", body=changed(data), headers=[digest(changed(data))])
    assert (status, value["code"], value["aside"]) == (409, "not-the-signed-bytes", True)
    length = ["Content-Length: 67108865"]
    expect(dock("PUT", f"{path}/{seq}", headers=length), 413, "too-long")
    expect(dock("PUT", f"{path}/{seq}", body=data, headers=["Transfer-Encoding: chunked"]), 411, "length-required")
    assert dock("PUT", f"{path}/{seq}", body=data)[0] == 201
    assert dock("PUT", f"{path}/{seq}", body=data) == (200, {"stored": []})
    expect(dock("GET", "/nothing"), 404, "no-such-address")


def test_heads(dock):
    expect(dock("GET", "/hello", headers=["X-Twice: 1", "X-Twice: 2"]), 400, "bad-request")
    expect(dock("GET", "/hello", options=["--http1.0"]), 505, "http-version")
    expect(dock("GET", "/hello", headers=["X-Long: " + "a" * 17_000]), 431, "head-too-long")


def test_key_and_end(dock, camera, announced):
    path = f"/recordings/{announced.hex}"
    other = camera.record(utc_ms=NOW_MS)
    ending = json.dumps({"last_seq": announced.last_seq, "tail": announced.tail.hex()}).encode()
    expect(dock("POST", f"{path}/complete", body=ending), 409, "incomplete")
    assert dock("PUT", f"{path}/key", body=announced.key_cbor)[0] == 201
    expect(dock("PUT", f"{path}/key", body=other.key_cbor), 409, "key-refused")
    seq, data = announced.part(0, 99)
    assert dock("PUT", f"{path}/parts/{seq}", body=data)[0] == 201
    for _ in range(40):
        status, answer = dock("POST", f"{path}/complete", body=ending)
        if status != 202:
            break
        assert (answer["code"], int(dock.retry_after) >= 1) == ("not-ready", True)
    assert status == 200
    assert isinstance(answer, bytes)


def test_every_row_of_the_page_was_asked():
    rows = re.findall(r"^\| [^|]+\| (\d{3}) \| `([a-z-]+)`", PAGE.read_text(encoding="utf-8"), re.M)
    assert len(rows) > 15
    assert {(int(status), code) for status, code in rows if code not in ELSEWHERE} <= seen
