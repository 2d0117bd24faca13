"""Sealing and signing fragments, against the bare AES-256-GCM and SHA-256 of the same bytes.

Ours hashes twice: the ciphertext, for everybody who verifies, and the plaintext under a key, so that decrypted video
can be compared with the camera's signature. So a second floor hashes both as well.
"""

import hashlib
import hmac
import os

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bench.footage import make_camera, random_pieces, rate, sealed_pieces
from bench.measure import Goal, Result, Series, interleave

PIECES, SIZES = 64, {"375 kB (3 Mb/s)": 375_000, "1 MiB": 1 << 20}


def run(rounds: int) -> Result:
    """Measure."""
    series = [one(name, size, rounds, both) for name, size in SIZES.items() for both in (False, True)]
    notes = [
        "Ours encrypts, hashes ciphertext and plaintext (the commitment of each fragment), signs an entry with ES256.",
        "The floor encrypts and hashes the ciphertext; 'both hashes': it hashes the plaintext too. CPU of one process.",
    ]
    return Result("seal", "seal and sign fragments ÷ AES-256-GCM + SHA-256", Goal(), series, notes)


def one(name: str, size: int, rounds: int, both: bool) -> Series:
    """Measure fragments of one size; with `both` the floor hashes what ours hashes."""
    camera, pieces = make_camera(), random_pieces(PIECES, size)
    cipher, key = AESGCM(os.urandom(32)), os.urandom(32)
    megabytes = PIECES * size / 1e6

    def floor() -> float:
        def work() -> None:
            for number, piece in enumerate(pieces):
                hashlib.sha256(cipher.encrypt(number.to_bytes(12, "big"), piece, b"")).digest()
                if both:
                    hmac.digest(key, piece, "sha256")

        return rate(work, megabytes)

    def ours() -> float:
        def work() -> None:
            for _ in sealed_pieces(camera, pieces):
                pass  # as on the camera: what is sealed goes to the disk and is forgotten

        return rate(work, megabytes)

    label = f"{name}, both hashes" if both else name
    return interleave(Series(label, "MB/CPU-s"), ours=ours, floor=floor, rounds=rounds)
