"""Start Django for a command: `boot(arguments.state)` first, then import models."""

import argparse
import os
from pathlib import Path

from openbwv.recording.errors import EXIT_CONFIG, BwvError


class NoState(BwvError):
    """A command that needs a force was given no state folder, or one that is not there."""

    code = "no-state"
    http_status = 500
    exit_code = EXIT_CONFIG


def add_state(parser: argparse.ArgumentParser) -> None:
    """Give `parser` the option `--state DIR`; BWV_STATE stands in for it."""
    parser.add_argument("--state", metavar="DIR", help="the force's state folder (default: BWV_STATE)")


def boot(state: str | None, *, must_be_current: bool = True) -> Path:
    """Point Django at the state folder, set it up, and return the folder.

    `must_be_current=False` is for commands that bring the database up themselves. Raises NoState, OldDatabase and
    NewerDatabase.
    """
    chosen = state or os.environ.get("BWV_STATE", "")
    if not chosen:
        raise NoState(what="No state folder was named.", remedy="Give --state DIR, or set BWV_STATE.")
    folder = Path(chosen).expanduser().absolute()
    if not folder.is_dir():
        raise NoState(what=f"There is no folder {folder}.", remedy=f"Make a force there: ./bwv init --state {folder}")
    os.environ["BWV_STATE"] = str(folder)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "openbwv.server.settings")
    import django

    django.setup()
    if must_be_current:
        from openbwv.server.schema import require_current

        require_current()
    return folder
