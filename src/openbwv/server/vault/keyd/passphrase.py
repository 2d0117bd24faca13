"""Where the keyring's passphrase comes from, and what is printed so that the keys outlive it."""

import base64
import getpass
import html
import os
import secrets
import sys
from pathlib import Path

from openbwv.server.vault.keyd.errors import PassphraseMissing, PassphraseWrong

FILE_VARIABLE = "BWV_KEYRING_PASSPHRASE_FILE"
LEAST_LENGTH = 12
RECOVERY_BYTES = 20


def read_passphrase() -> str:
    """Return the passphrase, from the file BWV_KEYRING_PASSPHRASE_FILE names or typed; raises PassphraseMissing."""
    named = os.environ.get(FILE_VARIABLE)
    if named:
        return _from_file(Path(named))
    if not sys.stdin.isatty():
        raise PassphraseMissing(
            what="The keyring needs its passphrase, and there is no terminal to type it in.",
            remedy=f"Set {FILE_VARIABLE} to a file that holds it (mode 0600), or start this in a terminal.",
        )
    return getpass.getpass("Passphrase of the keyring: ")


def choose_passphrase() -> str:
    """Return a new passphrase, from the file or typed twice; raises PassphraseWrong when too short or not the same."""
    chosen = read_passphrase()
    if len(chosen) < LEAST_LENGTH:
        raise PassphraseWrong(
            what=f"The passphrase has {len(chosen)} characters.",
            remedy=f"Choose at least {LEAST_LENGTH}; five random words are good.",
        )
    if FILE_VARIABLE not in os.environ and getpass.getpass("The same again: ") != chosen:
        raise PassphraseWrong(what="The two passphrases differ.", remedy="Type the same one twice.")
    return chosen


def new_recovery_code() -> str:
    """Return a code of 160 random bits in eight groups of four letters and digits (RFC 4648 base32)."""
    text = base64.b32encode(secrets.token_bytes(RECOVERY_BYTES)).decode("ascii")
    return "-".join(text[start : start + 4] for start in range(0, len(text), 4))


def recovery_sheet(*, force: str, fingerprint: str, recovery_code: str, made: str) -> str:
    """Return the page to print: what opens the keyring when the passphrase is lost."""
    rows = [
        ("Force", force),
        ("Fingerprint of the agency CA", fingerprint),
        ("Made", made),
        ("Recovery code", recovery_code),
    ]
    cells = "\n".join(f"<tr><th>{html.escape(name)}</th><td>{html.escape(value)}</td></tr>" for name, value in rows)
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Recovery sheet: {html.escape(force)}</title>
<style>body{{font:14pt/1.5 sans-serif;max-width:40em;margin:2em auto}}th{{text-align:left;padding-right:1em}}
td{{font-family:monospace;font-size:15pt}}</style></head><body>
<h1>Recovery sheet for the keys of {html.escape(force)}</h1>
<table>
{cells}
</table>
<ol>
<li>Print this page twice. Put the prints into two sealed envelopes, in two places, each signed for.</li>
<li>Delete this file. Whoever holds this code and a copy of the keyring can open all footage.</li>
<li>To use it: put the file <code>keyring</code> back into the state folder, start <code>./bwv keyd</code> and type the
recovery code where the passphrase is asked for.</li>
<li>The code opens every later version of this keyring. It cannot bring back footage that was deleted: once the
retention key was rotated, no copy of the keyring holds the old one but copies made before that.</li>
</ol>
</body></html>
"""


def _from_file(path: Path) -> str:
    try:
        text = path.read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as problem:
        raise PassphraseMissing(
            what=f"{FILE_VARIABLE} names {path}, which cannot be read: {problem}.",
            remedy="Make it a text file that this user may read.",
        ) from problem
    if not text:
        raise PassphraseMissing(what=f"{path} is empty.", remedy="Put the keyring's passphrase into it, on one line.")
    return text
