"""A recording arrives: its manifest's facts become a row that people can find, flag and hold at once.

The door has checked signatures and chain; here the facts are only read. Everything runs inside the door's transaction.
"""

import secrets
import uuid
from datetime import timedelta
from typing import Any

from django.db.models import F

from openbwv.custody import EventType
from openbwv.recording import SLUGS, CloseBody, Entry, EventBody, FragBody, OpenBody
from openbwv.recording.registry import ClockSource, EventKind, FragFlag, MuteReason, TrackKind
from openbwv.server.clock import from_ms, utc
from openbwv.server.evidence.actions.category import apply_category
from openbwv.server.evidence.models import Flag, Mark, MarkKind, Recording, ReferenceCounter, State
from openbwv.server.people.models import Person, Unit
from openbwv.server.trail.actions import log_event
from openbwv.shared.clock import Clock

NS_PER_MS = 1_000_000
PSEUDONYM_BYTES = 16
UPLOAD_BYTES_PER_S = 5_000_000  # what "about 12 min" is reckoned with: one camera on a shared dock
CAMERA_FLAG_REVIEW = timedelta(days=90)  # nothing is kept without an end (R2): somebody names its matter by then
MUTE_WORDS = {reason: reason.name.lower().replace("_", " ").capitalize() for reason in MuteReason}


def announce_recording(
    *,
    open_entry: Entry,
    camera: Any,
    assignment: Any = None,
    officer: Person | None = None,
    unit: Unit | None = None,
    clock: Clock,
) -> Recording:
    """Make the row of a recording whose OPEN entry has just arrived, and log that it exists."""
    body = open_entry.body
    if not isinstance(body, OpenBody):
        raise TypeError("announce_recording takes an OPEN entry")
    officer = officer or (assignment.person if assignment else None)
    unit = unit or (assignment.unit if assignment else None) or (officer.unit if officer else None) or camera.unit
    opened = from_ms(body.clock.utc_ms)
    recording = Recording.objects.create(
        id=uuid.UUID(bytes=open_entry.rec_id),
        reference=_next_reference(opened.year),
        pseudonym=secrets.token_bytes(PSEUDONYM_BYTES),
        camera=camera,
        assignment=assignment,
        officer=officer,
        unit=unit,
        announced_utc=utc(clock),
        opened_utc=opened,
        started_utc=opened - timedelta(microseconds=(open_entry.mono_ns - body.m0_ns) // 1000),
        clock_sync=body.clock.source != ClockSource.NONE,
        rc=body.rc,
        boot=body.bt,
        trigger=int(body.trigger),
        pre_ms=body.pre_ms,
        prev_id=body.previous or b"",
        prev_tail=body.previous_tail or b"",
        next_seq=1,
        tail=open_entry.sig_structure_sha256,
        open_facts=_open_facts(body),
    )
    log_event(
        EventType.INVENTORY,
        recording=recording,
        actor_label=f"camera {camera.name}",
        rule="manifest",
        details={"deed": "announced", "reference": recording.reference, "camera": camera.name},
        clock=clock,
    )
    return recording


def take_entries(*, recording: Recording, entries: list[Entry], clock: Clock) -> None:
    """Read the facts of further entries into the row. The caller holds the row's lock; entries known are skipped."""
    for entry in entries:
        if entry.seq < recording.next_seq:
            continue
        body = entry.body
        if isinstance(body, FragBody):
            _take_fragment(recording, body)
        elif isinstance(body, EventBody):
            _take_event(recording, entry, body, clock)
        elif isinstance(body, CloseBody):
            _take_close(recording, body)
        recording.next_seq = entry.seq + 1
        recording.tail = entry.sig_structure_sha256
    recording.save()


def mark_arriving(*, recording: Recording) -> None:
    """Note that the first of its media is here."""
    if recording.state == State.ANNOUNCED:
        recording.state = State.ARRIVING
        recording.save(update_fields=["state"])


def mark_stored(*, recording: Recording, clock: Clock) -> None:
    """Note that all of its media is durable. The door logs INGEST in the same transaction."""
    recording.state = State.STORED
    recording.ingest_utc = utc(clock)
    if recording.ended_utc is None:
        recording.ended_utc = recording.started_utc + timedelta(milliseconds=recording.duration_ms)
    recording.save(update_fields=["state", "ingest_utc", "ended_utc"])


def set_thumbnail(*, recording: Recording, stored_object: Any) -> None:
    """Give it its sealed still, unless its erasing has begun meanwhile."""
    if Recording.objects.filter(pk=recording.pk, state=State.STORED).update(thumbnail=stored_object):
        recording.thumbnail = stored_object


def minutes_left(recording: Recording) -> int:
    """Return about how many minutes the upload still takes, at least 1; 0 when all is here or the rest is given up."""
    if recording.state not in (State.ANNOUNCED, State.ARRIVING) or recording.is_given_up:
        return 0
    return max(1, round(recording.media_bytes / UPLOAD_BYTES_PER_S / 60))


def _next_reference(year: int) -> str:
    ReferenceCounter.objects.get_or_create(year=year)
    ReferenceCounter.objects.filter(year=year).update(last=F("last") + 1)
    return f"BWV-{year}-{ReferenceCounter.objects.get(year=year).last:06d}"


def _open_facts(body: OpenBody) -> dict[str, Any]:
    video = next((t for t in body.tracks if t.kind == TrackKind.VIDEO), body.tracks[0])
    return {
        "m0_ns": body.m0_ns,
        "video_track": video.track,
        "video_timescale": video.timescale,
        "first_time": None,
        "anchor_size": body.anchor.size if body.anchor else None,
        "dc": body.dc.hex(),
    }


def _take_fragment(recording: Recording, body: FragBody) -> None:
    recording.media_bytes += body.n
    if body.flags & FragFlag.INIT:
        return
    recording.fragments += 1
    facts = recording.open_facts
    for time in body.times:
        if time.track == facts["video_track"]:
            if facts["first_time"] is None:
                facts["first_time"] = time.start
            units = time.start + time.duration - facts["first_time"]
            recording.duration_ms = max(recording.duration_ms, units * 1000 // facts["video_timescale"])


def _take_close(recording: Recording, body: CloseBody) -> None:
    recording.closed = True
    recording.close_reason = int(body.why)
    recording.ended_utc = recording.started_utc + timedelta(milliseconds=recording.duration_ms)
    open_mute = recording.marks.filter(kind=MarkKind.MUTE, to_ms=None).first()
    if open_mute:
        _end_mute(recording, open_mute, recording.duration_ms)


def _take_event(recording: Recording, entry: Entry, body: EventBody, clock: Clock) -> None:
    at_ms = _media_ms(recording, entry.mono_ns)
    if body.kind == EventKind.MUTE_ON:
        reason = MUTE_WORDS.get(body.public.get(1), "")
        start_ms = _media_ms(recording, body.public[2])
        Mark.objects.create(recording=recording, kind=MarkKind.MUTE, from_ms=start_ms, reason=reason, seq=entry.seq)
    elif body.kind == EventKind.MUTE_OFF:
        open_mute = recording.marks.filter(kind=MarkKind.MUTE, to_ms=None).last()
        if open_mute:
            _end_mute(recording, open_mute, _media_ms(recording, body.public[2]))
    elif body.kind == EventKind.MARKER:
        recording.marker_count += 1
        Mark.objects.create(recording=recording, kind=MarkKind.MARKER, from_ms=at_ms, seq=entry.seq)
    elif body.kind == EventKind.PEOPLE_TOLD:
        Mark.objects.create(recording=recording, kind=MarkKind.TOLD, from_ms=at_ms, seq=entry.seq)
    elif body.kind == EventKind.CATEGORY:
        take_label(recording, code=body.public[1], evidential=body.public[2], clock=clock)


def take_label(recording: Recording, *, code: int, evidential: bool, clock: Clock) -> None:
    """Take the category and the evidential flag that the officer set on the camera (R9). Saves category and flag."""
    if code in SLUGS:
        apply_category(recording, SLUGS[code], at_utc=utc(clock), actor=None)
    if evidential and not recording.evidential_from_camera:
        recording.evidential_from_camera = True
        Flag.objects.create(
            recording=recording,
            category=recording.category,
            from_camera=True,
            review_date=utc(clock).date() + CAMERA_FLAG_REVIEW,
            note="Flagged on the camera",
            placed_by=recording.officer,
            placed_utc=utc(clock),
        )


def _end_mute(recording: Recording, mark: Mark, to_ms: int) -> None:
    mark.to_ms = max(to_ms, mark.from_ms)
    mark.save(update_fields=["to_ms"])
    recording.muted_ms += mark.to_ms - mark.from_ms


def _media_ms(recording: Recording, mono_ns: int) -> int:
    return max(0, (mono_ns - recording.open_facts["m0_ns"]) // NS_PER_MS)
