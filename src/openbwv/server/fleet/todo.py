"""What the home page says of cameras: one's own, not docked for days, waiting to be enrolled."""

from collections.abc import Iterator
from datetime import timedelta

from django.db.models import Q

from openbwv.server.clock import utc
from openbwv.server.fleet.models import Camera, DeviceState, Dock, Enrolment, EnrolmentState, WriteOff, WriteOffState
from openbwv.server.fleet.queries import cameras_of, current_assignments, not_brought_back
from openbwv.server.people.models import Person
from openbwv.server.people.rights import may
from openbwv.server.people.templatetags.plain import day_and_time
from openbwv.server.people.todo import Glance, Todo
from openbwv.shared.clock import Clock

NOT_DOCKED_AFTER = timedelta(days=3)


def todo(person: Person, clock: Clock) -> Iterator[Todo]:
    """Yield one's own camera that was not brought back, cameras not docked for 3 days, and cameras to be enrolled."""
    for late in not_brought_back(person, clock):
        long_ago = utc(clock) - late.until_utc > NOT_DOCKED_AFTER
        words = f"Dock camera {late.camera}: you had it until {day_and_time(late.until_utc)}"
        yield Todo(1, words, "/account/me#cameras", "urgent" if long_ago else "soon")
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
    yield from _write_offs(person)
    if may(person, "confirm-camera").allowed:
        count = Enrolment.objects.filter(state=EnrolmentState.PENDING).count()
        yield Todo(
            count,
            "camera waits at a dock to be enrolled" if count == 1 else "cameras wait at docks to be enrolled",
            "/fleet/",
        )


def _write_offs(person: Person) -> Iterator[Todo]:
    """Yield the write-offs that this person may decide; a single one by its name."""
    if not may(person, "write-off-confirm").allowed:
        return
    waiting = WriteOff.objects.filter(state=WriteOffState.PROPOSED).exclude(proposed_by=person)
    found = list(waiting.select_related("camera")[:2])
    if len(found) == 1:
        camera = found[0].camera
        yield Todo(1, f"Camera {camera} to be written off or not", f"/fleet/cameras/{camera.kid}/write-off", "soon")
    else:
        yield Todo(waiting.count(), "cameras to be written off or not", "/fleet/write-offs", "soon")


def glance(person: Person, clock: Clock) -> Iterator[Glance]:
    """Yield the camera that this person has, and for those who see all of them how many there are."""
    if person.has_role("officer", "supervisor"):
        held = [f"{each.camera}, until {day_and_time(each.until_utc)}" for each in cameras_of(person, clock)]
        yield Glance("Your camera", "; ".join(held) or "None. Take one at a dock", "/account/me#cameras")
    if may(person, "see-cameras").allowed:
        cameras = Camera.objects.filter(state=DeviceState.ENROLLED).count()
        taken = len(current_assignments(clock))
        docks = Dock.objects.filter(state=DeviceState.ENROLLED).count()
        yield Glance("Cameras in use", f"{cameras}, of which {taken} taken now", "/fleet/")
        yield Glance("Docks in use", str(docks), "/fleet/")
