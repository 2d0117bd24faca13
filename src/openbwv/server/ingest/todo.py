"""What the home page says of uploads that could not be accepted, and of what cameras counted that is not here."""

from collections.abc import Iterator
from urllib.parse import quote

from openbwv.server.fleet.models import Camera
from openbwv.server.ingest.missing import cameras_of_unit, different, shortfalls
from openbwv.server.ingest.models import Aside
from openbwv.server.people.models import Person
from openbwv.server.people.rights import may
from openbwv.server.people.todo import Todo
from openbwv.shared.clock import Clock

MOST_NAMED = 3


def todo(person: Person, clock: Clock) -> Iterator[Todo]:
    """Yield how much is kept aside and not settled, and each camera of which something is missing."""
    sees_cameras = may(person, "see-cameras").allowed
    if sees_cameras:
        count = Aside.objects.filter(resolved_utc=None).count()
        words = "upload is kept aside, because it could not be accepted"
        if count > 1:
            words = "uploads are kept aside, because they could not be accepted"
        yield Todo(count, words, "/fleet/aside", "urgent")
    if person.has_role("fleet"):
        yield from _missing(Camera.objects.all(), sees_cameras, clock)
    elif person.has_role("supervisor") and person.unit is not None:
        yield from _missing(cameras_of_unit(person.unit, clock), sees_cameras, clock)


def _missing(cameras, sees_cameras: bool, clock: Clock) -> Iterator[Todo]:
    found = shortfalls(cameras, clock)
    for short in found[:MOST_NAMED]:
        safe = short.overdue and all(row.on_camera for row in short.overdue) and not short.counted.unlisted
        yield Todo(1, short.words, _address(short.camera, sees_cameras), "soon" if safe else "urgent")
    if more := len(found) - MOST_NAMED:
        address = "/fleet/" if sees_cameras else "/recordings/"
        words = "more camera counted recordings that have not arrived"
        yield Todo(max(0, more), words if more == 1 else words.replace("camera", "cameras"), address, "urgent")
    for counted in different(cameras).select_related("camera")[:MOST_NAMED]:
        words = f"Camera {counted.camera} signed other counters than fit what is here. {counted.differs}"
        yield Todo(1, words, _address(counted.camera, sees_cameras), "urgent")


def _address(camera: Camera, sees_cameras: bool) -> str:
    """Return the camera's page, or for somebody who may not see that the list of its recordings."""
    return f"/fleet/cameras/{camera.kid}" if sees_cameras else f"/recordings/?camera={quote(camera.name)}"
