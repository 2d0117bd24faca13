"""What the home page says of deletion."""

from collections.abc import Iterator

from openbwv.server.clock import utc
from openbwv.server.evidence.queries import visible_to
from openbwv.server.people.models import Person
from openbwv.server.people.rights import may
from openbwv.server.people.todo import Glance, Todo
from openbwv.server.retention import queries
from openbwv.server.retention.dates import policy_in_force
from openbwv.server.retention.models import RUNNING_STATES, Deletion, PolicyVersion
from openbwv.server.retention.notices import about_to_go
from openbwv.server.retention.views.decisions import WAITING_EARLY
from openbwv.shared.clock import Clock

DECISIONS = "/retention/decisions"
WARNED = ("officer", "supervisor")  # owner and supervisor (R1)


def todo(person: Person, clock: Clock) -> Iterator[Todo]:
    """Yield what goes within a week, alarms, decisions that wait, reviews due, and what stays as it came late."""
    now = utc(clock)
    if person.has_role(*WARNED):
        going = visible_to(person).filter(pk__in=about_to_go(now).values("pk"))
        words = "recording deletes in the next 7 days,recordings delete in the next 7 days"
        yield _counted(going.count(), words, "/retention/soon")
    if may(person, "see-retention").allowed:
        yield _counted(queries.alarms_open().count(), "alarm of deletion,alarms of deletion", "/retention/", "urgent")
        if policy_in_force() is None:
            yield Todo(1, "The retention policy is missing: nothing is deleted", "/retention/policy", "urgent")
    if may(person, "approve-policy-second").allowed:
        waiting = PolicyVersion.objects.filter(approved_utc=None, withdrawn_utc=None).exclude(proposed_by=person)
        yield _counted(waiting.count(), "policy version to read,policy versions to read", "/retention/policy", "soon")
        early = Deletion.objects.filter(**WAITING_EARLY).exclude(proposed_by=person)
        yield _counted(
            early.count(), "deletion before its time to decide,deletions before their time to decide", DECISIONS, "soon"
        )
    if may(person, "remove-flag-confirm").allowed:
        removals = queries.removals_waiting().exclude(proposed_by=person)
        yield _counted(
            removals.count(), "flag to take off or leave on,flags to take off or leave on", DECISIONS, "soon"
        )
        reviews = queries.reviews_overdue(now).count() + queries.hold_reviews_overdue(now).count()
        yield _counted(
            reviews,
            "flag or hold whose review date has come,flags or holds whose review date has come",
            DECISIONS,
            "soon",
        )
        late = queries.kept_because_late().count()
        yield _counted(
            late,
            "recording stays beyond 31 days only because it came late,"
            "recordings stay beyond 31 days only because they came late",
            "/retention/",
        )
    if may(person, "second-check").allowed:
        releases = queries.releases_waiting().exclude(release_asked_by=person)
        yield _counted(releases.count(), "release of a hold to decide,releases of holds to decide", DECISIONS, "soon")


def glance(person: Person, clock: Clock) -> Iterator[Glance]:
    """Yield the policy in force, and how many deletions are under way."""
    if not may(person, "see-retention").allowed:
        return
    policy = policy_in_force()
    if policy:
        words = f"Version {policy.number}: {policy.days} days after recording"
        yield Glance("Retention policy", words, f"/retention/policy/{policy.number}")
    running = Deletion.objects.filter(state__in=RUNNING_STATES).count()
    yield Glance("Deletions under way", str(running) if running else "None", "/retention/")


def _counted(count: int, words: str, address: str, level: str = "") -> Todo:
    """Return a line whose words fit its count; `words` holds both, one and many, with a comma between."""
    one, many = words.split(",")
    return Todo(count, one if count == 1 else many, address, level)
