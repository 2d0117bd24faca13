"""What is given up when a camera is written off: shown to both people before they press, and kept with the decision."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.db.models import Max, Q, QuerySet, Sum

from openbwv.server.evidence.models import Recording, State
from openbwv.server.fleet.models import Camera, WriteOff
from openbwv.server.ingest.missing import numbers_in_words
from openbwv.server.ingest.models import Counted
from openbwv.server.ingest.numbered import arrived, first_known
from openbwv.server.vault.epochs import COMING, KeyFate, fate_without
from openbwv.server.vault.models import KeyWrap, ObjectKind, Part, PendingKey, StoredObject
from openbwv.shared.clock import Clock

MOST_KEPT = 500
BROUGHT = (ObjectKind.MANIFEST, ObjectKind.MEDIA, ObjectKind.ORPHAN)


@dataclass(frozen=True)
class Unfinished:
    """A recording that was announced and is not here whole: how much of it is, and whether its key came."""

    recording: Recording
    here_bytes: int
    has_key: bool

    @property
    def can_be_shown(self) -> bool:
        """Say whether what is here of it can still be watched once the camera is written off."""
        return self.recording.state == State.ARRIVING and self.has_key


@dataclass(frozen=True)
class GivenUp:
    """What a write-off gives up: numbers that the camera counted and never brought, unfinished recordings, keys."""

    missing: tuple[tuple[int, int], ...]
    held: tuple[int, ...]  # of the missing ones, those that the camera said it still holds
    unfinished: tuple[Unfinished, ...]
    keys: KeyFate

    @property
    def numbers(self) -> str:
        """Return the missing numbers in words, such as `3 to 5, 7`."""
        return ", ".join(f"{first}" if first == last else f"{first} to {last}" for first, last in self.missing)

    @property
    def held_in_words(self) -> str:
        """Return the numbers that the camera said it still holds, in words; empty for none."""
        return numbers_in_words(self.held) if self.held else ""

    def as_details(self) -> dict[str, Any]:
        """Return it as the event and the write-off keep it."""
        return {
            "missing": [list(each) for each in self.missing],
            "on_camera": list(self.held[:MOST_KEPT]),
            "unfinished": [each.recording.reference for each in self.unfinished[:MOST_KEPT]],
            "unfinished_count": len(self.unfinished),
            "own_epoch": self.keys.own,
            "epochs_to_go": list(self.keys.goes),
        }


def given_up_with(camera: Camera, clock: Clock) -> GivenUp:
    """Return what writing `camera` off gives up, as far as anybody here can know; raises KeydUnavailable."""
    here = arrived(camera, first_known(camera)).order_by("rc").values_list("rc", flat=True)
    held = camera.missing_numbers.filter(on_camera=True).values_list("rc", flat=True)
    missing = tuple(_gaps(here, camera.next_rc))
    return GivenUp(missing, tuple(held), tuple(_unfinished(camera)), fate_without(camera, clock))


def heard_since(write_off: WriteOff) -> bool:
    """Say whether anything of the camera came in after its write-off was proposed: then the list was another one.

    A dock announces first and sends the footage later, so footage of what was listed counts as well. Counters
    count from when they were taken here: a dock that was cut off brings them long after the camera left it.
    """
    camera, since = write_off.camera, write_off.proposed_utc
    docked = camera.last_docked_utc is not None and camera.last_docked_utc > since
    counted = Counted.objects.filter(camera=camera, taken_utc__gt=since)
    known = Recording.objects.filter(camera=camera).filter(Q(announced_utc__gt=since) | Q(ingest_utc__gt=since))
    brought = _brought_by(camera).filter(pk__gt=write_off.last_object)
    return docked or counted.exists() or known.exists() or brought.exists()


def last_object_of(camera: Camera) -> int:
    """Return the number of the newest file of entries or footage that `camera` brought, 0 for none."""
    return _brought_by(camera).aggregate(last=Max("pk", default=0))["last"]


def _brought_by(camera: Camera) -> QuerySet[StoredObject]:
    return StoredObject.objects.filter(recording__camera=camera, kind__in=BROUGHT)


def _gaps(here: Iterable[int], next_rc: int) -> Iterator[tuple[int, int]]:
    """Yield first and last of each run of numbers, from 1 to the last one counted, that no recording here has."""
    wanted = 1
    for rc in [*here, max(next_rc, 1)]:
        if rc > wanted:
            yield wanted, rc - 1
        wanted = max(wanted, rc + 1)


def _unfinished(camera: Camera) -> Iterator[Unfinished]:
    coming = Recording.objects.filter(camera=camera, state__in=COMING).order_by("rc", "started_utc")
    lengths = Part.objects.filter(recording__in=coming).order_by().values("recording").annotate(here=Sum("length"))
    here = dict(lengths.values_list("recording", "here"))
    keys = set(PendingKey.objects.filter(recording__in=coming, refused_why="").values_list("pk", flat=True))
    keys |= set(KeyWrap.objects.filter(recording__in=coming).values_list("pk", flat=True))
    for recording in coming:
        yield Unfinished(recording, here.get(recording.pk, 0), recording.pk in keys)
