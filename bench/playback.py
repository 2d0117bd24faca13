"""Watching, as a browser does it, against the same server sending the same number of plain bytes.

Ours is `./bwv server` itself: a person signs in on the page, asks to watch, the VIEW event gets its leaf in the custody
log, the key service gives the key, and the media callable serves one fragment a GET. Permission, viewing, grants and
events are all in it. The floor is a raw ASGI callable under the same server with the same settings that reads a plain
file in a thread and sends it, for anybody.
"""

import asyncio
import contextlib
import http.client
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.measure import Goal, Result, Series, interleave
from bench.processes import cpu_s, wait_for_port
from bench.viewing import Footage, playing_force
from openbwv.demo.processes import free_port
from openbwv.server.commands.server import MALLOC

FRAGMENTS, SIZES = 300, {"256 KiB": 256 << 10, "380 kB (3 Mb/s)": 380_000}
FOLDER = "BENCH_PLAYBACK_FOLDER"
PLAIN_FILES = 64


async def plain(scope: dict[str, Any], _receive: Any, send: Any) -> None:
    """Answer GET /SEQ with the bytes of the file of that name; the floor."""
    if scope["type"] != "http":
        return
    body = await asyncio.to_thread(_read, scope["path"].lstrip("/"))
    headers = [
        (b"content-type", b"video/mp4"),
        (b"content-length", b"%d" % len(body)),
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
    ]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _read(name: str) -> bytes:
    descriptor = os.open(Path(os.environ[FOLDER]) / name, os.O_RDONLY)
    try:
        return os.pread(descriptor, 1 << 25, 0)
    finally:
        os.close(descriptor)


@dataclass
class Cost:
    """What one viewing took of the server: bytes of its fragments, CPU seconds for those and for all of it."""

    fragment_bytes: int
    fragments_s: float
    whole_s: float

    @property
    def fragments(self) -> float:
        """Return MB per CPU second of the fragments."""
        return self.fragment_bytes / 1e6 / self.fragments_s

    @property
    def whole(self) -> float:
        """Return the same with what a viewing takes besides: asking to watch, the page, the index, leaving."""
        return self.fragment_bytes / 1e6 / self.whole_s


def run(rounds: int) -> Result:
    """Measure."""
    with tempfile.TemporaryDirectory(prefix="bwv-bench-") as name, playing_force(Path(name)) as force:
        series = [each for label, size in SIZES.items() for each in measure(force, Path(name), label, size, rounds)]
    notes = [
        "MB per CPU second of the server's processes; one viewer, one GET after the other, no TLS on either side.",
        f"A viewing is {FRAGMENTS} fragments of a second each. 'Whole' has in it what it takes besides: the page,",
        "VIEW and its leaf, the key, the index with every signed entry, VIEWED; the goal is for the fragments.",
    ]
    return Result("playback", "watching ÷ the same server serving plain ones", Goal(0.7, 0.9), series, notes)


def measure(force: Any, folder: Path, label: str, size: int, rounds: int) -> list[Series]:
    """Play one recording of fragments of `size` bytes again and again, and plain files of that size."""
    footage = force.record(FRAGMENTS, size)
    whole: list[float] = []
    with plain_server(folder / label.replace(" ", "-").replace("/", "-"), size) as (process, port):

        def ours() -> float:
            cost = watch(force, footage)
            whole.append(cost.whole)
            return cost.fragments

        def floor() -> float:
            before = cpu_s(process.pid)
            total = fetch(port, [f"/{number % PLAIN_FILES}" for number in range(FRAGMENTS)], {})
            return total / 1e6 / (cpu_s(process.pid) - before)

        fragments = interleave(Series(f"{label}, fragments", "MB/CPU-s"), ours=ours, floor=floor, rounds=rounds)
    counted = whole[-rounds:]
    everything = Series(f"{label}, whole", "MB/CPU-s", ours=counted, floor=list(fragments.floor), has_goal=False)
    return [fragments, everything]


@contextlib.contextmanager
def plain_server(folder: Path, size: int) -> Iterator[tuple["subprocess.Popen[bytes]", int]]:
    """Run the floor over files of `size` random bytes."""
    folder.mkdir()
    for number in range(PLAIN_FILES):
        (folder / str(number)).write_bytes(os.urandom(size))
    port = free_port()
    command = [
        sys.executable, "-m", "granian", "--interface", "asgi", "--host", "127.0.0.1", "--port", str(port), "--workers",
        "1", "--no-ws", "--loop", "asyncio", "--no-log", "bench.playback:plain",
    ]  # fmt: skip
    process = subprocess.Popen(command, env=os.environ | MALLOC | {FOLDER: str(folder)})
    try:
        wait_for_port(process, port)
        yield process, port
    finally:
        process.terminate()
        process.wait()


def watch(force: Any, footage: Footage) -> Cost:
    """Watch a recording from its first second to its last, as the page does, and leave."""
    began = cpu_s(force.server_pid)
    viewing, leave = force.begin_viewing(footage)
    port, cookies = force.page_port, {"Cookie": force.cookies}
    index = json.loads(get(port, f"/media/{viewing}/index.json", cookies))
    get(port, f"/media/{viewing}/init", cookies)
    wanted = [f"/media/{viewing}/{part['seq']}" for part in index["parts"]]
    before = cpu_s(force.server_pid)
    total = fetch(port, wanted, cookies)
    fragments_s = cpu_s(force.server_pid) - before
    leave()
    if total != footage.media_bytes:
        raise AssertionError(f"{total} bytes came of {footage.media_bytes}")
    return Cost(total, fragments_s, cpu_s(force.server_pid) - began)


def get(port: int, address: str, headers: dict[str, str]) -> bytes:
    """Fetch one address over a connection of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    try:
        return _read_answer(connection, address, headers)
    finally:
        connection.close()


def fetch(port: int, addresses: list[str], headers: dict[str, str]) -> int:
    """Fetch addresses one after the other over one connection and return how many bytes came."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    try:
        return sum(len(_read_answer(connection, address, headers)) for address in addresses)
    finally:
        connection.close()


def _read_answer(connection: http.client.HTTPConnection, address: str, headers: dict[str, str]) -> bytes:
    connection.request("GET", address, headers=headers)
    answer = connection.getresponse()
    body = answer.read()
    if answer.status != http.client.OK:
        raise AssertionError(f"{address} answered {answer.status}: {body[:300]!r}")
    return body
