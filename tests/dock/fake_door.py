"""A server's door for tests: the protocol over TLS 1.3 with client certificates, in memory, easy to make misbehave."""

import contextlib
import json
import os
import socket
import ssl
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from cryptography.x509.oid import NameOID

from openbwv import recording as r
from openbwv.shared import agency, door
from openbwv.shared.agency import Profile
from openbwv.shared.receipts import OwnFacts, media_hash
from openbwv.shared.tls import TlsIdentity


class Stored:
    """What the fake server holds of one recording."""

    def __init__(self):
        self.reader = r.ManifestReader()
        self.entries, self.fragments, self.parts = [], [], {}
        self.key, self.orphan, self.receipt, self.asked = b"", b"", None, 0

    @property
    def media(self):
        return b"".join(self.parts[f.seq] for f in self.fragments)


class FakeDoor:
    """`refuse` may return (status, headers, body) for a request, or None to let it through."""

    def __init__(self, force, folder, *, port=0, party=None, door_name="evidence-1"):
        folder.mkdir(parents=True, exist_ok=True)
        self.force, self.folder = force, folder
        self.stored, self.journals, self.requests, self.assigned, self.none = {}, {}, [], [], []
        self.nonces, self.tokens, self.revoked, self.crl = set(), {}, set(), None
        self.not_ready = 0
        self.strangers, self.counts, self.contradictions = [], [], []
        self.open, self.todo, self.one_at_a_time = [], [], threading.Lock()
        self.refuse = lambda method, path: None
        self.people = {"harper": ("fleet-secret", True), "avery": ("officer-secret", False)}
        self.enrolments, self.enrolled = {}, []
        self.tamper = lambda receipt: receipt
        self.door_name = door_name
        party = party or force.party("door", Profile.DOOR, hosts=["127.0.0.1"])
        self.identity = party.write(folder / "door")
        (folder / "trust.pem").write_bytes(force.trust_pem)
        self.port = port
        self.start()

    def start(self):
        fake = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def setup(self):
                super().setup()
                fake.open.append(self.connection)

            def handle_any(self):
                fake.handle(self)

            do_GET = do_PUT = do_POST = handle_any

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            allow_reuse_address = True

            def handle_error(self, *_):
                pass

        self.server = Server(("127.0.0.1", self.port), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.load_cert_chain(self.identity / "chain.pem", self.identity / "key.pem")
        context.load_verify_locations(self.folder / "trust.pem")
        context.verify_mode = ssl.CERT_REQUIRED
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        self.port = self.server.server_address[1]
        self.url = f"https://127.0.0.1:{self.port}"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        for connection in self.open:  # idle ones would hold up the close below
            with contextlib.suppress(OSError):  # reset, as when a process dies, when its handler lets go of it
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                socket.socket.shutdown(connection, socket.SHUT_RDWR)
        self.open.clear()
        self.server.server_close()

    # -- one request -----------------------------------------------------------------------------------------------

    def handle(self, http):
        url = urlsplit(http.path)
        query = {name: values[-1] for name, values in parse_qs(url.query).items()}
        self.requests.append((http.command, http.path))
        length = int(http.headers.get("Content-Length") or 0)
        refusal = self.refuse(http.command, url.path)
        body = http.rfile.read(length)
        if len(body) != length:
            http.close_connection = True
            return
        with self.one_at_a_time:  # the force's log in memory takes one writer
            status, headers, answer = refusal or self.route(http, url.path.strip("/").split("/"), query, body)
        data = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        http.send_response(status)
        for name, value in {"Content-Length": len(data), **headers}.items():
            http.send_header(name, str(value))
        http.end_headers()
        http.wfile.write(data)

    def route(self, http, path, query, body):
        if path == ["hello"]:
            return self.hello(http.command, body)
        kid = self.tokens.get(http.headers.get("Authorization", ""))
        if kid is None:
            return error(401, "token-expired")
        if kid in self.revoked:
            return error(403, "revoked")
        value = json.loads(body) if http.headers.get("Content-Type") == "application/json" else {}
        match http.command, path:
            case method, ["recordings", rec_id, *rest]:
                return self.recording(method, bytes.fromhex(rec_id), rest, query, body, value)
            case "GET", ["receipts"]:
                wanted = bytes.fromhex(query["camera"])
                found = [s.receipt for s in self.stored.values() if s.receipt and s.reader.chain.kid == wanted]
                return 200, {}, {"receipts": [door.to_base64(each) for each in found]}
            case "GET", ["journal"]:
                return 200, {}, {"next_seq": len(self.journals.get(query["camera"], [])), "tail": None}
            case "PUT", ["journal"]:
                reader = r.JournalReader()
                have = self.journals.setdefault(query["camera"], [])
                have += [entry.raw for entry in reader.feed(b"".join(have) + body)][len(have) :]
                return 200, {}, {"next_seq": len(have), "tail": None}
            case "GET", ["fleet", "cameras"]:
                return 200, {}, {"cameras": [{"name": "0417", "person": "PC Avery", "state": "out"}]}
            case "POST", ["renewals"]:
                return 200, {}, {"chain": [door.to_base64(each) for each in self.renew(value["csr"])]}
            case "PUT", ["counts"]:
                received = r.CountStatement.decode(body, trust=self.force.trust)
                assert received.kid.hex() == query["camera"]
                self.counts.append(received.body)
                return 201, {}, {}
            case "POST", ["strangers"]:
                self.strangers.append(r.Inventory.decode(body))
                return 201, {}, {}
            case "GET", ["consistency"]:
                size = self.force.reader.checkpoint().size  # like the server: up to its newest checkpoint
                proof = self.force.reader.consistency_proof(int(query["old"]), size)
                return 200, {}, {"size": size, "proof": [door.to_base64(each) for each in proof]}
            case "POST", ["enrolments", *rest]:
                return self.enrolment(rest, value)
            case "POST", ["assignments", *rest]:
                return self.assignment(rest, value)
        return error(404, "no-such-route")

    def hello(self, method, body):
        if method == "GET":
            nonce = os.urandom(32)
            self.nonces.add(nonce)
            hello = door.Hello(time.time_ns() // 1_000_000, nonce, self.door_name, self.force.reader.note())
            return 200, {}, hello.as_json()
        inventory = r.Inventory.decode(body, trust=self.force.trust)
        assert inventory.body.door == self.door_name
        self.nonces.remove(inventory.body.nonce)
        if inventory.kid in self.revoked:
            return error(403, "revoked")
        token = os.urandom(16).hex()
        self.tokens[f"Bearer {token}"] = inventory.kid
        welcome = door.Welcome(
            token=token, epoch_key=self.force.epoch_message(), checkpoint=self.force.reader.note(),
            revoked=frozenset(self.revoked), crl=self.crl.decode() if self.crl else None, log_vkey=self.force.vkey,
            log_certificate=self.force.log_chain, profile={"name": "standard"}, queue=tuple(self.todo),
            log_beginning=self.force.beginning(),
        )  # fmt: skip
        return 200, {}, welcome.as_json()

    def recording(self, method, rec_id, rest, query, body, value):
        stored = self.stored.setdefault(rec_id, Stored())
        reader = stored.reader
        match method, rest:
            case "GET", ["manifest"]:
                return 200, {}, {"next_seq": reader.next_seq, "tail": reader.tail.hex()}
            case "PUT", ["manifest"]:
                if int(query["from"]) < reader.next_seq:
                    known = r.parse_entry(stored.entries[int(query["from"])])
                    assert r.is_equivocation(known, r.parse_entry(body))
                    self.contradictions.append(body)
                    return error(409, "equivocation")
                assert int(query["from"]) == reader.next_seq
                for entry in reader.feed(body):
                    stored.entries.append(entry.raw)
                    if entry.fragment:
                        stored.fragments.append(entry.fragment)
                return 200, {}, {"next_seq": reader.next_seq, "tail": reader.tail.hex()}
            case "PUT", ["key"]:
                stored.key = body
                return 201, {}, {}
            case "GET", ["parts"]:
                parts = [{"first": seq, "last": seq, "length": len(data)} for seq, data in sorted(stored.parts.items())]
                return 200, {}, {"parts": parts}
            case "PUT", ["parts", first]:
                run, left = [], len(body)
                for fragment in stored.fragments:
                    if fragment.seq >= int(first) and left > 0:
                        run.append(fragment)
                        left -= fragment.n
                checker = r.PartChecker(run)
                try:
                    checker.feed(body)
                    checker.finish()
                except r.FragmentError:
                    return error(409, "not-the-signed-bytes")
                position = 0
                for fragment in run:
                    stored.parts[fragment.seq] = body[position : position + fragment.n]
                    position += fragment.n
                return 201, {}, {"stored": [fragment.seq for fragment in run]}
            case "PUT", ["orphan"]:
                stored.orphan = body
                return 201, {}, {}
            case "POST", ["complete"]:
                return self.complete(rec_id, stored, value)
        return error(404, "no-such-route")

    def complete(self, rec_id, stored, value):
        if len(stored.parts) != len(stored.fragments) or not stored.key:
            return error(409, "incomplete")
        assert value["tail"] == stored.reader.tail.hex()
        stored.asked += 1
        if stored.asked <= self.not_ready:
            return 202, {"Retry-After": "0"}, {}
        if stored.receipt is None:
            import hashlib

            facts = OwnFacts(
                rec_id, stored.reader.chain.kid, value["last_seq"], stored.reader.tail, stored.reader.media_bytes,
                media_hash(stored.fragments), len(stored.orphan),
                hashlib.sha256(stored.orphan).digest() if stored.orphan else b"",
            )  # fmt: skip
            stored.receipt = self.tamper(self.force.receipt_for(facts))
        return 200, {"Content-Type": "application/cose"}, stored.receipt

    def enrolment(self, rest, value):
        if not rest:
            self.enrolments["7"] = value
            return 201, {}, {"id": "7"}
        asked = self.enrolments.pop(rest[0])
        password, fleet = self.people.get(value["username"], (None, False))
        if password != value["password"]:
            return error(403, "sign-in-failed")
        if not fleet:
            return error(403, "not-permitted")
        request = agency.read_csr(door.from_base64(asked["csr"], "csr"))
        certificate = agency.issue(
            agency_key=self.force.agency_key, agency=self.force.agency, public_key=request.public_key(),
            profile=Profile.CAMERA, name=asked["name"],
        )  # fmt: skip
        self.enrolled.append(asked)
        chain = [agency.to_der(certificate), agency.to_der(self.force.agency)]
        return 200, {}, {
            "chain": [door.to_base64(each) for each in chain], "trust": self.force.trust_pem.decode(),
            "epoch_key": door.to_base64(self.force.epoch_message()), "log_vkey": self.force.vkey,
        }  # fmt: skip

    def renew(self, csr, *, force=None, hosts=("127.0.0.1", "localhost")):
        """The chain of a new certificate for whoever asks; `force` may be another one."""
        force = force or self.force
        request = agency.read_csr(door.from_base64(csr, "csr"))
        name = request.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value
        profile = Profile.DOCK if "-" in name else Profile.CAMERA
        certificate = agency.issue(
            agency_key=force.agency_key, agency=force.agency, public_key=request.public_key(), profile=profile,
            name=name, hosts=hosts if profile is Profile.DOCK else (),
        )  # fmt: skip
        return [agency.to_der(certificate), agency.to_der(force.agency)]

    def assignment(self, rest, value):
        password, fleet = self.people.get(value["username"], (None, False))
        if password != value["password"] or (value.get("for") and not fleet):
            return error(403, "sign-in-failed")
        if rest == ["none"]:
            self.none.append(value)
            return 201, {}, {}
        now = time.time_ns() // 1_000_000
        until = now + value["hours"] * 3_600_000
        message = r.Assignment(os.urandom(16), bytes.fromhex(value["camera_kid"]), now, until)
        signed = message.encode(self.force.fleet.signer, self.force.fleet.chain)
        self.assigned.append(value)
        return 200, {}, {"assignment": door.to_base64(signed), "person": "PC Avery", "until_ms": until}

    @property
    def tls(self):
        return TlsIdentity(self.identity / "key.pem", self.identity / "chain.pem")


def error(status, code):
    return status, {}, {"error": {"code": code, "what": f"Refused: {code}.", "remedy": "Do the other thing."}}


@contextlib.contextmanager
def running(force, folder, **more):
    fake = FakeDoor(force, folder, **more)
    try:
        yield fake
    finally:
        fake.stop()
