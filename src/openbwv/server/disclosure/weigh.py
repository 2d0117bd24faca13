"""What the facts say to each kind of "no footage" (R9): which may be answered, which not and why, which fits best.

Facts are: cameras that could have been there and have not docked, numbers that a camera counted and never brought, time
of which a camera's journal gives no word, what a camera was doing while somebody had it, and what was made and deleted.
"None was made" and "there but not recording" need every one of those cameras known throughout; "nobody was there" is a
person's judgement that only an officer named in the request can contradict; "cannot tell" needs something unknown.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from django.db.models import QuerySet

from openbwv.recording import CameraMode
from openbwv.server.disclosure.gaps import Gap, gaps_in_reach
from openbwv.server.disclosure.models import Match, NoFootage, Request
from openbwv.server.disclosure.queries import deleted_in_reach
from openbwv.server.disclosure.undocked import Undocked, in_reach, undocked_in_reach
from openbwv.server.fleet.models import Assignment, Camera, DeviceState
from openbwv.server.ingest.timeline import Piece, timelines
from openbwv.server.people.templatetags.plain import day_and_time, time_of_day

MOST_NAMED = 5
CANNOT_SAY = {
    NoFootage.NONE_MADE: "It cannot be said that none was made",
    NoFootage.NOT_RECORDING: "It cannot be said that an officer was there and not recording",
}
OR_CANNOT_TELL = "answer that we cannot tell."


@dataclass(frozen=True)
class Refusal:
    """Why a kind may not be answered, and what to do."""

    what: str
    remedy: str


@dataclass(frozen=True)
class Seen:
    """One camera that could have been there: who had it, and what it was doing in the time the request holds."""

    camera: Camera
    assignments: tuple[Assignment, ...]
    pieces: tuple[Piece, ...]

    @property
    def holes(self) -> tuple[Piece, ...]:
        """Return the time of which there is no word."""
        return tuple(piece for piece in self.pieces if piece.is_hole)

    def not_recording(self, from_utc: datetime, to_utc: datetime) -> tuple[Piece, ...]:
        """Return what is known of it between two times while somebody had it, but recordings and time in a dock."""
        quiet = [piece for piece in self.pieces if piece.mode not in (None, CameraMode.RECORDING, CameraMode.DOCKED)]
        found = []
        for had in self.assignments:
            found += _cut(quiet, max(from_utc, had.from_utc), min(to_utc, had.until_utc))
        return tuple(found)


@dataclass(frozen=True)
class Weighed:
    """The facts, what speaks against each kind (absent: nothing does), and the kind that fits best."""

    seen: tuple[Seen, ...]
    undocked: tuple[Undocked, ...]
    gaps: tuple[Gap, ...]
    given_up: tuple[str, ...]
    not_recording: tuple[Seen, ...]
    refusals: dict[str, Refusal]
    proposed: NoFootage

    @property
    def holes(self) -> tuple[Seen, ...]:
        """Return the cameras of which there is no word for some of the time."""
        return tuple(each for each in self.seen if each.holes)

    @property
    def to_show(self) -> tuple[Seen, ...]:
        """Return the cameras that an answer turns on: those with holes first, then those that were not recording."""
        return (*self.holes, *(each for each in self.not_recording if not each.holes))

    @property
    def kinds(self) -> list[tuple[NoFootage, Refusal | None, bool]]:
        """Return every kind with what speaks against it, and whether it is the one proposed."""
        return [(kind, self.refusals.get(kind), kind == self.proposed) for kind in NoFootage]


def weigh(request: Request) -> Weighed:
    """Return what the facts say to each kind of "no footage" for `request`."""
    undocked, gaps = tuple(undocked_in_reach(request)), tuple(gaps_in_reach(request))
    away = {each.camera.pk for each in undocked}
    seen = tuple(each for each in _seen(request) if each.camera.pk not in away)
    asked = request.window_from_utc, request.window_to_utc
    weighed = Weighed(
        seen=seen,
        undocked=undocked,
        gaps=gaps,
        given_up=tuple(each.recording.reference for each in _matches(request) if each.recording.is_given_up),
        not_recording=tuple(each for each in seen if each.not_recording(*asked)),
        refusals={},
        proposed=NoFootage.CANNOT_TELL,
    )
    gone = deleted_in_reach(request)
    made = [r.reference for r in gone.filter(started_utc__lt=asked[1], ended_utc__gt=asked[0])[:MOST_NAMED]]
    refusals = {
        NoFootage.NONE_MADE: _unknown(weighed, NoFootage.NONE_MADE) or _was_made(made),
        NoFootage.NOT_RECORDING: _unknown(weighed, NoFootage.NOT_RECORDING) or _nobody_had_one(weighed),
        NoFootage.NOBODY_THERE: _named_had_one(request),
        NoFootage.DELETED: None if gone.exists() else _nothing_deleted(),
        NoFootage.CANNOT_TELL: None if undocked or gaps or weighed.given_up or weighed.holes else _all_known(),
    }
    against = {kind: refusal for kind, refusal in refusals.items() if refusal is not None}
    order = (NoFootage.CANNOT_TELL, NoFootage.DELETED, NoFootage.NOT_RECORDING, NoFootage.NONE_MADE)
    wanted = [kind for kind in order if kind not in against and (kind != NoFootage.DELETED or made)]
    return replace(weighed, refusals=against, proposed=wanted[0] if wanted else NoFootage.NONE_MADE)


def _matches(request: Request) -> QuerySet[Match]:
    return request.matches.select_related("recording__camera")


def _seen(request: Request) -> list[Seen]:
    standing = request.standing
    found = in_reach(standing, Camera.objects.all())
    pieces = timelines([each.camera for each in found], from_utc=standing.from_utc, to_utc=standing.to_utc)
    return [Seen(each.camera, each.assignments, tuple(_in_use(pieces[each.camera.pk], each.camera))) for each in found]


def _in_use(pieces: Iterable[Piece], camera: Camera) -> list[Piece]:
    """Return the pieces as far as the camera was the force's: from its enrolment until it was revoked."""
    pieces = list(pieces)
    revoked_utc = camera.revoked_utc if camera.state == DeviceState.REVOKED else None
    until = revoked_utc or max((piece.to_utc for piece in pieces), default=camera.enrolled_utc)
    return _cut(pieces, camera.enrolled_utc, until)


def _cut(pieces: Iterable[Piece], from_utc: datetime, to_utc: datetime) -> list[Piece]:
    clipped = (
        replace(piece, from_utc=max(piece.from_utc, from_utc), to_utc=min(piece.to_utc, to_utc)) for piece in pieces
    )
    return [piece for piece in clipped if piece.from_utc < piece.to_utc]


def _unknown(weighed: Weighed, kind: NoFootage) -> Refusal | None:
    """Return why a kind that needs every camera known cannot be answered."""
    if weighed.undocked:
        coming = any(each.camera.written_off_utc is None for each in weighed.undocked)
        return Refusal(
            f"{CANNOT_SAY[kind]}: {'; '.join(each.words for each in weighed.undocked[:MOST_NAMED])}.",
            f"{'Wait until they are docked, or ' if coming else ''}{OR_CANNOT_TELL}".capitalize(),
        )
    if weighed.given_up:
        named = ", ".join(weighed.given_up[:MOST_NAMED])
        return Refusal(
            f"{CANNOT_SAY[kind]}: {named} was made, and given up with its camera.", OR_CANNOT_TELL.capitalize()
        )
    if weighed.gaps:
        said = [f"camera {each.camera.name}, {each.numbers}" for each in weighed.gaps[:MOST_NAMED]]
        return Refusal(
            f"{CANNOT_SAY[kind]}: what cameras counted never came ({'; '.join(said)}).",
            f"Find out what became of them, or {OR_CANNOT_TELL}",
        )
    if weighed.holes:
        said = [f"camera {each.camera.name}, {_when(each.holes[0])}" for each in weighed.holes[:MOST_NAMED]]
        return Refusal(
            f"{CANNOT_SAY[kind]}: cameras left a hole in their journals ({'; '.join(said)}).",
            f"Find out what they were doing then, or {OR_CANNOT_TELL}",
        )
    return None


def _when(hole: Piece) -> str:
    said = f"{day_and_time(hole.from_utc)} to {time_of_day(hole.to_utc)}"
    return f"{said}: {hole.why}" if hole.why else said


def _was_made(references: list[str]) -> Refusal | None:
    if not references:
        return None
    return Refusal(
        f"It cannot be said that none was made: {', '.join(references)} was made then and there, and is deleted.",
        "Answer that it was made and has been deleted.",
    )


def _nobody_had_one(weighed: Weighed) -> Refusal | None:
    if weighed.not_recording:
        return None
    return Refusal(
        "No camera that somebody had at that time and place was there without recording.",
        "Answer that none was made, or that nobody with a camera was there.",
    )


def _named_had_one(request: Request) -> Refusal | None:
    """Return the refusal when the officer named had a camera; who else was there only a person can judge."""
    officer = request.standing.officer
    if officer is None:
        return None
    had = Assignment.objects.filter(
        person=officer, from_utc__lt=request.window_to_utc, until_utc__gt=request.window_from_utc
    )
    first = had.select_related("camera").order_by("from_utc").first()
    if first is None:
        return None
    return Refusal(
        f"{officer}, whom the request names, had camera {first.camera} at that time.",
        "Answer that an officer was there but not recording, or what else the facts show.",
    )


def _nothing_deleted() -> Refusal:
    return Refusal("Nothing of that time and place has been deleted.", "Answer what else the facts show.")


def _all_known() -> Refusal:
    return Refusal(
        "Every camera that could have been there has docked, and nothing of their counters and journals is missing.",
        "Answer what they show: none was made, nobody was there, or there but not recording.",
    )
