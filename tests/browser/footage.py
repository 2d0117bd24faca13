"""Real footage with a barcode in every picture: sealed and signed by the format's own builder, played by the player.

The top row of each picture is 16 blocks, black or white: the picture's number in binary. A test reads it back from a
canvas, so "exact" means that the right picture was on screen, not that a clock said so.
"""

import base64
import fractions
import functools
import io
import secrets
from dataclasses import dataclass

import av
import numpy as np
from cryptography.hazmat.primitives.asymmetric import ec

from openbwv import recording as fmt
from openbwv.recording.registry import ClockSource, CloseReason, Codec, Container, FragFlag, TrackKind

X264 = {"preset": "ultrafast", "crf": "20", "sc_threshold": "0"}
BLOCKS, BLOCK_PX, WIDTH, HEIGHT = 16, 20, 320, 180
RATE, START_MS = 48_000, 1_795_000_000_000


def picture(number: int) -> np.ndarray:
    """Return a grey picture with `number` as 16 blocks along the top."""
    image = np.full((HEIGHT, WIDTH, 3), 40 + number % 100, dtype=np.uint8)
    for bit in range(BLOCKS):
        image[:40, bit * BLOCK_PX : (bit + 1) * BLOCK_PX] = 255 if number >> bit & 1 else 0
    return image


def encode(*, fps: int, seconds: int, b_frames: bool, sound: bool = True) -> bytes:
    """Return a fragmented MP4 (H.264 and AAC, a fragment a second) as a muxer writes it."""
    out = io.BytesIO()
    out.seekable = lambda: False  # as on the camera: the muxer cannot go back
    flags = "frag_keyframe+empty_moov+default_base_moof"
    with av.open(out, "w", format="mp4", options={"movflags": flags}) as box:
        video = box.add_stream("libx264", rate=fps, options=X264 | {"g": str(fps), "keyint_min": str(fps)})
        video.width, video.height, video.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        video.codec_context.time_base = fractions.Fraction(1, fps)
        video.codec_context.max_b_frames = 2 if b_frames else 0
        audio = box.add_stream("aac", rate=RATE, layout="mono") if sound else None
        for number in range(fps * seconds):
            frame = av.VideoFrame.from_ndarray(picture(number), format="rgb24")
            frame.pts, frame.time_base = number, fractions.Fraction(1, fps)
            box.mux(video.encode(frame))
            if audio is not None and number % fps == 0:
                mux_second(box, audio, number // fps)
        box.mux(video.encode(None))
        if audio is not None:
            box.mux(audio.encode(None))
    return out.getvalue()


def mux_second(box, audio, second: int) -> None:
    """Add a second of a quiet tone."""
    at = np.arange(second * RATE, (second + 1) * RATE)
    samples = (0.1 * np.sin(2 * np.pi * 440 * at / RATE)).astype(np.float32)
    for start in range(0, RATE, 1000):
        frame = av.AudioFrame.from_ndarray(samples[None, start : start + 1000], format="fltp", layout="mono")
        frame.sample_rate, frame.pts = RATE, second * RATE + start
        frame.time_base = fractions.Fraction(1, RATE)
        box.mux(audio.encode(frame))


def picture_times(movie: bytes) -> list[float]:
    """Return when each picture comes on, in order, by FFmpeg's demuxer."""
    with av.open(io.BytesIO(movie)) as box:
        packets = [packet for packet in box.demux(video=0) if packet.pts is not None]
        return sorted(float(packet.pts * packet.time_base) for packet in packets)


@dataclass
class Footage:
    """What the media door would serve: the index and each part's bytes by number."""

    index: dict
    init: bytes
    parts: dict[int, bytes]
    fps: int
    seconds: int
    times: list[float]  # when each picture comes on, seconds, as another demuxer reads it

    def answer(self, name: str) -> tuple[int, str, bytes | dict]:
        """Return (status, content type, body) of `/media/<viewing>/<name>`."""
        if name == "index.json":
            return 200, "application/json", self.index
        data = self.init if name == "init" else self.parts.get(int(name))
        if data is None:
            error = {"code": "no-such-part", "what": "There is no such part.", "remedy": "Load the page again."}
            return 404, "application/json", {"error": error}
        return 200, "video/mp4", data


@functools.cache
def make_footage(*, fps: int, seconds: int = 12, b_frames: bool = False, sound: bool = True) -> Footage:
    """Return signed footage; made once for all tests."""
    signer = fmt.SoftwareSigner(ec.generate_private_key(ec.SECP256R1()))
    dek, rec_id = fmt.new_dek(secrets.token_bytes), secrets.token_bytes(16)
    movie = encode(fps=fps, seconds=seconds, b_frames=b_frames, sound=sound)
    units = fmt.BoxCutter().write(movie)
    init = units[0].data
    info = fmt.track_info(init)
    tracks = tuple(
        fmt.Track(
            track.track,
            TrackKind.VIDEO if track.handler == "vide" else TrackKind.AUDIO,
            Container.FMP4,
            Codec.H264 if track.handler == "vide" else Codec.AAC,
            track.timescale,
        )
        for track in info
    )
    builder = fmt.RecordingBuilder(rec_id=rec_id, dek=dek, signer=signer, chain=[b"leaf", b"root"])
    clock = fmt.ClockState(START_MS, 100, ClockSource.DOCK, START_MS)
    builder.open(fmt.OpenBody(rc=1, bt=1, clock=clock, m0_ns=0, tracks=tracks), mono_ns=0)
    rows, parts = [], {}
    first = None
    for unit in units:
        times = () if unit.init else tuple(fmt.fragment_times(unit.data, info))
        seq = builder.next_seq
        flags = FragFlag.INIT if unit.init else FragFlag(0)
        _, entry = builder.fragment(unit.data, mono_ns=seq, times=times, flags=flags)
        row = {"seq": seq, "len": len(unit.data), "entry": b64(entry)}
        if unit.init:
            first = row
        else:
            rows.append(row | {"t": [list(time) for time in times], "f": 0, "here": True, "pts": None})
            parts[seq] = unit.data
    builder.close(CloseReason.BUTTON, mono_ns=10**9)
    index = {
        "v": 1,
        "reference": "BWV-2026-000001",
        "rec_id": rec_id.hex(),
        "mime": None,
        "camera_spki": b64(signer.public_der),
        "kid": signer.kid.hex(),
        "commit_key": b64(fmt.commit_key(dek, rec_id)),
        "overlay": None,
        "expires_ms": 600_000,
        "init": first,
        "parts": rows,
    }
    return Footage(index, init, parts, fps, seconds, picture_times(movie))


def b64(data: bytes) -> str:
    """Return base64 text."""
    return base64.b64encode(data).decode()
