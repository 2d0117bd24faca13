"""The verdict in words, for a person at a terminal."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from openbwv.custody import EventType
from openbwv.recording import Reason, Verdict

HEADLINES = {
    "genuine": "GENUINE. Nothing was changed, and the trust file names who signed it.",
    "changed": "CHANGED. This is not what was signed.",
    "cannot-tell": "CANNOT TELL. Nothing was found changed, but whose word it is, or whether it is all, is open.",
}
MOST_SHOWN = 20


def show(path: Path, verdict: Verdict, parts: list[tuple[str, Verdict]], events: list[dict[str, Any]]) -> str:
    """Return the lines to print."""
    lines = [HEADLINES[verdict.verdict], f"  {path}"]
    if verdict.through_seq is not None:
        lines.append(f"  Holds through entry {verdict.through_seq}; {'closed' if verdict.closed else 'not closed'}.")
    for name, part in parts:
        lines.append(f"  {part.verdict:<12} {'closed' if part.closed else 'open  '} {name}")
    lines += _section("Why", verdict.reasons)
    lines += _texts("This proves", verdict.proves)
    lines += _section("Not checked", verdict.not_checked)
    lines += _texts("This does not prove", verdict.does_not_prove)
    lines += _texts("Events proved to be in the custody log", tuple(map(_event, events)))
    return "\n".join(map(_plain, lines))


def _plain(line: str) -> str:
    """What came out of files may hold anything; a terminal must not obey it."""
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in line)


def _section(title: str, reasons: tuple[Reason, ...]) -> list[str]:
    shown = [f"{reason.code} ({reason.where}): {reason.what}" for reason in reasons[:MOST_SHOWN]]
    if len(reasons) > MOST_SHOWN:
        shown.append(f"… and {len(reasons) - MOST_SHOWN} more; --json shows all.")
    return _texts(title, tuple(shown))


def _texts(title: str, texts: tuple[str, ...]) -> list[str]:
    return ["", f"{title}:", *(f"  - {text}" for text in texts)] if texts else []


def _event(event: dict[str, Any]) -> str:
    try:
        kind = EventType(event["type"]).slug
        moment = datetime.fromtimestamp(event["t"], UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (ValueError, OverflowError, OSError):
        kind, moment = f"type {event['type']}", f"second {event['t']}"
    why = f": {event['why']}" if event.get("why") else ""
    return f"{moment}  {kind}  {event.get('actor', '')}{why}"
