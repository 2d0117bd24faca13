"""A log for tests of the server: drained whenever something waits for it, without worker or key service."""

import contextlib

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from openbwv.custody import make_vkey

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
VKEY = make_vkey("test.bwv/log", KEY.public_key().public_bytes_raw())


def begin(state, key=KEY):
    """Write STATE/log.vkey and return a sequencer that signs with `key`."""
    from openbwv.server.trail.sequencer import Sequencer

    vkey = make_vkey("test.bwv/log", key.public_key().public_bytes_raw())
    (state / "log.vkey").write_text(vkey + "\n")
    return Sequencer(sign=key.sign)


@contextlib.contextmanager
def drained(sequencer):
    """Let `sequencer` take a step whenever `wait_for_leaf` would sleep."""
    from openbwv.server.trail import actions

    real = actions.pause
    actions.pause = lambda _seconds: sequencer.drain()
    try:
        yield sequencer
    finally:
        actions.pause = real


@pytest.fixture
def running_log(db, state):
    """Return a sequencer over the test's own state folder; whoever waits for a leaf gets it at once.

    Where the folder has a `log.vkey` already (a force with a key service), the key service signs.
    """
    from openbwv.server.trail.sequencer import Sequencer

    sequencer = Sequencer() if (state / "log.vkey").exists() else begin(state)
    with drained(sequencer):
        yield sequencer
