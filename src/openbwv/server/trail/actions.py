"""Writing events, and waiting until the log has them."""

import secrets
import time
from collections.abc import Mapping
from typing import Any

from openbwv.custody import EventType, LogReader, check_tlog_proof, commit_event, leaf
from openbwv.server.clock import from_ms, to_ms
from openbwv.server.evidence.models import Recording, State
from openbwv.server.people.models import Person
from openbwv.server.trail import log
from openbwv.server.trail.errors import LogNotRunning
from openbwv.server.trail.models import Event, Outcome
from openbwv.shared.clock import Clock

EVENT_VERSION = 1
SALT_BYTES = 32
SUBJECT_BYTES = 16
POLL_S = 0.02


def log_event(
    type_: EventType | int,
    *,
    recording: Recording | None = None,
    subject: bytes | None = None,
    actor: Person | None = None,
    actor_label: str = "",
    why: str = "",
    rule: str = "",
    outcome: str = Outcome.DONE,
    details: Mapping[str, Any] | None = None,
    clock: Clock,
) -> Event:
    """Write one event in the caller's transaction and return it; the sequencer logs it once that has committed.

    `subject`: the 16-byte pseudonym of what it is about; a recording brings its own, and without either a fresh random
    one is used, so that such leaves cannot be told apart. `details` holds text, integers, booleans, None, lists and
    maps: a float or anything else is LeafRejected.
    """
    at_ms = clock.utc_ms()
    recording = _still_named(recording)
    chosen = subject or (bytes(recording.pseudonym) if recording is not None else secrets.token_bytes(SUBJECT_BYTES))
    event = Event(
        type=int(EventType(type_)),
        at_utc=from_ms(at_ms),
        subject=chosen,
        recording=recording,
        actor=actor,
        actor_label=actor_label or (actor.get_username() if actor is not None else ""),
        why=why,
        rule=rule,
        outcome=str(outcome),
        details=dict(details or {}),
        salt=secrets.token_bytes(SALT_BYTES),
    )
    event.leaf = leaf(event.type, at_ms // 1000, chosen, commit_event(event_map(event), event.salt))
    event.save(force_insert=True)
    return event


def _still_named(recording: Recording | None) -> Recording | None:
    """Return `recording`, or None for one that events do not name any more: the words of its trail were removed.

    A tombstone's row is read again under its lock, so that no event slips in beside a removal that runs.
    """
    if recording is None or recording.state != State.ERASED:
        return recording
    fresh = Recording.objects.select_for_update(of=("self",)).filter(pk=recording.pk).values_list("pseudonym").get()
    return recording if fresh[0] is not None else None


def event_map(event: Event) -> dict[str, Any]:
    """Return the map that the event's leaf commits to; the same from the row as when it was written."""
    at_ms = to_ms(event.at_utc)
    return {
        "v": EVENT_VERSION,
        "type": event.type,
        "t": at_ms // 1000,
        "at_ms": at_ms,
        "subj": bytes(event.subject),
        "rec": event.recording_id.bytes if event.recording_id is not None else None,
        "actor": event.actor_label,
        "why": event.why,
        "rule": event.rule,
        "outcome": event.outcome,
        "details": event.details,
    }


def wait_for_leaf(event: Event, timeout_s: float = 2.0) -> bytes:
    """Wait until the log has `event` and return its `.tlog-proof`, checked; raises LogNotRunning after `timeout_s`.

    Call it after the deed's transaction: while that is open nobody else can see the event.
    """
    deadline = time.monotonic() + timeout_s
    while event.leaf_index is None:
        event.refresh_from_db(fields=["leaf_index", "log_generation"])
        if event.leaf_index is None:
            if time.monotonic() >= deadline:
                raise LogNotRunning(
                    what="The log is not running, so what was asked for was not done.",
                    remedy="Start `./bwv worker` and `./bwv keyd`, then try again.",
                )
            pause(POLL_S)
    return proof_of(event)


def proof_of(event: Event) -> bytes:
    """Return the checked proof of an event that is in the log; raises ProofRejected, LogDamaged, LogMissing."""
    reader: LogReader = log.reader()
    proof = reader.tlog_proof(event.leaf_index)
    check_tlog_proof(proof, bytes(event.leaf), reader.vkey)
    return proof


def pause(seconds: float) -> None:
    """Wait between two looks at the database; tests put a sequencer's step in its place."""
    time.sleep(seconds)
