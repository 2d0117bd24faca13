"""Events about no recording on which something rests that lives: those keep their words, however old they are."""

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.fields.json import KT

from openbwv.custody import EventType
from openbwv.server.cases.models import Matter
from openbwv.server.evidence.models import Recording
from openbwv.server.fleet.models import Assignment, Camera, DeviceState, Dock
from openbwv.server.people.models import Person
from openbwv.server.retention.dates import policy_in_force
from openbwv.server.retention.models import PolicyVersion
from openbwv.server.trail.models import Event

FOR_EVER = (EventType.TEXT_REMOVED, EventType.LOG_GENERATION)  # they explain others, and name nobody
OF_DEVICES = (EventType.ENROL, EventType.REVOKE, EventType.WRITE_OFF)


def without_the_living(
    events: QuerySet[Event], leaving: QuerySet[Recording], ending: QuerySet[Assignment]
) -> QuerySet[Event]:
    """Return those of `events` (about no recording) on which nothing rests that lives.

    What lives: a device in service, or one of which a recording still has its words; an account in use; an assignment
    that stays; a matter that is open; a policy version in force or waiting; the newest release; how a log began; and
    every removal; and a restore that tells of entries whose events are lost. `leaving` and `ending` are taken for gone.
    """
    told = {f"told_{name}": KT(f"details__{name}") for name in ("kid", "person", "camera", "matter")}
    return (
        events.alias(**told)
        .exclude(type__in=FOR_EVER)
        .exclude(pk__in=_newest_release())
        .exclude(Q(type__in=OF_DEVICES) & (Exists(_cameras(leaving)) | Exists(_docks())))
        .exclude(Q(type=EventType.ACCOUNT) & Exists(_accounts()))
        .exclude(Q(type=EventType.ASSIGN) & Exists(_assignments(ending)))
        .exclude(Q(type=EventType.CLASSIFY) & Exists(_matters()))
        .exclude(type=EventType.POLICY, details__version__in=_versions())
        .exclude(type=EventType.RESTORE, details__unknown_leaves__0__isnull=False)
    )


def _cameras(leaving: QuerySet[Recording]) -> QuerySet[Camera]:
    recorded = Recording.objects.filter(camera=OuterRef("pk"), pseudonym__isnull=False)
    needed = ~Q(state=DeviceState.REVOKED) | Exists(recorded.exclude(pk__in=leaving.values("pk")))
    return Camera.objects.filter(needed, kid=OuterRef("told_kid"))


def _docks() -> QuerySet[Dock]:
    return Dock.objects.filter(kid=OuterRef("told_kid")).exclude(state=DeviceState.REVOKED)


def _accounts() -> QuerySet[Person]:
    return Person.objects.filter(username=OuterRef("told_person"), is_active=True)


def _assignments(ending: QuerySet[Assignment]) -> QuerySet[Assignment]:
    return Assignment.objects.filter(
        camera__name=OuterRef("told_camera"),
        person__username=OuterRef("told_person"),
        from_utc__lte=OuterRef("at_utc"),
        until_utc__gte=OuterRef("at_utc"),
    ).exclude(pk__in=ending.values("pk"))


def _matters() -> QuerySet[Matter]:
    return Matter.objects.filter(reference=OuterRef("told_matter"), closed_utc=None)


def _versions() -> list[int]:
    waiting = PolicyVersion.objects.filter(approved_utc=None, withdrawn_utc=None)
    in_force = policy_in_force()
    return [*waiting.values_list("number", flat=True), *([in_force.number] if in_force else [])]


def _newest_release() -> list[int]:
    return list(Event.objects.filter(type=EventType.SOFTWARE).order_by("-id").values_list("pk", flat=True)[:1])
