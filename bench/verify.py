"""Verifying a recording without a key, against the bare SHA-256 of the same bytes."""

import hashlib

from bench.footage import as_file, make_camera, random_pieces, rate, seal_all
from bench.measure import Goal, Result, Series, interleave
from openbwv import recording as r

PIECES, SIZES = 128, {"375 kB (3 Mb/s)": 375_000, "1 MiB": 1 << 20}
READ_BYTES = 1 << 20


def run(rounds: int) -> Result:
    """Measure."""
    series = [one(name, size, rounds) for name, size in SIZES.items()]
    notes = [
        "Ours checks every signature, the chain, the certificate, the rules of the format and every fragment's hash."
    ]
    return Result("verify", "verify ciphertext ÷ SHA-256", Goal(0.5, 0.9), series, notes)


def one(name: str, size: int, rounds: int) -> Series:
    camera = make_camera()
    manifest, media = seal_all(camera, random_pieces(PIECES, size))
    file, megabytes = as_file(media), sum(map(len, media)) / 1e6

    def floor() -> float:
        def work() -> None:
            file.seek(0)
            digest = hashlib.sha256()
            while piece := file.read(READ_BYTES):
                digest.update(piece)

        return rate(work, megabytes)

    def ours() -> float:
        def work() -> None:
            file.seek(0)
            verdict = r.verify_recording([manifest], file, trust=camera.trust)
            if verdict.verdict != "genuine":
                raise AssertionError(verdict.reasons)

        return rate(work, megabytes)

    return interleave(Series(name, "MB/CPU-s"), ours=ours, floor=floor, rounds=rounds)
