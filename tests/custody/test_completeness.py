"""Who holds a pseudonym can show that there is no other event on that recording."""

from openbwv.custody import EventType, ShownEvent, commit_event, leaf, leaves_of, subject_findings

OURS, OTHER = b"o" * 16, b"x" * 16


def shown(number: int) -> ShownEvent:
    return ShownEvent({"type": 30, "why": f"reason {number}"}, bytes([number]) * 32)


def entry(number: int, subj: bytes = OURS) -> bytes:
    event = shown(number)
    return leaf(EventType.VIEW, number, subj, commit_event(event.event, event.salt))


LOG = [entry(0), entry(1, OTHER), entry(2), entry(3, OTHER), entry(4)]
ALL = {0: shown(0), 2: shown(2), 4: shown(4)}


def codes(log, events):
    return [(finding.code, finding.where) for finding in subject_findings(log, OURS, events)]


def test_all_events_shown_is_complete():
    assert codes(LOG, ALL) == []
    assert sorted(leaves_of(LOG, OURS)) == [0, 2, 4]


def test_an_event_that_is_kept_back_is_found():
    for index in ALL:
        assert codes(LOG, {key: value for key, value in ALL.items() if key != index}) == [
            ("event-withheld", f"entry {index}")
        ]


def test_an_event_that_is_told_differently_is_found():
    told = ShownEvent({"type": 30, "why": "a better reason"}, ALL[2].salt)
    assert codes(LOG, {**ALL, 2: told}) == [("event-altered", "entry 2")]


def test_an_event_that_was_never_logged_is_found():
    assert codes(LOG, {**ALL, 9: shown(9)}) == [("event-not-logged", "entry 9")]
    assert codes(LOG, {**ALL, 1: shown(1)}) == [("event-not-logged", "entry 1")]


def test_an_entry_that_cannot_be_read_is_said():
    assert codes([*LOG, b"noise"], ALL) == [("leaf-unreadable", "entry 5")]


def test_a_pseudonym_inside_another_leaf_s_commitment_is_no_leaf_of_it():
    stray = leaf(EventType.VIEW, 1, OTHER, OURS + OURS)
    assert leaves_of([stray], OURS) == {}
