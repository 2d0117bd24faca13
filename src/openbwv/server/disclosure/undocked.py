"""Cameras that could have been there and have not docked since: why "none was made" cannot be said yet (R9).

A camera that docked after the time asked for has handed in its list of recordings, so what it made is known. One that
did not may still hold footage of that time and place; one that was written off keeps what it held, and the answer stays
that nobody can tell.
"""

from dataclasses import dataclass

from django.db.models import Q, QuerySet

from openbwv.server.disclosure.models import Request, StandingHold
from openbwv.server.fleet.models import Assignment, Camera, DeviceState
from openbwv.server.people.models import Unit, UnitKind
from openbwv.server.people.templatetags.plain import day


@dataclass(frozen=True)
class Undocked:
    """One camera, and who had it in the time asked for, as far as anybody took it."""

    camera: Camera
    assignments: tuple[Assignment, ...]

    @property
    def words(self) -> str:
        """Return it in words: its name, and that it will never be docked when two people have written it off."""
        if self.camera.written_off_utc is None:
            return f"camera {self.camera.name} has not docked since"
        return f"camera {self.camera.name} was written off on {day(self.camera.written_off_utc)}"


def undocked_in_reach(request: Request) -> list[Undocked]:
    """Return the cameras that could have filmed what `request` asks for and have not docked since, by name.

    Place and time are those of its standing hold, so an hour on either side counts. The place of a camera is the unit
    it was taken for, or its own when nobody had taken it; an unknown place, or a unit that works everywhere, counts.
    """
    away = Q(last_docked_utc=None) | Q(last_docked_utc__lt=request.standing.to_utc)
    return in_reach(request.standing, Camera.objects.filter(away))


def in_reach(standing: StandingHold, cameras: QuerySet[Camera]) -> list[Undocked]:
    """Return those of `cameras` that could have filmed within a standing hold, by name, with who had them then.

    One that was reported lost still could: one person says that, and what it brings when it comes back is evidence.
    """
    cameras = (
        cameras.filter(enrolled_utc__lte=standing.to_utc)
        .exclude(state=DeviceState.REVOKED, revoked_utc__lt=standing.from_utc)
        .select_related("unit")
    )
    had: dict[int, list[Assignment]] = {}
    taken = Assignment.objects.filter(
        camera__in=cameras, from_utc__lte=standing.to_utc, until_utc__gte=standing.from_utc
    ).select_related("person__unit", "unit")
    for assignment in taken.order_by("from_utc"):
        had.setdefault(assignment.camera_id, []).append(assignment)
    return [
        Undocked(camera, tuple(had.get(camera.pk, ())))
        for camera in cameras
        if _could_be_there(standing, camera, had.get(camera.pk, []))
    ]


def _could_be_there(standing: StandingHold, camera: Camera, had: list[Assignment]) -> bool:
    if not had:
        return _fits(standing, camera.unit)
    return any(
        _fits(standing, each.unit or (each.person.unit if each.person else None))
        or (standing.officer_id is not None and each.person_id == standing.officer_id)
        for each in had
    )


def _fits(standing: StandingHold, unit: Unit | None) -> bool:
    anywhere = standing.unit_id is None or unit is None
    return anywhere or unit.pk == standing.unit_id or unit.kind == UnitKind.SPECIALIST
