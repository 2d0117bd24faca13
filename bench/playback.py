"""Playing decrypted fragments, against the same server sending the stored bytes as they are.

Both are one ASGI application under granian, one fragment a GET, as the media callable serves them. Ours opens each
fragment (AES-256-GCM) from its file; the floor reads the file and sends it. Permission, viewing session and events are
in neither: they are a few rows for each ten seconds of video.
"""

import asyncio
import http.client
import os
import secrets
import subprocess
import sys
import tempfile
from pathlib import Path

from bench.measure import Goal, Result, Series, interleave
from bench.processes import cpu_s, wait_for_port
from openbwv import recording as r
from openbwv.demo.processes import free_port
from openbwv.server.commands.server import MALLOC

FRAGMENTS, SIZES = 64, {"256 KiB": 256 << 10, "380 kB (3 Mb/s)": 380_000}
GETS = 600
FOLDER = "BENCH_PLAYBACK_FOLDER"
REC_ID = bytes(16)


async def application(scope, receive, send) -> None:  # type: ignore[no-untyped-def]
    """GET /plain/SEQ or /open/SEQ."""
    if scope["type"] != "http":
        return
    _, how, seq = scope["path"].split("/")
    body = await asyncio.to_thread(read, how, int(seq))
    headers = [(b"content-type", b"video/mp4"), (b"content-length", b"%d" % len(body)), (b"cache-control", b"no-store")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def read(how: str, seq: int) -> bytes:
    """Return a fragment's stored bytes, opened or as they are."""
    folder = Path(os.environ[FOLDER])
    sealed = (folder / str(seq)).read_bytes()
    return sealed if how == "plain" else r.open_sealed((folder / "key").read_bytes(), REC_ID, seq, 0, sealed)


def run(rounds: int) -> Result:
    """Measure."""
    series = [one(name, size, rounds) for name, size in SIZES.items()]
    notes = ["MB per CPU second of the server process; the client's CPU is not counted."]
    return Result("playback", "decrypting fragments ÷ serving plain ones", Goal(0.7, 0.9), series, notes)


def one(name: str, size: int, rounds: int) -> Series:
    with tempfile.TemporaryDirectory(prefix="bwv-bench-") as folder:
        key = secrets.token_bytes(32)
        (Path(folder) / "key").write_bytes(key)
        for seq in range(FRAGMENTS):
            (Path(folder) / str(seq)).write_bytes(r.seal(key, REC_ID, seq, 0, os.urandom(size)))
        port = free_port()
        command = [sys.executable, "-m", "granian", "--interface", "asgi", "--port", str(port), "--no-ws", "--no-log"]
        server = subprocess.Popen([*command, "bench.playback:application"], env=os.environ | MALLOC | {FOLDER: folder})
        try:
            wait_for_port(server, port)
            return interleave(
                Series(name, "MB/CPU-s"),
                ours=lambda: play(server.pid, port, "open"),
                floor=lambda: play(server.pid, port, "plain"),
                rounds=rounds,
            )
        finally:
            server.terminate()
            server.wait()


def play(pid: int, port: int, how: str) -> float:
    """Fetch fragments one after the other and return MB per CPU second of the server."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    before, total = cpu_s(pid), 0
    for number in range(GETS):
        connection.request("GET", f"/{how}/{number % FRAGMENTS}")
        total += len(connection.getresponse().read())
    connection.close()
    return total / 1e6 / (cpu_s(pid) - before)
