"""Every event of a trail reads as a plain sentence: no field names, no milliseconds, no bytes, no signs of rules."""

import re

import pytest

from openbwv.custody import EventType
from openbwv.server.trail.actions import log_event
from openbwv.server.trail.queries import trail_of
from openbwv.server.trail.words import span, who_did_it

CASES = [
    (EventType.VIEW, {"purpose": "watch", "from_ms": 0, "to_ms": None}, "A person began to watch the recording."),
    (
        EventType.VIEW,
        {"purpose": "check", "from_ms": 5000, "to_ms": 20_000, "request": "ASK-2026-000001"},
        "A person began to watch the recording, 0:05–0:20 only for the request ASK-2026-000001.",
    ),
    (
        EventType.VIEW,
        {"request": "ASK-2026-000001", "release": 3, "copy": True},
        "A person watched the copy made for the request ASK-2026-000001.",
    ),
    (EventType.VIEWED, {"view": 37, "spans_ms": [[0, 10_000]]}, "Watching ended; it showed 0:00–0:10."),
    (
        EventType.VIEWED,
        {"view": 37, "spans_ms": [[0, 10_000], [3_600_000, 3_661_000]]},
        "Watching ended; it showed 0:00–0:10 and 1:00:00–1:01:01.",
    ),
    (EventType.VIEWED, {"view": 37, "spans_ms": []}, "Watching ended; nothing was shown."),
    (
        EventType.INGEST,
        {"media_length": 3_318_723, "last_seq": 16},
        "The server has stored and checked the whole recording: 3.3 MB.",
    ),
    (
        EventType.INGEST_UNCLOSED,
        {"media_length": 343_004},
        "The server has stored and checked the recording up to where it breaks off: 343 kB.",
    ),
    (
        EventType.INVENTORY,
        {"deed": "announced", "reference": "BWV-2026-000002", "camera": "0417"},
        "Its list of parts has arrived; camera 0417 may still hold the picture and sound.",
    ),
    (EventType.ASSIGN, {"deed": "claim", "officer": "avery"}, "PC Avery was named as the one who had the camera."),
    (
        EventType.CLASSIFY,
        {"deed": "category", "from": "none", "to": "arrest"},
        "Its category was set to “Arrest”; it was “No category yet”.",
    ),
    (
        EventType.CLASSIFY,
        {"deed": "label", "category": "arrest", "evidential": True},
        "Its category was set on the camera to “Arrest”, and it was flagged as evidence there.",
    ),
    (
        EventType.CLASSIFY,
        {"deed": "flag", "matter": "M-12", "media_ms": 62_000, "review_date": "2026-12-01"},
        "It was flagged as evidence at 1:02 in the matter M-12, to be looked at again on Tue 1 Dec 2026.",
    ),
    (
        EventType.CLASSIFY,
        {"deed": "flag-removed", "flag": 3, "first": "avery"},
        "A flag was taken off by a second person. PC Avery had asked for it.",
    ),
    (
        EventType.HOLD,
        {"hold": 6, "kind": "standing", "request": "ASK-2026-000004"},
        "It was put on hold by the request ASK-2026-000004: it cannot be deleted until that is released.",
    ),
    (EventType.UNHOLD, {"deed": "released", "hold": 6, "first": None}, "A hold on the recording was released."),
    (
        EventType.KEY_RELEASE,
        {"purpose": "thumbnail"},
        "The recording's key was given to a job to make its still.",
    ),
    (EventType.EXPORT, {"sealed": False}, "It was downloaded as an offline bundle with the video."),
    (EventType.EXPORT, {"deed": "fetched", "download": 3}, "The offline bundle was saved by who asked for it."),
    (
        EventType.REQUEST,
        {"deed": "embargo-lifted", "request": "ASK-2026-000004", "match": 1},
        "Its embargo ended; the request ASK-2026-000004 is to decide it anew.",
    ),
    (
        EventType.DECISION,
        {"request": "ASK-2026-000004", "match": 1, "decision": "part"},
        "It was decided for the request ASK-2026-000004: To be released in part.",
    ),
    (
        EventType.DECISION,
        {
            "deed": "planned",
            "request": "ASK-2026-000004",
            "release": 1,
            "plan": {"from_ms": 0, "to_ms": 9000, "fill": [[0, 9000]], "silence": [], "drop_sound": True},
            "checker": "avery",
        },
        "A copy of it was planned for the request ASK-2026-000004: 0:00–0:09, picture covered, no sound,"
        " to be checked by PC Avery.",
    ),
    (
        EventType.RELEASE,
        {"request": "ASK-2026-000004", "release": 1, "length": 2_000_000},
        "The person who made the request ASK-2026-000004 downloaded the copy: 2.0 MB.",
    ),
    (
        EventType.DELETE_AUTHORISED,
        {"deletion": 1, "approvals": ["avery", "nobody"]},
        "Deletion was authorised, as PC Avery and nobody had approved.",
    ),
    (
        EventType.ERASED,
        {"deletion": 1, "objects": 5, "bytes": 3_000_000},
        "The recording and its key were erased from the server: 3.0 MB.",
    ),
    (EventType.REFUSED, {"deed": "/x", "what": "You may not."}, "Refused; nothing was done. You may not."),
]
RULES = [
    (EventType.VIEW, "watch-own", "It is their own recording."),
    (EventType.VIEWED, "closed: left", "The page was left."),
    (
        EventType.INGEST,
        "every fragment's signed hash was checked; stored durably",
        "Every part fits its signature, and all are on disk.",
    ),
    (EventType.DELETE_AUTHORISED, "policy version 2", "Retention policy, version 2."),
    (EventType.DELETE_PROPOSED, "capture-31-days", "The policy: 31 days after recording."),
    (EventType.DECISION, "Data Protection Act 2018, section 45(4)", "Ground: Data Protection Act 2018, section 45(4)"),
    (EventType.KEY_RELEASE, "job-index", ""),
]


@pytest.mark.parametrize(("kind", "details", "sentence"), CASES)
def test_an_event_is_a_sentence(recording, avery, clock, kind, details, sentence):
    log_event(kind, recording=recording, actor=avery, details=details, clock=clock)
    assert trail_of(recording)[0].what == sentence


@pytest.mark.parametrize("kind", EventType)
def test_an_event_of_any_kind_without_details_or_with_strange_ones_still_reads(recording, clock, kind):
    for details in ({}, {"deed": "unheard-of", "purpose": "unheard-of", "spans_ms": None, "decision": "unheard-of"}):
        log_event(kind, recording=recording, details=details, clock=clock)
        line = trail_of(recording)[0]
        assert line.what.endswith(".")
        assert not re.search(r"_|fragment|\bms\b|None", line.what)


@pytest.mark.parametrize(("kind", "rule", "sentence"), RULES)
def test_a_rule_is_a_sentence_or_is_left_to_the_details(recording, clock, kind, rule, sentence):
    log_event(kind, recording=recording, rule=rule, clock=clock)
    line = trail_of(recording)[0]
    assert line.rule == sentence
    assert ("rule", rule) in line.raw


@pytest.mark.parametrize(
    ("label", "who"),
    [("door", "The server"), ("job index", "The server"), ("camera 0417", "Camera 0417"), ("", "The server")],
)
def test_what_the_system_did_by_itself_says_so(recording, clock, label, who):
    event = log_event(EventType.INGEST, recording=recording, actor_label=label, clock=clock)
    assert who_did_it(event) == who


def test_a_stretch_without_an_end():
    assert span(65_000, None) == "from 1:05 on"


def test_the_page_keeps_raw_fields_behind_details(recording, as_person, avery, clock):
    log_event(
        EventType.VIEWED, recording=recording, actor=avery, details={"view": 37, "spans_ms": [[0, 10_000]]}, clock=clock
    )
    recording.officer = avery
    recording.save()
    page = as_person(avery).get(f"/recordings/{recording.reference}/trail").content.decode()
    shown = re.sub(r"<details>.*?</details>", "", page, flags=re.DOTALL)
    assert "0:00–0:10" in shown
    assert "spans ms" not in shown
    assert "<dt>spans ms</dt><dd>0 10000</dd>" in page
