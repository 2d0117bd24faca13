"""Watching: VIEW is in the log before the key comes; each run of ten fragments is granted before it leaves (R7).

The key lives in this process's memory for the ten minutes of a viewing, and nowhere else; after a restart the same
leaf, still fresh, brings it back. Nothing watched is unlisted; at most ten seconds more are listed than were watched.
Times of a viewing are the system's: a moved clock neither lengthens nor ends one.
"""

import secrets
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, NoReturn

from django.db import DEFAULT_DB_ALIAS, connection, connections, transaction

from openbwv.custody import EventType
from openbwv.server.evidence.models import Recording, State
from openbwv.server.people.models import Person
from openbwv.server.trail.actions import log_event
from openbwv.server.vault.errors import NotStored, ViewingClosed
from openbwv.server.vault.models import KeyWrap, ViewingSession
from openbwv.server.vault.opened import Keys, OpenedRecording
from openbwv.server.vault.release import release_keys
from openbwv.shared.clock import Clock

OPEN_FOR = timedelta(minutes=10)
SILENCE = timedelta(seconds=60)
RUN = 10
MOST_KEPT = 256
# Asked for with every fragment, so not through objects, which cost ten times as much; and the times as the text that
# they are compared by.
ROW = (
    "SELECT closed_utc IS NULL, CAST(expires_utc AS TEXT), CAST(last_asked_utc AS TEXT) "
    "FROM vault_viewingsession WHERE id = "
)
GRANT = (
    "INSERT INTO vault_watchgrant (first_index, last_index, from_ms, to_ms, at, session_id) "
    "SELECT %s, %s, %s, %s, %s, id FROM vault_viewingsession WHERE id = %s AND closed_utc IS NULL {lock} "
    "ON CONFLICT (session_id, first_index) DO NOTHING"
)


@dataclass
class _Kept:
    opened: OpenedRecording
    expires_utc: datetime
    granted: set[int] = field(default_factory=set)  # first fragments of the runs that are committed
    session: ViewingSession | None = None  # as it was read last, and the row it was read from
    row: tuple[Any, ...] = ()


_kept: dict[str, _Kept] = {}
_waiting: list[threading.Timer] = []  # the one that drops the next key, if any is kept
_lock = threading.Lock()  # for changes of both; looking up one key needs none


def start_viewing(
    *,
    recording: Recording,
    person: Person,
    reason: str = "",
    rule: str = "",
    clock: Clock,
    from_ms: int | None = None,
    to_ms: int | None = None,
    purpose: str = "watch",
    request: object = None,
) -> ViewingSession:
    """Begin a viewing of ten minutes; the caller has judged the right and passes its rule.

    Raises NotStored, KeyMissing, LogNotRunning (503), KeydUnavailable (503): then the viewing is closed again and no
    key was given.
    """
    nothing_here = recording.state in (State.ANNOUNCED, State.ERASED, State.DELETING)  # a key alone may be here
    if nothing_here or not KeyWrap.objects.filter(recording=recording).exists():
        _refuse(recording)
    now = datetime.now(UTC)
    details = {"purpose": purpose, "from_ms": from_ms or 0, "to_ms": to_ms}
    if request is not None:
        details["request"] = getattr(request, "reference", str(request))
    with transaction.atomic():
        event = log_event(
            EventType.VIEW, recording=recording, actor=person, why=reason, rule=rule, details=details, clock=clock
        )
        session = ViewingSession.objects.create(
            id=secrets.token_urlsafe(32),
            person=person,
            recording=recording,
            event=event,
            reason=reason[:300],
            from_ms=from_ms or 0,
            to_ms=to_ms,
            opened_utc=now,
            last_asked_utc=now,
            expires_utc=now + OPEN_FOR,
        )
    try:
        _keep(session, release_keys(recording, event))
    except BaseException:
        close_viewing(session=session, clock=clock, why="no key")
        raise
    return session


def close_viewing(*, session: ViewingSession, clock: Clock, why: str = "left") -> None:
    """End a viewing, forget its key and log VIEWED with the spans that were granted. Idempotent."""
    with _lock:
        _kept.pop(session.pk, None)
    with transaction.atomic():
        locked = (
            ViewingSession.objects.select_for_update(of=("self",))
            .select_related("recording", "person")
            .get(pk=session.pk)
        )
        if locked.closed_utc is not None:
            return
        locked.closed_utc = datetime.now(UTC)
        locked.save(update_fields=["closed_utc"])
        log_event(
            EventType.VIEWED,
            recording=locked.recording,
            actor=locked.person,
            why=locked.reason,
            rule=f"closed: {why}",
            details={"view": locked.event_id, "spans_ms": spans_served(locked)},
            clock=clock,
        )


def close_silent(clock: Clock) -> int:
    """Close every viewing that expired, or from which nothing was heard for a minute; return how many."""
    now = datetime.now(UTC)
    waiting = ViewingSession.objects.filter(closed_utc=None)
    found = [each for each in waiting if each.expires_utc <= now or each.last_asked_utc <= now - SILENCE]
    for session in found:
        close_viewing(session=session, clock=clock, why="expired" if session.expires_utc <= now else "silence")
    return len(found)


def find_viewing(session_id: str, *, fresh: bool = False) -> ViewingSession | None:
    """Return a viewing, or None when there is none of that name.

    Between two fragments only its own row is looked at: while that is as it was, so is the viewing. `fresh` reads
    everything again, also what belongs to the recording and the person.
    """
    kept = _kept.get(session_id)
    row = _row(session_id)
    if not fresh and kept is not None and kept.session is not None and kept.row == row:
        return kept.session
    related = ("recording__camera", "person", "event")
    session = ViewingSession.objects.select_related(*related).filter(pk=session_id).first()
    if kept is not None:
        kept.session, kept.row = session, row
    return session


def _row(session_id: str) -> tuple[Any, ...]:
    """Return what can change of a viewing as the database has it, whether it is open first; empty if there is none.

    Asked of the driver itself: Django's cursor costs three times what the question does.
    """
    this = connections[DEFAULT_DB_ALIAS]
    this.close_if_health_check_failed()
    if this.connection is None:
        this.ensure_connection()
    with this.wrap_database_errors:
        found = this.connection.execute(ROW + ("?" if this.vendor == "sqlite" else "%s"), (session_id,))
        return found.fetchone() or ()


def opened_for(session: ViewingSession) -> OpenedRecording:
    """Return the opened recording of an open viewing and note that it was asked; raises ViewingClosed."""
    return _kept_for(session).opened


def _kept_for(session: ViewingSession) -> _Kept:
    now = datetime.now(UTC)
    silent = now - session.last_asked_utc > SILENCE
    if session.closed_utc is not None or session.expires_utc <= now or silent:
        _end(session)
    if now - session.last_asked_utc > timedelta(seconds=5):
        _note_asked(session, now)
    kept = _kept.get(session.pk)
    return kept or _keep(session, release_keys(session.recording, session.event))


def _note_asked(session: ViewingSession, now: datetime) -> None:
    """Write down that somebody still watches, and know the row as it then is, unless more of it changed meanwhile."""
    ViewingSession.objects.filter(pk=session.pk).update(last_asked_utc=now)
    session.last_asked_utc = now
    kept = _kept.get(session.pk)
    if kept is not None and kept.session is session:
        row = _row(session.pk)
        if row[:2] == kept.row[:2]:  # as open, and as long, as when it was read
            kept.row = row


def _end(session: ViewingSession) -> NoReturn:
    with _lock:
        _kept.pop(session.pk, None)  # another process closed it, as deletion does: its key is not kept here either
    raise ViewingClosed(
        what="This viewing is over.", remedy="Start watching again; it begins a new entry in the trail."
    )


def grant(session: ViewingSession, index: int) -> None:
    """Commit the run of at most ten fragments that holds fragment `index` before any of it leaves. Idempotent.

    Raises ViewingClosed: VIEWED lists what was granted by then, so nothing is granted after it.
    """
    first = index - index % RUN
    known = _kept.get(session.pk)
    if known is not None and first in known.granted:
        return
    kept = _kept_for(session)
    opened = kept.opened
    timed = opened.table.timed[first : first + RUN]
    if not timed:
        return
    from_ms, to_ms = media_ms(opened, timed[0].seq)[0], media_ms(opened, timed[-1].seq)[1]
    at = connection.ops.adapt_datetimefield_value(datetime.now(UTC))
    with connection.cursor() as cursor:
        cursor.execute(GRANT.format(lock=_lock_row()), (first, first + len(timed) - 1, from_ms, to_ms, at, session.pk))
        is_new = cursor.rowcount > 0
    if not is_new and not any(_row(session.pk)[:1]):
        _end(session)
    kept.granted.add(first)


def _lock_row() -> str:
    """Return what locks the viewing's row; SQLite has one lock for all writers and no word for it."""
    return "FOR UPDATE" if connection.features.has_select_for_update else ""


def media_ms(opened: OpenedRecording, seq: int) -> tuple[int, int]:
    """Return (start, end) of a fragment on the media time line, milliseconds from the first picture."""
    table = opened.table
    tracks = {track.track: track for track in table.open_body.tracks} if table.open_body else {}
    info = table.fragments[table.place[seq]]
    first = table.timed[0]
    time = info.times[0]
    scale = tracks[time.track].timescale
    origin = next((each.start for each in first.times if each.track == time.track), 0)
    return (time.start - origin) * 1000 // scale, (time.start + time.duration - origin) * 1000 // scale


def spans_served(session: ViewingSession) -> list[list[int]]:
    """Return the granted spans of a viewing in milliseconds, joined where they touch."""
    spans: list[list[int]] = []
    for from_ms, to_ms in session.grants.order_by("from_ms").values_list("from_ms", "to_ms"):
        if spans and from_ms <= spans[-1][1]:
            spans[-1][1] = max(spans[-1][1], to_ms)
        else:
            spans.append([from_ms, to_ms])
    return spans


def _keep(session: ViewingSession, keys: Keys) -> _Kept:
    kept = _Kept(OpenedRecording(session.recording, keys), session.expires_utc)
    with _lock:
        _forget_expired()
        while len(_kept) >= MOST_KEPT:
            del _kept[min(_kept, key=lambda name: _kept[name].expires_utc)]
        _kept[session.pk] = kept
        _forget_in_time()
    return kept


def _forget_expired() -> None:
    """Drop the keys whose ten minutes are over; the caller holds the lock."""
    now = datetime.now(UTC)
    for stale in [name for name, each in _kept.items() if each.expires_utc <= now]:
        del _kept[stale]


def _forget_in_time() -> None:
    """Have one thread drop the next key when its time comes, also where nobody asks again; the caller has the lock."""
    for timer in _waiting:
        timer.cancel()
    _waiting.clear()
    if _kept:
        first = min(each.expires_utc for each in _kept.values())
        timer = threading.Timer(max(0.0, (first - datetime.now(UTC)).total_seconds()), _time_has_come)
        timer.daemon = True
        _waiting.append(timer)
        timer.start()


def _time_has_come() -> None:
    with _lock:
        _forget_expired()
        _forget_in_time()


def _refuse(recording: Recording) -> None:
    raise NotStored(
        what=f"{recording.reference} cannot be watched: {State(recording.state).label.lower()}.",
        remedy="It can be watched a few seconds after it has been uploaded whole, until it is deleted.",
    )
