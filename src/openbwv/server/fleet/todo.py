"""What the home page says of cameras: not docked for days, waiting to be enrolled."""

from collections.abc import Iterator
from datetime import timedelta

from django.db.models import Q

from openbwv.server.clock import utc
from openbwv.server.fleet.models import Camera, DeviceState, Enrolment, EnrolmentState
from openbwv.server.people.models import Person
from openbwv.server.people.rights import may
from openbwv.server.people.todo import Todo
from openbwv.shared.clock import Clock

NOT_DOCKED_AFTER = timedelta(days=3)


def todo(person: Person, clock: Clock) -> Iterator[Todo]:
    """Yield cameras not docked for 3 days, and cameras that wait for confirmation."""
    if not may(person, "see-cameras").allowed:
        return
    long_ago = utc(clock) - NOT_DOCKED_AFTER
    away = Camera.objects.filter(state=DeviceState.ENROLLED).filter(
        Q(last_docked_utc__lt=long_ago) | Q(last_docked_utc=None, enrolled_utc__lt=long_ago)
    )
    names = list(away.values_list("name", flat=True)[:2])
    if len(names) == 1:
        yield Todo(1, f"Camera {names[0]} not docked for 3 days", "/fleet/", "soon")
    else:
        yield Todo(away.count(), "cameras not docked for 3 days", "/fleet/", "soon")
    if may(person, "confirm-camera").allowed:
        count = Enrolment.objects.filter(state=EnrolmentState.PENDING).count()
        yield Todo(
            count,
            "camera waits at a dock to be enrolled" if count == 1 else "cameras wait at docks to be enrolled",
            "/fleet/",
        )
