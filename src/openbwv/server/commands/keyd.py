"""`./bwv keyd`: the key service, a process of its own. It imports no Django."""

import contextlib
import json
import os
import signal
import sys
from pathlib import Path

from openbwv.command import Parser
from openbwv.custody import LogReader
from openbwv.recording.errors import EXIT_CONFIG, BwvError
from openbwv.server.vault.keyd import keyring
from openbwv.server.vault.keyd.ledger import Ledger
from openbwv.server.vault.keyd.logwatch import LogWatch
from openbwv.server.vault.keyd.operations import Operations
from openbwv.server.vault.keyd.passphrase import read_passphrase
from openbwv.server.vault.keyd.service import KeyServer
from openbwv.shared.clock import clock_from_environment
from openbwv.shared.log_folder import log_folder

EXAMPLES = """  ./bwv keyd --state /srv/bwv
  BWV_KEYRING_PASSPHRASE_FILE=/run/credentials/keyring ./bwv keyd --state /srv/bwv
"""


class NoStateNamed(BwvError):
    """The key service was not told which force it serves."""

    code = "no-state"
    exit_code = EXIT_CONFIG


def open_operations(state: Path, passphrase: str) -> Operations:
    """Open the keyring, ledger and log of `state`; raises PassphraseWrong and the other errors of `keyd.errors`."""
    ring = keyring.load(state / "keyring", passphrase)
    watch = LogWatch(LogReader(log_folder(state), vkey=ring.vkey))
    clock = clock_from_environment(state / "trust.pem")
    return Operations(keyring=ring, ledger=Ledger(state / "keyring.ledger"), watch=watch, clock=clock)


def main(argv: list[str]) -> int:
    """Serve until SIGTERM or Ctrl-C."""
    parser = Parser(
        prog="./bwv keyd",
        description="The key service: opens the keyring once and answers on a socket inside the state folder.",
        examples=EXAMPLES,
    )
    parser.add_argument("--state", metavar="DIR", help="the force's state folder (default: BWV_STATE)")
    parser.add_argument("--json", action="store_true", help="print one line of JSON when listening")
    arguments = parser.parse_args(argv)
    chosen = arguments.state or os.environ.get("BWV_STATE")
    if not chosen:
        raise NoStateNamed(what="No state folder was named.", remedy="Give --state DIR, or set BWV_STATE.")
    state = Path(chosen).expanduser().absolute()
    _harden()
    operations = open_operations(state, read_passphrase())
    path = state / "run" / "keyd.sock"
    server = KeyServer(path, operations)
    signal.signal(signal.SIGTERM, _stop)
    print(json.dumps({"listening": str(path)}) if arguments.json else f"listening {path}", flush=True)
    try:
        with contextlib.suppress(KeyboardInterrupt):
            server.serve_forever(poll_interval=0.2)
    finally:
        server.server_close()
    return 0


def _stop(_signal: int, _frame: object) -> None:
    raise KeyboardInterrupt


def _harden() -> None:
    """Keep key material out of core dumps; where the system offers no such limit there is nothing to set."""
    if sys.platform != "win32":
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
