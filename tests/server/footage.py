"""Recordings for tests, made as a camera makes them: fake fMP4 units of any size, or a real video by PyAV."""

import hashlib
import secrets
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric import ec

from openbwv.recording import (
    ClockSource,
    ClockState,
    CloseReason,
    Codec,
    Container,
    EventKind,
    FragFlag,
    OpenBody,
    RecordingBuilder,
    SoftwareSigner,
    Track,
    TrackKind,
    TrackTime,
    Trigger,
    new_dek,
    new_rec_id,
    wrap_dek,
)

SECOND_NS = 1_000_000_000
TIMESCALE = 12_800
TRACK = Track(1, TrackKind.VIDEO, Container.FMP4, Codec.H264, TIMESCALE)


@dataclass
class Footage:
    """One recording as it lies on a camera."""

    rec_id: bytes
    dek: bytes
    entries: list[bytes] = field(default_factory=list)
    sealed: list[tuple[int, bytes]] = field(default_factory=list)  # (seq, ciphertext)
    plain: list[tuple[int, bytes]] = field(default_factory=list)
    key_cbor: bytes = b""
    tail: bytes = b""

    @property
    def hex(self) -> str:
        """Its identifier as the door's addresses carry it."""
        return self.rec_id.hex()

    @property
    def last_seq(self) -> int:
        """Number of the last entry."""
        return len(self.entries) - 1

    @property
    def manifest(self) -> bytes:
        """All entries."""
        return b"".join(self.entries)

    @property
    def media(self) -> bytes:
        """All sealed fragments back to back."""
        return b"".join(data for _, data in self.sealed)

    def part(self, first: int, count: int) -> tuple[int, bytes]:
        """Return (entry number, bytes) of `count` fragments from the one at place `first`."""
        chosen = self.sealed[first : first + count]
        return chosen[0][0], b"".join(data for _, data in chosen)


@dataclass
class TestCamera:
    """A camera's key, certificate chain and counter."""

    __test__ = False
    key: ec.EllipticCurvePrivateKey
    chain: list[bytes]
    rc: int = 0
    epoch: dict = field(default_factory=dict)

    @property
    def signer(self) -> SoftwareSigner:
        """What signs its entries."""
        return SoftwareSigner(self.key)

    @property
    def kid(self) -> bytes:
        """Its key's identifier."""
        return self.signer.kid

    def record(
        self,
        *,
        utc_ms: int,
        units: list[bytes] | None = None,
        seconds: int = 6,
        size: int = 2_000,
        assignment: bytes | None = None,
        close: bool = True,
        events: bool = True,
        rec_id: bytes | None = None,
        rc: int | None = None,
        previous: Footage | None = None,
    ) -> Footage:
        """Record `units` (init first) or `seconds` made-up fragments of about `size` bytes."""
        rec_id = rec_id or new_rec_id(min(utc_ms, 2**47), secrets.token_bytes)
        dek = new_dek(secrets.token_bytes)
        made = Footage(rec_id, dek)
        made.key_cbor = wrap_dek(
            dek, epoch_id=self.epoch["id"], epoch_public=self.epoch["public"], rec_id=rec_id, kid=self.kid
        )
        units = units or fake_units(seconds, size)
        builder = RecordingBuilder(rec_id=rec_id, dek=dek, signer=self.signer, chain=self.chain)
        body = OpenBody(
            rc=self.rc if rc is None else rc,
            bt=3,
            clock=ClockState(utc_ms, 50, ClockSource.DOCK, max(0, utc_ms - 1000)),
            m0_ns=SECOND_NS,
            tracks=(TRACK,),
            trigger=Trigger.BUTTON,
            assignment=assignment,
            previous=previous.rec_id if previous else None,
            previous_tail=previous.tail if previous else None,
        )
        self.rc += 1
        made.entries.append(builder.open(body, mono_ns=SECOND_NS))
        for number, unit in enumerate(units):
            times = () if number == 0 else (TrackTime(1, (number - 1) * TIMESCALE, TIMESCALE),)
            flags = FragFlag.INIT if number == 0 else FragFlag(0)
            seq = builder.next_seq
            sealed, entry = builder.fragment(unit, mono_ns=(number + 1) * SECOND_NS, times=times, flags=flags)
            made.entries.append(entry)
            made.sealed.append((seq, sealed))
            made.plain.append((seq, unit))
            if events and number == 2:
                made.entries.append(
                    builder.event(EventKind.MARKER, mono_ns=(number + 1) * SECOND_NS, public={1: number * 1000})
                )
        if close:
            made.entries.append(builder.close(CloseReason.BUTTON, mono_ns=(len(units) + 2) * SECOND_NS))
        made.tail = builder.tail
        return made


def fake_units(seconds: int, size: int) -> list[bytes]:
    """Return an init unit and `seconds` units of random bytes: sealed like video, but no player opens them."""
    return [b"init" + secrets.token_bytes(60), *(secrets.token_bytes(size + 13 * n) for n in range(seconds))]


def sha256(data: bytes) -> bytes:
    """Return SHA-256."""
    return hashlib.sha256(data).digest()
