"""What the home page says of deletion."""

from collections.abc import Iterator

from openbwv.server.clock import utc
from openbwv.server.people.models import Person
from openbwv.server.people.rights import may
from openbwv.server.people.todo import Todo
from openbwv.server.retention import queries
from openbwv.server.retention.dates import policy_in_force
from openbwv.server.retention.models import Deletion, PolicyVersion
from openbwv.server.retention.views.decisions import WAITING_EARLY
from openbwv.shared.clock import Clock

DECISIONS = "/retention/decisions"


def todo(person: Person, clock: Clock) -> Iterator[Todo]:
    """Yield alarms, decisions that wait, reviews that are due, and what stays only because it came late."""
    now = utc(clock)
    if may(person, "see-retention").allowed:
        yield Todo(queries.alarms_open().count(), "alarm of deletion", "/retention/", "urgent")
        if policy_in_force() is None:
            yield Todo(1, "retention policy is missing: nothing is deleted", "/retention/policy", "urgent")
    if may(person, "approve-policy-second").allowed:
        waiting = PolicyVersion.objects.filter(approved_utc=None, withdrawn_utc=None).exclude(proposed_by=person)
        yield Todo(waiting.count(), "policy version to read and approve", "/retention/policy", "soon")
        early = Deletion.objects.filter(**WAITING_EARLY).exclude(proposed_by=person)
        yield Todo(early.count(), "deletion before its time to decide", DECISIONS, "soon")
    if may(person, "remove-flag-confirm").allowed:
        yield Todo(queries.removals_waiting().count(), "flag to take off or leave on", DECISIONS, "soon")
        reviews = queries.reviews_overdue(now).count() + queries.hold_reviews_overdue(now).count()
        yield Todo(reviews, "flag or hold whose review date has come", DECISIONS, "soon")
        late = queries.kept_because_late().count()
        yield Todo(late, "recording stays beyond 31 days only because it came late", "/retention/")
    if may(person, "second-check").allowed:
        releases = queries.releases_waiting().exclude(release_asked_by=person)
        yield Todo(releases.count(), "release of a hold to confirm", DECISIONS, "soon")
