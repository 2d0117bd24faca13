"""A state folder that says which force it is, for tests that need its stores and none of its keys."""

import pytest

from openbwv.recording import to_pem
from openbwv.server.vault.folders import STORES, lay_anchors
from openbwv.server.vault.force import TRUST_FILE, VKEY_FILE, Force
from tests.recording.factory import Agency


@pytest.fixture
def force_files(state):
    """Let STATE say which force it is, and have its stores; the log's key is the test's own affair."""
    vkey = state / VKEY_FILE
    kept = vkey.read_bytes() if vkey.exists() else None
    (state / TRUST_FILE).write_bytes(to_pem([Agency().root]))
    facts = {"name": "Test Force", "origin": "test.bwv/log", "vkey": "", "door": "", "door_url": "", "pretend": False}
    Force(fingerprint="0" * 64, generation=1, created_ms=0, trust_pem=b"", **facts).write(state)
    if kept is None:
        vkey.unlink()
    else:
        vkey.write_bytes(kept)
    for name in STORES:
        (state / name).mkdir()
    lay_anchors(state, "0" * 64)
