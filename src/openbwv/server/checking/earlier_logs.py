"""Do the logs that a restore ended hold still, as far as they were saved, and does each next one name its end?"""

from collections.abc import Iterator

from openbwv.custody import Checkpoint, EventType, audit
from openbwv.server.checking.comparison import KEEP, RESTORE, Comparison
from openbwv.server.checking.papers import log_size
from openbwv.server.checking.result import Context, Disagreement
from openbwv.server.trail import log
from openbwv.server.trail.models import Event

MISSING = "Bring them back from a backup or another copy; without them these entries cannot be checked again."


def walk_earlier(generation: int, size_known: int, context: Context) -> Iterator[Disagreement]:
    """Audit the files of every generation before `generation` and compare them with their events.

    `size_known`: how many entries the log of `generation` has, as far as the database knows.
    """
    here = log.earlier()
    known = {number: log_size(reader) for number, reader in here.items()} | {generation: size_known}
    for number in range(1, generation):
        reader, of = here.get(number), f"log of generation {number}"
        if reader is None:
            what = "its files or its key are not here"
            yield Disagreement("earlier-log-missing", of, what, MISSING)
            continue
        comparison = Comparison(log_size(reader), number, context, told=_told(number, known))
        result = audit(reader.storage, vkey=reader.vkey, visit=comparison.visit)
        for finding in result.findings:
            yield Disagreement(finding.code, f"{of}, {finding.where}", finding.what, KEEP)
        for each in (*comparison.found, *(comparison.rest() if result.checkpoint and not result.findings else ())):
            yield Disagreement(each.code, f"{of}, {each.where}", each.what, each.remedy)
        if result.checkpoint is not None:
            yield from _follows(number, result.checkpoint, of)


def _told(number: int, known: dict[int, int]) -> frozenset[int]:
    """Return the entries of that log of which the restore that ended it said that it had no events for them.

    `known`: sizes of logs by generation. Only a place inside one of them was, or will be, compared with its entry.
    """
    for event in Event.objects.filter(type=EventType.RESTORE, leaf_index__isnull=False):
        is_logged = event.leaf_index < known.get(event.log_generation, 0)
        if is_logged and event.details.get("generation") == number + 1:
            return frozenset(each["index"] for each in event.details.get("unknown_leaves", ()))
    return frozenset()


def _follows(number: int, end: Checkpoint, of: str) -> Iterator[Disagreement]:
    """Compare a log's end with what the first entry of the next one says of it."""
    first = Event.objects.filter(
        log_generation=number + 1, leaf_index=0, type=EventType.LOG_GENERATION, salt__isnull=False
    ).first()
    if first is None:
        return  # the next one has not begun yet
    told = first.details
    same_root = told["old_size"] != end.size or told["old_root"] == end.root.hex()
    if (told["old_origin"], told["restored_size"]) != (end.origin, end.size) or not same_root:
        what = "the next log's first entry names another end of this one"
        yield Disagreement("earlier-log-end", of, what, RESTORE)
