"""What every part asks of the database, in SQL that is written once; whatever is asked more rarely stays with the ORM.

The ORM writes a query anew each time: that took nine tenths of a part's time at the database, a fifth of the whole part
(./bwv bench ingest). These few run on SQLite and PostgreSQL alike.
"""

from typing import Any
from uuid import UUID

from django.db import connection

from openbwv.server.evidence.models import Recording

STANDING = {
    kind: f"SELECT device.state FROM ingest_token token JOIN fleet_{kind} device ON device.kid = token.kid "  # noqa: S608
    "WHERE token.token_hash = %s"
    for kind in ("camera", "dock")
}
FACTS = (
    "SELECT recording.state, recording.next_seq, recording.closed, camera.kid FROM evidence_recording recording "
    "LEFT JOIN fleet_camera camera ON camera.id = recording.camera_id WHERE recording.id = %s"
)
STATE = "SELECT state FROM evidence_recording WHERE id = %s"
OVERLAP = "SELECT 1 FROM vault_part WHERE recording_id = %s AND first_seq <= %s AND last_seq >= %s LIMIT 1"


def standing_of(kind: str, token_hash: str) -> str | None:
    """Return the state of the device ("camera" or "dock") that a token was given to; None when either is gone."""
    row = _row(STANDING[kind], token_hash)
    return row[0] if row else None


def facts_of(rec_id: UUID) -> tuple[str, int, bool, str] | None:
    """Return a recording's state, next entry, whether it is closed, and its camera's key ("" without one)."""
    row = _row(FACTS, _pk(rec_id))
    return (row[0], row[1], bool(row[2]), row[3] or "") if row else None


def locked_state_of(rec_id: UUID) -> str:
    """Return a recording's state and keep its row locked until the transaction ends."""
    row = _row(STATE + (" FOR UPDATE" if connection.features.has_select_for_update else ""), _pk(rec_id))
    if row is None:
        raise Recording.DoesNotExist
    return row[0]


def is_any_held(rec_id: UUID, first: int, last: int) -> bool:
    """Return whether any part holds entries from number `first` to `last`."""
    return _row(OVERLAP, _pk(rec_id), last, first) is not None


def _row(sql: str, *values: Any) -> tuple[Any, ...] | None:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return cursor.fetchone()


def _pk(rec_id: UUID) -> Any:
    return Recording._meta.pk.get_db_prep_value(rec_id, connection)
