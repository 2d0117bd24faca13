"""What has been over for the policy's years: the rows that a run may take, and how many those are. Changes nothing."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Exists, OuterRef, Q, QuerySet

from openbwv.custody import EventType
from openbwv.server.clock import to_ms
from openbwv.server.disclosure.models import OPEN_STATES, Match, MatchState, OutboxMessage, Request, StandingHold
from openbwv.server.evidence.models import Recording, State
from openbwv.server.evidence.queries import keeping_flags
from openbwv.server.fleet.models import Assignment, NoCameraReport
from openbwv.server.forgetting.living import without_the_living
from openbwv.server.retention.dates import policy_in_force
from openbwv.server.retention.models import Deletion, DeletionState, Hold, Opened, PolicyVersion
from openbwv.server.retention.rules import years_before
from openbwv.server.trail.models import Event

OF_REQUESTS = (EventType.REQUEST, EventType.DECISION)


@dataclass(frozen=True)
class Cutoff:
    """The moment by which something must have been over, and the policy version and its years that say so."""

    version: int
    years: int
    utc: datetime

    @property
    def rule(self) -> str:
        """Return the rule as an event names it."""
        return f"policy version {self.version}: {self.years} years"

    @property
    def facts(self) -> dict[str, int]:
        """Return what a removal's event says of it."""
        return {"version": self.version, "years": self.years, "cutoff_ms": to_ms(self.utc)}


@dataclass(frozen=True)
class Waiting:
    """How many would lose their words at the next run. `others`: assignments, letters and the like, with a person."""

    cutoff: Cutoff
    recordings: int
    requests: int
    events: int
    others: int

    @property
    def nothing(self) -> bool:
        """Say whether a run would find nothing to do."""
        return not (self.recordings or self.requests or self.events or self.others)


def cutoff_at(now: datetime) -> Cutoff | None:
    """Return the cut-off of the policy in force, or None without one: then no words are removed, as nothing is."""
    version = policy_in_force()
    return cutoff_of(version, now) if version else None


def cutoff_of(version: PolicyVersion, now: datetime) -> Cutoff:
    """Return the cut-off that `version` gives at `now`."""
    return Cutoff(version.number, version.log_years, years_before(now, version.log_years))


def waiting(cutoff: Cutoff) -> Waiting:
    """Return how much a run would remove."""
    deletions = recordings_due(cutoff)
    requests = requests_due(cutoff)
    leaving = Recording.objects.filter(pk__in=deletions.values("recording"))
    events = Event.objects.filter(recording__in=leaving, removal=None).count()
    events += events_of_requests(requests).count()
    events += events_due(cutoff, leaving=leaving).count()
    others = sum(rows.count() for rows in others_due(cutoff, leaving=leaving, closing=requests))
    return Waiting(cutoff, deletions.count(), requests.count(), events, others)


def recordings_due(cutoff: Cutoff) -> QuerySet[Deletion]:
    """Return the deletions whose recordings became irrecoverable long enough ago and that nothing keeps in mind.

    What is held, flagged for an open matter or a review, or matched by a request that is not closed is left out, as is
    what has an event that the log does not have yet.
    """
    of_it = {"recording": OuterRef("recording")}
    return (
        Deletion.objects.filter(
            state=DeletionState.IRRECOVERABLE,
            irrecoverable_utc__lte=cutoff.utc,
            removal=None,
            recording__state=State.ERASED,
            recording__held_count=0,
        )
        .exclude(Exists(Hold.objects.filter(released_utc=None, **of_it)))
        .exclude(Exists(keeping_flags().filter(**of_it)))
        .exclude(Exists(Match.objects.filter(request__closed_utc=None, **of_it)))
        .exclude(Exists(Event.objects.filter(leaf_index=None, **of_it)))
        .order_by("irrecoverable_utc", "pk")
    )


def requests_due(cutoff: Cutoff) -> QuerySet[Request]:
    """Return the requests that were closed long enough ago and hold nothing any more.

    One with an embargo that has not ended is left out: it is opened again when the matter closes (R12).
    """
    waiting_for_the_log = Event.objects.filter(
        leaf_index=None, type__in=OF_REQUESTS, recording=None, subject=OuterRef("pseudonym")
    )
    return (
        Request.objects.filter(closed_utc__lte=cutoff.utc, removal=None)
        .exclude(state__in=OPEN_STATES)
        .exclude(Exists(StandingHold.objects.filter(request=OuterRef("pk"), ended_utc=None)))
        .exclude(Exists(Hold.objects.filter(request=OuterRef("pk"), released_utc=None)))
        .exclude(Exists(Match.objects.filter(request=OuterRef("pk"), state=MatchState.EMBARGOED)))
        .exclude(Exists(waiting_for_the_log))
        .order_by("closed_utc", "pk")
    )


def events_of_requests(requests: QuerySet[Request]) -> QuerySet[Event]:
    """Return the events about `requests` themselves; those about a recording stay as long as that recording's."""
    names = requests.order_by().values("pseudonym")
    return Event.objects.filter(type__in=OF_REQUESTS, recording=None, removal=None, subject__in=names)


def events_due(cutoff: Cutoff, *, leaving: QuerySet[Recording] | None = None) -> QuerySet[Event]:
    """Return the events about neither a recording nor a request that happened long enough ago, the oldest first.

    `leaving`: recordings that are counted as forgotten already.
    """
    leaving = Recording.objects.none() if leaving is None else leaving
    old = Event.objects.filter(recording=None, salt__isnull=False, leaf_index__isnull=False, at_utc__lte=cutoff.utc)
    assignments = assignments_due(cutoff, leaving=leaving)
    return without_the_living(old.exclude(type__in=OF_REQUESTS), leaving, assignments).order_by("at_utc", "pk")


def assignments_due(cutoff: Cutoff, *, leaving: QuerySet[Recording]) -> QuerySet[Assignment]:
    """Return the assignments that ended long enough ago and that no recording with words rests on."""
    resting = Recording.objects.filter(assignment=OuterRef("pk")).exclude(pk__in=leaving.values("pk"))
    return Assignment.objects.filter(until_utc__lte=cutoff.utc).exclude(Exists(resting))


def others_due(
    cutoff: Cutoff, *, leaving: QuerySet[Recording] | None = None, closing: QuerySet[Request] | None = None
) -> tuple[QuerySet, ...]:
    """Return further rows that say what a person did then: who had a camera, found none, opened what, was written to.

    A letter stays while its address is that of a request that still has its words; `closing` are counted as without.
    """
    leaving = Recording.objects.none() if leaving is None else leaving
    asked = Request.objects.filter(Q(removal=None) & ~Q(email=""), email=OuterRef("to"))
    if closing is not None:
        asked = asked.exclude(pk__in=closing.values("pk"))
    return (
        assignments_due(cutoff, leaving=leaving),
        NoCameraReport.objects.filter(at_utc__lte=cutoff.utc),
        Opened.objects.filter(opened_utc__lte=cutoff.utc),
        OutboxMessage.objects.filter(made_utc__lte=cutoff.utc).exclude(Exists(asked)),
    )
