"""What a camera was doing over a stretch of time: its journal's index and its recordings, laid end to end.

Rule: a recording is RECORDING, whatever else is said. Between two rows of the index the camera was in the mode of the
first when that lasts by itself (off, docked, asleep, out of order). It was off until it next started, when nothing is
missing between. Otherwise there is no word of it, and why stands beside it; nor is there of time that no row reaches.
A piece without a word of less than SILENCE is none: heartbeats are half a minute apart.
Proves: what the camera's key signed. Does not prove: what a camera without power or journal would have seen.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise

from django.db.models import Max, Min, Q
from django.db.models.functions import Coalesce

from openbwv.recording import CameraMode
from openbwv.server.evidence.models import Recording
from openbwv.server.fleet.models import Camera
from openbwv.server.ingest.journal_index import LASTING, OUT_OF_ORDER, SILENCE
from openbwv.server.ingest.models import MODES, REASONS, CameraSpan, Counted

LOOK_BACK = timedelta(days=400)  # a camera that was put away and has said nothing for so long has no word
MODE_WORDS = dict(MODES)
REASON_WORDS = dict(REASONS)


@dataclass(frozen=True)
class Piece:
    """A stretch in one mode; `mode` None: there is no word of it, and `why` says what is known of that."""

    mode: CameraMode | None
    from_utc: datetime
    to_utc: datetime
    why: str = ""

    @property
    def words(self) -> str:
        """Return it in words, without its times."""
        said = "No word" if self.mode is None else MODE_WORDS[self.mode]
        return f"{said} ({self.why})" if self.why else said

    @property
    def is_hole(self) -> bool:
        """Say whether nobody can tell what the camera did."""
        return self.mode is None


def timelines(cameras: Iterable[Camera], *, from_utc: datetime, to_utc: datetime) -> dict[int, list[Piece]]:
    """Return for each camera, by its id, the pieces that cover `from_utc` to `to_utc` without a gap."""
    cameras = list(cameras)
    rows, counted = _rows(cameras, from_utc, to_utc), _counted(cameras)
    recorded = _recorded(cameras, from_utc, to_utc)
    found = {}
    for camera in cameras:
        pieces = list(_clip(_between(rows.get(camera.pk, []), camera, counted.get(camera.pk)), from_utc, to_utc))
        whole = _filled(pieces, from_utc, to_utc, _why_nothing(rows.get(camera.pk, [])))
        found[camera.pk] = _merged(_without_blinks(_overlaid(whole, recorded.get(camera.pk, []))))
    return found


def _rows(cameras: list[Camera], from_utc: datetime, to_utc: datetime) -> dict[int, list[CameraSpan]]:
    """Return the rows that reach into the time, with the last before and the first after it, in the journal's order."""
    own = CameraSpan.objects.filter(camera__in=cameras)
    before = dict(
        own.filter(to_utc__lt=from_utc, to_utc__gte=from_utc - LOOK_BACK)
        .order_by()
        .values_list("camera")
        .annotate(Max("pk"))
    )
    after = dict(own.filter(from_utc__gt=to_utc).order_by().values_list("camera").annotate(Min("pk")))
    inside = Q(from_utc__lte=to_utc, to_utc__gte=from_utc) | Q(from_utc=None)
    ends = Q(pk__in=[*before.values(), *after.values()])
    found: dict[int, list[CameraSpan]] = {}
    for row in own.filter(inside | ends).order_by("pk"):
        if before.get(row.camera_id, 0) <= row.pk <= after.get(row.camera_id, row.pk):
            found.setdefault(row.camera_id, []).append(row)
    return found


def _counted(cameras: list[Camera]) -> dict[int, Counted]:
    return {row.camera_id: row for row in Counted.objects.filter(camera__in=cameras)}


def _recorded(
    cameras: list[Camera], from_utc: datetime, to_utc: datetime
) -> dict[int, list[tuple[datetime, datetime]]]:
    """Return when each camera recorded, by its id; a recording that has no end yet ends with what it has shown."""
    rows = (
        Recording.objects.filter(camera__in=cameras, clock_sync=True, started_utc__lte=to_utc)
        .annotate(end=Coalesce("ended_utc", "started_utc"))
        .filter(Q(ended_utc=None) | Q(end__gte=from_utc))
        .order_by("started_utc")
    )
    found: dict[int, list[tuple[datetime, datetime]]] = {}
    for row in rows:
        end = row.ended_utc or row.started_utc + timedelta(milliseconds=row.duration_ms)
        if end >= from_utc:
            found.setdefault(row.camera_id, []).append((max(row.started_utc, from_utc), min(end, to_utc)))
    return found


def _between(rows: list[CameraSpan], camera: Camera, counted: Counted | None) -> Iterator[Piece]:
    """Yield what the rows say and what may be said of the time between them; without a set clock they say nothing."""
    placed = _in_order(rows)
    if placed and placed[0].starts == 1 and placed[0].linked and placed[0].first_seq == 0:
        yield Piece(CameraMode.OFF, camera.enrolled_utc, placed[0].from_utc, "not started yet")
    for row, following in pairwise([*placed, None]):
        mode = CameraMode(row.mode)
        yield Piece(mode, row.from_utc, row.to_utc, _reason(row))
        if following is None:
            last = row.pk == rows[-1].pk
            if last and mode in LASTING and counted is not None and counted.made_utc and _is_whole(camera, counted):
                yield Piece(mode, row.to_utc, max(row.to_utc, counted.made_utc), _reason(row))
            continue
        since, until = row.to_utc, max(following.from_utc, row.to_utc)
        skipped = [each for each in rows if row.pk < each.pk < following.pk]
        if skipped or not following.linked:
            why = "its clock was not set" if skipped and following.linked else "entries of its journal are missing"
            yield Piece(None, since, until, why)
        elif mode in LASTING:
            yield Piece(mode, since, until, _reason(row))
        elif following.starts != row.starts:
            yield Piece(CameraMode.OFF, since, until, "it does not say why")
        else:
            yield Piece(None, since, until, "it was on, and its journal is silent")


def _in_order(rows: list[CameraSpan]) -> list[CameraSpan]:
    """Return the rows that have a time which does not go back; a start whose clock ran backwards proves nothing."""
    placed: list[CameraSpan] = []
    for row in rows:
        if row.from_utc is None or row.to_utc is None:
            continue
        if placed and row.from_utc < placed[-1].to_utc - OUT_OF_ORDER:
            continue
        placed.append(row)
    return placed


def _is_whole(camera: Camera, counted: Counted) -> bool:
    """Say whether the journal is here as far as the camera signed that it goes."""
    same = bytes(counted.journal_id) == bytes(camera.journal_id)
    return same and camera.journal_next_seq >= counted.journal_next_seq


def _why_nothing(rows: list[CameraSpan]) -> str:
    if any(row.from_utc is None for row in rows):
        return "its clock was not set"
    return "its journal does not reach so far" if rows else "no journal of it is here"


def _reason(row: CameraSpan) -> str:
    return REASON_WORDS.get(row.reason, "") if row.reason is not None and row.mode == CameraMode.OFF else ""


def _clip(pieces: Iterable[Piece], from_utc: datetime, to_utc: datetime) -> Iterator[Piece]:
    for piece in pieces:
        since, until = max(piece.from_utc, from_utc), min(piece.to_utc, to_utc)
        if since < until:
            yield replace(piece, from_utc=since, to_utc=until)


def _filled(pieces: Iterable[Piece], from_utc: datetime, to_utc: datetime, why: str) -> list[Piece]:
    """Return the pieces, one after the other, with what none of them reaches as pieces without a word."""
    whole, reached = [], from_utc
    for piece in sorted(pieces, key=lambda each: each.from_utc):
        if piece.from_utc > reached:
            whole.append(Piece(None, reached, piece.from_utc, why))
        if piece.to_utc > reached:
            whole.append(replace(piece, from_utc=max(piece.from_utc, reached)))
            reached = piece.to_utc
    if reached < to_utc:
        whole.append(Piece(None, reached, to_utc, why))
    return whole


def _overlaid(pieces: list[Piece], recorded: list[tuple[datetime, datetime]]) -> list[Piece]:
    """Return the pieces with the time of recordings taken out of them and put in as RECORDING."""
    for since, until in recorded:
        parts: list[Piece] = []
        for piece in pieces:
            parts += _clip([replace(piece, to_utc=min(piece.to_utc, since))], piece.from_utc, piece.to_utc)
            parts += _clip([replace(piece, from_utc=max(piece.from_utc, until))], piece.from_utc, piece.to_utc)
        if since < until:
            parts.append(Piece(CameraMode.RECORDING, since, until))
        pieces = sorted(parts, key=lambda each: each.from_utc)
    return pieces


def _without_blinks(pieces: list[Piece]) -> list[Piece]:
    """Return the pieces with holes shorter than SILENCE between known pieces given to what stands beside them."""
    kept: list[Piece] = []
    for piece, following in pairwise([*pieces, None]):
        beside = [each for each in (kept[-1] if kept else None, following) if each is not None]
        if not piece.is_hole or piece.to_utc - piece.from_utc >= SILENCE or any(each.is_hole for each in beside):
            kept.append(piece)
        elif beside:
            quiet = [each for each in beside if each.mode != CameraMode.RECORDING]
            mode, why = (quiet[0].mode, quiet[0].why) if quiet else (CameraMode.STANDBY, "")
            kept.append(replace(piece, mode=mode, why=why))
        else:
            kept.append(piece)
    return kept


def _merged(pieces: list[Piece]) -> list[Piece]:
    merged: list[Piece] = []
    for piece in pieces:
        if merged and (merged[-1].mode, merged[-1].why) == (piece.mode, piece.why):
            merged[-1] = replace(merged[-1], to_utc=piece.to_utc)
        else:
            merged.append(piece)
    return merged
