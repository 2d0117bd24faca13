"""The door against a C server that does the least work there is: receive, hash, write, sync.

Both get the same bytes from the same sender, without TLS. What the door does besides: HTTP through Python, the token,
the manifest's place of each fragment, a hash for each fragment instead of one for the part, a row, a durable name.
"""

import contextlib
import itertools
import os
import ssl
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from bench.footage import Camera, open_builder, random_pieces
from bench.measure import Goal, Result, Series, interleave
from bench.processes import build, cpu_s, peak_mib, plain_door, wait_for_port, warm_memory
from bench.tus import compare_with_tus
from openbwv import recording as r
from openbwv.demo.force import Force
from openbwv.demo.processes import free_port

PIECE_BYTES = 380_000
PART_PIECES = 44  # 16.7 MB: one part
CONNECTIONS = 8
SECOND_NS = 1_000_000_000


@dataclass
class Upload:
    """One recording ready to be sent: its parts in a file, its manifest."""

    rec_id: bytes
    manifest: bytes
    file: Path
    parts: list[tuple[int, int, int]]  # first entry, offset, length


def run(rounds: int) -> Result:
    """Measure."""
    with tempfile.TemporaryDirectory(prefix="bwv-bench-") as name, bench_door(Path(name)) as door:
        series = [
            door.measure("16 MiB, 8 at once, 3 each", recordings=CONNECTIONS, parts=3, rounds=rounds),
            door.measure("256 MiB, 16 parts in turn", recordings=1, parts=16, rounds=rounds),
        ]
        against, said = compare_with_tus(door, rounds)
        growth = door.memory_per_upload
    notes = [
        "MB per CPU second of the server; no TLS on either side; 380 kB fragments; every part synced before 201.",
        f"Memory: at most {growth:.1f} MiB more per upload with {CONNECTIONS} uploads at once (goal: at most 4).",
        said,
    ]
    return Result(
        "ingest", "the door ÷ C receive + write + SHA-256 + sync", Goal(0.65, 0.92), [*series, *against], notes
    )


@contextlib.contextmanager
def bench_door(folder: Path) -> Iterator["Door"]:
    """Make a force, enrol a camera in it, and run its door beside the floor."""
    force = Force(folder / "force")
    started: list[subprocess.Popen[bytes]] = []
    try:
        force.begin()
        os.environ["BWV_STATE"] = str(force.state)
        os.environ["BWV_CLOCK_SOCKET"] = force.runner.environment["BWV_CLOCK_SOCKET"]
        camera = enrol(force)
        port, floor_port = free_port(), free_port()
        ours = plain_door(port, {})
        (folder / "floor").mkdir()
        floor = subprocess.Popen([str(build("receive", folder)), str(floor_port), str(folder / "floor")])
        started += [ours, floor]
        wait_for_port(ours, port)
        wait_for_port(floor, floor_port)
        yield Door(folder, force.state, camera, build("send", folder), (ours, port), (floor, floor_port))
    finally:
        for process in started:
            process.terminate()
            process.wait()
        force.end()


def enrol(force: Force) -> Camera:
    """Give a new camera a certificate and a row, as an enrolment at a dock would."""
    from openbwv.server.boot import boot

    boot(str(force.state))
    from openbwv.server.fleet.models import Camera as Row
    from openbwv.server.vault.keys import key_client

    key = ec.generate_private_key(ec.SECP256R1())
    wish = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(key, hashes.SHA256())
    client = key_client()
    leaf = client.issue(wish.public_bytes(serialization.Encoding.DER), profile="camera", name="0001")
    root = client.public()["certificates"]["agency"]
    signer = r.SoftwareSigner(key)
    now = datetime.now(UTC)
    Row.objects.create(name="0001", kid=signer.kid.hex(), certificate=r.to_pem([leaf, root]).decode(), enrolled_utc=now)
    return Camera(signer, [leaf, root], r.Trust.load(r.to_pem([root])))


class Door:
    """The two servers and the sender."""

    def __init__(self, folder, state, camera, sender, ours, floor):  # type: ignore[no-untyped-def]
        self.folder, self.state, self.camera, self.sender = folder, state, camera, sender
        self.ours, self.ours_port = ours
        self.floor, self.floor_port = floor
        self.idle_mib = peak_mib(self.ours.pid)
        self.memory_per_upload = 0.0
        self._rc = itertools.count(1)
        self._pieces = random_pieces(PART_PIECES, PIECE_BYTES)

    def measure(self, name: str, *, recordings: int, parts: int, rounds: int) -> Series:
        """Send `recordings` new recordings of `parts` parts each round, to ours and to the floor."""

        same = [self.upload(parts) for _ in range(recordings)]  # the floor may be sent the same bytes again and again

        def ours() -> float:
            return self.send_new(recordings, parts)

        def floor() -> float:
            return self.send(same, self.floor.pid, self.floor_port, "none")

        try:
            return interleave(Series(name, "MB/CPU-s"), ours=ours, floor=floor, rounds=rounds)
        finally:
            self.remove([upload.file for upload in same])

    def send_new(self, recordings: int, parts: int) -> float:
        """Send new recordings to the door, remove them again, and return MB per CPU second of the door."""
        uploads = [self.upload(parts) for _ in range(recordings)]
        token = self.announce(uploads)
        rate = self.send(uploads, self.ours.pid, self.ours_port, token)
        if recordings == CONNECTIONS:
            grown = (peak_mib(self.ours.pid) - self.idle_mib) / CONNECTIONS
            self.memory_per_upload = max(self.memory_per_upload, grown)
        self.remove([upload.file for upload in uploads])
        return rate

    def remove(self, files: list[Path]) -> None:
        """Remove these files and what both servers stored: neither is to fill the memory of the machine alone."""
        vault = (path for path in (self.state / "vault").rglob("*") if path.is_file())
        large = [path for path in vault if path.stat().st_size >= PIECE_BYTES]
        for path in [*files, *large, *(self.folder / "floor").iterdir()]:
            path.unlink()

    def upload(self, parts: int) -> Upload:
        """Seal a new recording of `parts` parts into a file."""
        builder, first, rec_id, _ = open_builder(self.camera, rc=next(self._rc))
        _, entry = builder.fragment(b"init", mono_ns=SECOND_NS, flags=r.FragFlag.INIT)
        entries, spans, offset = [first, entry], [], 0
        path = self.folder / rec_id.hex()
        with path.open("wb") as file:
            for part in range(parts):
                seq, length = builder.next_seq, 0
                for number, piece in enumerate(self._pieces):
                    at = part * PART_PIECES + number
                    times = (r.TrackTime(1, at * 90_000, 90_000),)
                    sealed, entry = builder.fragment(piece, mono_ns=(at + 2) * SECOND_NS, times=times)
                    entries.append(entry)
                    length += file.write(sealed)
                spans.append((seq, offset, length))
                offset += length
        return Upload(rec_id, b"".join(entries), path, spans)

    def announce(self, uploads: list[Upload]) -> str:
        """Say hello as the camera, send the manifests, and return the token."""
        from openbwv.shared.door_client import DoorClient

        def inventory(hello):  # type: ignore[no-untyped-def]
            body = r.Inventory(nonce=hello.nonce, door=hello.door, boot=1, next_rc=2, last=(), battery=100)
            return body.encode(self.camera.signer, self.camera.chain)

        url = f"http://127.0.0.1:{self.ours_port}"
        with DoorClient(url, context=ssl.create_default_context(), inventory=inventory) as client:
            welcome = client.greet()
            for upload in uploads:
                client.put_manifest(upload.rec_id, from_seq=0, entries=upload.manifest)
        return str(welcome.token)

    def send(self, uploads: list[Upload], pid: int, port: int, token: str) -> float:
        """Send every part and return MB per CPU second of the server."""
        lines = [
            f"/recordings/{upload.rec_id.hex()}/parts/{seq} {token} {upload.file} {offset} {length}"
            for upload in uploads
            for seq, offset, length in upload.parts
        ]
        megabytes = sum(length for upload in uploads for _, _, length in upload.parts) / 1e6
        warm_memory(int(megabytes * 1.2e6))
        before = cpu_s(pid)
        subprocess.run(
            [str(self.sender), str(port), str(len(uploads))], input="\n".join(lines), text=True, check=True,
            stdout=subprocess.DEVNULL,
        )  # fmt: skip
        return megabytes / (cpu_s(pid) - before)
