"""docs/ref/verify.md names every code that the verifier can give, and none that it cannot."""

import re
from pathlib import Path

from openbwv.recording import problems
from openbwv.recording.errors import BwvError

ROOT = Path(__file__).parents[2]
SOURCES = [
    *(ROOT / "src" / "openbwv" / "verify").glob("*.py"),
    *(ROOT / "src" / "openbwv" / "recording" / name for name in ("verifier.py", "timeline.py")),
]
# Raised only where a builder, a key or a media stream is handled, never while judging.
ELSEWHERE = {"builder-order", "media-malformed", "seal-broken", "wrap-broken"}


def given():
    text = "".join(path.read_text(encoding="utf-8") for path in SOURCES)
    quoted = set(re.findall(r'(?:Reason|Finding|blame|_doubt)\(\s*"([a-z][a-z.-]+)"', text))
    quoted |= set(re.findall(r'^    \("([a-z.-]+)", [A-Z]', text, re.M)) | {"key.cbor", "orphan.bin"}
    raised = {c.code for c in vars(problems).values() if isinstance(c, type) and issubclass(c, BwvError)}
    return (quoted | raised | {"plaintext-changed"}) - ELSEWHERE - {BwvError.code}


def test_every_reason_code_is_documented():
    shown = set(re.findall(r"^\| `([a-z.-]+)` \|", (ROOT / "docs/ref/verify.md").read_text(encoding="utf-8"), re.M))
    assert shown == given()
