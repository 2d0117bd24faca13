"""A real force for scenarios: its commands as processes, its door over TLS, devices with real certificates."""

import json
import os
import secrets
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from openbwv.recording import USE_DOOR, Inventory, SoftwareSigner
from openbwv.server.vault.keys import KeyClient
from openbwv.shared import agency
from openbwv.shared.door_client import DoorClient
from openbwv.shared.tls import TlsIdentity, client_context
from tests.server.footage import TestCamera

PASSPHRASE = "a passphrase for scenarios"
START_S = 40.0


class RealForce:
    """Commands run against one state folder; processes are stopped by `close`."""

    apart = False  # each process in a group of its own

    def __init__(self, folder: Path, *options: str) -> None:
        self.folder = folder
        self.state = folder / "state"
        self.port = free_port()
        self.url = f"https://127.0.0.1:{self.port}"
        (folder / "pass").write_text(PASSPHRASE)
        self.environment = os.environ | {
            "BWV_KEYRING_PASSPHRASE_FILE": str(folder / "pass"),
            "BWV_CHECKPOINT_PLACE": str(folder / "outside.checkpoint"),
            "TMPDIR": str(folder / "tmp"),
            "CI": "",
        }
        self.environment.pop("BWV_STATE", None)
        (folder / "tmp").mkdir()
        self.processes: dict[str, subprocess.Popen] = {}
        words = ["--state", self.state, "--name", "Scenario Force", "--admin", "lou", "--json", *options]
        self.made = self.run("init", *words)

    def run(self, *arguments, status=0, told=""):
        """Run one command and return its JSON; `status=None`: however it ends."""
        done = subprocess.run(
            [sys.executable, "-m", "openbwv", *map(str, arguments)],
            env=self.environment,
            input=told,
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )
        assert done.returncode == status or (status is None and done.stdout), done.stdout + done.stderr
        return json.loads(done.stdout) if done.stdout.startswith("{") else done.stdout

    def start(self, name, *arguments, environment=None):
        """Start a process and wait for its first line."""
        process = subprocess.Popen(
            [sys.executable, "-m", "openbwv", *map(str, arguments)],
            env=self.environment | (environment or {}),
            stdout=subprocess.PIPE,
            stderr=(self.folder / f"{name}.err").open("ab"),
            text=True,
            start_new_session=self.apart,
        )
        self.processes[name] = process
        return process

    def start_keyd(self):
        """Start the key service and wait until it listens."""
        process = self.start("keyd", "keyd", "--state", self.state)
        assert "listening" in process.stdout.readline(), (self.folder / "keyd.err").read_text()

    def start_door(self, environment=None):
        """Start the door and wait until it listens."""
        process = self.start(
            "door", "server", "door", "--state", self.state, "--port", self.port, environment=environment
        )
        assert "listening" in process.stdout.readline(), (self.folder / "door.err").read_text()

    def start_worker(self):
        """Start the worker."""
        self.start("worker", "worker", "--state", self.state)

    def stop(self, name, *, kill=False):
        """Stop a process and its children."""
        process = self.processes.pop(name)
        if kill:
            for child in children(process.pid):
                os.kill(child, 9)
            process.kill()
        else:
            process.terminate()
        process.wait(timeout=20)
        process.stdout.close()

    def close(self):
        """Stop everything."""
        for name in list(self.processes):
            self.stop(name, kill=True)

    @property
    def keyd(self):
        """A client of the key service."""
        return KeyClient(self.state / "run" / "keyd.sock")

    def device(self, profile, name):
        """Certify a device with the running key service, make its row, and return its key and files."""
        key = ec.generate_private_key(ec.SECP256R1())
        der = self.keyd.issue(agency.make_csr(key, name), profile=profile, name=name)
        certificate = x509.load_der_x509_certificate(der)
        root = x509.load_pem_x509_certificate((self.state / "trust.pem").read_bytes())
        table = {"camera": "fleet_camera", "dock": "fleet_dock"}[profile]
        self.insert(table, name, agency.kid_of(key.public_key()).hex(), certificate)
        (self.folder / f"{name}.key").write_bytes(agency.key_to_pem(key))
        (self.folder / f"{name}.pem").write_bytes(agency.to_pem([certificate, root]))
        return key, [der, agency.to_der(root)]

    def insert(self, table, name, kid, certificate):
        """Write a device's row as enrolment would (the enrolment itself has scenarios of its own)."""
        values = {
            "name": name,
            "kid": kid,
            "certificate": agency.to_pem([certificate]).decode(),
            "serial": f"{certificate.serial_number:x}",
            "state": "enrolled",
            "enrolled_utc": "2026-11-20 12:00:00",
            "revoked_why": "",
        }
        if table == "fleet_camera":
            values |= {"next_rc": 0, "epoch_id": "", "journal_next_seq": 0, "journal_tail": b"", "journal_id": b""}
        marks = ",".join("?" * len(values))
        with self.database() as database:
            database.execute(f"INSERT INTO {table} ({','.join(values)}) VALUES ({marks})", list(values.values()))

    @contextmanager
    def database(self):
        """Open the force's database."""
        import sqlite3

        connection = sqlite3.connect(self.state / "server.sqlite3", timeout=20)
        try:
            with connection:
                yield connection
        finally:
            connection.close()

    def query(self, sql, *values):
        """Return the rows of a query."""
        with self.database() as database:
            return database.execute(sql, values).fetchall()

    def camera(self, name="0417"):
        """Return an enrolled camera that records."""
        key, chain = self.device("camera", name)
        return TestCamera(key, chain, epoch=self.keyd.public()["epoch"])

    def client(self, key, chain, name, *, url=None):
        """Return a door client that speaks as the device `name`."""
        context = client_context(
            trust_pem=(self.state / "trust.pem").read_bytes(),
            identity=TlsIdentity(self.folder / f"{name}.key", self.folder / f"{name}.pem"),
            uses={USE_DOOR},
        )

        def inventory(hello):
            return Inventory(hello.nonce, hello.door, 1, 1).encode(SoftwareSigner(key), chain)

        return DoorClient(url or self.url, context=context, inventory=inventory)


def free_port():
    """Return a port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def children(pid):
    """Return the processes that `pid` started, and theirs."""
    found = []
    for line in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        found += [*children(int(line)), int(line)]
    return found


def wait_until(condition, *, seconds=20.0, what="it"):
    """Wait until `condition()` is true."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not happen within {seconds} s"
        time.sleep(0.1)


def noise(length):
    """Return bytes that occur nowhere else."""
    return secrets.token_bytes(length)
