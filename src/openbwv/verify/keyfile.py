"""The commitment key as a file: 64 hexadecimal digits, or 32 bytes."""

import re
from pathlib import Path

from openbwv.verify.files import small


def read_commit_key(path: Path) -> tuple[bytes | None, str]:
    """Return (key, "") or (None, what is wrong with the file); raises OSError only."""
    data = small(path, 4096)
    if data is None:
        return None, "The commitment key is missing."
    if len(data) == 32:
        return data, ""
    if re.fullmatch(rb"[0-9a-fA-F]{64}\s*", data):
        return bytes.fromhex(data.decode("ascii").strip()), ""
    return None, "The commitment key is neither 64 hexadecimal digits nor 32 bytes."
