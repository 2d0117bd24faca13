"""Sealing and signing fragments, against the bare AES-256-GCM and SHA-256 of the same bytes."""

import hashlib
import os

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bench.footage import make_camera, random_pieces, rate, sealed_pieces
from bench.measure import Goal, Result, Series, interleave

PIECES, SIZES = 64, {"375 kB (3 Mb/s)": 375_000, "1 MiB": 1 << 20}


def run(rounds: int) -> Result:
    """Measure."""
    series = [one(name, size, rounds) for name, size in SIZES.items()]
    notes = [
        "Ours also hashes the plaintext (HMAC, the commitment of each fragment), signs an entry with ES256 and reads",
        "it back; the floor encrypts and hashes the ciphertext, nothing else. CPU time of one process.",
    ]
    return Result("seal", "seal and sign fragments ÷ AES-256-GCM + SHA-256", Goal(), series, notes)


def one(name: str, size: int, rounds: int) -> Series:
    camera, pieces, cipher = make_camera(), random_pieces(PIECES, size), AESGCM(os.urandom(32))
    megabytes = PIECES * size / 1e6

    def floor() -> float:
        def work() -> None:
            for number, piece in enumerate(pieces):
                hashlib.sha256(cipher.encrypt(number.to_bytes(12, "big"), piece, b"")).digest()

        return rate(work, megabytes)

    def ours() -> float:
        def work() -> None:
            for _ in sealed_pieces(camera, pieces):
                pass  # as on the camera: what is sealed goes to the disk and is forgotten

        return rate(work, megabytes)

    return interleave(Series(name, "MB/CPU-s"), ours=ours, floor=floor, rounds=rounds)
