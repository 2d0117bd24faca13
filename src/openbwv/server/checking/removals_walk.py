"""Does every event that lost its words name a removal that covers it, by a rule that was in force, after its years?

What is compared stands in the log, which nobody can change: the removal's own commitment, the second of each leaf, and
for a recording its ERASED leaf. A row that was emptied by hand names no removal, or one that does not cover it.
"""

from collections.abc import Iterator
from datetime import timedelta

from openbwv.custody import EventType, Leaf, decode_leaf, event_matches
from openbwv.recording.errors import BwvError
from openbwv.server.checking.result import Context, Disagreement
from openbwv.server.clock import from_ms, to_ms
from openbwv.server.disclosure.models import Request
from openbwv.server.evidence.models import Recording, State
from openbwv.server.forgetting.words import NO_WORDS, is_among
from openbwv.server.retention.models import Certificate, Deletion, DeletionState, PolicyVersion
from openbwv.server.retention.rules import MOST_LOG_YEARS, years_before
from openbwv.server.trail.actions import event_map
from openbwv.server.trail.models import Event

SLACK = timedelta(minutes=1)  # an event may be written a moment after the deed whose time ends its years
RESTORE = "Find out who changed the row; the words are in a backup from before, and in bundles that left."
LATEST_MS = 1 << 45  # past the year 3000
ABOUT = ("recordings", "requests", "nothing")
LOOK = "Find out who changed the row after the removal, and why; what it says now is not what was kept."
EMPTY = tuple(name for name in NO_WORDS if name != "salt")


def walk_removals(context: Context) -> Iterator[Disagreement]:
    """Compare removals with the policy, with the events they emptied, and with the rows they left."""
    for removal in Event.objects.filter(type=EventType.TEXT_REMOVED).order_by("pk").iterator(chunk_size=100):
        context.looked_at["removals"] += 1
        where = f"removal of words, event {removal.pk}"
        if not _holds(removal):
            what = "it is not what was logged, so it explains nothing"
            yield Disagreement("removal-altered", where, what, RESTORE)
            continue
        yield from (Disagreement("removal-wrong", where, what, RESTORE) for what in _rule(removal))
        yield from _emptied(removal, context)
        yield from (Disagreement("removal-miscounted", where, what, RESTORE) for what in _rows(removal))
    yield from _unexplained()


def _holds(removal: Event) -> bool:
    """Say whether it is what was logged, and says what a removal has to say."""
    told = removal.details
    numbers = [told.get(name) for name in ("version", "years", "cutoff_ms", "events")]
    if not all(isinstance(each, int) and 0 <= each < LATEST_MS for each in numbers) or told["years"] > MOST_LOG_YEARS:
        return False
    if told.get("about") not in ABOUT or not isinstance(told.get("entries"), dict):
        return False
    try:
        return event_matches(bytes(removal.leaf), event_map(removal), bytes(removal.salt or b""))
    except BwvError:
        return False


def _rule(removal: Event) -> Iterator[str]:
    told = removal.details
    version = PolicyVersion.objects.filter(number=told["version"], approved_utc__isnull=False).first()
    if version is None or version.log_years != told["years"]:
        yield f"it names {told['years']} years of policy version {told['version']}, which were never approved"
    if from_ms(told["cutoff_ms"]) > years_before(removal.at_utc, told["years"]):
        yield f"its cut-off is less than {told['years']} years before it"


def _emptied(removal: Event, context: Context) -> Iterator[Disagreement]:
    """Look at each event that names `removal`, and at each recording that they tell of."""
    told, latest = removal.details, from_ms(removal.details["cutoff_ms"]) + SLACK
    subjects, erased, count = set(), set(), 0
    for event in removal.emptied.order_by("pk").iterator(chunk_size=500):
        count += 1
        context.looked_at["events without words"] += 1
        leaf = decode_leaf(bytes(event.leaf))
        for code, what in _one(event, leaf, told):
            yield Disagreement(code, f"event {event.pk}, entry {event.leaf_index}", what, RESTORE)
        subjects.add(leaf.subj)
        if leaf.type == EventType.ERASED and _at(leaf) <= to_ms(latest):
            erased.add(leaf.subj)
        elif told["about"] != "recordings" and _at(leaf) > to_ms(latest):
            what = "its words were removed before the years of the policy were over"
            yield Disagreement("words-removed-early", f"event {event.pk}, entry {event.leaf_index}", what, RESTORE)
    where = f"removal of words, event {removal.pk}"
    if told["about"] == "recordings" and subjects - erased:
        what = f"{len(subjects - erased)} of its subjects have no entry that says they were erased that long ago"
        yield Disagreement("words-removed-early", where, what, RESTORE)
    if count != told["events"]:
        what = f"it tells of {told['events']} events, {count} name it"
        yield Disagreement("removal-miscounted", where, what, RESTORE)


def _one(event: Event, leaf: Leaf, told: dict) -> Iterator[tuple[str, str]]:
    if event.leaf_index is None or not is_among(told["entries"], event.log_generation, event.leaf_index):
        yield "words-missing", f"the removal that it names does not list its entry ('{leaf.name}')"
    left = [name for name in EMPTY if getattr(event, name)]
    if left or event.salt is not None:
        yield "words-remain", f"its words were removed, but it still has {', '.join(left) or 'its salt'}"


def _at(leaf: Leaf) -> int:
    return leaf.t_s * 1000


def _rows(removal: Event) -> Iterator[str]:
    """Compare the tombstones that name `removal` with what it says."""
    told = removal.details
    gone = Deletion.objects.filter(removal=removal, state=DeletionState.IRRECOVERABLE)
    for name, found in (("recordings", gone.count()), ("requests", Request.objects.filter(removal=removal).count())):
        if found != told.get(name, 0):
            yield f"it tells of {told.get(name, 0)} {name}, {found} name it"
    early = gone.filter(irrecoverable_utc__gt=from_ms(told["cutoff_ms"])).count()
    if early:
        yield f"{early} of its recordings became irrecoverable after its cut-off"


def _unexplained() -> Iterator[Disagreement]:
    """Report what has lost its words, or its pseudonym, and names no removal."""
    for event in Event.objects.filter(salt=None, removal=None).order_by("pk").iterator(chunk_size=500):
        what = f"its words ('{event.slug}') are gone and no removal says so"
        yield Disagreement("words-missing", f"event {event.pk}, entry {event.leaf_index}", what, RESTORE)
    for recording in Recording.objects.filter(pseudonym=None).exclude(
        deletions__removal__isnull=False, state=State.ERASED
    ):
        what = "its pseudonym is gone and no removal says so"
        yield Disagreement("pseudonym-missing", recording.reference, what, RESTORE)
    for request in Request.objects.filter(pseudonym=None, removal=None):
        what = "its pseudonym is gone and no removal says so"
        yield Disagreement("pseudonym-missing", request.reference, what, RESTORE)
    left = Recording.objects.filter(deletions__removal__isnull=False)
    for recording in (left.exclude(pseudonym=None) | left.exclude(officer=None) | left.exclude(unit=None)).distinct():
        what = "its words were removed, but its row still says whose it was"
        yield Disagreement("words-remain", recording.reference, what, LOOK)
    for certificate in Certificate.objects.filter(phase1=None, deletion__removal=None).select_related(
        "deletion__recording"
    ):
        what = "its signed certificate is gone and no removal says so"
        yield Disagreement("certificate-missing", certificate.deletion.recording.reference, what, RESTORE)
