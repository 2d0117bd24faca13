"""`./bwv demo`: a small pretend force on real parts, acted through commands, HTTP and pages only."""

import argparse
import contextlib
import json
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from openbwv.demo import cast, judges, table
from openbwv.demo.force import DAY_MS, HOUR_MS, Force
from openbwv.demo.processes import StepFailed
from openbwv.demo.story import STEPS, Story
from openbwv.demo.street import render_street

EXAMPLES = """examples:
  ./bwv demo                          set up, film, dock; then look around until Ctrl-C
  ./bwv demo --source /dev/video0     the same, filming with a camera of this machine
  ./bwv demo --once                   the whole story without a person, and a table of what was shown
  ./bwv demo --once --json            the same for programs
"""
CHECKOUT = Path(__file__).resolve().parents[3]
MARKER = "made-by-the-demo"
EXIT_STEP_FAILED = 70
EXIT_CANNOT_CREATE = 73
EXIT_USAGE = 64
STEPS_BEFORE_LOOKING_AROUND = 11  # up to the flag; the rest moves the clock by a month


def main(argv: list[str]) -> int:
    """Run the demo and return its exit code: 0, or 70 when a step failed."""
    arguments = _parser().parse_args(argv)
    if arguments.source and not Path(arguments.source).exists() and arguments.source != "testsrc2":
        sys.stderr.write(f"There is no {arguments.source}.\nName a film or a video device, or leave out --source.\n")
        return EXIT_USAGE
    with _folder(arguments) as folder:
        if folder is None:
            sys.stderr.write(f"{arguments.state} holds something else.\nName an empty folder, or one a demo made.\n")
            return EXIT_CANNOT_CREATE
        return _run(arguments, folder)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="./bwv demo", description=__doc__, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--once", action="store_true", help="play the whole story and end; 70 if a step fails")
    parser.add_argument("--source", metavar="S", help="a film, /dev/videoN or testsrc2 (default: a drawn street)")
    parser.add_argument("--state", metavar="DIR", help="where the pretend force lives (default: .demo in the checkout)")
    parser.add_argument(
        "--port", type=int, default=0, metavar="N", help="port of the pages (default: 8000, or a free one)"
    )
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    return parser


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> None:  # type: ignore[override]
        """Exit 64, as every command does on bad usage."""
        self.print_usage(sys.stderr)
        self.exit(EXIT_USAGE, f"{self.prog}: {message}\n")


@contextlib.contextmanager
def _folder(arguments: argparse.Namespace) -> Iterator[Path | None]:
    """Yield an empty folder for the force; None when the one that was named belongs to somebody else."""
    if arguments.once and not arguments.state:
        # short: the path of a Unix socket below it may have 107 characters at most
        with tempfile.TemporaryDirectory(prefix="bwv-demo-") as name:
            yield Path(name)
        return
    folder = Path(arguments.state or CHECKOUT / ".demo").expanduser().absolute()
    if folder.exists() and any(folder.iterdir()):
        if not (folder / MARKER).exists():
            yield None
            return
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MARKER).write_text("A pretend force. Delete this folder whenever you like.\n", encoding="ascii")
    yield folder


def _run(arguments: argparse.Namespace, folder: Path) -> int:
    told = _Teller(quiet=arguments.json)
    force = Force(folder, page_port=arguments.port or (0 if arguments.once else 8000))
    story = Story(folder=folder, source=arguments.source or "", force=force, told=told)
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        if not story.source:
            told("Drawing a street to film")
            story.source = str(folder / "street.mp4")
            render_street(Path(story.source))
        results = _play(story, len(STEPS) if arguments.once else STEPS_BEFORE_LOOKING_AROUND)
        failed = any(result.state == "failed" for result in results)
        if arguments.once or failed:
            print(table.as_json(results) if arguments.json else table.as_text(results))
            return EXIT_STEP_FAILED if failed else 0
        _look_around(force, as_json=arguments.json)
    except KeyboardInterrupt:
        told("Stopped")
    finally:
        told("Stopping every process")
        if story.forgery is not None:
            story.forgery.exception()  # it stops its own processes when it is through
        force.end()
    return 0


def _play(story: Story, count: int) -> list[table.StepResult]:
    """Play the steps in order; the step that fails is the last one played."""
    results: list[table.StepResult] = []
    absent = judges.missing()
    for each in STEPS[:count]:
        story.told(f"{each.number:2}. {each.title}")
        began, story.shown = time.monotonic(), []
        problem = f"This machine lacks {', '.join(absent)}, which judge it." if absent else ""
        try:
            if not problem:
                each.play(story)
        except StepFailed as failure:
            problem = str(failure)
        except Exception as failure:  # noqa: BLE001  whatever it was, the step failed, and the table says so
            problem = f"{type(failure).__name__}: {failure}"
        shown = tuple(table.Shown(claim, judge) for claim, judge in story.shown)
        state = "failed" if problem else "shown"
        results.append(table.StepResult(each.number, each.title, state, time.monotonic() - began, shown, problem))
        if problem:
            break
    return results


def _look_around(force: Force, *, as_json: bool) -> None:
    """Print where to go and who is who, then wait; a number typed moves the clock by so many hours."""
    people = [(part.username, force.passwords[part.username], part.role_words) for part in cast.CAST]
    people.append((cast.ADMINISTRATOR, force.passwords[cast.ADMINISTRATOR], "administrator"))
    if as_json:
        print(json.dumps({"address": force.site, "dock": force.dock_page, "people": people}), flush=True)
    else:
        print(f"\nThe pages:    {force.site}\nThe dock:     {force.dock_page}\n")
        for username, password, roles in people:
            print(f"  {username:<9} {password}   {roles}")
        print("\nType a number of hours (at most 12) to move the clock. Ctrl-C ends it.", flush=True)
    while sys.stdin.isatty():
        line = sys.stdin.readline()
        if not line:
            break
        if line.strip().isdigit() and 0 < int(line) <= 12:
            force.move_clock(force.now_ms() + int(line) * HOUR_MS)
            print(f"Day {(force.now_ms() - force.began_ms) / DAY_MS:.1f} of this force.", flush=True)
        else:
            print("A whole number of hours from 1 to 12, please.", flush=True)
    signal.pause()


class _Teller:
    """Prints progress as it happens, to standard error."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._began = time.monotonic()

    def __call__(self, line: str) -> None:
        """Print one line with the seconds since the start."""
        if not self._quiet:
            sys.stderr.write(f"[{time.monotonic() - self._began:5.0f} s] {line}\n")
            sys.stderr.flush()


def _interrupt(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt
