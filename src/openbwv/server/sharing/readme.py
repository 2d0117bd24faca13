"""READ-ME-FIRST.html: what the bundle is and how to check it, for a reader who has never seen one."""

from dataclasses import dataclass
from html import escape


@dataclass(frozen=True)
class Facts:
    """What the page says about this bundle. Times are words, already in the reader's zone."""

    reference: str
    force: str
    recorded: str
    length: str
    camera: str
    exported: str
    exported_by: str
    reason: str
    sealed: bool
    trust_fingerprint: str


def page(facts: Facts) -> str:
    """Return the page as HTML that needs nothing but itself."""
    rows = [
        ("Recording", facts.reference),
        ("Recorded", facts.recorded),
        ("Length", facts.length),
        ("Camera", facts.camera),
        ("Released by", f"{facts.exported_by}, {facts.force}"),
        ("Released on", facts.exported),
        ("Reason", facts.reason),
    ]
    table = "".join(f"<tr><th scope=row>{escape(name)}</th><td>{escape(value)}</td></tr>" for name, value in rows)
    return f"""<!doctype html>
<html lang="en-GB"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Read me first: {escape(facts.reference)}</title><style>{STYLE}</style></head><body><main>
<h1>Footage {escape(facts.reference)}</h1>
<table>{table}</table>
{_SEALED if facts.sealed else _OPEN}
<h2>How to check it</h2>
<p>You need no account and no network. Get OpenBWV from a source you choose, then run:</p>
<pre>./bwv verify THIS-FOLDER --trust trust.pem</pre>
<p><code>trust.pem</code> is the force's root certificate. Ask the force for it, or take it from its public pages, and
compare its fingerprint by another way than the one that brought you this bundle, by telephone for example:</p>
<pre>{escape(facts.trust_fingerprint)}</pre>
<p>The answer is one of three. <b>genuine</b>: nothing changed since the camera signed it.
<b>changed</b>: something does not match; the answer names what and where. <b>cannot tell</b>: a part needed for an
answer is missing, or you gave no trust file.</p>
<h2>What the check cannot tell</h2>
<ul><li>whether the scene in front of the camera was what it seemed, or what happened outside the picture;</li>
<li>whether the trail in <code>data/custody.jsonl</code> is all there is: for that, ask for the whole log;</li>
<li>whether other copies of this footage exist.</li></ul>
<h2>What is in the folder</h2>
<ul>{"".join(f"<li><code>{name}</code>: {about}</li>" for name, about in _FILES)}</ul>
</main></body></html>
"""


STYLE = (
    ":root{color-scheme:light dark;font:1rem/1.5 system-ui,sans-serif}main{max-width:44rem;margin:2rem auto;"
    "padding:0 1rem}table{border-collapse:collapse}th,td{text-align:left;padding:.25rem 1rem .25rem 0;"
    "vertical-align:top}pre{overflow-x:auto;padding:.5rem;border:1px solid GrayText}code{overflow-wrap:anywhere}"
)
_OPEN = """<h2>To watch it</h2><p>Open <code>data/view.mp4</code> in any player. It holds the same picture and sound as
<code>data/master.mp4</code>, the camera's own file, laid out for ordinary players; only the master is what the camera
signed.</p>"""
_SEALED = """<h2>This bundle is sealed</h2><p>The footage is encrypted as the camera left it. It can be checked so;
to watch it, ask the force for its key.</p>"""
_FILES = (
    ("data/manifest.cbor", "the camera's signed list of every part, with starts, stops, markers and muted sound"),
    ("data/commit.key", "compares the footage with the camera's signatures; it opens nothing else"),
    ("data/custody.jsonl", "who did what with this recording, when and why"),
    ("data/proofs", "for each of those lines, the proof that it stands in the force's log"),
    ("data/checkpoint", "the log's signed state that the proofs lead to"),
    ("data/receipt.cbor", "the server's signed receipt for exactly these bytes"),
    ("tagmanifest-sha256.txt.cose", "the force's signature over the list of all files"),
)
