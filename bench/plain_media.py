"""The floor of `playback`: the same server as ours, with the same settings, that sends files to anybody.

`/plain/…/NAME` is sent as it lies there; `/opened/…/NAME` is decrypted first, as every fragment of ours has to be. Each
is read in a thread of the loop's, as ours is: a disk may make one wait.
"""

import asyncio
import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bench.processes import wait_for_port
from openbwv.demo.processes import free_port
from openbwv.server.commands.server import MALLOC

FOLDER = "BENCH_PLAYBACK_FOLDER"
PLAIN, OPENED = "plain", "opened"
CIPHER, NONCE = AESGCM(bytes(32)), bytes(12)  # of random bytes that nobody keeps secret


async def application(scope: dict[str, Any], _receive: Any, send: Any) -> None:
    """Answer one GET."""
    if scope["type"] != "http":
        return
    _, kind, *_, name = scope["path"].split("/")
    body = await asyncio.get_running_loop().run_in_executor(None, _read, kind, name)
    headers = [
        (b"content-type", b"video/mp4"),
        (b"content-length", b"%d" % len(body)),
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
    ]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _read(kind: str, name: str) -> bytes:
    descriptor = os.open(f"{os.environ[FOLDER]}/{kind}/{name}", os.O_RDONLY | os.O_CLOEXEC)
    try:
        data = os.pread(descriptor, os.fstat(descriptor).st_size, 0)
    finally:
        os.close(descriptor)
    return CIPHER.decrypt(NONCE, data, None) if kind == OPENED else data


@contextlib.contextmanager
def plain_server(folder: Path, count: int, size: int) -> Iterator[tuple["subprocess.Popen[bytes]", int]]:
    """Run it over `count` files of `size` random bytes, as many as ours reads; yield process and port."""
    for kind in (PLAIN, OPENED):
        (folder / kind).mkdir(parents=True)
    for number in range(count):
        data = os.urandom(size)
        (folder / PLAIN / str(number)).write_bytes(data)
        (folder / OPENED / str(number)).write_bytes(CIPHER.encrypt(NONCE, data, None))
    port = free_port()
    command = [
        sys.executable, "-m", "granian", "--interface", "asgi", "--host", "127.0.0.1", "--port", str(port), "--workers",
        "1", "--no-ws", "--loop", "asyncio", "--no-log", "bench.plain_media:application",
    ]  # fmt: skip
    process = subprocess.Popen(command, env=os.environ | MALLOC | {FOLDER: str(folder)})
    try:
        wait_for_port(process, port)
        yield process, port
    finally:
        process.terminate()
        process.wait()
