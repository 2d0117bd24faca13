"""An agency, its cameras and their recordings, small enough to take apart byte by byte."""

import secrets
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from openbwv import recording as r

NOW_MS = 1_795_000_000_000  # Mon 18 Nov 2026
SECOND = 1_000_000_000
VIDEO = r.Track(1, r.TrackKind.VIDEO, r.Container.FMP4, r.Codec.H264, 90_000)
AUDIO = r.Track(2, r.TrackKind.AUDIO, r.Container.FMP4, r.Codec.AAC, 48_000)


def new_key():
    return ec.generate_private_key(ec.SECP256R1())


def point(key):
    return key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


class Agency:
    """A force's CA. Two agencies may bear one name: that is what a forger does."""

    def __init__(self, name="Thornbury Police", *, pretend=False):
        self.key = new_key()
        self.root = r.make_root(
            self.key, organisation=name, serial=secrets.randbits(100), from_utc_ms=NOW_MS, pretend=pretend
        )
        self.trust = r.Trust.load(r.to_pem([self.root]))
        self.epoch = new_key()

    def certify(self, public_key, use, name="0417", **more):
        leaf = r.issue(
            public_key,
            root_der=self.root,
            root_key=self.key,
            use=use,
            common_name=name,
            serial=secrets.randbits(100),
            from_utc_ms=NOW_MS,
            **more,
        )
        return [leaf, self.root]

    def signer(self, use, name="server"):
        key = new_key()
        return r.SoftwareSigner(key), self.certify(key.public_key(), use, name)

    def camera(self, name="0417"):
        return Camera(self, name)

    def write_trust(self, path: Path):
        path.write_bytes(r.to_pem([self.root]))
        return path


@dataclass
class Recorded:
    """One finished recording, in pieces."""

    rec_id: bytes
    dek: bytes
    entries: list[bytes] = field(default_factory=list)
    media: list[bytes] = field(default_factory=list)
    plain: list[bytes] = field(default_factory=list)
    tail: bytes = b""
    key_cbor: bytes = b""

    @property
    def manifest(self):
        return b"".join(self.entries)

    @property
    def media_bin(self):
        return b"".join(self.media)

    @property
    def commit_key(self):
        return r.commit_key(self.dek, self.rec_id)

    def write(self, folder: Path, *, key=True):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "manifest.cbor").write_bytes(self.manifest)
        (folder / "media.bin").write_bytes(self.media_bin)
        if key:
            (folder / "key.cbor").write_bytes(self.key_cbor)
        return folder


class Camera:
    """A camera of an agency: a key, a counter, a clock that only runs forward."""

    def __init__(self, agency, name="0417"):
        self.agency, self.name, self.key = agency, name, new_key()
        self.signer = r.SoftwareSigner(self.key)
        self.chain = agency.certify(self.key.public_key(), r.USE_CAMERA, name, san=[r.camera_uri(name)])
        self.rc, self.bt, self.mono_ns, self.utc_ms = 0, 1, 100 * SECOND, NOW_MS + 60_000
        self.previous = self.previous_tail = None

    def open_body(self, **changes):
        facts = {
            "rc": self.rc,
            "bt": self.bt,
            "clock": r.ClockState(self.utc_ms, 50, r.ClockSource.DOCK, NOW_MS),
            "m0_ns": self.mono_ns,
            "tracks": (VIDEO, AUDIO),
            "previous": self.previous,
            "previous_tail": self.previous_tail,
        }
        return r.OpenBody(**(facts | changes))

    def start(self, **changes):
        """Open a recording; returns (builder, Recorded with OPEN and the init unit)."""
        self.rc += 1
        self.utc_ms += 60_000
        self.mono_ns += 60 * SECOND
        rec = Recorded(r.new_rec_id(self.utc_ms, secrets.token_bytes), r.new_dek(secrets.token_bytes))
        builder = r.RecordingBuilder(rec_id=rec.rec_id, dek=rec.dek, signer=self.signer, chain=self.chain)
        rec.entries.append(builder.open(self.open_body(**changes), mono_ns=self.mono_ns))
        rec.key_cbor = r.wrap_dek(
            rec.dek, epoch_id="2026-w47", epoch_public=point(self.agency.epoch), rec_id=rec.rec_id, kid=self.signer.kid
        )
        self.add(builder, rec, -1, flags=r.FragFlag.INIT)
        return builder, rec

    def times(self, second):
        return (r.TrackTime(1, second * 90_000, 90_000), r.TrackTime(2, second * 48_000, 48_000))

    def add(self, builder, rec, second, *, flags=0, size=64, times=None, mono_ns=None, meta=None):
        plain = secrets.token_bytes(size)
        if times is None:
            times = () if flags & r.FragFlag.INIT else self.times(second)
        at = mono_ns if mono_ns is not None else self.mono_ns + (second + 1) * SECOND
        sealed, entry = builder.fragment(plain, mono_ns=at, times=times, flags=flags, meta=meta)
        rec.plain.append(plain)
        rec.media.append(sealed)
        rec.entries.append(entry)

    def finish(self, builder, rec, second=100, why=r.CloseReason.BUTTON):
        rec.entries.append(builder.close(why, mono_ns=self.mono_ns + second * SECOND))
        rec.tail = builder.tail
        self.previous, self.previous_tail = rec.rec_id, builder.tail
        return rec

    def record(self, seconds=4, *, close=True, size=64, **changes):
        """Record: init, `seconds` fragments, a marker after the second one, CLOSE."""
        builder, rec = self.start(**changes)
        for second in range(seconds):
            self.add(builder, rec, second, size=size, meta={1: [[515_000_000, 1_000_000]]} if second == 0 else None)
            if second == 1:
                at = self.mono_ns + 2 * SECOND
                rec.entries.append(builder.event(r.EventKind.MARKER, mono_ns=at, public={1: at}))
        if close:
            self.finish(builder, rec)
        rec.tail = builder.tail
        return rec


def chunks(data, size=1 << 16):
    return [data[start : start + size] for start in range(0, len(data), size)]


def read_all(manifest):
    reader = r.ManifestReader()
    entries = reader.feed(manifest)
    reader.finish()
    return reader, entries


ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def flip_last(data: bytes) -> bytes:
    """Return the bytes with one bit of the last one changed."""
    return data[:-1] + bytes([data[-1] ^ 1])


def malleate(entry: bytes) -> bytes:
    """Replace s by n - s in the signature at the end: as valid as before, other bytes."""
    s = int.from_bytes(entry[-32:], "big")
    return entry[:-32] + (ORDER - s).to_bytes(32, "big")


def resign(entry: bytes, signer, change) -> bytes:
    """Return the entry with its payload map changed and signed anew: what a dishonest camera could write."""
    parsed = r.parse_entry(entry)
    payload = r.cbor.decode(parsed.signed.payload)
    change(payload)
    return r.sign1(r.cbor.encode(payload), typ=parsed.signed.typ, signer=signer, x5chain=list(parsed.x5chain) or None)
