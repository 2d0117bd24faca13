"""Whose numbers are whose, where a camera was enrolled anew and has had several keys under one name.

With its store kept it counts on under its new key, so what its earlier keys brought fills the numbers below. With a
store that is new it begins from 1 again, and their numbers say nothing of its own. So earlier keys count only below the
first number that this key is known to have counted itself.
"""

from django.db.models import Max, Min, Q, QuerySet

from openbwv.recording import CountStatement
from openbwv.server.evidence.models import Recording
from openbwv.server.fleet.models import Camera
from openbwv.server.ingest.models import Counted


def arrived(camera: Camera, first: int) -> QuerySet[Recording]:
    """Return the recordings of a camera: of its own key, and of its earlier keys those numbered below `first`."""
    return Recording.objects.filter(Q(camera=camera) | Q(camera__name=camera.name, rc__lt=first))


def earlier_keys(camera: Camera, first: int) -> QuerySet[Recording]:
    """Return the recordings numbered below `first` that other keys under the camera's name brought."""
    return Recording.objects.filter(camera__name=camera.name, rc__lt=first).exclude(camera=camera)


def first_counted(camera: Camera, statement: CountStatement) -> int:
    """Return the lowest number that this key is known to have counted, from its first statement here.

    A store that started less often than one of an earlier key had is another store, and was counted from 1.
    """
    began = Recording.objects.filter(camera__name=camera.name).exclude(camera=camera).aggregate(last=Max("boot"))
    if began["last"] is not None and statement.starts < began["last"]:
        return 1
    own = camera.recordings.filter(rc__gte=1).aggregate(first=Min("rc"))["first"]
    return statement.next_rc if own is None else min(own, statement.next_rc)


def first_known(camera: Camera) -> int:
    """Return the lowest number that this key is known to have counted, whether or not it ever said what it counted."""
    counted = Counted.objects.filter(camera=camera).first()
    if counted is not None:
        return counted.first_rc
    own = camera.recordings.filter(rc__gte=1).aggregate(first=Min("rc"))["first"]
    return camera.next_rc if own is None else own
