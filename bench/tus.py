"""The peer of ingest: @tus/server with its file store, where Node and npm are installed.

It takes uploads by the tus protocol 1.0 and writes them to files: no permission, no signature, no hash, no sync. It is
installed into a temporary folder from bench/peers/tus/package-lock.json, which pins every package by its hash. It gets
the same bytes from the same sender as the door; what counts is the CPU time of its processes.
"""

import contextlib
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.measure import Series, interleave
from bench.processes import cpu_s, wait_for_port, warm_memory
from openbwv.demo.processes import free_port

PINNED = Path(__file__).resolve().parent / "peers" / "tus"
INSTALL_LIMIT_S = 180
NOTE = (
    "÷ @tus/server 2.4.5 with @tus/file-store 2.1.1: same sender, same bytes; it neither hashes, signs nor syncs. "
    "Aim of the design: at least 1.5 with 16 MiB bodies, 1.0 with one of 256 MiB."
)


class Peer:
    """A running @tus/server."""

    def __init__(self, process: "subprocess.Popen[bytes]", port: int, files: Path, sender: Path) -> None:
        self._process, self._port, self._files, self._sender = process, port, files, sender

    def send(self, bodies: list[tuple[Path, int, int]], connections: int) -> float:
        """Send (file, offset, length) each as one upload; return MB per CPU second of the server."""
        megabytes = sum(length for _, _, length in bodies) / 1e6
        lines = [f"/files none {file} {offset} {length}" for file, offset, length in bodies]
        warm_memory(int(megabytes * 1.2e6))
        before = cpu_s(self._process.pid)
        command = [str(self._sender), str(self._port), str(connections), "tus"]
        subprocess.run(command, input="\n".join(lines), text=True, check=True, stdout=subprocess.DEVNULL)
        used = cpu_s(self._process.pid) - before
        for path in self._files.iterdir():
            path.unlink()
        return megabytes / used


@contextlib.contextmanager
def tus_peer(folder: Path, sender: Path) -> Iterator[Peer | str]:
    """Install and run the peer in `folder`; yield it, or one sentence why there is none."""
    why = install(folder / "tus")
    if why:
        yield why
        return
    files, port = folder / "tus-files", free_port()
    files.mkdir()
    process = subprocess.Popen(["node", "server.js", str(port), str(files)], cwd=folder / "tus")
    try:
        wait_for_port(process, port)
        yield Peer(process, port, files, sender)
    finally:
        process.terminate()
        process.wait()


def install(place: Path) -> str:
    """Install what the lock names into `place`; return nothing, or why that cannot be done."""
    missing = [name for name in ("node", "npm") if shutil.which(name) is None]
    if missing:
        return f"Not compared with @tus/server: {' and '.join(missing)} is not installed."
    shutil.copytree(PINNED, place)
    command = ["npm", "ci", "--ignore-scripts", "--omit=optional", "--no-audit", "--no-fund", "--loglevel=error"]
    try:
        done = subprocess.run(command, cwd=place, capture_output=True, text=True, timeout=INSTALL_LIMIT_S, check=False)
    except subprocess.TimeoutExpired:
        return f"Not compared with @tus/server: npm did not end within {INSTALL_LIMIT_S} s."
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip()).splitlines()
        return f"Not compared with @tus/server: npm could not install it ({said[-1] if said else 'no reason given'})."
    return ""


def compare_with_tus(door: Any, rounds: int) -> tuple[list[Series], str]:
    """Measure the door against the peer; return the series, and a sentence on the peer or why there is none."""
    with tus_peer(door.folder, door.sender) as peer:
        if isinstance(peer, str):
            return [], peer
        small = compare(door, peer, name="16 MiB ÷ @tus/server", recordings=8, parts=3, whole=False, rounds=rounds)
        large = compare(door, peer, name="256 MiB ÷ @tus/server", recordings=1, parts=16, whole=True, rounds=rounds)
        return [small, large], NOTE


def compare(door: Any, peer: Peer, *, name: str, recordings: int, parts: int, whole: bool, rounds: int) -> Series:
    """Send so many recordings of so many parts to both; with `whole` the peer gets each as one body."""
    same = [door.upload(parts) for _ in range(recordings)]

    def bodies(upload: Any) -> list[tuple[Path, int, int]]:
        if whole:
            return [(upload.file, 0, upload.file.stat().st_size)]
        return [(upload.file, offset, length) for _, offset, length in upload.parts]

    def theirs() -> float:
        return peer.send([body for upload in same for body in bodies(upload)], recordings)

    try:
        series = Series(name, "MB/CPU-s", has_goal=False)
        return interleave(series, ours=lambda: door.send_new(recordings, parts), floor=theirs, rounds=rounds)
    finally:
        door.remove([upload.file for upload in same])
