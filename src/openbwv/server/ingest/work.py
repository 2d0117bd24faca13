"""Database and disk work of a raw ASGI callable: in threads, with connections that are closed when they are stale.

Outside Django's request cycle nobody does that for us (note: a worker that lives for weeks meets restarted databases).
"""

import asyncio
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from django.db import OperationalError, close_old_connections

from openbwv.server.ingest.errors import Busy

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


async def in_thread(
    function: Callable[Arguments, Result], *arguments: Arguments.args, **keywords: Arguments.kwargs
) -> Result:
    """Run `function` in a thread with a usable database connection; raises Busy when the database stays locked."""

    def work() -> Any:
        close_old_connections()
        try:
            return function(*arguments, **keywords)
        except OperationalError as problem:
            if "locked" not in str(problem) and "deadlock" not in str(problem):
                raise
            raise Busy(what="The database is busy.", remedy="Try again in a second.") from problem
        finally:
            close_old_connections()

    return await asyncio.to_thread(work)
