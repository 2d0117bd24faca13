"""Database and disk work of a raw ASGI callable: in threads, with connections that are closed when they are stale.

Outside Django's request cycle nobody does that for us (note: a worker that lives for weeks meets restarted databases).
"""

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from typing import Any, ParamSpec, TypeVar

from django.db import OperationalError, close_old_connections

from openbwv.recording.errors import BwvError
from openbwv.server.ingest.errors import Busy
from openbwv.shared.durable import DiskFull

LOCKED, FULL = ("locked", "deadlock"), ("is full", "No space left")  # in the words of SQLite and of PostgreSQL
Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


async def in_thread(
    function: Callable[Arguments, Result], *arguments: Arguments.args, **keywords: Arguments.kwargs
) -> Result:
    """Run `function` in a thread with a usable database connection; raises what `database_faults_named` does."""

    def work() -> Any:
        close_old_connections()
        try:
            with database_faults_named():
                return function(*arguments, **keywords)
        finally:
            close_old_connections()

    return await asyncio.to_thread(work)


@contextlib.contextmanager
def database_faults_named() -> Iterator[None]:
    """Raise Busy for a database that stays locked, DiskFull for one that cannot grow; the transaction is undone."""
    try:
        yield
    except OperationalError as problem:
        if (refusal := _refusal(str(problem))) is None:
            raise
        raise refusal from problem


def _refusal(words: str) -> BwvError | None:
    if any(word in words for word in FULL):
        return DiskFull(
            what="The disk that holds the database is full; nothing was taken.",
            remedy="Free some space or add a disk, then try again. Nothing that was stored before is lost.",
        )
    if any(word in words for word in LOCKED):
        return Busy(what="The database is busy.", remedy="Try again in a second.")
    return None
