"""Starting the programs a benchmark drives, and reading what they used."""

import mmap
import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

FLOOR = Path(__file__).resolve().parent / "floor"
CPUCLOCK_SCHED = 2  # of another process: (~pid << 3) | 2, see clock_getcpuclockid(3)


class NoCompiler(RuntimeError):
    """The C floor cannot be built."""


def build(name: str, folder: Path) -> Path:
    """Compile bench/floor/NAME.c and return the program."""
    compiler = shutil.which("cc")
    if compiler is None:
        raise NoCompiler("There is no C compiler: install gcc and libssl-dev.")
    program = folder / name
    command = [compiler, "-O2", "-o", program, FLOOR / f"{name}.c", "-lcrypto", "-lpthread"]
    subprocess.run([str(word) for word in command], check=True)
    return program


def family(pid: int) -> list[int]:
    """Return a process and everything it started."""
    found, children = [], {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            after = stat.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        children.setdefault(int(after[1]), []).append(int(stat.parent.name))
    waiting = [pid]
    while waiting:
        each = waiting.pop()
        found.append(each)
        waiting += children.get(each, [])
    return found


def cpu_s(pid: int) -> float:
    """Return the CPU seconds of a process and everything it started, those that ended apart.

    From the scheduler's clock of each process, in nanoseconds: /proc counts ticks of 10 ms, per cents of a round.
    """
    return sum(time.clock_gettime((~each << 3) | CPUCLOCK_SCHED) for each in family(pid))


def warm_memory(amount: int) -> None:
    """Touch and free `amount` bytes, so that what is measured next finds the machine's pages in place.

    A virtual machine gives free memory back to its host; taking it again costs up to 1.5 ms a MB, by chance.
    """
    with mmap.mmap(-1, amount) as memory:
        for page in range(0, amount, mmap.PAGESIZE):
            memory[page] = 1


def peak_mib(pid: int) -> float:
    """Return the largest resident memory that any one of a process and its children ever had."""
    return max(_status_mib(each, "VmHWM") for each in family(pid))


def resident_mib(pid: int) -> float:
    """Return the largest resident memory that any one of a process and its children has now."""
    return max(_status_mib(each, "VmRSS") for each in family(pid))


def reset_peak(pid: int) -> None:
    """Let `peak_mib` of a process and its children begin anew (Linux, proc(5): clear_refs)."""
    for each in family(pid):
        Path(f"/proc/{each}/clear_refs").write_text("5")


def _status_mib(pid: int, name: str) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return sum(int(line.split()[1]) / 1024 for line in lines if line.startswith(f"{name}:"))


def plain_door(port: int, environment: dict[str, str]) -> "subprocess.Popen[bytes]":
    """Start the door's receiver without TLS, as the C floor has none; otherwise it is what `./bwv server door` runs."""
    return subprocess.Popen([sys.executable, "-m", "bench.plain_door", str(port)], env=os.environ | environment)


def wait_for_port(process: "subprocess.Popen[bytes]", port: int) -> None:
    """Wait until somebody answers there."""
    for _ in range(600):
        if process.poll() is not None:
            raise RuntimeError(f"{process.args} ended early")
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"nobody answers on port {port}")
