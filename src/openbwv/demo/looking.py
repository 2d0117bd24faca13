"""After the first steps of the story: say where everything is and who is who, then move the clock as it is typed."""

import json
import os
import re
import select
import sys
import textwrap
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from openbwv.demo import cast
from openbwv.demo.force import DAY_MS, HOUR_MS, Force
from openbwv.demo.processes import StepFailed
from openbwv.demo.story import Story

LONDON = ZoneInfo("Europe/London")
PARTS = ("keyd", "worker", "server", "door", "dock")
TYPED = re.compile(r"\s*([0-9]{1,4})\s*([hd]?)\s*", re.I)
MOST_HOURS = 40 * 24
GLANCE_S = 1.0
AROUND = timedelta(minutes=15)
WIDTH = 110


def look_around(story: Story, *, as_json: bool) -> None:
    """Print the sheet, then move the clock as typed, until KeyboardInterrupt.

    Raises StepFailed when a part of the force ends by itself.
    """
    force = story.force
    sys.stdout.write(json.dumps(facts(force)) + "\n" if as_json else sheet(story))
    sys.stdout.flush()
    if not as_json and sys.stdin.isatty():
        _say("Type 6 and Enter to move the clock by 6 hours, or 31d by 31 days. Ctrl-C ends everything.\n")
    for line in _typed():
        if line is None:
            _all_run(force)
            continue
        hours = hours_typed(line)
        if hours:
            _move(force, hours)
        elif line.strip():
            _say(f"Please type hours, such as 6, or days, such as 31d; at most {MOST_HOURS // 24}d. Ctrl-C ends it.\n")


def hours_typed(line: str) -> int:
    """Return the hours that a typed line asks for: `6`, `6h` or `3d`; 0 when it asks for none, or for too many."""
    found = TYPED.fullmatch(line)
    if not found:
        return 0
    hours = int(found[1]) * (24 if found[2].lower() == "d" else 1)
    return hours if hours <= MOST_HOURS else 0


def facts(force: Force) -> dict[str, Any]:
    """Return addresses and people, for programs."""
    people = [
        {"username": part.username, "password": force.passwords[part.username], "name": part.name, "roles": part.roles}
        for part in (*cast.CAST, cast.LOU)
    ]
    return {
        "address": force.site,
        "dock": force.dock_page,
        "ask": f"{force.site}/ask/",
        "outbox": f"{force.site}/ask/outbox",
        "folder": str(force.folder),
        "people": people,
    }


def sheet(story: Story) -> str:
    """Return what somebody who wants to look around has to know, for a terminal."""
    force = story.force
    rows = [
        ("The pages", force.site, "sign in as anybody below"),
        ("The dock", force.dock_page, "where cameras are taken and emptied"),
        ("The public", f"{force.site}/ask/", "ask for footage; nobody signs in"),
        ("The outbox", f"{force.site}/ask/outbox", "the e-mails this force would send"),
    ]
    lines = ["", "The pretend force is ready.", ""]
    lines += [f"  {name:<11} {address:<34} {what}" for name, address, what in rows]
    lines += ["", "  user name  password              who"]
    for part in (*cast.CAST, cast.LOU):
        lines.append(f"  {part.username:<10} {force.passwords[part.username]}   {part.name}: {part.role_words}")
    lines += [
        "",
        "Nobody has a second step at sign-in; to set one up, sign in and open your name at the top.",
    ]
    lines += ["", "What to try"]
    for number, text in enumerate(_to_try(story), 1):
        lines += textwrap.wrap(
            text, WIDTH, initial_indent=f"  {number}. ", subsequent_indent="     ", break_long_words=False,
            break_on_hyphens=False,
        )  # fmt: skip
    lines += ["", f"All of it lies in {force.folder}, its logs in logs/. The next start makes it anew.", "", ""]
    return "\n".join(lines)


def _to_try(story: Story) -> list[str]:
    force, kept = story.force, story.references["A"]
    middle = datetime.fromtimestamp(story.captured_ms["B"] / 1000, LONDON)
    when = f"{middle:%d %m %Y}, {middle - AROUND:%H:%M} to {middle + AROUND:%H:%M}"
    return [
        f"avery: under Recordings, watch {kept}, which is evidence. The other page says when it is deleted, and why.",
        f"noor works in another borough, frankie has no rights: both are refused {force.site}/recordings/{kept}",
        f"Ask for footage as the public: {when}, Lewisham. casey takes the request and decides; kim checks the copy;"
        " the code for the download is in the outbox.",
        f"gale: download {kept} from its page with a reason, unpack it, and judge it without server or network:"
        f" ./bwv verify FOLDER --trust {_shown(force.trust)}",
        "Type 31d: a month passes in a few minutes. What nobody flagged or asked for is deleted; devi, under"
        " Recordings, reads when and why, and the certificate.",
    ]


def _shown(path: Path) -> str:
    """Return a path as somebody in the present folder would type it."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def _typed() -> Iterator[str | None]:
    """Yield each line that is typed, and None about every second; without a terminal only None."""
    listens, rest = sys.stdin.isatty(), b""
    while True:
        if not listens:
            time.sleep(GLANCE_S)
            yield None
            continue
        ready, _, _ = select.select([sys.stdin], [], [], GLANCE_S)
        if not ready:
            yield None
            continue
        data = os.read(sys.stdin.fileno(), 4096)
        listens = bool(data)
        *lines, rest = (rest + data).split(b"\n")
        yield from (line.decode(errors="replace") for line in lines)


def _all_run(force: Force) -> None:
    for name in PARTS:
        if not force.runner.is_running(name):
            raise StepFailed(f"{name} has ended by itself.", force.runner.tail(name))


def _move(force: Force, hours: int) -> None:
    """Move the clock, showing the day it has come to; a job that is late is told, and the demo goes on."""
    try:
        force.move_clock(force.now_ms() + hours * HOUR_MS, told=lambda day: _say(f"\r  day {day:.1f} "))
    except StepFailed as late:
        _say(f"\n{late}\n")
    now = datetime.fromtimestamp(force.now_ms() / 1000, LONDON)
    _say(f"\rIt is {now:%a %d %b %Y, %H:%M} in this force, day {(force.now_ms() - force.began_ms) / DAY_MS:.1f}.\n")


def _say(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()
