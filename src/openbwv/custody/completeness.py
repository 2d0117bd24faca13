"""Is that all? Whoever holds a subject's pseudonym can show that the log has no other event on it.

Proves: of the leaves in this log that carry the pseudonym, each is an event shown here, and each shown event is there.
Does not prove: that everything that was done was logged, nor anything about leaves under another pseudonym.
"""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from openbwv.custody.audit import Finding
from openbwv.custody.errors import LeafRejected
from openbwv.custody.events import Leaf, decode_leaf, event_matches


class ShownEvent(NamedTuple):
    """An event as it was disclosed: the map that was committed to, and its salt."""

    event: Mapping[str, Any]
    salt: bytes


def leaves_of(entries: Iterable[bytes], subj: bytes) -> dict[int, Leaf]:
    """Return the leaves with pseudonym `subj` by their index. `entries` are all entries of the log, from the first.

    Entries that are not leaves of a known version are passed over here and reported by `subject_findings`.
    """
    found: dict[int, Leaf] = {}
    for index, entry in enumerate(entries):
        if subj in entry:
            leaf = decode_leaf(entry)
            if leaf.subj == subj:
                found[index] = leaf
    return found


def subject_findings(entries: Iterable[bytes], subj: bytes, shown: Mapping[int, ShownEvent]) -> list[Finding]:
    """Return every reason why `shown` (by leaf index) is not all that the log has on `subj`; empty when it is.

    `entries` must be all entries of a log whose root was checked (`audit`), from the first to the last.
    """
    findings: list[Finding] = []
    missing = set(shown)
    for index, entry in enumerate(entries):
        try:
            leaf = decode_leaf(entry)
        except LeafRejected as problem:
            findings.append(Finding("leaf-unreadable", f"entry {index}", problem.what))
            continue
        if leaf.subj != subj:
            continue
        if index not in shown:
            what = f"the log has an event '{leaf.name}' on this subject that is not shown"
            findings.append(Finding("event-withheld", f"entry {index}", what))
        elif not event_matches(entry, *shown[index]):
            what = "the event shown is not the one that was logged"
            findings.append(Finding("event-altered", f"entry {index}", what))
        missing.discard(index)
    for index in sorted(missing):
        what = "an event is shown that the log does not have there on this subject"
        findings.append(Finding("event-not-logged", f"entry {index}", what))
    return findings
