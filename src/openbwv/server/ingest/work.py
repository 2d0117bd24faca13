"""Database work of what runs outside Django's request cycle: with connections that are closed when they are stale.

Outside that cycle nobody does it for us (note: a worker that lives for weeks meets restarted databases). The door has
more threads than a database should have connections, so its threads hand such work to a few that keep theirs open.
"""

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar

from django.db import OperationalError, close_old_connections

from openbwv.recording.errors import BwvError
from openbwv.server.ingest.errors import Busy
from openbwv.shared.durable import DiskFull

LOCKED, FULL = ("locked", "deadlock"), ("is full", "No space left")  # in the words of SQLite and of PostgreSQL
Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")
DATABASE_THREADS = 16
_threads = ThreadPoolExecutor(DATABASE_THREADS, thread_name_prefix="database")


def at_database(
    function: Callable[Arguments, Result], *arguments: Arguments.args, **keywords: Arguments.kwargs
) -> Result:
    """Run `function` where a usable database connection is; raises what `database_faults_named` does.

    Never from inside another such call: with all threads taken, both would wait for ever.
    """
    return _threads.submit(_with_connection, function, *arguments, **keywords).result()


async def in_thread(
    function: Callable[Arguments, Result], *arguments: Arguments.args, **keywords: Arguments.kwargs
) -> Result:
    """Do the same for a raw ASGI callable, in one of its loop's threads."""
    call = partial(_with_connection, function, *arguments, **keywords)
    return await asyncio.get_running_loop().run_in_executor(None, call)


def _with_connection(
    function: Callable[Arguments, Result], *arguments: Arguments.args, **keywords: Arguments.kwargs
) -> Result:
    close_old_connections()  # of this thread; one that breaks now is closed before its next use
    with database_faults_named():
        return function(*arguments, **keywords)


@contextlib.contextmanager
def database_faults_named() -> Iterator[None]:
    """Raise Busy for a database that stays locked, DiskFull for one that cannot grow; the transaction is undone."""
    try:
        yield
    except OperationalError as problem:
        if (refusal := _refusal(str(problem))) is None:
            raise
        raise refusal from problem


def is_refused(problem: BaseException) -> bool:
    """Say whether the database was locked or full, so that it surely undid what was begun."""
    return isinstance(problem, OperationalError) and _refusal(str(problem)) is not None


def _refusal(words: str) -> BwvError | None:
    if any(word in words for word in FULL):
        return DiskFull(
            what="The disk that holds the database is full; nothing was taken.",
            remedy="Free some space or add a disk, then try again. Nothing that was stored before is lost.",
        )
    if any(word in words for word in LOCKED):
        return Busy(what="The database is busy.", remedy="Try again in a second.")
    return None
