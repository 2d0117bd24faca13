"""Does the log hold, and do the events in the database agree with it, one for one?"""

import time
from collections.abc import Iterator

from django.db.models import Q

from openbwv.custody import LogReader, audit, open_note
from openbwv.custody.tiles import CHECKPOINT_PATH
from openbwv.recording.errors import BwvError
from openbwv.server.checking.comparison import KEEP, RESTORE, Comparison
from openbwv.server.checking.earlier_logs import walk_earlier
from openbwv.server.checking.result import Context, Disagreement
from openbwv.server.clock import from_ms
from openbwv.server.trail import log
from openbwv.server.trail.models import Event, LogHead
from openbwv.shared.log_folder import checkpoint_file

WAITING_LIMIT_MS = 60_000
SETTLE_TRIES = 40
SETTLE_S = 0.05


def walk_log(context: Context) -> Iterator[Disagreement]:
    """Audit the log's files against the outside checkpoint, then compare every entry with its event."""
    try:
        reader = log.reader()
    except BwvError as problem:
        yield Disagreement(problem.code, "log.vkey", problem.what, problem.remedy)
        return
    head = LogHead.objects.filter(id=1).first()
    size_known, generation = (head.size, head.generation) if head else (0, 1)
    yield from walk_earlier(generation, size_known, context)
    yield from _of_no_log(head)
    comparison = Comparison(size_known, generation, context)  # asks for the events before the log's size is read
    outside = _settled_outside(reader)
    if outside is None and not size_known and reader.storage.read(CHECKPOINT_PATH) is None:
        what = "this force's log was not begun yet"
        yield Disagreement("log-not-begun", "log", what, "Start `./bwv keyd` and `./bwv worker`.")
        yield from comparison.rest()
        yield from _waiting(context)
        return
    if outside is None:
        remedy = "Bring the file back that BWV_CHECKPOINT_PLACE names, or begin a new generation: `./bwv restore`."
        yield Disagreement("outside-checkpoint-missing", "checkpoint place", "the outside checkpoint is gone", remedy)
    result = audit(reader.storage, vkey=reader.vkey, known=[outside] if outside else [], visit=comparison.visit)
    for finding in result.findings:
        yield Disagreement(finding.code, finding.where, finding.what, KEEP)
    yield from comparison.found
    if result.checkpoint is not None:
        yield from _head(reader, head, result.checkpoint.size)
        if not any(finding.code.startswith("bundle") for finding in result.findings):
            yield from comparison.rest()
    yield from _waiting(context)


def _settled_outside(reader: LogReader) -> str | None:
    """Return the outside checkpoint once the published one has caught up: an append may be between the two."""
    note = None
    for _ in range(SETTLE_TRIES):
        note = checkpoint_file(log.state()).read()
        try:
            if note is None or reader.checkpoint().size >= open_note(note, reader.vkey).size:
                return note
        except BwvError:
            return note  # the audit says what is wrong with it
        time.sleep(SETTLE_S)
    return note


def _head(reader: LogReader, head: LogHead | None, size: int) -> Iterator[Disagreement]:
    if head is None:
        if size:
            what = f"the database has no note of the log, which has {size} entries"
            yield Disagreement("head-missing", "database", what, RESTORE)
        return
    if head.size > size:
        what = f"the database knows {head.size} entries, the log has {size}: an older log was put back"
        yield Disagreement("log-behind-database", "database", what, RESTORE)
        return
    try:
        agrees = reader.root_at(head.size, size) == bytes(head.root)
    except BwvError:
        return  # the audit has named the damaged file
    if not agrees:
        what = f"at {head.size} entries the database has another root than the log"
        yield Disagreement("head-mismatch", "database", what, RESTORE)


def _of_no_log(head: LogHead | None) -> Iterator[Disagreement]:
    if head is None:
        return  # that is a finding of its own, and which logs there were is not known
    claims = Event.objects.filter(Q(log_generation__lt=1) | Q(log_generation__gt=head.generation))
    for key, number, index in claims.order_by("pk").values_list("pk", "log_generation", "leaf_index"):
        what = f"the event claims entry {index} of log {number}, and there never was a log of that number"
        yield Disagreement("event-beyond-log", f"event {key}", what, RESTORE)


def _waiting(context: Context) -> Iterator[Disagreement]:
    limit = from_ms(context.clock_utc_ms - WAITING_LIMIT_MS)
    waiting = Event.objects.filter(leaf_index=None, at_utc__lt=limit).count()
    if waiting:
        what = f"{waiting} events wait for the log for more than a minute: the log is not running"
        yield Disagreement("events-waiting", "database", what, "Start `./bwv worker` and `./bwv keyd`.")
