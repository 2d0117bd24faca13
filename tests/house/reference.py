"""The reference pages that are made from the code: commands, settings, errors, events, routes.

    python -m tests.house.reference        writes docs/ref/*.md anew

`test_reference.py` compares what stands there with what this makes, so a page cannot fall behind the code. Prose
around the tables is kept here as well, so that a page has one source.
"""

import contextlib
import importlib
import io
import os
import re
import sys
import tempfile
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.house import judges
from tests.house.releases import RELEASES
from tests.house.source import ROOT, modules

HTTP_MEANING = {
    202: "after a person has looked at what was kept aside",
    400: "never: the request itself is wrong",
    401: "after signing in, or after a new hello",
    403: "never with this account or device",
    404: "never at this address",
    405: "never with this method",
    408: "at once: all of it in one go",
    409: "after a change: something else stands in the way",
    410: "never: it is gone",
    411: "with a Content-Length",
    422: "never with this recording",
    413: "in smaller pieces",
    429: "after a pause",
    431: "never: with less in its head",
    500: "after whoever runs the system has mended it",
    502: "later",
    503: "later: a part of the system is not running",
    505: "in HTTP/1.1",
    507: "when there is room again",
}
ELSEWHERE = {
    "BWV_KEYRING_PASSPHRASE_FILE": ("keyd, init, restore", "file with the keyring's passphrase; otherwise it is typed"),
    "BWV_CHECKPOINT_PLACE": ("worker, check", "file outside the state folder that keeps the newest checkpoint"),
    "CI": ("test", "`true`: a skip that tests/allowed_skips.txt does not list is a failure"),
}
NOTE = "<!-- Made by `python -m tests.house.reference`; edit the code or that module, not this page. -->\n"


def commands() -> str:
    """Return docs/ref/commands.md: what each command's --help says."""
    from openbwv.command import COMMANDS, usage

    parts = ["# Commands\n", NOTE, COMMANDS_PROSE, block(usage())]
    for name in COMMANDS:
        parts.append(f"## `./bwv {name}`\n")
        text = help_of(name)
        parts.append(block(text))
        for below, more in below_it(name, text):
            parts.append(f"### `./bwv {name} {below}`\n")
            parts.append(block(more))
    return "\n".join(parts)


def block(text: str) -> str:
    return f"```text\n{text.strip()}\n```\n"


def help_of(*words: str) -> str:
    """Return the help of a command as a terminal of 100 columns shows it."""
    from openbwv.command import COMMANDS

    module, function = COMMANDS[words[0]][0].split(":")
    out = io.StringIO()
    before, os.environ["COLUMNS"] = os.environ.get("COLUMNS"), "100"
    try:
        with contextlib.redirect_stdout(out), contextlib.suppress(SystemExit):
            getattr(importlib.import_module(module), function)([*words[1:], "--help"])
    finally:
        if before is None:
            del os.environ["COLUMNS"]
        else:
            os.environ["COLUMNS"] = before
    return rewrapped(out.getvalue().replace(str(Path.home()), "~"))


def rewrapped(text: str) -> str:
    """Return a help with its first paragraph broken between options: each Python's argparse breaks it elsewhere."""
    head, blank, rest = text.partition("\n\n")
    whole = re.sub(r"\[[^][]*\]|--[a-z-]+ [A-Z]+", lambda part: part[0].replace(" ", "\0"), " ".join(head.split()))
    lines = textwrap.wrap(whole, 100, subsequent_indent=" " * 7, break_long_words=False, break_on_hyphens=False)
    return "\n".join(lines).replace("\0", " ") + blank + rest


def subcommands(text: str) -> list[str]:
    """Return the words that argparse shows as `{a,b}` or `a|b` where a word of the command stands."""
    match = re.search(r"^ {2}\{?([a-z]+(?:[-,|][a-z]+)*)\}?$", text, re.M) or re.search(r"\{([a-z,-]+)\} \.\.\.", text)
    return re.split(r"[,|]", match[1]) if match else []


def below_it(name: str, text: str) -> list[tuple[str, str]]:
    """Return the subcommands of a command and their help; a mere choice of words has no help of its own."""
    return [(word, more) for word in subcommands(text) if (more := help_of(name, word)) != text]


def config() -> str:
    """Return docs/ref/config.md: every environment variable."""
    from openbwv.server.environment import VARIABLES

    rows = ["| variable | kind | default | meaning |", "|---|---|---|---|"]
    rows += [f"| `{v.name}` | {v.kind} | {f'`{v.default}`' if v.default else '–'} | {v.meaning} |" for v in VARIABLES]
    other = ["| variable | read by | meaning |", "|---|---|---|"]
    other += [f"| `{name}` | {who} | {meaning} |" for name, (who, meaning) in sorted(ELSEWHERE.items())]
    return "\n".join(["# Settings\n", NOTE, CONFIG_PROSE, *rows, "", "## Read elsewhere\n", *other, ""])


def variables_in_source() -> set[str]:
    """Return every environment variable's name that stands in the code as a text of its own."""
    wanted = re.compile(r"[\"'](BWV_[A-Z_]+|DATABASE_URL)[\"']")
    return {name for module in modules() for name in wanted.findall(module.path.read_text(encoding="utf-8"))}


def errors() -> str:
    """Return docs/ref/errors.md: every code, with what it means and when to try again."""
    rows = ["| code | HTTP | exit | meaning |", "|---|---|---|---|"]
    rows += [
        f"| `{code}` | {http} | {code_out} | {meaning} |" for code, http, code_out, meaning in sorted(error_rows())
    ]
    rows += ["", "## Codes of findings and of the door's answers\n", FINDINGS_PROSE]
    known = {row[0] for row in error_rows()}
    rows.append(", ".join(f"`{code}`" for code in sorted(codes_in_source() - known)) + "\n")
    statuses = ["| HTTP status | try again |", "|---|---|"]
    statuses += [f"| {status} | {meaning} |" for status, meaning in HTTP_MEANING.items()]
    return "\n".join(["# Errors\n", NOTE, ERRORS_PROSE, *statuses, "", "## The codes\n", *rows])


def error_rows() -> set[tuple[str, int, int, str]]:
    from openbwv.recording.errors import BwvError

    rows = set()
    for kind in kinds_of(BwvError):
        if "code" in vars(kind) and kind is not BwvError:
            meaning = " ".join((kind.__doc__ or "").split()).split(". ")[0].rstrip(".") + "."
            rows.add((kind.code, kind.http_status, kind.exit_code, meaning.replace("|", "/")))
    return rows


def kinds_of(base: type) -> Iterator[type]:
    for module in modules():
        if not module.name.endswith(("__main__", "settings")):
            importlib.import_module(module.name)
    waiting = [base]
    while waiting:
        kind = waiting.pop()
        yield kind
        waiting += [below for below in kind.__subclasses__() if below.__module__.startswith("openbwv.")]


def codes_in_source() -> set[str]:
    """Return every code that the source gives to an answer, a finding or a reason as a plain text."""
    wanted = re.compile(
        r"(?:\bcode=|\"code\": |\bFinding\(|\bReason\(|\brefuse\(|\bProblem\(|\bDisagreement\(|\byield )"
        r"\s*\"([a-z][a-z0-9]*(?:-[a-z0-9]+)+|internal|revoked)\""
    )
    return {code for module in modules() for code in wanted.findall(module.path.read_text(encoding="utf-8"))}


def events() -> str:
    """Return docs/ref/events.md: every kind of event in the custody log."""
    from openbwv.custody import EventType

    rows = ["| number | name | meaning |", "|---|---|---|"]
    rows += [f"| {kind.value} | `{kind.slug}` | {kind.sentence} |" for kind in EventType]
    return "\n".join(["# Events of the custody log\n", NOTE, EVENTS_PROSE, *rows, ""])


def routes() -> str:
    """Return docs/ref/routes.md: every address the server answers to, and what may leave there but a page."""
    pages = sorted(f"| `/{address}` | `{name}` |" for address, name, _ in page_routes())
    raw = [f"| `{address}` | {method} | {who} |" for method, address, who, _ in raw_routes()]
    leaves = [
        f"| `{address}` | {release.what} | {release.right} | {'yes' if release.footage else ''} |"
        for address, release in RELEASES.items()
    ]
    parts = ["# Addresses\n", NOTE, ROUTES_PROSE, "| address | name |", "|---|---|", *pages]
    parts += ["\n## Bytes, outside Django\n", RAW_PROSE, "| address | method | who |", "|---|---|---|", *raw]
    parts += ["\n## What may leave\n", RELEASES_PROSE, "| address | what | for whom | footage |", "|---|---|---|---|"]
    return "\n".join([*parts, *leaves, ""])


def page_routes() -> Iterator[tuple[str, str, object]]:
    """Yield (address, name, view) of the whole URL map."""
    from django.urls import get_resolver

    yield from walk(get_resolver().url_patterns, "")


def walk(patterns, before: str) -> Iterator[tuple[str, str, object]]:
    for pattern in patterns:
        address = before + str(pattern.pattern)
        if hasattr(pattern, "url_patterns"):
            yield from walk(pattern.url_patterns, address)
        else:
            plain = address.replace("^", "").replace("$", "").replace("\\Z", "").replace("|", "\\|")
            yield plain, pattern.name or "–", pattern.callback


def raw_routes() -> Iterator[tuple[str, str, str, object]]:
    """Yield (method, address, who, handler) of the raw callables' own tables, which they dispatch by."""
    from openbwv.server.ingest.app import ROUTES as DOOR
    from openbwv.server.vault.media import ROUTES as MEDIA

    for route in MEDIA:
        yield route.method, address_of(route.path), "the person of the open viewing", route.handler
    for route in DOOR:
        who = "any device with a certificate" if route.open else "a device with a token"
        yield route.method, address_of(route.path), f"door: {who}", route.handler


def address_of(path: re.Pattern[str]) -> str:
    """Return a route's pattern as a reader writes it: `/media/<session>/init`."""
    return re.sub(r"\(\?P<(\w+)>[^()]*\)", r"<\1>", path.pattern).replace("\\", "")


COMMANDS_PROSE = """\
Every command takes `--help`, with examples, and `--json`. Exit codes follow `sysexits.h`: 0 done, 64 bad usage, 65
bad data, 69 a service is missing, 73 cannot create, 74 disk, 75 try later, 77 not permitted, 78 settings, 70 an
internal error. Only `verify` gives 1 (changed) and 2 (cannot tell) a meaning; no failure of another kind ends in
them. Whatever destroys is a dry run unless told otherwise. Every command that touches a force takes `--state DIR` or
reads `BWV_STATE`; every command that does a deed takes `--as PERSON --reason TEXT` and has that person's rights.
"""
CONFIG_PROSE = """\
All settings are environment variables, read once at start and checked; a bad value stops the process with a sentence
and exit code 78. Any of the variables in this table can also be given as `NAME_FILE`, the path of a file that holds
the value, which is the better way for secrets.
"""
ERRORS_PROSE = """\
Every error says what happened and what to do about it, and carries a stable code: on pages, in `--json` as `{"error":
{"code", "what", "remedy"}}`, and in the door's answers. The HTTP status says when it makes sense to try again.
"""
FINDINGS_PROSE = """\
Codes that `verify` and `check` give as reasons or findings, and codes of single answers of the door and the pages;
each comes with its own sentence:
"""
EVENTS_PROSE = """\
Each event is written in the transaction of its deed and then goes into the custody log as a leaf of 60-odd bytes that
names no person: kind, second, pseudonym of the subject, and a salted commitment to everything else. Numbers are for
ever. `custody.md` on the design shelf says what the log proves and what it cannot.
"""
ROUTES_PROSE = """\
The pages and their addresses, as Django's URL map has them. Every one is guarded: signed in, then the right; the
exceptions (sign-in, the public's request, the log's files) are listed with their reason in the tests.
"""
RAW_PROSE = """\
Footage never passes through Django's request cycle. These are answered by two small ASGI callables: `/media/` beside
the pages, for a viewing session that is open, and the door, a process and port of its own with mutual TLS.
"""


def conformance() -> str:
    """Return docs/ref/conformance.md with its table of judges made anew; the rest of that page is written by hand."""
    page = (ROOT / "docs" / "ref" / "conformance.md").read_text(encoding="utf-8")
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    return f"{before}{begin}\n\n{judges.table()}\n\n{end}{after}"


BEGIN = "<!-- Made by `python -m tests.house.reference` from tests/house/judges.py, up to the next such line. -->"
END = "<!-- end -->"
RELEASES_PROSE = """\
Every address whose code can reach what the vault holds, or an answer that is no page, found by walking the code from
the URL map and from the raw callables' tables; a test fails on one that is not here. Everything else answers with a
page, a redirection, or JSON about the request itself.
"""
PAGES: dict[str, Callable[[], str]] = {
    "commands.md": commands,
    "config.md": config,
    "errors.md": errors,
    "events.md": events,
    "routes.md": routes,
    "conformance.md": conformance,
}


def main() -> None:
    """Write the pages."""
    os.environ["BWV_STATE"] = tempfile.mkdtemp(prefix="bwv-reference-")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "openbwv.server.settings")
    sys.path.insert(0, str(ROOT / "src"))
    import django

    django.setup()
    for name, make in PAGES.items():
        (ROOT / "docs" / "ref" / name).write_text(make(), encoding="utf-8")
        sys.stdout.write(f"docs/ref/{name}\n")


if __name__ == "__main__":
    main()
