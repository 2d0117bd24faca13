"""Giving a new camera its place in a force: six digits on two screens, one fleet manager.

The camera makes its key and keeps it. It trusts nobody yet: TLS only tells it *which* dock key it speaks to, and that
key is in the digits (openbwv.shared.enrolment). If a fleet manager sees the same six on the dock and confirms, the
certificate and the agency CA that come back over this very connection are believed, and pinned from then on.
"""

import contextlib
import json
import os
import ssl
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from openbwv import recording as r
from openbwv.camera.timing import Sync
from openbwv.command import Parser
from openbwv.custody import parse_vkey
from openbwv.recording import USE_CAMERA
from openbwv.recording.errors import EXIT_CANNOT_CREATE, BwvError
from openbwv.shared import agency, door
from openbwv.shared.agency import Profile
from openbwv.shared.clock import SOCKET_VARIABLE, open_clock
from openbwv.shared.door_client import raise_for, unreachable
from openbwv.shared.durable import make_folder, write_durably
from openbwv.shared.enrolment import NONCE_BYTES, TRY_SECONDS, EnrolmentRefused, commitment, shown_code
from openbwv.shared.revocation import keep_newer
from openbwv.shared.tls import PeerRefused, first_meeting_context

POLL_S = 0.5
EXAMPLES = """\
  ./bwv camera enrol --dock https://127.0.0.1:8445 --store camera --name 0417
  ./bwv camera enrol --dock https://127.0.0.1:8445 --store camera --name 0417 --json"""


class AlreadyEnrolled(BwvError):
    """The store has an identity; a camera changes force only with a new store."""

    code = "already-enrolled"
    http_status = 409
    exit_code = EXIT_CANNOT_CREATE


@dataclass
class Meeting:
    """The camera's side of one try; `peer_spki` is the key of the dock as TLS saw it, the same on every connection."""

    url: str
    key: ec.EllipticCurvePrivateKey
    name: str
    peer_spki: bytes = b""
    answered_ns: int = 0
    rtt_ms: int = 0

    def _seen(self, spki: bytes) -> None:
        if self.peer_spki and spki != self.peer_spki:
            raise PeerRefused("the dock's key changed in the middle of the enrolment")
        self.peer_spki = spki

    def open(self) -> tuple[httpx.Client, str, str]:
        """Exchange commitment and nonces; return (client, session, the six digits). Raises EnrolmentRefused."""
        csr = agency.make_csr(self.key, self.name)
        nonce_c = os.urandom(NONCE_BYTES)
        client = httpx.Client(
            base_url=self.url.rstrip("/"), verify=first_meeting_context(self._seen), trust_env=False, timeout=15.0
        )
        first = self._post(client, "/enrol/commit", {"commit": commitment(csr, nonce_c).hex()})
        nonce_d = door.from_hex(first.get("nonce_d"), "enrolment", length=NONCE_BYTES)
        if door.from_base64(first.get("dock_spki"), "enrolment") != self.peer_spki:
            raise EnrolmentRefused("The dock names another key than the one it shows: somebody may stand in between.")
        session = str(first.get("session"))
        code = shown_code(csr, self.peer_spki, nonce_c, nonce_d)
        opening = {"session": session, "csr": door.to_base64(csr), "nonce_c": nonce_c.hex(), "name": self.name}
        self._post(client, "/enrol/open", opening)
        return client, session, code

    def wait(self, client: httpx.Client, session: str, *, seconds: float) -> dict[str, Any]:
        """Ask until a fleet manager has answered; returns the package. Raises EnrolmentRefused."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            asked_ns = time.monotonic_ns()
            value = self._read(lambda: client.get(f"/enrol/{session}"))
            self.answered_ns = time.monotonic_ns()
            self.rtt_ms = (self.answered_ns - asked_ns) // 1_000_000
            state = value.get("state")
            if state == "enrolled":
                return value
            if state == "refused":
                raise EnrolmentRefused(f"The enrolment was refused at the dock. {value.get('why') or ''}".strip())
            if state != "waiting":
                break
            time.sleep(POLL_S)
        raise EnrolmentRefused("Nobody confirmed the digits within two minutes.")

    def _post(self, client: httpx.Client, path: str, value: dict[str, Any]) -> dict[str, Any]:
        return self._read(lambda: client.post(path, json=value))

    def _read(self, ask: Any) -> dict[str, Any]:
        try:
            answer = ask()
        except (httpx.TransportError, ssl.SSLError) as problem:
            raise unreachable(self.url, problem) from problem
        raise_for(answer)
        return door.read_json(answer.content, "enrolment")


def check_package(package: dict[str, Any], *, key: ec.EllipticCurvePrivateKey, name: str) -> dict[str, bytes]:
    """Return the identity's files by name after checking that they belong together; raises BwvError."""
    chain = [door.from_base64(each, "enrolment") for each in package.get("chain") or []]
    trust_pem = str(package.get("trust") or "").encode()
    facts = r.check_chain(chain, use=USE_CAMERA)
    trust = r.Trust.load(trust_pem)
    if facts.kid != agency.kid_of(key.public_key()) or trust.judge(facts) != "trusted":
        raise EnrolmentRefused("The certificate that came back is for another key or hangs under another CA.")
    if facts.san_uri != Profile.CAMERA.urn(name):
        raise EnrolmentRefused(f"The certificate that came back names {facts.san_uri}, not camera {name}.")
    epoch = door.from_base64(package.get("epoch_key"), "enrolment")
    r.EpochKey.decode(epoch, trust=trust)
    vkey = str(package.get("log_vkey") or "")
    parse_vkey(vkey)
    return {
        "key.pem": agency.key_to_pem(key),
        "trust.pem": trust_pem,
        "epoch.cbor": epoch,
        "log.vkey": vkey.encode(),
        "profile.json": json.dumps(package.get("profile") or {}).encode(),
        "chain.pem": agency.to_pem(map(x509.load_der_x509_certificate, chain)),  # last: its presence means "enrolled"
    }


def store_identity(folder: Path, files: dict[str, bytes], package: dict[str, Any], meeting: Meeting) -> None:
    """Write an identity, the certificate last; raises DiskFull, WriteFailed, BadRevocationList."""
    make_folder(folder)
    if package.get("crl"):
        keep_newer(folder / "crl.pem", str(package["crl"]).encode(), trust_pem=files["trust.pem"])
    time_ms = package.get("time_ms")
    if isinstance(time_ms, int):
        clock = open_clock(files["trust.pem"], os.environ.get(SOCKET_VARIABLE))
        own_ms = clock.utc_ms() - (time.monotonic_ns() - meeting.answered_ns) // 1_000_000
        Sync.measured(dock_ms=time_ms, rtt_ms=meeting.rtt_ms, own_ms=own_ms).keep(folder)
    for name, data in files.items():
        write_durably(folder / name, data, replace=True)


def main(argv: list[str]) -> int:
    """`./bwv camera enrol`: show six digits, wait for the fleet manager, store the identity."""
    parser = Parser(prog="./bwv camera enrol", description="Enrol this camera at a dock.", examples=EXAMPLES)
    parser.add_argument("--dock", required=True, help="the dock's enrolment port, https://HOST:PORT")
    parser.add_argument("--store", type=Path, required=True, help="the camera's folder, made if missing")
    parser.add_argument("--name", required=True, help="the number on the camera, such as 0417")
    parser.add_argument("--wait", type=float, default=float(TRY_SECONDS), metavar="SECONDS", help="at most 120")
    parser.add_argument("--json", action="store_true", help="print the digits, then the result, as lines of JSON")
    arguments = parser.parse_args(argv)
    folder = arguments.store / "identity"
    if (folder / "chain.pem").exists():
        raise AlreadyEnrolled(
            what=f"{folder} holds an identity already.",
            remedy="Use another --store. An old identity is revoked by the fleet manager, never reused.",
        )
    key = ec.generate_private_key(ec.SECP256R1())
    meeting = Meeting(arguments.dock, key, arguments.name)
    client, session, code = meeting.open()
    with contextlib.closing(client):
        _say(arguments.json, {"code": code}, f"\n    {code[:3]} {code[3:]}\n\nCompare with the dock's page.\n")
        package = meeting.wait(client, session, seconds=min(arguments.wait, TRY_SECONDS))
    store_identity(folder, check_package(package, key=key, name=arguments.name), package, meeting)
    kid = agency.kid_of(key.public_key()).hex()
    _say(
        arguments.json,
        {"enrolled": True, "name": arguments.name, "kid": kid},
        f"Enrolled as camera {arguments.name}.\n",
    )
    return 0


def _say(as_json: bool, value: dict[str, Any], text: str) -> None:
    sys.stdout.write(json.dumps(value) + "\n" if as_json else text)
    sys.stdout.flush()
