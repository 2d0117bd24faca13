"""The cache (`CACHES`): counts of tries, in a table, as JSON. What is read from there can only ever be data.

It keeps what django-allauth's limits keep and nothing else: times of tries, a lock, and that a one-time code was used.
"""

import json
import math
import time
from datetime import UTC, datetime
from typing import Any

from django.core.cache.backends.base import DEFAULT_TIMEOUT, BaseCache
from django.db import IntegrityError, transaction
from django.utils import timezone

from openbwv.server.people.models import LimitCount

LONGEST_S = 3600  # no limit of ours counts for longer; with it the table holds at most the tries of an hour
MOST_TIMES = 200
MOST_CHARACTERS = 8192
SWEPT_AT_ONCE = 100
Kept = list[float] | str | bool


class LimitCache(BaseCache):
    """Rows of LimitCount, which all processes share.

    A row that is not what `encode` writes counts as a limit that is reached: it says that there were tries and not how
    many, so in doubt there is no further one until the row's time is over, which is minutes.

    No row that still counts is ever thrown away, whatever a flood of tries writes. What bounds the table is time:
    a row counts for an hour at most, and each `set`, so each try, takes up to a hundred with it that count no more.
    """

    def __init__(self, location: str, params: dict[str, Any]) -> None:
        """`location` is not used: the table is LimitCount's."""
        super().__init__(params)

    def get(self, key: str, default: Any = None, version: int | None = None) -> Any:
        """Return what is kept under `key` and still counts, or `default`."""
        text = self._living(key, version).values_list("value", flat=True).first()
        return default if text is None else decode(text)

    def set(self, key: str, value: Kept, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> None:
        """Keep `value` for `timeout` seconds; raises TypeError or ValueError for what is no count."""
        row = self._row(key, value, timeout, version)
        LimitCount.objects.bulk_create(
            [row], update_conflicts=True, unique_fields=["cache_key"], update_fields=["value", "expires"]
        )
        sweep()

    def add(self, key: str, value: Kept, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        """Keep `value` unless something is kept under `key` already; say whether it was. One of two at once wins."""
        row = self._row(key, value, timeout, version)
        LimitCount.objects.filter(pk=row.pk, expires__lte=timezone.now()).delete()
        try:
            with transaction.atomic():
                row.save(force_insert=True)
        except IntegrityError:
            return False
        return True

    def touch(self, key: str, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        """Have what is kept under `key` count for `timeout` seconds from now; say whether there was anything."""
        return bool(self._living(key, version).update(expires=self._expires(timeout)))

    def delete(self, key: str, version: int | None = None) -> bool:
        """Forget what is kept under `key`; say whether there was anything."""
        name = self.make_and_validate_key(key, version=version)
        return bool(LimitCount.objects.filter(pk=name).delete()[0])

    def clear(self) -> None:
        """Forget everything."""
        LimitCount.objects.all().delete()

    def _living(self, key: str, version: int | None) -> Any:
        name = self.make_and_validate_key(key, version=version)
        return LimitCount.objects.filter(pk=name, expires__gt=timezone.now())

    def _row(self, key: str, value: Kept, timeout: Any, version: int | None) -> LimitCount:
        name = self.make_and_validate_key(key, version=version)
        return LimitCount(cache_key=name, value=encode(value), expires=self._expires(timeout))

    def _expires(self, timeout: Any) -> datetime:
        ends_s = self.get_backend_timeout(timeout)
        if ends_s is None or ends_s > time.time() + LONGEST_S:
            raise ValueError(f"a limit counts for at most {LONGEST_S} seconds")
        return datetime.fromtimestamp(ends_s, tz=UTC)


def sweep() -> None:
    """Delete some rows that count no more, the oldest first.

    The moment is asked again of each row as it is deleted: one that was written anew in between stays.
    """
    over = LimitCount.objects.filter(expires__lte=timezone.now())
    with transaction.atomic():
        rows = over.select_for_update(skip_locked=True).order_by("expires").values_list("pk", flat=True)
        some = list(rows[:SWEPT_AT_ONCE])
        if some:
            over.filter(pk__in=some).delete()


def encode(value: Kept) -> str:
    """Return `value` as it is kept; raises TypeError for what is none of Kept, ValueError if too long."""
    if not _is_kept(value):
        raise TypeError(f"{type(value).__name__}: only times of tries, a text or a yes are kept here")
    text = json.dumps(value, allow_nan=False)
    if len(text) > MOST_CHARACTERS:
        raise ValueError(f"a count of {len(text)} characters")
    return text


def decode(text: str) -> Kept:
    """Return what `encode` was given; for any other text as many tries just now as reach every limit."""
    try:
        value = json.loads(text) if len(text) <= MOST_CHARACTERS else None
    except (ValueError, RecursionError):
        value = None
    return value if _is_kept(value) else [time.time()] * MOST_TIMES


def _is_kept(value: Any) -> bool:
    if isinstance(value, list):
        return len(value) <= MOST_TIMES and all(isinstance(each, float) and math.isfinite(each) for each in value)
    return isinstance(value, str) or value is True
