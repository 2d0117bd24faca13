"""A million recordings matched to 300,000 incidents, from files, by the command, on one core.

The records are a pretend force's (seed 1). Measured from outside on a child process that may use one core: the
processor's time it took, which on a quiet machine is the time one waits, and the most memory it held.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.measure import Goal, Result, Series

RECORDINGS, INCIDENTS = 1_000_000, 300_000
LIMIT_S, LIMIT_MIB = 30.0, 1024.0
ROOT = Path(__file__).resolve().parents[1]
PATHS = {"PYTHONPATH": f"{ROOT / 'src'}:{ROOT}", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


def run(rounds: int) -> Result:
    """Write the files once, then match them in each round; ratios are measured ÷ limit."""
    cpu = Series("processor time ÷ 30 s", "s")
    walls = []
    memory = Series("peak memory ÷ 1 GiB", "MiB")
    with tempfile.TemporaryDirectory(prefix="bwv-bench-") as name:
        folder = Path(name)
        # in a process of its own: what this one holds would count as the peak of whatever it starts
        written = subprocess.run(
            [sys.executable, "-c", f"from bench.activation import write; print(write({name!r}))"],
            check=True,
            capture_output=True,
            text=True,
            cwd=ROOT,
            env=os.environ | PATHS,
        )
        attendances = int(written.stdout)
        for _ in range(rounds):
            took, used, held = match(folder)
            walls.append(took)
            for series, value, limit in ((cpu, used, LIMIT_S), (memory, held, LIMIT_MIB)):
                series.ours.append(value)
                series.floor.append(limit)
    notes = [
        f"{RECORDINGS:,} recordings, {INCIDENTS:,} incidents, {attendances:,} attendances; reading both CSV files, "
        "matching, the matcher's own score and all counts included; one core.",
        f"Wall time, which other work on that core lengthens: {', '.join(f'{each:.1f}' for each in walls)} s.",
    ]
    about = "1 M recordings to 0.3 M incidents: time and memory ÷ their limits"
    return Result("activation", about, Goal(1.0, 0.67, at_most=True), [cpu, memory], notes)


def write(folder: Path | str) -> int:
    """Write recordings.csv and incidents.csv; return the number of attendances."""
    from openbwv.studies.activation import pretend
    from openbwv.studies.activation.summary import csv_text

    force = pretend.make(pretend.Force(officers=3_000, days=64, places=30, others_per_shift=6.0), seed=1)
    if len(force.recordings) < RECORDINGS:
        raise AssertionError("the pretend force is too small")
    wanted = sorted(force.incidents["incident_id"].unique())[:INCIDENTS]
    if len(wanted) < INCIDENTS:
        raise AssertionError("the pretend force has too few incidents")
    incidents = force.incidents[force.incidents["incident_id"].isin(set(wanted))]
    folder = Path(folder)
    (folder / "recordings.csv").write_text(csv_text(force.recordings.head(RECORDINGS)), encoding="utf-8")
    (folder / "incidents.csv").write_text(csv_text(incidents), encoding="utf-8")
    return len(incidents)


def match(folder: Path) -> tuple[float, float, float]:
    """Run the command on one core and return wall seconds, processor seconds and the peak in MiB."""
    words = ["activation", "match", str(folder / "recordings.csv"), str(folder / "incidents.csv"), "--json"]
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})  # the child inherits it
    try:
        began = time.perf_counter()
        with (folder / "out.json").open("wb") as out:
            child = subprocess.Popen([sys.executable, "-m", "openbwv", *words], stdout=out, env=os.environ | PATHS)
            _, status, usage = os.wait4(child.pid, 0)
        took = time.perf_counter() - began
    finally:
        os.sched_setaffinity(0, cores)
    if os.waitstatus_to_exitcode(status) != 0:
        raise AssertionError("the command failed")
    return took, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024
