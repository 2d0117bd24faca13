"""Durable appends to the custody log, by batch, against writing and syncing one file for each batch."""

import os
import tempfile
import time
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from bench.measure import Goal, Result, Series, interleave
from openbwv import custody
from openbwv.shared.log_folder import CheckpointFile, LogFolder

BATCHES = {1: 100, 16: 60, 256: 40, 2048: 10}
ENTRY_BYTES = 64


def run(rounds: int) -> Result:
    """Measure."""
    notes = [
        "An append is durable when it returns: entry bundle, tiles, two checkpoints and their folders are synced. The",
        "floor writes the same entries into one new file and syncs file and folder. Wall time; the disk decides.",
    ]
    series = [one(batch, count, rounds) for batch, count in BATCHES.items()]
    return Result("log", "durable entries a second ÷ one synced file a batch", Goal(), series, notes)


def one(batch: int, count: int, rounds: int) -> Series:
    with tempfile.TemporaryDirectory(prefix="bwv-bench-") as name:
        folder = Path(name)
        key = Ed25519PrivateKey.generate()
        vkey = custody.make_vkey("bench", key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))
        place = CheckpointFile(folder / "outside")
        log = custody.create_log(LogFolder(folder / "log"), vkey=vkey, sign=key.sign, outside=place)

        def entries() -> list[bytes]:
            return [os.urandom(ENTRY_BYTES) for _ in range(batch)]

        def ours() -> float:
            began = time.perf_counter()
            for _ in range(count):
                log.append(entries())
            return batch * count / (time.perf_counter() - began)

        def floor() -> float:
            began = time.perf_counter()
            for _ in range(count):
                write_synced(folder, b"".join(entries()))
            return batch * count / (time.perf_counter() - began)

        return interleave(Series(f"{batch} entries a batch", "entries/s"), ours=ours, floor=floor, rounds=rounds)


def write_synced(folder: Path, data: bytes) -> None:
    path = folder / f"floor-{time.monotonic_ns()}"
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    os.write(handle, data)
    os.fsync(handle)
    os.close(handle)
    above = os.open(folder, os.O_RDONLY)
    os.fsync(above)
    os.close(above)
