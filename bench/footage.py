"""Recordings to measure with: right in every byte, but their picture is random data."""

import io
import os
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric import ec

from openbwv import recording as r

FIRST_MS = 1_795_183_331_000
SECOND_NS = 1_000_000_000


@dataclass
class Camera:
    """A camera with a certificate of an authority of its own."""

    signer: r.SoftwareSigner
    chain: list[bytes]
    trust: r.Trust


def make_camera() -> Camera:
    """Return a new camera."""
    root_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    root = r.make_root(root_key, organisation="Bench", serial=1, from_utc_ms=FIRST_MS)
    leaf = r.issue(
        key.public_key(), root_der=root, root_key=root_key, use=r.USE_CAMERA, common_name="0001", serial=2,
        from_utc_ms=FIRST_MS, days=30, san=[r.camera_uri("0001")],
    )  # fmt: skip
    return Camera(r.SoftwareSigner(key), [leaf, root], r.Trust.load(r.to_pem([root])))


def open_builder(camera: Camera, *, rc: int = 1) -> tuple[r.RecordingBuilder, bytes, bytes, bytes]:
    """Return a builder after OPEN, the OPEN entry, the recording's identifier and its data key."""
    rec_id, dek = r.new_rec_id(FIRST_MS, secrets.token_bytes), r.new_dek(secrets.token_bytes)
    builder = r.RecordingBuilder(rec_id=rec_id, dek=dek, signer=camera.signer, chain=camera.chain)
    body = r.OpenBody(
        rc=rc, bt=1, clock=r.ClockState(FIRST_MS, 10, r.ClockSource.DOCK, FIRST_MS), m0_ns=0,
        tracks=(r.Track(1, r.TrackKind.VIDEO, r.Container.FMP4, r.Codec.H264, 90_000),), trigger=r.Trigger.BUTTON,
        pre_ms=0, previous=None, previous_tail=None, firmware=bytes(32), profile=bytes(32), anchor=None,
        assignment=None,
    )  # fmt: skip
    return builder, builder.open(body, mono_ns=SECOND_NS), rec_id, dek


def sealed_pieces(camera: Camera, pieces: list[bytes]) -> Iterator[tuple[bytes, bytes]]:
    """Yield (entry, sealed fragment) of a recording of these pieces, one a second, after a small init unit."""
    builder, first, _, _ = open_builder(camera)
    yield first, b""
    sealed, entry = builder.fragment(b"init", mono_ns=SECOND_NS, flags=r.FragFlag.INIT)
    yield entry, sealed
    for number, piece in enumerate(pieces):
        times = (r.TrackTime(1, number * 90_000, 90_000),)
        sealed, entry = builder.fragment(piece, mono_ns=(number + 2) * SECOND_NS, times=times)
        yield entry, sealed
    yield builder.close(r.CloseReason.BUTTON, mono_ns=(len(pieces) + 2) * SECOND_NS), b""


def seal_all(camera: Camera, pieces: list[bytes]) -> tuple[bytes, list[bytes]]:
    """Return the manifest and the sealed fragments."""
    entries, media = zip(*sealed_pieces(camera, pieces), strict=True)
    return b"".join(entries), [sealed for sealed in media if sealed]


def random_pieces(count: int, size: int) -> list[bytes]:
    """Return `count` pieces of `size` random bytes."""
    return [os.urandom(size) for _ in range(count)]


def rate(work, amount: float) -> float:  # type: ignore[no-untyped-def]
    """Run `work` and return amount per second of this process's CPU time."""
    began = time.process_time()
    work()
    return amount / (time.process_time() - began)


def as_file(media: list[bytes]) -> io.BytesIO:
    """Return the fragments back to back, as a file."""
    return io.BytesIO(b"".join(media))
