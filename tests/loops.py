"""Event loops for tests."""

import asyncio
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any


def run_apart(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine on a loop in a thread of its own: after a browser test, Playwright's runs on in this one."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, coroutine).result()


def run_at_once(coroutine: Coroutine[Any, Any, Any]) -> None:
    """Run a coroutine that never really waits, without an event loop (in one, Django would open other connections)."""
    try:
        coroutine.send(None)
    except StopIteration:
        return
    raise AssertionError("it waited for something")
