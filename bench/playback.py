"""Watching, as a browser does it, against the same server sending the same number of plain bytes.

Ours is `./bwv server` itself: a person signs in on the page, asks to watch, the VIEW event gets its leaf in the custody
log, the key service gives the key, and the media callable serves one fragment a GET. Permission, viewing, grants and
events are all in it. The floor is a raw ASGI callable under the same server with the same settings that reads a plain
file in a thread and sends it, for anybody: as many files of the same size, asked for by the same client with the same
headers and addresses as long. A second floor decrypts each as well, and says how much of the rest is ours.
"""

import tempfile
from pathlib import Path
from typing import Any

from bench.measure import Goal, Result, Series, interleave
from bench.plain_media import OPENED, PLAIN, plain_server
from bench.processes import cpu_s, peak_mib, reset_peak, resident_mib
from bench.viewing import Footage, playing_force
from bench.watching import RUN, Audience, fetch, fetch_at_once, watch

FRAGMENTS, SIZES = 300, {"256 KiB": 256 << 10, "380 kB (3 Mb/s)": 380_000}
VIEWERS, TURN = 20, 2 * RUN


def run(rounds: int) -> Result:
    """Measure."""
    with tempfile.TemporaryDirectory(prefix="bwv-bench-") as name, playing_force(Path(name)) as force:
        series = [each for label, size in SIZES.items() for each in measure(force, Path(name), label, size, rounds)]
    notes = [
        "MB per CPU second of the server's processes; one GET after the other, no TLS on either side.",
        f"A viewing is {FRAGMENTS} fragments of a second each. 'Whole' has in it what it takes besides: the page,",
        "VIEW and its leaf, the key, the index with every signed entry, VIEWED; the goal is for the fragments of one",
        "viewer. '÷ opening' has a floor that decrypts. Memory: the peak above what one viewer had left behind.",
    ]
    return Result("playback", "watching ÷ the same server serving plain ones", Goal(0.7, 0.9), series, notes)


def measure(force: Any, folder: Path, label: str, size: int, rounds: int) -> list[Series]:
    """Play one recording of fragments of `size` bytes again and again, and plain files of that size."""
    footage = force.record(FRAGMENTS, size)
    whole: list[float] = []
    opening: list[float] = []
    with plain_server(folder / f"plain-{size}", FRAGMENTS, size) as (process, port):

        def ours() -> float:
            cost = watch(force, footage)
            whole.append(cost.whole)
            return cost.fragments

        def floor_of(kind: str) -> float:
            before = cpu_s(process.pid)
            total = fetch(port, addresses(kind), {"Cookie": force.cookies})
            return total / 1e6 / (cpu_s(process.pid) - before)

        def floor() -> float:
            opening.append(floor_of(OPENED))
            return floor_of(PLAIN)

        fragments = interleave(Series(f"{label}, fragments", "MB/CPU-s"), ours=ours, floor=floor, rounds=rounds)
        at_once = measure_audience(force, footage, process.pid, port, label, rounds)
    opened, counted = opening[-rounds:], whole[-rounds:]
    return [
        fragments,
        Series(f"{label}, ÷ opening", "MB/CPU-s", ours=list(fragments.ours), floor=opened, has_goal=False),
        Series(f"{label}, whole", "MB/CPU-s", ours=counted, floor=list(fragments.floor), has_goal=False),
        *at_once,
    ]


def measure_audience(force: Any, footage: Footage, pid: int, port: int, label: str, rounds: int) -> list[Series]:
    """Let many watch at once, and as many fetch plain files; speed, and memory for each of them."""
    memory: dict[str, list[float]] = {"ours": [], "floor": []}
    at_first = {"ours": resident_mib(force.server_pid), "floor": resident_mib(pid)}
    audience = Audience(force, footage, VIEWERS, TURN)
    plain = [addresses(PLAIN)[number * TURN % FRAGMENTS :][:TURN] for number in range(VIEWERS)]

    def rate(side: str, server_pid: int, take_turn: Any) -> float:
        reset_peak(server_pid)
        before = cpu_s(server_pid)
        total = take_turn()
        taken = cpu_s(server_pid) - before
        memory[side].append((peak_mib(server_pid) - at_first[side]) / VIEWERS)
        return total / 1e6 / taken

    speed = interleave(
        Series(f"{label}, {VIEWERS} viewers", "MB/CPU-s", has_goal=False),
        ours=lambda: rate("ours", force.server_pid, audience.take_turn),
        floor=lambda: rate("floor", pid, lambda: fetch_at_once(port, plain, {"Cookie": force.cookies})),
        rounds=rounds,
    )
    audience.leave()
    kept = {side: values[-rounds:] for side, values in memory.items()}
    return [speed, Series(f"{label}, memory of each", "MiB", has_goal=False, **kept)]


def addresses(kind: str) -> list[str]:
    """Return the addresses of all files of the floor, as long as those of a viewing."""
    return [f"/{kind}/{'x' * 40}/{number}" for number in range(FRAGMENTS)]
