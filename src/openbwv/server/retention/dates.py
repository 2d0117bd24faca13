"""A recording's due date: gathered from its row, computed by `rules`, kept on the row with its steps."""

from datetime import datetime
from typing import Any

from openbwv.server.clock import from_ms, to_ms
from openbwv.server.evidence.models import Recording
from openbwv.server.retention import rules
from openbwv.server.retention.models import PolicyVersion
from openbwv.server.trail.models import Event

DEFAULT = rules.Policy(number=0)


def policy_in_force() -> PolicyVersion | None:
    """Return the newest version that two people approved, or None."""
    return PolicyVersion.objects.filter(approved_utc__isnull=False).order_by("-number").first()


def rule_policy(version: PolicyVersion | None) -> rules.Policy:
    """Return the numbers of `version`; without one those of the default, under which nothing is deleted."""
    return rules.Policy(version.number, version.days, version.least_days) if version else DEFAULT


def facts_of(recording: Recording) -> rules.Facts:
    """Return what the date of a stored recording follows from."""
    after_ms = recording.due_explained.get("after_ms")
    return rules.Facts(
        ended_utc=recording.ended_utc or recording.ingest_utc,
        ingest_utc=recording.ingest_utc,
        clock_set=recording.clock_sync,
        opened_utc=recording.opened_utc,
        after_utc=from_ms(after_ms) if after_ms is not None else None,
    )


def checkpoint_time(recording: Recording) -> datetime | None:
    """Return when the newest entry was made under the log's checkpoint that the camera signed into OPEN, or None."""
    size = recording.open_facts.get("anchor_size")
    if not size:
        return None
    last = Event.objects.filter(leaf_index=size - 1).order_by("-log_generation").first()
    return last.at_utc if last else None


def compute(
    recording: Recording, policy: rules.Policy, *, not_before: datetime | None = None
) -> tuple[rules.Explanation, dict[str, Any]]:
    """Return the explanation of a stored recording's date, and the map kept on its row."""
    earlier = recording.due_explained.get("not_before_ms")
    floors = [moment for moment in (not_before, from_ms(earlier) if earlier is not None else None) if moment]
    floor = max(floors) if floors else None
    facts = facts_of(recording)
    explained = rules.explain_due(facts, policy, not_before=floor)
    return explained, {
        "utc_ms": to_ms(explained.utc),
        "rule": explained.rule,
        "steps": list(explained.steps),
        "policy": policy.number,
        "capture_rule": rules.choose_capture(facts).rule,
        "not_before_ms": to_ms(floor) if floor else None,
        "after_ms": recording.due_explained.get("after_ms"),
        "late": rules.kept_longer_because_late(facts, explained.utc) and floor is None,
    }


def set_due(recording: Recording, *, not_before: datetime | None = None) -> rules.Explanation:
    """Compute the date of a stored recording anew and save it. The caller holds the row's lock."""
    explained, kept = compute(recording, rule_policy(policy_in_force()), not_before=not_before)
    recording.retain_until_utc = explained.utc
    recording.due_explained = kept
    recording.save(update_fields=["retain_until_utc", "due_explained"])
    return explained
