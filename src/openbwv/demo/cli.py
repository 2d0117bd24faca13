"""`./bwv demo`: a small pretend force on real parts, acted through commands, HTTP and pages only."""

import argparse
import contextlib
import signal
import sys
import time

from openbwv.demo import place, table
from openbwv.demo.force import Force
from openbwv.demo.looking import look_around
from openbwv.demo.processes import StepFailed
from openbwv.demo.story import STEPS, Story
from openbwv.demo.street import DRAWN, render_street

EXAMPLES = """examples:
  ./bwv demo                          set up, film, dock; then look around until Ctrl-C
  ./bwv demo --source /dev/video0     the same, filming with a camera of this machine
  ./bwv demo --once                   the whole story without a person, and a table of what was shown
  ./bwv demo --once --json            the same for programs
"""
EXIT_STEP_FAILED = 70
STEPS_BEFORE_LOOKING_AROUND = 11  # up to the flag; the rest moves the clock by a month
STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def main(argv: list[str]) -> int:
    """Run the demo and return its exit code: 0, or 70 when a step failed, or why it could not begin."""
    arguments = _parser().parse_args(argv)
    told = _Teller(quiet=arguments.json)
    try:
        place.check_judges()
        place.check_source(arguments.source)
        with place.folder_for(arguments.state, once=arguments.once, told=told) as folder:
            port = place.page_port(arguments.port, once=arguments.once, told=told)
            force = Force(folder, page_port=port)
            story = Story(folder=folder, source=arguments.source, force=force, told=told)
            return _run(story, once=arguments.once, as_json=arguments.json)
    except place.CannotStart as reason:
        sys.stderr.write(f"{reason}\n")
        return reason.exit_code
    except KeyboardInterrupt:
        told("Stopped")  # before anything was started
        return 0


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="./bwv demo", description=__doc__, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--once", action="store_true", help="play the whole story and end; 70 if a step fails")
    parser.add_argument(
        "--source", default="", metavar="S", help="a film, /dev/videoN or testsrc2 (default: a drawn street)"
    )
    parser.add_argument(
        "--state", default="", metavar="DIR", help="where the pretend force lives (default: .demo in the checkout)"
    )
    parser.add_argument(
        "--port", type=_port, default=0, metavar="N", help="port of the pages (default: 8000, or a free one)"
    )
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    return parser


def _port(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 65_535:
        raise argparse.ArgumentTypeError("a port is a number from 1 to 65535")
    return int(text)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> None:  # type: ignore[override]
        """Exit 64, as every command does on bad usage."""
        self.print_usage(sys.stderr)
        self.exit(place.EXIT_USAGE, f"{self.prog}: {message}\n")


def _run(story: Story, *, once: bool, as_json: bool) -> int:
    """Play the story as far as it goes, look around, and stop every process whatever happens."""
    _listen_for_the_end()
    try:
        if not story.source:
            story.told("Drawing a street to film")
            film = story.folder / DRAWN
            render_street(film)
            story.source = str(film)
        results = _play(story, len(STEPS) if once else STEPS_BEFORE_LOOKING_AROUND)
        failed = any(result.state == "failed" for result in results)
        if once or failed:
            print(table.as_json(results) if as_json else table.as_text(results))
            return EXIT_STEP_FAILED if failed else 0
        look_around(story, as_json=as_json)
    except KeyboardInterrupt:
        story.told("Stopped")
    except StepFailed as ended:
        sys.stderr.write(f"{ended}\n")
        return EXIT_STEP_FAILED
    finally:
        _hear_no_more()
        story.told("Stopping every process")
        story.end()
    return 0


def _play(story: Story, count: int) -> list[table.StepResult]:
    """Play the steps in order; the step that fails is the last one played."""
    results: list[table.StepResult] = []
    for each in STEPS[:count]:
        story.told(f"{each.number:2}. {each.title}")
        began, story.shown = time.monotonic(), []
        problem = ""
        try:
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


class _Teller:
    """Prints progress as it happens, to standard error."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._began = time.monotonic()

    def __call__(self, line: str) -> None:
        """Print one line with the seconds since the start."""
        if not self._quiet:
            with contextlib.suppress(OSError):  # a terminal that was closed; the processes are stopped all the same
                sys.stderr.write(f"[{time.monotonic() - self._began:5.0f} s] {line}\n")
                sys.stderr.flush()


def _listen_for_the_end() -> None:
    """Let Ctrl-C, a closed terminal and a polite kill end the demo the same way."""
    for number in STOPPING:
        if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:  # started under nohup
            signal.signal(number, _interrupt)


def _interrupt(_number: int, _frame: object) -> None:
    _hear_no_more()
    raise KeyboardInterrupt


def _hear_no_more() -> None:
    """Let nothing cut the ending short: a second Ctrl-C must not leave processes behind."""
    for number in STOPPING:
        signal.signal(number, signal.SIG_IGN)
