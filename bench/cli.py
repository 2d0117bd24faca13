"""`./bwv bench NAME`: measure one thing against its limit, in the same run."""

import importlib
import json
import subprocess
import sys
from pathlib import Path

from openbwv.command import Parser

NAMES = {
    "seal": "seal and sign fragments ÷ AES-256-GCM + SHA-256",
    "verify": "verify ciphertext ÷ SHA-256",
    "ingest": "the door ÷ a C server that receives, writes, hashes and syncs",
    "playback": "watching, signed in, through keyd ÷ the same server serving plain bytes",
    "retention": "finding what is due in 5 million rows ÷ in half a million",
    "activation": "1 M recordings matched to 0.3 M incidents: time and memory ÷ their limits",
    "log": "durable entries a second ÷ one synced file a batch",
    "rollout": "proving the earliest finish of 40 units over 80 weeks ÷ one a minute",
}
EXAMPLES = """  ./bwv bench verify
  ./bwv bench ingest --rounds 7 --json
  ./bwv bench all"""
EXIT_GOAL_NOT_MET = 1


def main(argv: list[str]) -> int:
    """Run one benchmark, or all; exit 1 when a goal was not met."""
    listed = "\n".join(f"  {name:<10} {about}" for name, about in NAMES.items())
    parser = Parser(prog="./bwv bench", description=f"{__doc__}\n\n{listed}", examples=EXAMPLES)
    parser.add_argument("name", choices=[*NAMES, "all"], help="which one")
    parser.add_argument("--rounds", type=int, default=5, help="counted rounds (default: 5)")
    parser.add_argument("--json", action="store_true", help="print JSON, one object a benchmark")
    arguments = parser.parse_args(argv)
    if arguments.name == "all":
        return run_all(argv)
    result = importlib.import_module(f"bench.{arguments.name}").run(max(1, arguments.rounds))
    print(json.dumps(result.as_dict()) if arguments.json else result.as_text(), flush=True)
    return 0 if result.as_dict()["met"] else EXIT_GOAL_NOT_MET


def run_all(argv: list[str]) -> int:
    """Run every benchmark in a process of its own, for each makes a force of its own; return the worst exit code.

    One that fails does not keep the others from running.
    """
    worst = 0
    for name in NAMES:
        words = [name if word == "all" else word for word in argv]
        command = [sys.executable, "-m", "openbwv", "bench", *words]
        worst = max(worst, subprocess.run(command, cwd=Path(__file__).parents[1], check=False).returncode)
    return worst
