"""Where this force's log is: its files, its key, its reader and its writer."""

from pathlib import Path

from django.conf import settings

from openbwv.custody import EMPTY_ROOT, Log, LogMissing, LogReader, create_log, open_log
from openbwv.custody.notes import Sign
from openbwv.server.trail.errors import NoVerifierKey
from openbwv.server.trail.models import LogHead
from openbwv.shared.log_folder import ENDED, ENDED_VKEY, LogFolder, checkpoint_file, log_folder

VKEY_FILE = "log.vkey"


def state() -> Path:
    """Return the force's state folder."""
    return Path(settings.STATE)


def vkey() -> str:
    """Return the verifier key of the force's log, from STATE/log.vkey; raises NoVerifierKey."""
    try:
        return (state() / VKEY_FILE).read_text(encoding="utf-8").strip()
    except OSError as problem:
        raise NoVerifierKey(
            what=f"{state() / VKEY_FILE} cannot be read: {problem.strerror}.",
            remedy="`./bwv init` writes it; for a force that has lost it, `./bwv keyd` shows the same line.",
        ) from problem


def reader() -> LogReader:
    """Return a reader of the force's log."""
    return LogReader(log_folder(state()), vkey=vkey())


def earlier() -> dict[int, LogReader]:
    """Return readers of the logs that a restore ended, by generation; of those whose files and key are here."""
    found = {}
    for path in state().glob(f"{ENDED}*{ENDED_VKEY}"):
        number = path.name.removeprefix(ENDED).removesuffix(ENDED_VKEY)
        folder = state() / f"{ENDED}{number}"
        if number.isdecimal() and folder.is_dir():
            found[int(number)] = LogReader(LogFolder(folder), vkey=path.read_text(encoding="utf-8").strip())
    return dict(sorted(found.items()))


def keyd_sign(message: bytes) -> bytes:
    """Sign `message` with the log's key, which only the key service holds."""
    from openbwv.server.vault.keys import key_client

    return key_client().sign("log", message)


def open_writer(*, sign: Sign) -> Log:
    """Open the force's log for writing, beginning it when neither files, checkpoint nor database know of one.

    Raises what `custody.open_log` raises: LogRolledBack, LogDamaged, LogMissing, NoteRejected.
    """
    storage, place = log_folder(state()), checkpoint_file(state())
    try:
        log = open_log(storage, vkey=vkey(), sign=sign, outside=place)
    except LogMissing:
        if LogHead.objects.filter(size__gt=0).exists():
            raise
        log = create_log(storage, vkey=vkey(), sign=sign, outside=place)
        LogHead.objects.get_or_create(id=1, defaults={"size": 0, "root": EMPTY_ROOT})
    storage.sweep(log.size)
    return log
