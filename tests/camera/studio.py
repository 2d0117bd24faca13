"""A camera for tests: records into a folder of its own with a throw-away identity, and opens what it recorded."""

import io
import json
import subprocess
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import numpy as np
from cryptography.hazmat.primitives import serialization

from openbwv import recording as r
from openbwv.camera import layout
from openbwv.camera.cli import main
from openbwv.camera.store import Store

RATE = 48_000


def record(store: Path, *options: str, source: str = "testsrc2", seconds: float = 3, prebuffer: int = 0) -> Path:
    """Run `camera record`, not paced, and return the recording's folder."""
    out = io.StringIO()
    argv = ["record", "--source", source, "--seconds", str(seconds), "--store", str(store), "--test-identity"]
    argv += ["--prebuffer", str(prebuffer), "--fast", *options]
    if "--profile" not in options:
        argv += ["--profile", "360p25"]
    with redirect_stdout(out), redirect_stderr(io.StringIO()):
        assert main(argv) == 0
    return Path(out.getvalue().strip().splitlines()[-1])


def dek_of(folder: Path) -> tuple[bytes, bytes]:
    """Return (rec_id, data key) of a recording made with a test identity."""
    store = folder.parents[2]
    pem = (store / layout.IDENTITY / "test-epoch.pem").read_bytes()
    private = serialization.load_pem_private_key(pem, password=None)
    stored = Store(store).read(bytes.fromhex(folder.name))
    dek = r.unwrap_dek(
        stored.key_cbor, epoch_private=private, rec_id=stored.rec_id, kid=stored.kid, dc=stored.open_body.dc
    )
    return stored.rec_id, dek


def decrypted(folder: Path) -> bytes:
    """Return the MP4 that a recording holds."""
    rec_id, dek = dek_of(folder)
    stored = Store(folder.parents[2]).read(rec_id)
    media, key = (folder / layout.MEDIA).read_bytes(), r.media_key(dek, rec_id)
    return b"".join(
        r.open_sealed(key, rec_id, part.seq, 0, media[part.offset : part.offset + part.n]) for part in stored.fragments
    )


def played(folder: Path, to: Path) -> Path:
    """Write the MP4 outside the store, for ffmpeg and ffprobe."""
    path = to / f"{folder.name}.mp4"
    path.write_bytes(decrypted(folder))
    return path


def probe(path: Path, *arguments: str) -> dict:
    """Return what ffprobe says about a file."""
    command = ["ffprobe", "-v", "error", "-of", "json", *arguments, str(path)]
    done = subprocess.run(command, capture_output=True, check=True)
    assert not done.stderr, done.stderr
    return json.loads(done.stdout)


def sound(path: Path) -> np.ndarray:
    """Return the sound as ffmpeg decodes it: mono floats at 48 kHz, from the file's time 0."""
    command = ["ffmpeg", "-v", "error", "-copyts", "-i", str(path), "-vn"]
    command += ["-af", "aresample=async=1:first_pts=0"]  # without it ffmpeg plays the encoder's lead-in as well
    command += ["-f", "f32le", "-ac", "1", "-ar", str(RATE), "-"]
    return np.frombuffer(subprocess.run(command, capture_output=True, check=True).stdout, np.float32)


def luma(path: Path) -> np.ndarray:
    """Return the middle of every picture as a mean brightness, as ffmpeg decodes it."""
    command = ["ffmpeg", "-v", "error", "-i", str(path), "-an", "-fps_mode", "passthrough"]
    command += ["-vf", "crop=iw/2:ih/2,scale=8:8", "-f", "rawvideo", "-pix_fmt", "gray", "-"]
    raw = subprocess.run(command, capture_output=True, check=True).stdout
    return np.frombuffer(raw, np.uint8).reshape(-1, 64).mean(axis=1)


def times(path: Path, stream: str) -> np.ndarray:
    """Return the presentation times of a stream's packets, in seconds."""
    packets = probe(path, "-select_streams", stream, "-show_entries", "packet=pts_time")["packets"]
    return np.array([float(packet["pts_time"]) for packet in packets])


def make(path: Path, *arguments: str) -> Path:
    """Make a file with ffmpeg."""
    subprocess.run(["ffmpeg", "-v", "error", "-y", *arguments, str(path)], check=True)
    return path


def flash_and_beep(path: Path, *, seconds: int, fps: int = 25, size: str = "640x360") -> Path:
    """Make a file with a white flash of one picture and a 1 kHz beep of 40 ms at each whole second."""
    return make(
        path,
        *("-f", "lavfi", "-i", f"color=black:s={size}:r={fps}:d={seconds},geq=lum='if(lt(mod(T,1),0.5/{fps}),235,16)'"),
        *("-f", "lavfi", "-i", f"aevalsrc='if(lt(mod(t,1),0.04),0.5*sin(2*PI*1000*t),0)':s={RATE}:d={seconds}"),
        *("-c:v", "libx264", "-preset", "ultrafast", "-qp", "10", "-pix_fmt", "yuv420p", "-c:a", "pcm_s16le"),
    )


def verdict(folder: Path, *, trust: bytes | None = None) -> r.Verdict:
    """Return the verifier's word on a recording's folder."""
    pem = trust or (folder.parents[2] / "trust.pem").read_bytes()
    with (folder / layout.MEDIA).open("rb") as media:
        chunks = [(folder / layout.MANIFEST).read_bytes()]
        return r.verify_recording(chunks, media, trust=r.Trust.load(pem))


def events(folder: Path) -> list[r.Entry]:
    """Return the EVENT entries of a recording."""
    return [entry for entry in entries(folder) if entry.type == r.EntryType.EVENT]


def entries(folder: Path) -> list[r.Entry]:
    """Return all entries of a recording, checked."""
    return r.ManifestReader().feed((folder / layout.MANIFEST).read_bytes())
