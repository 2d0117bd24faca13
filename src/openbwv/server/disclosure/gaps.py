"""Recordings that a camera has counted and nobody has seen: with such a gap nobody can say that none was made (R9).

Every recording carries its camera's counter, so one that is kept back or lost shows as soon as the next one is here.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.db.models import F, OuterRef, Subquery, Window
from django.db.models.functions import Lag

from openbwv.server.disclosure.models import Request
from openbwv.server.disclosure.undocked import in_reach
from openbwv.server.evidence.models import Recording
from openbwv.server.fleet.models import Camera


@dataclass(frozen=True)
class Gap:
    """Counters `first` to `last` of a camera that no recording has, and between which times they were used."""

    camera: Camera
    first: int
    last: int
    after_utc: datetime
    before_utc: datetime

    @property
    def numbers(self) -> str:
        """Return the counters in words."""
        return f"recording {self.first}" if self.first == self.last else f"recordings {self.first} to {self.last}"


def gaps_in_reach(request: Request) -> list[Gap]:
    """Return the gaps in the counters of cameras that could have been there, where they touch the time asked for."""
    standing = request.standing
    cameras = {each.camera.pk: each.camera for each in in_reach(standing, Camera.objects.all())}
    return [
        gap
        for gap in (*_between(cameras), *_after_the_newest(cameras))
        if gap.after_utc <= standing.to_utc and gap.before_utc >= standing.from_utc
    ]


def _between(cameras: dict[int, Camera]) -> Iterator[Gap]:
    """Yield what is missing before a recording that is here. A clock that was not set bounds nothing."""

    def last(name: str, *default: int) -> Window:
        return Window(Lag(name, 1, *default), partition_by=F("camera"), order_by=F("rc").asc())

    rows = (
        Recording.objects.filter(camera__in=cameras, rc__gt=0)
        .annotate(rc_before=last("rc", 0), end_before=last("ended_utc"), set_before=last("clock_sync"))
        .filter(rc__gt=F("rc_before") + 1)
        .order_by("camera__name", "rc")
    )
    for row in rows:
        camera = cameras[row.camera_id]
        yield Gap(
            camera,
            row.rc_before + 1,
            row.rc - 1,
            row.end_before if row.set_before and row.end_before else camera.enrolled_utc,
            row.started_utc if row.clock_sync and row.started_utc else row.announced_utc,
        )


def _after_the_newest(cameras: dict[int, Camera]) -> Iterator[Gap]:
    """Yield what a camera said it had counted when it was docked, beyond the newest recording that is here."""
    newest = Recording.objects.filter(camera=OuterRef("pk")).order_by("-rc")
    rows = Camera.objects.filter(pk__in=cameras).annotate(
        newest=Subquery(newest.values("rc")[:1]),
        end=Subquery(newest.values("ended_utc")[:1]),
        is_set=Subquery(newest.values("clock_sync")[:1]),
    )
    for row in rows.order_by("name"):
        camera, first = cameras[row.pk], (row.newest or 0) + 1
        if camera.next_rc > first and camera.last_docked_utc:
            after = row.end if row.is_set and row.end else camera.enrolled_utc
            yield Gap(camera, first, camera.next_rc - 1, after, camera.last_docked_utc)
